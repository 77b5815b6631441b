//! Walks the customer's path, over real connections.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream;
use hyper::Method;
use jiff::Timestamp;
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::browser::{self, ASKED_HEADERS};
use super::config_js::{ApiRoot, api_root};
use super::connection::{Connector, Contact};
use super::names::NameSource;
use super::page::{self, CONFIG};
use super::{Authorities, BrandProbe, BrandTarget, Fetch, Link, Names, Pace, Pin, Sighting, judge};
use crate::dns::{Exchange, ExchangeOptions};
use crate::model::AssetKind;

/// How many brands are looked at at a time.
const CONCURRENT_BRANDS: usize = 8;
/// How many redirects of the page are followed.
const MOST_REDIRECTS: usize = 4;

/// How a probe connects.
#[derive(Clone, Debug)]
pub struct ProbeOptions {
    /// The recursive resolvers to ask, in this order.
    pub resolvers: Vec<SocketAddr>,
    /// Addresses that the caller names instead.
    pub pins: Vec<Pin>,
    /// What stands where else than its address says, as in a sandbox.
    pub detours: BTreeMap<SocketAddr, SocketAddr>,
    /// The address of this machine to connect from; the system's choice when absent.
    pub from: Option<IpAddr>,
    /// The certificate authorities to trust.
    pub authorities: Authorities,
    /// How fast APIs are asked.
    pub pace: Pace,
}

/// The host and port of an API, and whether it speaks TLS.
type ApiKey = (bool, String, u16);

/// Looks at brands as a customer's browser does. It sends no credentials, has none, and changes nothing.
pub struct Prober {
    connector: Connector,
    pace: Mutex<Pace>,
    started: Instant,
    /// The APIs, which many brands share.
    apis: Mutex<BTreeMap<ApiKey, Arc<AsyncMutex<Option<Contact>>>>>,
}

impl Prober {
    /// Creates a prober; connections are made on demand, and kept.
    #[must_use]
    pub fn new(options: ProbeOptions) -> Self {
        Self {
            connector: Connector {
                names: NameSource {
                    exchange: Exchange::new(ExchangeOptions::default()),
                    resolvers: options.resolvers,
                    pins: options.pins,
                },
                authorities: options.authorities,
                detours: options.detours,
                from: options.from,
                connections: AtomicU64::new(0),
                requests: AtomicU64::new(0),
            },
            pace: Mutex::new(options.pace),
            started: Instant::now(),
            apis: Mutex::default(),
        }
    }

    /// Looks at brands, several at a time, and judges them; in the order given. `seen` is called for each.
    pub async fn probe(
        &self,
        targets: &[BrandTarget],
        seen: &(dyn Fn() + Sync),
    ) -> Vec<BrandProbe> {
        let all = stream::iter(targets).map(|target| async move {
            let sighting = self.look(target).await;
            seen();
            judge(target, &sighting)
        });
        all.buffered(CONCURRENT_BRANDS).collect().await
    }

    /// Returns how many connections were made, and how many requests were sent.
    #[must_use]
    pub fn traffic(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (
            read(&self.connector.connections),
            read(&self.connector.requests),
        )
    }

    /// Looks at one brand.
    pub async fn look(&self, target: &BrandTarget) -> Sighting {
        let host = target.host.value.as_str();
        let mut ui = self.connector.contact(true, host, 443).await;
        let mut sighting = Sighting {
            at: Timestamp::now(),
            ui: ui.arrival.clone(),
            plain: None,
            page: None,
            config: None,
            api: None,
            preflight: None,
            document: None,
            logo: None,
            icon: None,
            welcome: None,
        };
        if !matches!(sighting.ui.names, Names::Found(_) | Names::Pinned(_)) {
            return sighting;
        }
        sighting.plain = self.plain(host).await;
        if sighting.ui.is_connected() {
            self.look_at_page(&mut ui, target, &mut sighting).await;
        }
        sighting
    }

    /// Asks for the page in clear text; `None` if nobody listens.
    async fn plain(&self, host: &str) -> Option<Fetch> {
        let mut contact = self.connector.contact(false, host, 80).await;
        let url = Url::parse(&format!("http://{host}/")).ok()?;
        match &contact.arrival.link {
            Some(Link::Plain) => {
                let connector = &self.connector;
                Some(contact.send(connector, Method::GET, &url, &[]).await)
            }
            Some(Link::Unknown(reason)) => Some(Err(reason.clone())),
            Some(Link::Refused(_) | Link::Secure(_) | Link::Untrusted { .. }) | None => None,
        }
    }

