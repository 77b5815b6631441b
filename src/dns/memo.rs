//! Answers that are found out once.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

/// Values that are computed when they are first wanted, each once, also when several want it at the same time.
#[derive(Debug)]
pub(super) struct Memo<K, V>(Mutex<BTreeMap<K, Arc<OnceCell<V>>>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Ord, V: Clone> Memo<K, V> {
    /// Returns the value, computing it where nobody has. One that is not `lasting` is for whoever computed it only.
    pub(super) async fn once(
        &self,
        key: &K,
        lasting: impl FnOnce(&V) -> bool,
        compute: impl Future<Output = V>,
    ) -> V {
        let slot = Arc::clone(self.0.lock().await.entry(key.clone()).or_default());
        let value = slot.get_or_try_init(|| async {
            let value = compute.await;
            if lasting(&value) {
                Ok(value)
            } else {
                Err(value)
            }
        });
        match value.await {
            Ok(value) => value.clone(),
            Err(value) => value,
        }
    }
}
