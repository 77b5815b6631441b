//! Walks the customer's path, over real connections.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::StreamExt as _;
use futures_util::stream;
use hyper::Method;
use jiff::Timestamp;
use thiserror::Error;
use tokio::net::TcpStream;
use url::Url;

use super::browser;
use super::caller::{Apis, Caller, SharedPace};
use super::config_js::{ApiRoot, api_root};
use super::connection::{Connector, Contact};
use super::content_policy::Script;
use super::content_type::{self, Opened};
use super::names::NameSource;
use super::page::{self, MOST_REDIRECTS, Page};
use super::{
    Authorities, AuthorityError, BrandProbe, BrandTarget, Fetch, HttpAnswer, Link, Names, Pin,
    Sighting, SipSighting, judge,
};
use crate::dns::{Exchange, ExchangeOptions, NoResolver, ZoneOptions};
use crate::model::AssetKind;
use crate::transport::TlsProblem;
use crate::tree::{FileError, Loaded, read_authorities};

/// How many brands are looked at at a time.
const CONCURRENT_BRANDS: usize = 8;

/// How a probe connects.
#[derive(Clone, Debug)]
pub struct ProbeOptions {
    /// The recursive resolvers to ask, in this order.
    pub resolvers: Vec<SocketAddr>,
    /// Addresses that the caller names instead.
    pub pins: Vec<Pin>,
    /// Where what stands at an address of a sandbox really listens; nothing else is connected to then.
    pub detours: Option<BTreeMap<SocketAddr, SocketAddr>>,
    /// The address of this machine to connect from; the system's choice when absent.
    pub from: Option<IpAddr>,
    /// The certificate authorities to trust.
    pub authorities: Authorities,
    /// How fast APIs are asked.
    pub pace: SharedPace,
}

/// The only world that the probe of a sandbox sees.
#[derive(Clone, Debug)]
pub struct ClosedWorld {
    /// The sandbox's resolver.
    pub resolver: SocketAddr,
    /// Where what stands at an address really listens.
    pub detours: BTreeMap<SocketAddr, SocketAddr>,
    /// The authority that issued its certificates, in PEM.
    pub authority: String,
}

/// Why nothing can be probed.
#[derive(Debug, Error)]
pub enum NoProbe {
    /// No resolver is known.
    #[error(transparent)]
    Resolver(#[from] NoResolver),
    /// A file of certificate authorities cannot be read.
    #[error("ca_file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: Utf8PathBuf,
        /// The reason.
        source: FileError,
    },
    /// The certificate authorities cannot be used.
    #[error(transparent)]
    Authorities(#[from] AuthorityError),
}

impl ProbeOptions {
    /// Returns the options that a tree declares: its resolvers, and the authorities of its platform and of `ca_file` beside
    /// those of this machine. The paths of the tree are from `folder`.
    ///
    /// # Errors
    /// When a file cannot be read, or there are no resolvers or no authorities.
    pub fn declared(
        loaded: &Loaded,
        folder: &Utf8Path,
        ca_file: Option<&Utf8Path>,
    ) -> Result<Self, NoProbe> {
        let declared = loaded.desired.cluster.ca_file.as_ref();
        let files = declared.map(|file| folder.join(file));
        let mut pem = Vec::new();
        for path in files.into_iter().chain(ca_file.map(Utf8Path::to_owned)) {
            let read = read_authorities(&path);
            pem.extend(read.map_err(|source| NoProbe::Unreadable { path, source })?);
            pem.push(b'\n');
        }
        let extra = Some(&*pem).filter(|pem| !pem.is_empty());
        Ok(Self {
            resolvers: ZoneOptions::declared(&loaded.dns)?.resolvers,
            pins: Vec::new(),
            detours: None,
            from: None,
            authorities: Authorities::of_this_machine(extra)?,
            pace: SharedPace::default(),
        })
    }