    async fn look_at_page(&self, ui: &mut Contact, target: &BrandTarget, sighting: &mut Sighting) {
        let host = target.host.value.as_str();
        let Ok(mut at) = Url::parse(&format!("https://{host}/")) else {
            return;
        };
        let mut fetch = ui.send(&self.connector, Method::GET, &at, &[]).await;
        for _ in 0..MOST_REDIRECTS {
            let next = fetch
                .as_ref()
                .ok()
                .and_then(|answer| page::redirect(&at, answer));
            // Another origin is another page, which has another brand.
            let Some(next) = next.filter(|next| next.origin() == at.origin()) else {
                break;
            };
            at = next;
            fetch = ui.send(&self.connector, Method::GET, &at, &[]).await;
        }
        sighting.page = Some((at.clone(), fetch.clone()));
        let Ok(answer) = fetch else { return };
        if answer.status != 200 || !page::is_monster_ui(&answer.text()) {
            return;
        }
        let Ok(config_url) = at.join(CONFIG) else {
            return;
        };
        let config = ui
            .send(&self.connector, Method::GET, &config_url, &[])
            .await;
        sighting.config = Some(config.clone());
        let Ok(config) = config else { return };
        let (ApiRoot::At(root) | ApiRoot::Usual(root)) = api_root(&config.text(), &at) else {
            return;
        };
        let Ok(document) = at.join(&format!("{root}whitelabel/{host}")) else {
            return;
        };
        let forbidden = page::policies(&answer).forbids("connect-src", &at, &document);
        if config.status == 200 && forbidden.is_none() && !browser::is_mixed(&at, &document) {
            self.look_at_brand(ui, (&at, &document), target, sighting)
                .await;
        }
    }

    /// Asks the API as the page does.
    async fn look_at_brand(
        &self,
        ui: &mut Contact,
        (page, document): (&Url, &Url),
        target: &BrandTarget,
        sighting: &mut Sighting,
    ) {
        if !browser::is_foreign(page, document) {
            let asked = self.ask(ui, (page, document), target, sighting);
            return asked.await;
        }
        let (Some(host), Some(port)) = (document.host_str(), document.port_or_known_default())
        else {
            return;
        };
        let key = (document.scheme() == "https", host.to_owned(), port);
        let shared = {
            let mut apis = self.apis.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(apis.entry(key).or_default())
        };
        let mut slot = shared.lock().await;
        if slot.is_none() {
            let is_secure = document.scheme() == "https";
            *slot = Some(self.connector.contact(is_secure, host, port).await);
        }
        let Some(api) = slot.as_mut() else { return };
        sighting.api = Some(api.arrival.clone());
        if api.arrival.is_connected() {
            self.ask(api, (page, document), target, sighting).await;
        }
    }

    async fn ask(
        &self,
        api: &mut Contact,
        (page, document): (&Url, &Url),
        target: &BrandTarget,
        sighting: &mut Sighting,
    ) {
        let origin = browser::origin(page);
        let is_foreign = browser::is_foreign(page, document);
        if is_foreign {
            let question = [
                ("origin", origin.clone()),
                ("access-control-request-method", "GET".to_owned()),
                ("access-control-request-headers", ASKED_HEADERS.join(",")),
            ];
            self.wait().await;
            let answer = api.send(&self.connector, Method::OPTIONS, document, &question);
            let answer = answer.await;
            let refused = match &answer {
                Ok(answer) => browser::preflight_refused(page, answer).is_some(),
                Err(_) => true,
            };
            sighting.preflight = Some(answer);
            if refused {
                return;
            }
        }
        let headers = [("origin", origin), ("accept", "*/*".to_owned())];
        self.wait().await;
        let fetch = api
            .send(&self.connector, Method::GET, document, &headers)
            .await;
        let is_given = matches!(&fetch, Ok(answer) if answer.status == 200);
        sighting.document = Some(fetch);
        if !is_given {
            return;
        }
        for kind in target.assets.keys() {
            let Ok(url) = Url::parse(&format!("{document}/{kind}")) else {
                continue;
            };
            self.wait().await;
            let fetch = api.send(&self.connector, Method::GET, &url, &headers).await;
            let slot = match kind {
                AssetKind::Logo => &mut sighting.logo,
                AssetKind::Icon => &mut sighting.icon,
                AssetKind::Welcome => &mut sighting.welcome,
            };
            *slot = Some(fetch);
        }
    }

    /// Waits until the platform's limit lets another request through.
    async fn wait(&self) {
        let wait = {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            pace.take(self.started.elapsed())
        };
        tokio::time::sleep(wait).await;
    }
}
