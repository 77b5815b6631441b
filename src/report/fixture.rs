//! Sample reports for tests of the renderers.

pub(super) mod dns;
mod whole;

pub(super) use whole::everything;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::diff::{Cause, Change, ChangeKey, Side};
use crate::live::{Reading, Unmanaged};
use crate::model::{
    AccountId, AccountName, AssetFacts, AssetKind, AssetType, ClusterName, Digest, Dimensions,
    HostEntry,
};
use crate::plan::{Refusal, RefusalKind, Risk, StepId};
use crate::report::{Command, Coverage, ObjectReport, Places, Report, StepReport, Verb};
use crate::tree::{Origin, Target};

pub(super) fn origin(file: &str, line: u32, column: u32) -> Origin {
    let file = file.into();
    Origin { file, line, column }
}

pub(super) fn side(value: Value) -> Side {
    match value {
        Value::Null => Side::Absent,
        value => Side::Value(value),
    }
}

pub(super) fn setting(key: &str, before: Value, after: Value, cause: Cause, line: u32) -> Change {
    Change {
        key: ChangeKey::Setting(key.into()),
        before: side(before),
        after: side(after),
        cause,
        origin: Some(origin("accounts/acme/account.yaml", line, 17)),
    }
}

pub(super) fn picture(bytes: &[u8], size: u64, asset_type: AssetType, width: u32) -> AssetFacts {
    AssetFacts {
        digest: Digest::of(bytes),
        size,
        asset_type: Some(asset_type),
        dimensions: Some(Dimensions { width, height: 80 }),
    }
}

pub(super) fn step(id: u32, verb: Verb, risk: Risk, changes: Vec<Change>) -> StepReport {
    StepReport {
        id: StepId(id),
        verb,
        asset: None,
        changes,
        risk,
        waits_for: Vec::new(),
        old_answers_for: None,
        notes: Vec::new(),
        result: None,
        result_notes: Vec::new(),
    }
}

pub(super) fn account(name: &str, steps: Vec<StepReport>) -> ObjectReport {
    let digest = Digest::of(name.as_bytes());
    let id = AccountId::parse(&digest.as_str()[..32]).expect("32 digits");
    object(Some(name), Some(id), steps)
}

pub(super) fn object(
    name: Option<&str>,
    id: Option<AccountId>,
    steps: Vec<StepReport>,
) -> ObjectReport {
    let mut object = ObjectReport {
        kept: Vec::new(),
        name: name.map(AccountName::new),
        zone: None,
        id,
        status: crate::report::Status::InSync,
        unknown: Vec::new(),
        steps,
        refusals: Vec::new(),
        changes: Vec::new(),
        looks: None,
        notes: Vec::new(),
    };
    let changes = object.steps.iter().flat_map(|step| step.changes.clone());
    object.changes = changes.collect();
    object.status = object.verdict();
    object
}

pub(super) fn empty(command: Command) -> Report {
    Report {
        shard: None,
        recorded: false,
        restored: false,
        command,
        cluster: Some(ClusterName::new("production")),
        tree: Some(Digest::of(b"tree")),
        plan: Some(Digest::of(b"plan")),
        problems: Vec::new(),
        accounts: Vec::new(),
        unnamed: 0,
        template: None,
        zones: Vec::new(),
        refusals: Vec::new(),
        notes: Vec::new(),
        base: None,
        coverage: None,
        requests: None,
        dns: None,
        places: Places::default(),
    }
}

pub(super) fn learn_more(line: u32) -> Change {
    Change {
        origin: Some(origin("brands/gold.yaml", line, 5)),
        ..setting(
            "nav.learn_more",
            json!("https://gold.example.com/old"),
            json!("https://gold.example.com/features"),
            Cause::Git,
            0,
        )
    }
}

