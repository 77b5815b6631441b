//! Sends what a page asks the API for, as a browser does: with its question before, and along redirects.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::Method;
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::browser::{self, ASKED_HEADERS};
use super::connection::{Connector, Contact};
use super::page::{self, MOST_REDIRECTS, Page};
use super::{Arrival, Call, Fetch, Pace};

/// The host and port of an API, and whether it speaks TLS.
type ApiKey = (bool, String, u16);

/// A pace that probers keep together; cheap to clone.
#[derive(Clone, Debug)]
pub struct SharedPace(Arc<PaceState>);

#[derive(Debug)]
struct PaceState {
    pace: Mutex<Pace>,
    started: Instant,
}

impl SharedPace {
    /// Returns how long so many requests take, at least.
    #[must_use]
    pub fn time_for(&self, requests: u64) -> Duration {
        self.lock().time_for(requests)
    }

    /// Waits until the platform's limit lets another request through.
    async fn wait(&self) {
        let wait = {
            let elapsed = self.0.started.elapsed();
            self.lock().take(elapsed)
        };
        tokio::time::sleep(wait).await;
    }

    fn lock(&self) -> MutexGuard<'_, Pace> {
        self.0.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SharedPace {
    fn default() -> Self {
        Pace::default().into()
    }
}

impl From<Pace> for SharedPace {
    fn from(pace: Pace) -> Self {
        Self(Arc::new(PaceState {
            pace: Mutex::new(pace),
            started: Instant::now(),
        }))
    }
}

/// The APIs, which many brands share, and how fast they are asked.
pub(super) struct Apis {
    pace: SharedPace,
    contacts: Mutex<BTreeMap<ApiKey, Arc<AsyncMutex<Option<Contact>>>>>,
}

impl Apis {
    pub(super) fn new(pace: SharedPace) -> Self {
        Self {
            pace,
            contacts: Mutex::default(),
        }
    }

    fn contact(&self, key: ApiKey) -> Arc<AsyncMutex<Option<Contact>>> {
        let mut contacts = self.contacts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(contacts.entry(key).or_default())
    }
}

/// The program of one page.
pub(super) struct Caller<'a> {
    pub(super) connector: &'a Connector,
    pub(super) apis: &'a Apis,
    pub(super) page: &'a Page,
    /// The connection to the page's host.
    pub(super) ui: &'a mut Contact,
    /// The way to the last API that was asked.
    pub(super) reached: Option<Arrival>,
}

/// What came of a call: the browser's question, and the call itself if the answer allowed it.
pub(super) type Called = (Option<Call>, Option<Call>);

impl Caller<'_> {
    /// Asks for a URL, after the browser's question if `asks_before`.
    pub(super) async fn call(&mut self, url: &Url, asks_before: bool) -> Called {
        let own = &self.page.url;
        let mut at = url.clone();
        let mut origin = browser::is_foreign(own, &at).then(|| browser::origin(own));
        let (mut preflight, mut called) = (None, None);
        for _ in 0..=MOST_REDIRECTS {
            if let Some(origin) = origin.as_ref().filter(|_| asks_before) {
                called = None;
                preflight = self.ask_before(&at, origin).await;
                let is_allowed = preflight.as_ref().is_some_and(|call| {
                    let answer = call.answer.as_ref();
                    answer.is_ok_and(|it| browser::preflight_refused(origin, it).is_none())
                });
                if !is_allowed {
                    break;
                }
            }
            called = self.get(&at, origin.as_ref()).await;
            let Some(next) = called.as_ref().and_then(|call| self.next(call)) else {
                break;
            };
            origin = browser::origin_after(own, origin, &at, &next);
            at = next;
        }
        (preflight, called)
    }

    async fn ask_before(&mut self, url: &Url, origin: &str) -> Option<Call> {
        let question = [
            ("origin", origin.to_owned()),
            ("access-control-request-method", "GET".to_owned()),
            ("access-control-request-headers", ASKED_HEADERS.join(",")),
        ];
        let answer = self.send(Method::OPTIONS, url, &question).await?;
        Some(Call {
            url: url.clone(),
            origin: Some(origin.to_owned()),
            answer,
        })
    }

    async fn get(&mut self, url: &Url, origin: Option<&String>) -> Option<Call> {
        let mut headers = vec![("accept", "*/*".to_owned())];
        headers.extend(origin.map(|origin| ("origin", origin.clone())));
        let answer = self.send(Method::GET, url, &headers).await?;
        Some(Call {
            url: url.clone(),
            origin: origin.cloned(),
            answer,
        })
    }

    /// Returns where a browser goes on after a call.
    fn next(&self, call: &Call) -> Option<Url> {
        let answer = call.answer.as_ref().ok()?;
        let next = self.page.upgraded(page::redirect(&call.url, answer)?);
        let is_followed = browser::unreadable(call).is_none()
            && browser::redirect_refused(self.page, &next).is_none();
        is_followed.then_some(next)
    }

    /// Sends a request; `None` if its host is not reached.
    async fn send(
        &mut self,
        method: Method,
        url: &Url,
        headers: &[(&str, String)],
    ) -> Option<Fetch> {
        let (connector, apis) = (self.connector, self.apis);
        if !browser::is_foreign(&self.page.url, url) {
            apis.pace.wait().await;
            return Some(self.ui.send(connector, method, url, headers).await);
        }
        let (host, port) = (url.host_str()?, url.port_or_known_default()?);
        let is_secure = url.scheme() == "https";
        let shared = apis.contact((is_secure, host.to_owned(), port));
        let mut slot = shared.lock().await;
        if slot.is_none() {
            *slot = Some(connector.contact(is_secure, host, port).await);
        }
        let api = slot.as_mut()?;
        self.reached = Some(api.arrival.clone());
        if !api.arrival.is_connected() {
            return None;
        }
        apis.pace.wait().await;
        Some(api.send(connector, method, url, headers).await)
    }
}
