//! Every scripted fault at every request of a run, and at every message to the primary of its zone (invariant 4): the
//! first run's report is true, the second run converges, and at no time has an account lost a document or an asset
//! that it had, or the zone a record.

pub(crate) mod records;
pub(crate) mod trouble;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

use camino::Utf8Path;
use emblazon::apply::{Applied, StepResult};
use emblazon::diff::settings_in_sync;
use emblazon::live::ReadClient;
use emblazon::model::{AssetKind, KeyPath, Object, Settings};
use emblazon::plan::{Action, Plan, Subject};
use emblazon::sandbox::FaultKind;
use emblazon::sandbox::dns::DnsFaultKind;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use records::{Records, zone_steps};
use trouble::{Kind, Traffic, Trouble};

use crate::effort::Effort;
use crate::stage::{Shown, Stage, Tree, html, ico, png};

/// One account for each kind of step, and a zone that holds more than what is declared.
const SEED: &str = "
accounts:
  - {name: master, id: '00000000000000000000000000000000'}
  - {name: acme, id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}
  - name: beta
    id: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    whitelabel: {domain: beta.example.com, brandColor: red}
    assets: {icon: icon.ico, welcome: welcome.html}
  - name: city
    id: cccccccccccccccccccccccccccccccc
    whitelabel: {domain: city.example.com}
    assets: {logo: logo.png}
  - name: delta
    id: dddddddddddddddddddddddddddddddd
    whitelabel: {domain: delta.example.com, brandColor: red}
    assets: {icon: icon.ico, logo: logo.png, welcome: welcome.html}
  - name: echo
    id: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
    whitelabel: {domain: echo.example.com, brandColor: red}
    assets: {logo: logo.png}
  - name: foxtrot
    id: ffffffffffffffffffffffffffffffff
    whitelabel: {domain: foxtrot.example.com, brandColor: red}
    assets: {welcome: welcome.html}
dns:
  keys: {emblazon: {algorithm: hmac-sha256, secret: c2VjcmV0IG9mIHRoZSBzd2VlcA==}}
  zones:
    example.com:
      records:
        - www.beta A 198.51.100.1
        - new.beta A 198.51.100.2
        - old.beta A 192.0.2.8
        - old.beta A 198.51.100.3
        - www.city A 198.51.100.4
        - old.city A 192.0.2.8
        - old.delta A 192.0.2.8
        - ui.delta CNAME before.example.net
        - new.echo A 192.0.2.7
        - text.foxtrot A 198.51.100.5
";

/// The records that the tree means to take away, and the alias that it means to lead elsewhere.
const MAY_GO: [&str; 4] = [
    "old.beta.example.com A 192.0.2.8",
    "old.city.example.com A 192.0.2.8",
    "old.delta.example.com A 192.0.2.8",
    "ui.delta.example.com CNAME before.example.net",
];

/// The accounts that must have a document at all times.
const KEPT: [&str; 4] = ["beta", "delta", "echo", "foxtrot"];

/// What was applied last: the domains needed another name, and one account had a brand.
fn base() -> Tree {
    let old = json!({"A": {"old.{{domain}}": {"mapping": ["192.0.2.8"]}}});
    ["beta", "city", "delta"]
        .into_iter()
        .fold(Tree::new(), |tree, name| {
            tree.account(name, json!({"domain": format!("{name}.example.com")}))
        })
        .managed()
        .template(old)
}

pub(crate) fn tree() -> Tree {
    Tree::new()
        .account("acme", json!({"domain": "acme.example.com"}))
        .asset("acme", AssetKind::Logo, Some(png("acme")))
        .asset("acme", AssetKind::Welcome, Some(html("acme")))
        .account(
            "beta",
            json!({"domain": "beta.example.com", "company_name": "Beta"}),
        )
        .asset("beta", AssetKind::Logo, Some(png("beta")))
        .without("city")
        .account("delta", json!({"domain": "delta.example.com"}))
        .asset("delta", AssetKind::Icon, None)
        .account("echo", json!({"domain": "foxtrot.example.com"}))
        .asset("echo", AssetKind::Logo, Some(png("echo")))
        .account("foxtrot", json!({"domain": "echo.example.com"}))
        .template(json!({
            "A": {"new.{{domain}}": {"mapping": ["192.0.2.7"]}},
            "CNAME": {"ui.{{domain}}": {"mapping": ["ui.example.net"]}},
        }))
        .managed()
        .after(base())
}

