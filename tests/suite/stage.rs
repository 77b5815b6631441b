//! A stage for runs: a sandbox, clients on it, and a tree made of values.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use emblazon::apply::lease::LeaseGuard;
use emblazon::apply::{self, Applied, ApprovedPlan, RetryLimits, StepResult};
use emblazon::diag::{FileId, Place, SourceMap, Span, Spanned};
use emblazon::diff::{ManagedRecords, ZoneDifference, compare_zones};
use emblazon::dns::push::{
    PrimaryReader, PrimaryWriter, PushConfig, PushPolicy, Rfc2136Config, TsigKey,
};
use emblazon::live::{
    ClientConfig, CollectOptions, Credential, ReadClient, RetryPolicy, TemplateWriter, WriteClient,
    collect,
};
use emblazon::model::{
    AccountId, AccountName, AssetFacts, AssetFile, AssetKind, AssetType, ClusterName, Digest,
    Identity, Object, Secret, Settings,
};
use emblazon::plan::{self, Plan, RefusalKind};
use emblazon::sandbox::dns::DnsServer;
use emblazon::sandbox::{Fault, Options, Profile, Sandbox, Seed};
use emblazon::tree::{
    AccountPolicy, AuthConfig, ClusterConfig, Declared, Desired, DesiredAccount, DesiredTemplate,
    DnsMode, KeyAlgorithm, Ownership, Policy, Target,
};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::OnceCell;

/// A place in a tree that has no files.
const PLACE: Place = Place {
    file: FileId(0),
    span: Span { start: 0, end: 0 },
};

/// A sandbox, and what `apply` writes down.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) state: Utf8PathBuf,
    /// How long a request may take; short where a fault hangs.
    timeout: Duration,
    client: OnceCell<ReadClient>,
    primary: Option<PrimaryWriter>,
    _directory: tempfile::TempDir,
}

