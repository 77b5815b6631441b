//! A brand of the quickstart, its user interface and its API.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::Utf8PathBuf;
use emblazon::probe::{
    self, Authorities, BrandProbe, BrandTarget, Located, OwnUi, Pin, ProbeOptions, Prober,
    SharedPace,
};
use emblazon::sandbox::dns::{DnsSeed, DnsServer};
use emblazon::sandbox::ui::{Authority, Issued, Term};
use emblazon::sandbox::{Options, Sandbox, Seed};
use emblazon::tree::{self, Origin, Workdir};
use jiff::{SignedDuration, Timestamp};

use super::server::{Backend, Change, Port, serve};

/// The brand's host.
/// Where phones find SIP over TLS.
pub(crate) const SIP: &str = "sip.example.com";
pub(crate) const HOST: &str = "portal.northwind.example";
/// The host that the page asks.
pub(crate) const API: &str = "api.example.com";
/// Another host of the API, which the page does not ask by itself.
pub(crate) const OTHER: &str = "other.example.com";
const API_PORT: u16 = 8443;

/// The certificate of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cert {
    Good,
    Expired,
    NotYet,
    WrongName,
    /// Without the certificate between it and the authority.
    Alone,
    /// Of an authority that nobody knows.
    Stranger,
    /// The port speaks http.
    ClearText,
    /// Nobody listens at the port.
    NoPort,
    /// Good, for one more week.
    EndsSoon,
}

/// What answers at port 80.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    Redirect,
    RedirectElsewhere,
    Page,
    NoPort,
}

/// What is as it should be, and what is not.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) ui: Cert,
    pub(crate) api: Cert,
    pub(crate) plain: Plain,
    pub(crate) ui_has_name: bool,
    pub(crate) api_has_name: bool,
    pub(crate) change_ui: Option<Change>,
    pub(crate) change_api: Option<Change>,
    /// What changes at [`OTHER`].
    pub(crate) change_other: Option<Change>,
    /// The text by which the tree knows a user interface of its own.
    pub(crate) own_ui: Option<&'static str>,
    /// Where another user interface than the sandbox's is served, as a URL without a path.
    pub(crate) other_ui: Option<String>,
    /// The names of the certificate at [`SIP`], where phones find SIP over TLS; nothing listens without any. Phones look
    /// for none when absent.
    pub(crate) sip: Option<&'static [&'static str]>,
}

impl Default for Scenario {
    /// Nothing is broken.
    fn default() -> Self {
        Self {
            ui: Cert::Good,
            api: Cert::Good,
            plain: Plain::Redirect,
            ui_has_name: true,
            api_has_name: true,
            change_ui: None,
            change_api: None,
            change_other: None,
            own_ui: None,
            other_ui: None,
            sip: None,
        }
    }
}

/// A scenario's servers.
pub(crate) struct World {
    _sandbox: Sandbox,
    dns: DnsServer,
    target: BrandTarget,
    /// The trusted authority, in PEM.
    pub(crate) authority: String,
    /// Host, port and address of what has a name.
    pub(crate) pins: Vec<Pin>,
    /// The address to connect from.
    pub(crate) from: Option<std::net::IpAddr>,
    taken: Vec<Arc<AtomicU64>>,
}

impl World {
    pub(crate) async fn start(scenario: &Scenario) -> Self {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart");
        let text = std::fs::read_to_string(folder.join("sandbox.yaml")).unwrap();
        let sandbox = Sandbox::start(Options::seeded(Seed::parse(&text, &folder).unwrap()))
            .await
            .unwrap();
        let zones =
            "zones: {northwind.example: {ns: [ns1.dns.test]}, example.com: {ns: [ns1.dns.test]}}";
        let zones: DnsSeed = serde_yaml::from_str(zones).unwrap();
        let dns = DnsServer::start(&zones, 0).await.unwrap();
        let makers = Makers::new();
        let mut ui = ui_backend(&sandbox, scenario.change_ui);
        if let Some(base) = &scenario.other_ui {
            ui.base.clone_from(base);
        }
        let api = Backend {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            base: sandbox.url(),
            change: scenario.change_api,
        };
        let other = Backend {
            change: scenario.change_other,
            ..api.clone()
        };
        let plain = plain_port(scenario.plain, &ui);
        let mut taken = Vec::new();
        let mut pins = Vec::new();
        let sip = match scenario.sip {
            None | Some([]) => Port::Closed,
            Some(names) => {
                let issued = makers.between.issue(names, days(-10, 80)).unwrap();
                Port::Tls(issued, other.clone())
            }
        };
        let ports = [
            (scenario.sip.is_some(), SIP, 5061, sip),
            (
                scenario.ui_has_name,
                HOST,
                443,
                makers.port(HOST, scenario.ui, ui),
            ),
            (scenario.ui_has_name, HOST, 80, plain),
            // Where the page looks for an API when its configuration names none.
            (scenario.ui_has_name, HOST, 8000, Port::Closed),
            (
                scenario.api_has_name,
                API,
                API_PORT,
                makers.port(API, scenario.api, api),
            ),
            (true, OTHER, API_PORT, makers.port(OTHER, Cert::Good, other)),
        ];
        for (has_name, host, port, served) in ports {
            let (address, count) = serve(served).await;
            taken.push(count);
            if has_name {
                pins.push(Pin {
                    host: host.to_owned(),
                    port,
                    address,
                });
            }
        }
        Self {
            target: BrandTarget {
                sips: scenario
                    .sip
                    .iter()
                    .map(|_| (SIP.to_owned(), 5061))
                    .collect(),
                ui: scenario.own_ui.map(own_ui),
                ..target(&folder)
            },
            _sandbox: sandbox,
            dns,
            authority: makers.root.pem(),
            pins,
            from: None,
            taken,
        }
    }

