//! One scenario's bench: a platform, hands and the reconciler on it, and what must be cleaned up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};
use emblazon::apply::lease::LeaseGuard;
use emblazon::apply::{self, Applied, ApprovedPlan, RetryLimits, StepResult};
use emblazon::diff::ChangeKey;
use emblazon::live::{CollectOptions, ReadClient, TemplateWriter, WriteClient, collect};
use emblazon::model::AccountId;
use emblazon::plan::{self, Action, Plan, Planned, RefusalKind, Step, Subject};
use emblazon::tree::Desired;
use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::Value;

use super::Account;
use super::hands::Hands;
use super::platform::{Platform, Server};
use super::tree::{Tree, TreeFiles};

/// How often a platform may show an old state before it counts as the state.
const LOOKS: u32 = 6;

/// Leave to delete, and to change what runs code.
fn pruning() -> BTreeSet<RefusalKind> {
    [RefusalKind::Prune, RefusalKind::Executes].into()
}

/// Tells the benches of one process apart.
static BENCHES: AtomicU32 = AtomicU32::new(0);

/// Runs a scenario on each kind of server, and cleans up after it, also when it failed.
pub(super) async fn scenario(body: impl AsyncFn(&Bench)) {
    for server in Platform::servers() {
        let bench = Bench::open(server).await;
        let outcome = AssertUnwindSafe(body(&bench)).catch_unwind().await;
        let left = bench.clean().await;
        if let Err(panic) = outcome {
            tell(&format!("on {server:?}: {left}"));
            resume_unwind(panic);
        }
        assert!(left.is_empty(), "{server:?}: {left}");
    }
}

/// Says something to whoever runs the tests.
#[expect(clippy::print_stderr, reason = "a test has no other way to speak")]
pub(super) fn tell(text: &str) {
    eprintln!("{text}");
}

/// A bench; see the module.
pub(super) struct Bench {
    pub(super) platform: Platform,
    pub(super) hands: Hands,
    /// Makes names unique on a platform that others use too.
    label: String,
    reader: ReadClient,
    accounts: Mutex<Vec<AccountId>>,
    template: Mutex<Option<Value>>,
    folders: AtomicU32,
    directory: tempfile::TempDir,
}

impl Bench {
    async fn open(server: Server) -> Self {
        let platform = Platform::open(server).await;
        let reader = platform.client().await;
        let hands = Hands::new(&platform, &reader).await;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let number = BENCHES.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        Self {
            label: format!("{:x}-{process:x}-{number}", since.as_millis()),
            platform,
            hands,
            reader,
            accounts: Mutex::default(),
            template: Mutex::default(),
            folders: AtomicU32::new(0),
            directory: directory(),
        }
    }

    /// Puts everything back; returns what could not be put back, a line each.
    async fn clean(&self) -> String {
        let mut left = String::new();
        let template = self.template.lock().unwrap().take();
        if let Some(template) = template
            && let Err(reason) = self.hands.replace_template(&template).await
        {
            let _ = writeln!(left, "the template is not as it was: {reason}: {template}");
        }
        let accounts = std::mem::take(&mut *self.accounts.lock().unwrap());
        for account in accounts {
            if let Err(reason) = self.hands.remove_account(&account).await {
                let _ = writeln!(left, "account {account} was left behind: {reason}");
            }
        }
        left
    }

    /// Makes an account, removed at the end.
    pub(super) async fn account(&self, name: &'static str) -> Account {
        let account = self.hands.create_account(name, &self.label).await;
        self.accounts.lock().unwrap().push(account.id.clone());
        account
    }

    /// Makes an account with a whitelabel.
    pub(super) async fn branded(&self, name: &'static str, settings: Value) -> Account {
        let account = self.account(name).await;
        self.hands.create(&account, &settings).await;
        account
    }

    /// Returns a domain that nobody else has.
    pub(super) fn domain(&self, name: &str) -> String {
        format!("{name}-{}.example.com", self.label)
    }

    /// Returns an account id that nobody has.
    pub(super) fn nobody(&self) -> String {
        let digest = emblazon::model::Digest::of(self.label.as_bytes());
        digest.as_str()[..32].to_owned()
    }

