//! Texts that people write: trees, records, plans, and edits of them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};
use emblazon::live::Live;
use emblazon::model::{KeyPath, RecordData, RecordType};
use emblazon::plan::{self, FORMAT_VERSION, Plan, Step};
use emblazon::report::{problems, text};
use emblazon::tree::edit::{Edit, To, edit as edited};
use emblazon::tree::{Listed, ListedKind, ReadError, SourceError, TreeSource, load};
use serde_json::Value;

const CONFIG: &[u8] = b"clusters: {production: {api: \"https://api.example.com\"}}\n";

/// A tree in memory.
struct Files(BTreeMap<Utf8PathBuf, Vec<u8>>);

impl TreeSource for Files {
    fn list(&self) -> Result<Vec<Listed>, SourceError> {
        let listed = |path: &Utf8PathBuf| Listed {
            path: path.clone(),
            kind: ListedKind::File,
        };
        Ok(self.0.keys().map(listed).collect())
    }

    fn read(&self, path: &Utf8Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let bytes = self.0.get(path).ok_or(ReadError::Missing)?;
        let size = bytes.len() as u64;
        if size > limit {
            return Err(ReadError::TooLarge { size, limit });
        }
        Ok(bytes.clone())
    }

    fn folder(&self) -> Utf8PathBuf {
        Utf8PathBuf::new()
    }
}

/// Loads a tree twice: the same state and the same mistakes, each of which can be shown.
fn loads(files: &[(&str, &[u8])]) {
    let files = files
        .iter()
        .map(|(path, bytes)| (Utf8PathBuf::from(*path), bytes.to_vec()));
    let files = Files(files.collect());
    let (Ok(first), Ok(second)) = (load(&files, None), load(&files, None)) else {
        return;
    };
    assert_eq!(first.desired.digest(), second.desired.digest());
    let shown = |loaded: &emblazon::tree::Loaded| -> Vec<String> {
        problems(&loaded.diagnostics, &loaded.sources)
            .iter()
            .map(|problem| {
                let shown = text::render_problem(problem, text::Options::default());
                shown.as_str().to_owned()
            })
            .collect()
    };
    let problems = shown(&first);
    assert_eq!(problems, shown(&second));
    for problem in problems {
        let is_forged = |character: char| character.is_control() && character != '\n';
        assert!(!problem.contains(is_forged), "{problem:?}");
    }
}

/// The file of an account, and the brand that it extends: YAML, decoding, layers and checks.
pub(crate) fn tree(data: &[u8]) {
    loads(&[
        ("emblazon.yaml", CONFIG),
        ("accounts/acme/account.yaml", data),
        ("brands/gold.yaml", data),
    ]);
}

/// `emblazon.yaml`.
pub(crate) fn config(data: &[u8]) {
    loads(&[("emblazon.yaml", data)]);
}

/// `domains.yaml`.
pub(crate) fn template(data: &[u8]) {
    loads(&[("emblazon.yaml", CONFIG), ("domains.yaml", data)]);
}

/// The text of a record, of each type: what was read can be written and is read again as the same.
pub(crate) fn record(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for name in [
        "A", "AAAA", "CNAME", "MX", "NAPTR", "SRV", "TXT", "CAA", "NS",
    ] {
        let Some(record_type) = RecordType::parse(name) else {
            continue;
        };
        if let Ok(record) = RecordData::parse(record_type, text) {
            let written = record.to_string();
            let again = RecordData::parse(record_type, &written);
            assert_eq!(
                again.ok().as_ref(),
                Some(&record),
                "{name} {text:?} {written:?}"
            );
        }
    }
}

/// A saved plan: what was read is written as the same bytes again and again.
pub(crate) fn plan(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(plan) = Plan::from_json(text) {
        let written = plan.to_json();
        let again = Plan::from_json(&written).map(|plan| plan.to_json());
        assert_eq!(again.ok().as_deref(), Some(written.as_str()));
        if plan.version == FORMAT_VERSION {
            let file = plan.sealed();
            let again = Plan::unsealed(file.as_bytes()).map(|plan| plan.sealed());
            assert_eq!(again.ok(), Some(file));
        }
    }
}

/// A saved plan that somebody changed, against the one that is derived again: what is not withheld is in both.
pub(crate) fn confirm(data: &[u8]) {
    static DERIVED: OnceLock<Plan> = OnceLock::new();
    let derived = DERIVED.get_or_init(|| {
        Plan::from_json(include_str!("../corpus/confirm/quickstart.json")).expect("a plan")
    });
    let text = std::str::from_utf8(data).unwrap_or_default();
    let Ok(saved) = Plan::from_json(text) else {
        return;
    };
    let Ok(confirmed) = plan::confirm(&saved, derived, &Live::default(), true) else {
        return;
    };
    for step in &saved.steps {
        let is_same = |other: &&Step| {
            other.subject == step.subject
                && other.action == step.action
                && other.precondition == step.precondition
        };
        assert!(
            confirmed.withheld.contains_key(&step.id)
                || derived.steps.iter().any(|it| is_same(&it)),
            "{step:?} would be carried out, and nobody planned it"
        );
    }
}

const WITH_ASSETS: &[u8] = b"account: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\
whitelabel: {company_name: Acme, domain: acme.example.com}\n\
assets: {logo: logo.png, icon: icon.ico, welcome: welcome.html}\n";

/// The bytes of a logo, an icon and a welcome page.
pub(crate) fn asset(data: &[u8]) {
    loads(&[
        ("emblazon.yaml", CONFIG),
        ("accounts/acme/account.yaml", WITH_ASSETS),
        ("accounts/acme/logo.png", data),
        ("accounts/acme/icon.ico", data),
        ("accounts/acme/welcome.html", data),
    ]);
}

/// An edit of a YAML text: the first line is the address, the second the value in JSON (or `-` for none), the rest the text.
/// What was edited holds the value, and the same edit again changes nothing.
pub(crate) fn edit(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut parts = text.splitn(3, '\n');
    let (Some(path), Some(value), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    let to = match serde_json::from_str::<Value>(value) {
        Ok(value) => To::Value(value),
        Err(_) => To::Gone,
    };
    let edits = [Edit {
        path: KeyPath::parse(path),
        to,
    }];
    if let Ok(once) = edited(text, &edits) {
        assert_eq!(edited(&once, &edits).as_ref(), Ok(&once), "{text:?}");
    }
}