pub(crate) async fn stage() -> Stage {
    let files = [
        ("welcome.html", html("seeded")),
        ("icon.ico", ico("seeded")),
        ("logo.png", png("seeded")),
    ];
    Stage::start(SEED, &files).await
}

/// Runs a plan one step after the other, so that the nth request is always the same one.
pub(crate) async fn run(stage: &Stage, tree: &Tree, plan: &Plan) -> Applied {
    run_as(stage.client().await, stage, tree, plan).await
}

pub(crate) async fn run_as(reader: ReadClient, stage: &Stage, tree: &Tree, plan: &Plan) -> Applied {
    let mut options = stage.options();
    options.concurrency = NonZeroUsize::MIN;
    stage.apply_as(reader, tree, plan, options).await
}

/// The plan of the first run, which is the same on every stage, and every trouble at everything that
/// it sends.
pub(crate) async fn cases(effort: Effort) -> (Plan, Vec<Trouble>) {
    let stage = stage().await;
    let tree = tree();
    let plan = stage.plan(&tree).await;
    let traffic = Traffic::begin(&stage);
    let applied = run(&stage, &tree, &plan).await;
    for outcome in &applied.outcomes {
        assert!(
            matches!(outcome.result, StepResult::Done { .. }),
            "{outcome:?}"
        );
    }
    assert_eq!(zone_steps(&plan), 5, "{:?}", plan.steps);
    (plan, traffic.troubles(&stage, effort))
}

/// Two tests a fault, so that each can be run by its name and all are spread over the machine: one at some of the places
/// that it can hit, in each run of the tests, and one at all of them, where `.ci/run` asks for it.
macro_rules! faults {
    ($($name:ident: $kind:expr,)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn at_some_requests() {
                at(&$kind, Effort::Sampled);
            }

            #[test]
            #[ignore = "takes long; run `cargo test --test suite -- --ignored`, as .ci/run does"]
            fn at_every_request() {
                at(&$kind, Effort::Full);
            }
        })*

        /// Each fault that is scripted is one that tests are named after.
        #[test]
        fn every_fault_at_every_request_has_its_tests() {
            let named: Vec<Kind> = vec![$($kind,)*];
            let (_, cases) = &*CASES;
            assert!(cases.len() >= 1_200, "only {} cases", cases.len());
            for case in cases {
                assert!(named.contains(&case.kind()), "{case:?}");
            }
        }
    };
}

faults! {
    status_401: Kind::Platform(FaultKind::Status(401)),
    status_402: Kind::Platform(FaultKind::Status(402)),
    status_403: Kind::Platform(FaultKind::Status(403)),
    status_409: Kind::Platform(FaultKind::Status(409)),
    status_412: Kind::Platform(FaultKind::Status(412)),
    status_429: Kind::Platform(FaultKind::Status(429)),
    status_500: Kind::Platform(FaultKind::Status(500)),
    status_503: Kind::Platform(FaultKind::Status(503)),
    hang: Kind::Platform(FaultKind::Hang),
    cut_body: Kind::Platform(FaultKind::CutBody),
    lost_answer: Kind::Platform(FaultKind::LostAnswer),
    dropped_connection: Kind::Platform(FaultKind::DropConnection),
    stale_read: Kind::Platform(FaultKind::StaleRead),
    destroyed_document: Kind::Platform(FaultKind::DestroyDocument),
    skipped_account_write: Kind::Platform(FaultKind::SkipAccountWrite),
    dns_servfail: Kind::Primary(DnsFaultKind::Servfail),
    dns_refused: Kind::Primary(DnsFaultKind::Refused),
    dns_drop: Kind::Primary(DnsFaultKind::Drop),
    dns_truncate: Kind::Primary(DnsFaultKind::Truncate),
    dns_lame: Kind::Primary(DnsFaultKind::Lame),
    dns_garbage: Kind::Primary(DnsFaultKind::Garbage),
    dns_unsigned: Kind::Primary(DnsFaultKind::Unsigned),
    dns_hang: Kind::Primary(DnsFaultKind::Hang),
}