    /// Remembers the template, which is put back at the end, and returns it.
    pub(super) async fn borrow_template(&self) -> Value {
        let template = self.hands.template().await;
        *self.template.lock().unwrap() = Some(template.clone());
        template
    }

    /// Checks the template; other nodes of a cluster see a new one after seconds (D7).
    pub(super) async fn check_template(&self, expected: &Value) {
        let mut found = self.hands.template().await;
        for look in 1..LOOKS {
            if found == *expected || !self.platform.is_external() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(look)).await;
            found = self.hands.template().await;
        }
        assert_eq!(found, *expected);
    }

    fn folder(&self) -> Utf8PathBuf {
        let number = self.folders.fetch_add(1, Ordering::Relaxed);
        let path = Utf8Path::from_path(self.directory.path()).unwrap();
        path.join(number.to_string())
    }

    /// Begins a tree in a folder of its own.
    pub(super) fn tree(&self) -> TreeFiles {
        TreeFiles::new(self.folder())
    }

    /// Plans the way to a tree, with leave to delete.
    pub(super) async fn plan(&self, tree: &Tree) -> Planned {
        self.plan_with(tree, None, true).await
    }

    pub(super) async fn plan_with(
        &self,
        tree: &Tree,
        base: Option<&Desired>,
        prune: bool,
    ) -> Planned {
        let options = CollectOptions {
            unmanaged: false,
            ..CollectOptions::default()
        };
        let live = collect(&self.reader, tree.desired(), &options)
            .await
            .unwrap();
        let options = plan::Options {
            allow: if prune { pruning() } else { BTreeSet::new() },
            ..plan::Options::default()
        };
        let sources = &tree.loaded.sources;
        plan::plan(tree.desired(), base, &live, sources, &options)
    }

    /// Plans until there is nothing to do; an external platform may show an old state for a while.
    pub(super) async fn settled(&self, tree: &Tree) -> Planned {
        let mut planned = self.plan(tree).await;
        for look in 1..LOOKS {
            if planned.plan.steps.is_empty() || !self.platform.is_external() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(look)).await;
            planned = self.plan(tree).await;
        }
        planned
    }

    /// Carries a plan out.
    pub(super) async fn apply(&self, tree: &Tree, plan: &Plan) -> Applied {
        let writer = WriteClient::new(self.reader.clone());
        let template = TemplateWriter::new(self.reader.clone());
        let files = |path: &Utf8Path| tree.bytes(path);
        let clock = Mutex::new(Timestamp::UNIX_EPOCH);
        let mut options = apply::Options::new(self.folder(), LeaseGuard::exclusive(), move || {
            let mut now = clock.lock().unwrap();
            *now += Duration::from_secs(1);
            *now
        });
        if !self.platform.is_external() {
            options.retries = RetryLimits {
                pause: Duration::ZERO,
                ..RetryLimits::default()
            };
        }
        let mandate = ApprovedPlan {
            plan,
            desired: tree.desired(),
            allow: &pruning(),
        };
        let applied = apply::run(mandate, &writer, Some(&template), &files, &options, &|_| {})
            .await
            .unwrap();
        if self.platform.is_external() {
            self.await_writes(plan, &applied).await;
        }
        applied
    }

    /// Waits until the hands see what each account's last step left.
    async fn await_writes(&self, plan: &Plan, applied: &Applied) {
        let mut last = BTreeMap::new();
        for (step, outcome) in plan.steps.iter().zip(&applied.outcomes) {
            if let (Subject::Account { id, .. }, StepResult::Done { revision }) =
                (&step.subject, &outcome.result)
            {
                last.insert(id, revision.as_ref());
            }
        }
        for (id, revision) in last {
            if let Some(revision) = revision {
                self.hands.await_revision(id, revision.as_str()).await;
            }
        }
    }

    /// Plans and carries out; nothing is refused, nothing unknown, and afterwards nothing is left to
    /// do. Returns what was reported, a step a line.
    pub(super) async fn converge(&self, tree: &Tree) -> String {
        let planned = self.plan(tree).await;
        assert_eq!(planned.plan.refusals, [], "the plan is refused");
        for account in &planned.differences.accounts {
            assert_eq!(account.unknown, [""; 0], "{} is unknown", account.name);
        }
        let applied = self.apply(tree, &planned.plan).await;
        let told = self.told(&planned.plan, &applied);
        for outcome in &applied.outcomes {
            assert!(matches!(outcome.result, StepResult::Done { .. }), "{told}");
        }
        let after = self.settled(tree).await;
        let rest: Vec<&Step> = after.plan.steps.iter().collect();
        assert!(rest.is_empty(), "after\n{told}\nthere is still {rest:?}");
        assert_eq!(
            after.plan.refusals,
            [],
            "after the run something is refused"
        );
        told
    }

    /// Shows steps, a line each.
    pub(super) fn steps(&self, plan: &Plan) -> String {
        let lines: Vec<String> = plan.steps.iter().map(step).collect();
        self.masked(&lines.join("\n"))
    }

    /// Shows refusals, a line each.
    pub(super) fn refusals(&self, plan: &Plan) -> String {
        let lines: Vec<String> = plan
            .refusals
            .iter()
            .map(|refusal| format!("{:?}: {}", refusal.kind, refusal.message))
            .collect();
        self.masked(&lines.join("\n"))
    }

    /// Shows what was done and what became of it, a step a line.
    pub(super) fn told(&self, plan: &Plan, applied: &Applied) -> String {
        let mut lines = Vec::new();
        for (planned, outcome) in plan.steps.iter().zip(&applied.outcomes) {
            assert_eq!(planned.id, outcome.step);
            let result = match &outcome.result {
                StepResult::Done { .. } => "done".to_owned(),
                StepResult::Moved { reason } => format!("moved: {reason}"),
                StepResult::Failed { reason } => format!("failed: {reason}"),
                StepResult::Unknown { reason } => format!("unknown: {reason}"),
                StepResult::Skipped { because } => format!("skipped for {}", because.0),
                StepResult::NotBegun { reason, .. } => format!("not begun: {reason}"),
            };
            lines.push(format!("{}; {result}", step(planned)));
            lines.extend(outcome.notes.iter().map(|note| format!("  {note}")));
        }
        self.masked(&lines.join("\n"))
    }

    /// Takes what is another one in each run out of a text.
    pub(super) fn masked(&self, text: &str) -> String {
        text.replace(&self.label, "LABEL")
    }
}