impl Stage {
    /// Starts a sandbox from a seed; the files lie beside it.
    pub(crate) async fn start(seed: &str, files: &[(&str, Vec<u8>)]) -> Self {
        // A run waits for the disk at each write, and no test looks at it after a crash.
        let in_memory = Path::new("/dev/shm");
        let directory = if in_memory.is_dir() {
            tempfile::tempdir_in(in_memory)
        } else {
            tempfile::tempdir()
        };
        let directory = directory.unwrap();
        let path = Utf8Path::from_path(directory.path()).unwrap().to_owned();
        for (name, bytes) in files {
            std::fs::write(path.join(name), bytes).unwrap();
        }
        let options = Options {
            listen: ([127, 0, 0, 1], 0).into(),
            profile: Profile::Master,
            seed: Seed::parse(seed, path.as_std_path()).unwrap(),
            state: None,
            faults: Vec::new(),
            record: None,
            capacity: None,
            dns_port: 0,
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let timeout = Duration::from_secs(20);
        Self {
            primary: primary(&sandbox, timeout),
            sandbox,
            state: path.join("state"),
            timeout,
            client: OnceCell::new(),
            _directory: directory,
        }
    }

    /// Lets requests time out soon, for faults that hang.
    pub(crate) fn impatient(mut self) -> Self {
        self.timeout = Duration::from_secs(1);
        self.primary = primary(&self.sandbox, self.timeout);
        self
    }

    /// Logs in, once.
    pub(crate) async fn client(&self) -> ReadClient {
        self.client.get_or_init(|| self.connect()).await.clone()
    }

    /// Forgets the login, as a process that ends does.
    pub(crate) fn log_out(&mut self) {
        self.client = OnceCell::new();
    }

    async fn connect(&self) -> ReadClient {
        self.connect_to(&self.sandbox.url()).await
    }

    /// Logs in by another way to the sandbox.
    pub(crate) async fn connect_to(&self, url: &str) -> ReadClient {
        self.connect_with(url, |_| ()).await
    }

    /// Does the same with other settings.
    pub(crate) async fn connect_with(
        &self,
        url: &str,
        set: impl FnOnce(&mut ClientConfig),
    ) -> ReadClient {
        let key = Credential::ApiKey(Secret::new(self.sandbox.api_key()));
        let mut config = ClientConfig::new(url, key);
        config.limits.read = self.timeout;
        config.limits.write = self.timeout;
        config.limits.retry = RetryPolicy {
            attempts: 3,
            first_pause: Duration::ZERO,
            longest_pause: Duration::ZERO,
            limited_pause: Duration::ZERO,
            deadline: self.timeout * 4,
        };
        set(&mut config);
        ReadClient::connect(config).await.unwrap()
    }

    /// Plans the way to a tree.
    pub(crate) async fn plan(&self, tree: &Tree) -> Plan {
        let client = self.client().await;
        let options = CollectOptions {
            unmanaged: false,
            ..CollectOptions::default()
        };
        let base = tree.base.as_deref();
        let live = collect(&client, &tree.desired, &options).await.unwrap();
        let mut sources = SourceMap::default();
        sources.add("accounts.yaml".into(), "");
        let zones = self.zones(tree, &sources).await;
        let options = plan::Options {
            allow: PRUNE.clone(),
            ..plan::Options::default()
        };
        plan::plan_with_records(&tree.desired, base, &live, zones, &sources, &options).plan
    }

    /// Compares the records of managed accounts with what the primary shows.
    async fn zones(&self, tree: &Tree, sources: &SourceMap) -> Vec<ZoneDifference> {
        let managed = ManagedRecords::new(&tree.desired, tree.base.as_deref(), sources);
        let Some(primary) = &self.primary else {
            return Vec::new();
        };
        let standings = primary.read().standings(&managed.questions()).await;
        compare_zones(&managed, &standings, PushPolicy::default())
    }

    /// Carries a plan out, without any pause.
    pub(crate) async fn apply(&self, tree: &Tree, plan: &Plan) -> Applied {
        self.apply_with(tree, plan, self.options()).await
    }

    pub(crate) async fn apply_with(
        &self,
        tree: &Tree,
        plan: &Plan,
        options: apply::Options,
    ) -> Applied {
        self.apply_as(self.client().await, tree, plan, options)
            .await
    }

    /// Carries a plan out with a client that has logged in.
    pub(crate) async fn apply_as(
        &self,
        reader: ReadClient,
        tree: &Tree,
        plan: &Plan,
        options: apply::Options,
    ) -> Applied {
        let writer = WriteClient::new(reader.clone());
        let template = TemplateWriter::new(reader);
        let files = |path: &Utf8Path| tree.files.get(path).cloned().ok_or("no such file");
        apply::run(
            unguarded(tree, plan),
            &writer,
            Some(&template),
            &files,
            &options,
            &|_| {},
        )
        .await
        .unwrap()
    }

    /// Options without pauses, and a clock that moves by a second with each look.
    pub(crate) fn options(&self) -> apply::Options {
        let clock = Mutex::new(Timestamp::UNIX_EPOCH);
        let mut options =
            apply::Options::new(self.state.clone(), LeaseGuard::exclusive(), move || {
                let mut now = clock.lock().unwrap();
                *now += Duration::from_secs(1);
                *now
            });
        options.concurrency = NonZeroUsize::new(2).unwrap();
        options.primary.clone_from(&self.primary);
        options.retries = RetryLimits {
            pause: Duration::ZERO,
            ..RetryLimits::default()
        };
        options
    }

    /// Plans and carries out; every step must succeed, and then there is nothing left to do.
    pub(crate) async fn converge(&self, tree: &Tree) -> Applied {
        let plan = self.plan(tree).await;
        assert_eq!(plan.refusals, [], "the plan is refused");
        let applied = self.apply(tree, &plan).await;
        for outcome in &applied.outcomes {
            assert!(
                matches!(outcome.result, StepResult::Done { .. }),
                "{outcome:?} of {:?}",
                plan.steps[outcome.step.0 as usize]
            );
        }
        let again = self.plan(tree).await;
        assert_eq!(again.steps, [], "a second plan has steps");
        applied
    }

    /// Scripts faults; requests are counted from now on.
    pub(crate) fn faults(&self, faults: Vec<Fault>) {
        self.sandbox.set_faults(faults);
    }

    pub(crate) fn dns(&self) -> &DnsServer {
        self.sandbox.dns().expect("a seed with DNS")
    }

    /// Shows what an account has, attachments by name and as text.
    pub(crate) fn shown(&self, name: &str) -> Option<Shown> {
        let world = self.sandbox.world();
        let account = world.account_named(name).expect("an account of the seed");
        let document = account.whitelabel.as_ref()?;
        let mut assets = BTreeMap::new();
        for kind in AssetKind::ALL {
            if let Some((name, attachment)) = document.asset(kind)
                && name.starts_with(kind.as_str())
            {
                assets.insert(kind, attachment.bytes.to_vec());
            }
        }
        Some(Shown {
            settings: document.settings.clone(),
            assets,
            reserved: account.reserved_domain.clone(),
            revision: document.revision.to_string(),
        })
    }
}

/// The name of the server that keeps the zones of a seed, and the key that it takes updates with.
pub(crate) const PRIMARY: &str = "ns1.dns.test";
pub(crate) const KEY: &str = "emblazon";

/// Reaches the primary of a sandbox whose seed has one.
fn primary(sandbox: &Sandbox, retries: Duration) -> Option<PrimaryWriter> {
    let dns = sandbox.dns()?;
    let config = PushConfig::Rfc2136(Rfc2136Config {
        server: dns.server(PRIMARY)?.to_string(),
        key: TsigKey {
            name: KEY.to_owned(),
            algorithm: KeyAlgorithm::HmacSha256,
            secret: Secret::new(dns.key(KEY)?.secret.clone()),
        },
    });
    let reader = PrimaryReader::with_patience(&config, retries).unwrap();
    Some(PrimaryWriter::new(reader))
}

/// What an account has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) settings: Object,
    pub(crate) assets: BTreeMap<AssetKind, Vec<u8>>,
    pub(crate) reserved: Option<String>,
    pub(crate) revision: String,
}