    pub(crate) fn options(&self) -> ProbeOptions {
        ProbeOptions {
            resolvers: vec![self.dns.resolver()],
            pins: self.pins.clone(),
            detours: None,
            from: self.from,
            authorities: Authorities::only(self.authority.as_bytes()).unwrap(),
            pace: SharedPace::default(),
        }
    }

    /// Probes the brand; returns the verdicts, and how many connections were made.
    pub(crate) async fn probe(&self) -> (BrandProbe, u64) {
        let prober = Prober::new(self.options());
        let targets = std::slice::from_ref(&self.target);
        let mut found = prober.probe(targets, &|| {}).await;
        let taken = self.taken.iter().map(|count| count.load(Ordering::SeqCst));
        (found.remove(0), taken.sum())
    }
}

/// Describes a user interface that asks the API.
fn own_ui(text: &str) -> OwnUi {
    OwnUi {
        text: Located {
            value: text.to_owned(),
            origin: Origin {
                file: "emblazon.yaml".into(),
                line: 9,
                column: 13,
            },
        },
        root: Some(format!("https://{API}:{API_PORT}/v2/")),
    }
}

fn target(folder: &Path) -> BrandTarget {
    let folder = Utf8PathBuf::from_path_buf(folder.to_owned()).unwrap();
    let source = Workdir::open(&folder).unwrap();
    let loaded = tree::load(&source, Some("production")).unwrap();
    let chosen = |name: &emblazon::model::AccountName| name.as_str() == "northwind";
    let (mut targets, _) = probe::targets(&loaded.desired, &loaded.sources, chosen);
    targets.remove(0)
}

/// Leads to the sandbox's user interface, over TLS.
fn ui_backend(sandbox: &Sandbox, change: Option<Change>) -> Backend {
    let at: SocketAddr = "192.0.2.80:443".parse().unwrap();
    let address = sandbox.detours()[&at];
    let authority = sandbox.authority().unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .resolve(HOST, address)
        .tls_certs_only(reqwest::Certificate::from_pem_bundle(authority.as_bytes()).unwrap())
        .build()
        .unwrap();
    Backend {
        client,
        base: format!("https://{HOST}:{}", address.port()),
        change,
    }
}

fn plain_port(plain: Plain, ui: &Backend) -> Port {
    let changed = |change: Change| {
        Port::Clear(Backend {
            change: Some(change),
            ..ui.clone()
        })
    };
    match plain {
        Plain::NoPort => Port::Closed,
        Plain::Page => Port::Clear(ui.clone()),
        Plain::Redirect => changed(|_, reply| {
            reply.status = 301;
            reply.set("location", &format!("https://{HOST}/"));
        }),
        Plain::RedirectElsewhere => changed(|_, reply| {
            reply.status = 302;
            reply.set("location", "http://old.northwind.example/");
        }),
    }
}

/// The authorities of a scenario.
struct Makers {
    root: Authority,
    between: Authority,
    stranger: Authority,
}

/// A validity from and until so many days from now.
fn days(from: i64, until: i64) -> Term {
    let now = Timestamp::now();
    let day = |days: i64| now + SignedDuration::from_hours(24 * days);
    Term {
        from: day(from),
        until: day(until),
    }
}

impl Makers {
    fn new() -> Self {
        let root = Authority::new("Test Root", days(-100, 3_000)).unwrap();
        Self {
            between: root
                .intermediate("Test Intermediate", days(-100, 1_000))
                .unwrap(),
            stranger: Authority::new("Stranger", days(-100, 1_000)).unwrap(),
            root,
        }
    }

    fn port(&self, host: &str, cert: Cert, backend: Backend) -> Port {
        let issue = |name: &str, term: Term| self.between.issue(&[name], term).unwrap();
        let issued: Issued = match cert {
            Cert::NoPort => return Port::Closed,
            Cert::ClearText => return Port::Clear(backend),
            Cert::Good => issue(host, days(-10, 80)),
            Cert::EndsSoon => issue(host, days(-80, 7)),
            Cert::Expired => issue(host, days(-90, -2)),
            Cert::NotYet => issue(host, days(2, 90)),
            Cert::WrongName => issue("www.harbor.example", days(-10, 80)),
            Cert::Stranger => self.stranger.issue(&[host], days(-10, 80)).unwrap(),
            Cert::Alone => {
                let mut issued = issue(host, days(-10, 80));
                issued.chain.truncate(1);
                issued
            }
        };
        Port::Tls(issued, backend)
    }
}