/// Makes a folder, in memory where there is such a place: a run waits for the disk at each write, and no test
/// looks at it after a crash.
fn directory() -> tempfile::TempDir {
    let in_memory = Path::new("/dev/shm");
    if in_memory.is_dir() {
        tempfile::tempdir_in(in_memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Shows a step as `acme update company_name (differs)`.
fn step(step: &Step) -> String {
    let subject = match &step.subject {
        Subject::Account { name, .. } => name.as_str(),
        Subject::Template => "template",
        Subject::Zone(zone) => zone.as_str(),
    };
    let verb = match &step.action {
        Action::Create { .. } => "create",
        Action::Update { .. } => "update",
        Action::Release { .. } => "release",
        Action::Upload { .. } => "upload",
        Action::Recreate { .. } => "recreate",
        Action::Delete => "delete",
        Action::ReplaceTemplate { .. } => "replace",
        Action::Records { .. } => "records",
    };
    let mut shown = format!("{subject} {verb}");
    for change in &step.changes {
        let cause = format!("{:?}", change.cause).to_lowercase();
        let key = match &change.key {
            ChangeKey::Setting(path) => path.to_string(),
            ChangeKey::Asset(kind) => kind.to_string(),
            ChangeKey::Host(target) => format!("{} {}", target.record_type, target.host),
            ChangeKey::RecordType(record_type) => record_type.clone(),
            ChangeKey::Records(target) => format!("{} {}", target.host, target.record_type),
            ChangeKey::Whitelabel => "whitelabel".to_owned(),
        };
        let _ = write!(shown, " {key} ({cause})");
    }
    shown
}