/// A tree without files on disk.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) desired: Desired,
    pub(crate) files: BTreeMap<Utf8PathBuf, Vec<u8>>,
    /// What was applied last, when that is known.
    pub(crate) base: Option<Box<Desired>>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let desired = Desired {
            cluster: ClusterConfig {
                name: ClusterName::new("test"),
                api: None,
                root: None,
                allow_plain_http: false,
                ca_file: None,
                ui: None,
                auth: AuthConfig::Environment,
                keys: Vec::new(),
            },
            accounts: Vec::new(),
            template: None,
            policy: Policy::default(),
        };
        Self {
            desired,
            files: BTreeMap::new(),
            base: None,
        }
    }

    /// Declares an account whose id is its first letter repeated; `null` is "must not be there".
    pub(crate) fn account(mut self, name: &str, whitelabel: Value) -> Self {
        let settings = Settings::from(object(whitelabel));
        let account = DesiredAccount {
            name: AccountName::new(name),
            identity: Spanned {
                value: Identity::Id(id(name)),
                place: PLACE,
            },
            settings: settings
                .leaves()
                .into_iter()
                .map(|(path, value)| (path, declared(Some(value.clone()).filter(|v| !v.is_null()))))
                .collect(),
            assets: BTreeMap::new(),
            absent: None,
            dns: DnsMode::default(),
            ignore: BTreeSet::new(),
            labels: BTreeMap::new(),
            policy: AccountPolicy {
                recreate: true,
                ..AccountPolicy::default()
            },
        };
        self.desired.accounts.push(account.into());
        self.desired.accounts.sort_by(|a, b| a.name.cmp(&b.name));
        self
    }

    /// Declares that an account has no whitelabel.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self = self.account(name, Value::Object(Object::new()));
        self.named(name).absent = Some(PLACE);
        self
    }

    /// Declares an asset of an account; no bytes: it must not be there.
    pub(crate) fn asset(mut self, name: &str, kind: AssetKind, bytes: Option<Vec<u8>>) -> Self {
        let file = bytes.map(|bytes| {
            let path = Utf8PathBuf::from(format!("accounts/{name}/{kind}"));
            let facts = AssetFacts {
                digest: Digest::of(&bytes),
                size: bytes.len() as u64,
                asset_type: AssetType::sniff(&bytes),
                dimensions: None,
            };
            self.files.insert(path.clone(), bytes);
            AssetFile { path, facts }
        });
        self.named(name).assets.insert(kind, declared(file));
        self
    }

    /// Declares hosts of the template.
    pub(crate) fn template(mut self, template: Value) -> Self {
        let mut hosts = BTreeMap::new();
        let mut types = BTreeSet::new();
        for (record_type, entries) in object(template) {
            types.insert(record_type.clone());
            for (host, entry) in object(entries) {
                let target = Target {
                    record_type: record_type.clone(),
                    host,
                };
                hosts.insert(target, declared(serde_json::from_value(entry).unwrap()));
            }
        }
        self.desired.template = Some(DesiredTemplate {
            hosts,
            types,
            ownership: Ownership::Shared,
        });
        self
    }

    /// Lets the DNS of all accounts be managed.
    pub(crate) fn managed(mut self) -> Self {
        for account in &mut self.desired.accounts {
            account.make_mut().dns = DnsMode::Manage;
        }
        self
    }

    /// Says what was applied last.
    pub(crate) fn after(mut self, base: Self) -> Self {
        self.base = Some(Box::new(base.desired));
        self
    }

    fn named(&mut self, name: &str) -> &mut DesiredAccount {
        let accounts = &mut self.desired.accounts;
        let account = accounts
            .iter_mut()
            .find(|account| account.name.as_str() == name);
        account.expect("a declared account").make_mut()
    }
}

/// What may be deleted: everything.
static PRUNE: LazyLock<BTreeSet<RefusalKind>> = LazyLock::new(|| [RefusalKind::Prune].into());

/// A plan with leave to delete.
pub(crate) fn unguarded<'a>(tree: &'a Tree, plan: &'a Plan) -> ApprovedPlan<'a> {
    ApprovedPlan {
        plan,
        desired: &tree.desired,
        allow: &PRUNE,
    }
}

/// The id of a seeded account: its first letter, 32 times.
pub(crate) fn id(name: &str) -> AccountId {
    AccountId::parse(&name[..1].to_lowercase().repeat(32)).unwrap()
}

pub(crate) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

/// Bytes that begin as a PNG does.
pub(crate) fn png(text: &str) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n", text.as_bytes()].concat()
}

/// Bytes that begin as an icon does.
pub(crate) fn ico(text: &str) -> Vec<u8> {
    [b"\0\0\x01\0", text.as_bytes()].concat()
}

pub(crate) fn html(text: &str) -> Vec<u8> {
    format!("<p>{text}</p>").into_bytes()
}

fn declared<T>(value: Option<T>) -> Declared<T> {
    Declared {
        value,
        place: PLACE,
    }
}

/// The outcome of a run with one step.
#[track_caller]
pub(crate) fn only(applied: &Applied) -> &apply::StepOutcome {
    match applied.outcomes.as_slice() {
        [one] => one,
        other => panic!("not one step: {other:?}"),
    }
}