/// The undisturbed run, once for all tests.
static CASES: LazyLock<(Plan, Vec<Trouble>)> = LazyLock::new(|| {
    std::thread::spawn(|| block_on(cases(Effort::Full)))
        .join()
        .unwrap()
});

/// One place of so many is tried in a sample.
const SAMPLE: usize = 5;

/// Runs with one fault at each of the places that it can hit, or at a sample of them.
fn at(kind: &Kind, effort: Effort) {
    let (plan, cases) = &*CASES;
    let of_kind: Vec<Trouble> = (cases.iter())
        .filter(|case| case.kind() == *kind)
        .cloned()
        .collect();
    assert!(!of_kind.is_empty(), "the run has no place for {kind:?}");
    let step = match effort {
        Effort::Full => 1,
        Effort::Sampled => SAMPLE,
    };
    let tried: Vec<Trouble> = of_kind.iter().step_by(step).cloned().collect();
    let number = tried.len();
    let wrong = block_on(work_through(plan, tried));
    println!(
        "{kind:?}: {number} of {} places, {} wrong",
        of_kind.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn work_through(plan: &Plan, cases: Vec<Trouble>) -> Vec<String> {
    stream::iter(cases)
        .map(|trouble| case(plan, trouble))
        .buffer_unordered(8)
        .filter_map(|result| async { result.err() })
        .collect()
        .await
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Runs with one fault, then without, and says what is wrong.
async fn case(plan: &Plan, trouble: Trouble) -> Result<(), String> {
    let mut stage = stage().await;
    if trouble.hangs() {
        stage = stage.impatient();
    }
    let tree = tree();
    let before = everything(&stage);
    stage.client().await;
    Trouble::begin(&stage, std::slice::from_ref(&trouble));
    let first = run(&stage, &tree, plan).await;
    Trouble::begin(&stage, &[]);
    let wrong = |what: String| Err(format!("{trouble:?}: {what}"));
    if let Err(what) = is_true(&stage, &tree, plan, &first, &before) {
        return wrong(format!("first run: {what}\n  {first:?}"));
    }
    if let Err(what) = nothing_lost(&stage, &tree, &before) {
        return wrong(format!("after the first run: {what}\n  {first:?}"));
    }
    let plan = stage.plan(&tree).await;
    let second = run(&stage, &tree, &plan).await;
    for outcome in &second.outcomes {
        if !matches!(outcome.result, StepResult::Done { .. }) {
            return wrong(format!("second run: {outcome:?}"));
        }
    }
    if let Err(what) = nothing_lost(&stage, &tree, &before) {
        return wrong(format!("after the second run: {what}"));
    }
    let rest = stage.plan(&tree).await.steps;
    if !rest.is_empty() {
        return wrong(format!("a third plan has steps: {rest:?}"));
    }
    for (name, shown) in everything(&stage).accounts {
        let Some(shown) = shown else { continue };
        if shown.reserved.as_deref() != shown.settings.get("domain").and_then(Value::as_str) {
            return wrong(format!("{name} reserves {:?}: {shown:?}", shown.reserved));
        }
    }
    Ok(())
}

/// What each account has, and the zone.
pub(crate) struct Everything {
    accounts: BTreeMap<&'static str, Option<Shown>>,
    records: Records,
}

pub(crate) fn everything(stage: &Stage) -> Everything {
    let names = ["acme", "beta", "city", "delta", "echo", "foxtrot"].into_iter();
    Everything {
        accounts: names.map(|name| (name, stage.shown(name))).collect(),
        records: records::records(stage.dns()),
    }
}

/// Checks that each account and the zone are as the outcomes of their steps say, and that the journal knows.
pub(crate) fn is_true(
    stage: &Stage,
    tree: &Tree,
    plan: &Plan,
    applied: &Applied,
    before: &Everything,
) -> Result<(), String> {
    if applied.outcomes.len() != plan.steps.len() {
        return Err("a step has no outcome".to_owned());
    }
    for (account, shown) in &before.accounts {
        let mut model = shown
            .clone()
            .map(|shown| (Settings::from(shown.settings), shown.assets));
        let mut is_certain = true;
        for (step, outcome) in plan.steps.iter().zip(&applied.outcomes) {
            match &step.subject {
                Subject::Account { name, .. } if name.as_str() == *account => {}
                _ => continue,
            }
            match &outcome.result {
                StepResult::Done { .. } => carry_out(&mut model, &step.action, tree),
                StepResult::Unknown { .. } => is_certain = false,
                _ => {}
            }
        }
        let now = stage
            .shown(account)
            .map(|shown| (Settings::from(shown.settings), shown.assets));
        let same = match (&model, &now) {
            (None, None) => true,
            (Some((settings, assets)), Some((live_settings, live_assets))) => {
                settings_in_sync(settings, live_settings) && assets == live_assets
            }
            _ => false,
        };
        if is_certain && !same {
            return Err(format!("{account} has {now:?} instead of {model:?}"));
        }
    }
    let has_host = stage.sandbox.world().template()["A"]
        .get("new.{{domain}}")
        .is_some();
    for (step, outcome) in plan.steps.iter().zip(&applied.outcomes) {
        let is_done = matches!(outcome.result, StepResult::Done { .. });
        let is_unknown = matches!(outcome.result, StepResult::Unknown { .. });
        if step.subject == Subject::Template && !is_unknown && is_done != has_host {
            return Err("the template is not as its outcome says".to_owned());
        }
    }
    records::is_true(stage, plan, applied, &before.records)?;
    records::is_in_journal(stage)
}

type Model = Option<(Settings, BTreeMap<AssetKind, Vec<u8>>)>;

/// Does to a model what a step does to an account.
fn carry_out(model: &mut Model, action: &Action, tree: &Tree) {
    if let Action::Create { settings } = action {
        *model = Some((Settings::from(settings.clone()), BTreeMap::new()));
    }
    if *action == Action::Delete {
        *model = None;
    }
    let Some((document, assets)) = model else {
        return;
    };
    match action {
        Action::Update { set, remove } => {
            for key in remove {
                document.remove(key);
            }
            for (key, value) in set {
                document.set(key, value.clone());
            }
        }
        Action::Release { parked } => document.set(&KeyPath::from("domain"), json!(parked)),
        Action::Upload { asset, path, .. } => {
            assets.insert(*asset, tree.files[path].clone());
        }
        Action::Recreate { without } => assets.retain(|kind, _| !without.contains(kind)),
        Action::Create { .. }
        | Action::Delete
        | Action::ReplaceTemplate { .. }
        | Action::Records { .. } => {}
    }
}

/// Checks that no account has lost its document, an undeclared key, or an asset, and the zone no record.
pub(crate) fn nothing_lost(stage: &Stage, tree: &Tree, before: &Everything) -> Result<(), String> {
    for name in KEPT {
        let Some(before) = &before.accounts[name] else {
            continue;
        };
        let now = stage
            .shown(name)
            .ok_or(format!("{name} has lost its document"))?;
        if now.settings.get("brandColor") != before.settings.get("brandColor") {
            return Err(format!(
                "{name} has lost its undeclared key: {:?}",
                Object::clone(&now.settings)
            ));
        }
        for (kind, bytes) in &before.assets {
            let is_removed = (name, *kind) == ("delta", AssetKind::Icon);
            let declared = tree
                .files
                .get(Utf8Path::new(&format!("accounts/{name}/{kind}")));
            match now.assets.get(kind) {
                Some(found) if found == bytes || Some(found) == declared => {}
                None if is_removed => {}
                found => return Err(format!("{name} has lost its {kind}: {found:?}")),
            }
        }
    }
    let now = records::records(stage.dns());
    let lost = records::lost(&before.records, &now, |record| MAY_GO.contains(&record));
    if lost.is_empty() {
        Ok(())
    } else {
        Err(format!("the zone has lost {lost:?}"))
    }
}
