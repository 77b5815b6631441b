//! A cache whose values are computed once.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

/// Values computed on first use, each once, even under concurrent requests.
#[derive(Debug)]
pub(super) struct Memo<K, V>(Mutex<BTreeMap<K, Arc<OnceCell<V>>>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Ord, V: Clone> Memo<K, V> {
    /// Returns the cached value, or computes it. A value that is not `lasting` is returned but not cached.
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