    /// Returns the options for a sandbox.
    ///
    /// # Errors
    /// When its authority cannot be used.
    pub fn within(world: &ClosedWorld) -> Result<Self, NoProbe> {
        Ok(Self {
            resolvers: vec![world.resolver],
            pins: Vec::new(),
            detours: Some(world.detours.clone()),
            from: None,
            authorities: Authorities::only(world.authority.as_bytes())?,
            pace: SharedPace::default(),
        })
    }
}

/// Looks at brands as a customer's browser does. It sends no credentials, has none, and changes nothing.
pub struct Prober {
    connector: Connector,
    apis: Apis,
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
                    used: Mutex::default(),
                },
                authorities: options.authorities,
                detours: options.detours,
                from: options.from,
                connections: AtomicU64::new(0),
                requests: AtomicU64::new(0),
            },
            apis: Apis::new(options.pace),
        }
    }

    /// Looks at brands, several at a time, and judges them; in the order given. `seen` is called for each.
    pub async fn probe(
        &self,
        targets: &[BrandTarget],
        seen: &(dyn Fn() + Sync),
    ) -> Vec<BrandProbe> {
        let all: Vec<_> = (targets.iter())
            .map(|target| self.judged(target, seen))
            .collect();
        let all = stream::iter(all).buffered(CONCURRENT_BRANDS);
        all.collect().await
    }

    async fn judged(&self, target: &BrandTarget, seen: &(dyn Fn() + Sync)) -> BrandProbe {
        let sighting = self.look(target).await;
        seen();
        judge(target, &sighting)
    }

    /// Connects to a host and port as a probe does, and says nothing there.
    pub(super) async fn dial(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        self.connector.dial(host, port).await
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

    /// Returns the addresses that the caller named for hosts and ports that nothing led to.
    #[must_use]
    pub fn unused_pins(&self) -> Vec<Pin> {
        self.connector.names.unused()
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
            program: Vec::new(),
            config: None,
            api: None,
            preflight: None,
            document: None,
            logo: None,
            icon: None,
            welcome: None,
            phones: self.phones(target).await,
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

    /// Shakes hands with the servers that phones find for SIP over TLS.
    async fn phones(&self, target: &BrandTarget) -> Vec<SipSighting> {
        let domain = target.host.value.as_str();
        let mut found = Vec::new();
        for (server, port) in &target.sips {
            let by_domain = self.connector.handshake(domain, server, *port).await;
            let is_for_another = matches!(
                by_domain.link,
                Some(Link::Untrusted {
                    problem: TlsProblem::WrongName(_),
                    ..
                })
            );
            let by_server = if is_for_another {
                Some(self.connector.handshake(server, server, *port).await)
            } else {
                None
            };
            found.push(SipSighting {
                by_domain,
                by_server,
            });
        }
        found
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
        let Ok(url) = Url::parse(&format!("https://{host}/")) else {
            return;
        };
        let (at, fetch) = self.follow(ui, Method::GET, url, page::leads_to).await;
        sighting.page = Some((at.clone(), fetch.clone()));
        let Ok(answer) = fetch else { return };
        let page = Page::read(&at, &answer);
        if page.opened != Opened::Html || page.policies.stops_scripts().is_some() {
            return;
        }
        let root = if let Some(own) = &target.ui {
            own.root
                .clone()
                .filter(|_| answer.text().contains(&own.text.value))
        } else {
            self.look_at_program(ui, &page, sighting).await;
            configured(sighting, &at)
        };
        let Some(root) = root else { return };
        let Some(document) = page.request(&format!("{root}whitelabel/{host}")) else {
            return;
        };
        let forbidden = page.policies.forbids_call(&at, &document);
        if forbidden.is_none() && !browser::is_mixed(&at, &document) {
            self.look_at_brand((ui, &page), &document, target, sighting)
                .await;
        }
    }

    /// Asks for the scripts of a page, if it is Monster UI; those of other hosts are left alone.
    async fn look_at_program(&self, ui: &mut Contact, page: &Page, sighting: &mut Sighting) {
        let is_own = |script: &&Script| script.url.origin() == page.url.origin();
        for script in page.program.iter().filter(is_own) {
            let url = script.url.clone();
            let mut answered = self.follow(ui, Method::HEAD, url, page::redirect).await;
            // Not every server knows HEAD.
            if answered
                .1
                .as_ref()
                .is_ok_and(|it| matches!(it.status, 405 | 501))
            {
                answered = self
                    .follow(ui, Method::GET, answered.0, page::redirect)
                    .await;
            }
            sighting.program.push((script.url.clone(), answered.1));
        }
        let config = page.config().filter(|_| page.is_monster_ui());
        if let Some(config) = config.filter(|config| is_own(&config)) {
            let (_, fetch) = self
                .follow(ui, Method::GET, config.url, page::redirect)
                .await;
            sighting.config = Some(fetch);
        }
    }

    /// Asks for a URL, and goes where the answer leads within its host, but nowhere twice.
    async fn follow(
        &self,
        ui: &mut Contact,
        method: Method,
        url: Url,
        leads_to: fn(&Url, &HttpAnswer) -> Option<Url>,
    ) -> (Url, Fetch) {
        let mut seen = vec![url];
        loop {
            let at = seen[seen.len() - 1].clone();
            let fetch = ui.send(&self.connector, method.clone(), &at, &[]).await;
            let next = fetch.as_ref().ok().and_then(|it| leads_to(&at, it));
            let next = next.filter(|next| next.origin() == at.origin() && !seen.contains(next));
            match next.filter(|_| seen.len() <= MOST_REDIRECTS) {
                // Another origin is another page, which has another brand.
                None => return (at, fetch),
                Some(next) => seen.push(next),
            }
        }
    }

    /// Asks the API as the page does.
    async fn look_at_brand(
        &self,
        (ui, page): (&mut Contact, &Page),
        document: &Url,
        target: &BrandTarget,
        sighting: &mut Sighting,
    ) {
        let mut caller = Caller {
            connector: &self.connector,
            apis: &self.apis,
            page,
            ui,
            reached: None,
        };
        (sighting.preflight, sighting.document) = caller.call(document, true).await;
        sighting.api = caller.reached.take();
        let given = sighting.document.as_ref().map(|call| &call.answer);
        if !given.is_some_and(|it| matches!(it, Ok(answer) if answer.status == 200)) {
            return;
        }
        for kind in target.assets.keys() {
            let Ok(url) = Url::parse(&format!("{document}/{kind}")) else {
                continue;
            };
            let (_, call) = caller.call(&url, false).await;
            let slot = match kind {
                AssetKind::Logo => &mut sighting.logo,
                AssetKind::Icon => &mut sighting.icon,
                AssetKind::Welcome => &mut sighting.welcome,
            };
            *slot = call;
        }
    }
}

/// Returns the API that `js/config.js` names, if a browser runs it.
fn configured(sighting: &Sighting, page: &Url) -> Option<String> {
    let config = sighting.config.as_ref()?.as_ref().ok()?;
    match api_root(&config.text(), page) {
        ApiRoot::At(root) | ApiRoot::Usual(root) => {
            Some(root).filter(|_| content_type::script_refused(config).is_none())
        }
        ApiRoot::NotUnderstood(_) | ApiRoot::Mistake(_) | ApiRoot::NotConfig => None,
    }
}