pub(super) fn acme() -> ObjectReport {
    let mut update = step(
        1,
        Verb::Update,
        Risk::CustomerVisible,
        vec![
            setting(
                "company_name",
                json!("Acme"),
                json!("Acme Voice"),
                Cause::Git,
                4,
            ),
            setting("hide_powered", Value::Null, json!(true), Cause::Differs, 6),
            setting(
                "fake_api_url",
                json!("https://old.example.com"),
                Value::Null,
                Cause::Removal,
                7,
            ),
            setting(
                "port.support_email",
                json!("x@evil.example"),
                json!("porting@acme.example.com"),
                Cause::Drift,
                8,
            ),
            setting(
                "sso.note",
                json!("line one\nline two\nline three\nline four\nthe last line\n"),
                json!("line one\nline 2\nline three\nline four\nthe last line\nand one more\n"),
                Cause::Conflict,
                9,
            ),
            learn_more(3),
        ],
    );
    update.waits_for = vec!["globex".to_owned()];
    let mut upload = step(
        2,
        Verb::Upload,
        Risk::CustomerVisible,
        vec![Change {
            key: ChangeKey::Asset(AssetKind::Logo),
            before: Side::Asset(picture(b"old", 12_431, AssetType::Gif, 300)),
            after: Side::Asset(picture(b"new", 1_834_000, AssetType::Png, 1320)),
            cause: Cause::Git,
            origin: Some(origin("accounts/acme/account.yaml", 12, 9)),
        }],
    );
    upload.asset = Some(AssetKind::Logo);
    upload.notes = vec![
        "the server deletes the welcome page with the first logo; it is put up again".to_owned(),
    ];
    account("acme", vec![update, upload])
}

pub(super) fn template() -> ObjectReport {
    let host = |mapping: &[&str]| {
        Side::Host(HostEntry {
            name: Some("East".to_owned()),
            mapping: mapping.iter().map(ToString::to_string).collect(),
            zone: None,
            extra: BTreeMap::new().into_iter().collect(),
        })
    };
    let replace = step(
        0,
        Verb::Replace,
        Risk::CustomerVisible,
        vec![Change {
            key: ChangeKey::Host(Target {
                record_type: "A".to_owned(),
                host: "us-east.{{domain}}".to_owned(),
            }),
            before: host(&["203.0.113.5"]),
            after: host(&["192.0.2.10", "192.0.2.11"]),
            cause: Cause::Git,
            origin: Some(origin("domains.yaml", 8, 3)),
        }],
    );
    object(None, None, vec![replace])
}

/// Returns a report with one of everything that a plan can show.
pub(super) fn sample(command: Command) -> Report {
    let mut report = empty(command);
    report.accounts.push(acme());
    for name in ["beta", "delta", "gamma"] {
        let shared = step(3, Verb::Update, Risk::Reversible, vec![learn_more(3)]);
        report.accounts.push(account(name, vec![shared]));
    }
    let mut refused = account("hooli", Vec::new());
    refused.refusals.push(Refusal {
        kind: RefusalKind::Prune,
        subject: None,
        message: "deleting the whitelabel of hooli needs to be asked for".to_owned(),
        help: "run again with `--prune`".to_owned(),
    });
    refused.status = refused.verdict();
    report.accounts.push(refused);
    let mut lost = object(Some("initech"), None, Vec::new());
    lost.unknown
        .push("reading the whitelabel timed out after 30 s".to_owned());
    lost.status = lost.verdict();
    report.accounts.push(lost);
    report.accounts.push(account("quiet", Vec::new()));
    report.template = Some(template());
    report.coverage = Some(Coverage {
        managed: 5,
        unread: 0,
        unmanaged: Reading::Known(vec![Unmanaged {
            id: AccountId::parse(&"e".repeat(32)).expect("32 digits"),
            name: "Umbrella \u{202e}evil\u{1b}[2J".to_owned(),
            realm: "umbrella.sip.example.com".to_owned(),
        }]),
    });
    report
}
