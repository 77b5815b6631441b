//! Where the sandbox is meant to answer otherwise, and why.

use serde_json::Value;

use super::compare::Form;
use super::recording::Recording;

/// One rule: which recordings it concerns, and what is left out of the comparison for them.
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    pub(crate) why: &'static str,
    pub(crate) applies: fn(&Recording) -> bool,
    pub(crate) leave_out: fn(&mut Form),
}

/// All rules.
pub(crate) const MEANT: &[Difference] = &[
    Difference {
        what: "the page at /",
        why: "the recorded server shows a drawing; the sandbox says what it is",
        applies: |recording| recording.path == "/",
        leave_out: |form| {
            form.headers.remove("content-length");
            form.body = Value::Null;
        },
    },
    Difference {
        what: "descriptions in a schema",
        why: "the sandbox shows the project's own words",
        applies: |recording| recording.path.starts_with("/v2/schemas/"),
        leave_out: |form| strip_members(&mut form.body, "description"),
    },
    Difference {
        what: "the revision of an account's tree",
        why: "it counts another copy of the account's document, which the sandbox does not keep",
        // On 4.3 the list of parents has that revision, too.
        applies: |recording| {
            let is_plain = recording
                .header("etag")
                .is_some_and(|etag| etag.contains('-'));
            recording.path.ends_with("/tree") || recording.path.ends_with("/parents") && is_plain
        },
        leave_out: |form| {
            form.headers.remove("etag");
            strip_members(&mut form.body, "revision");
        },
    },
    Difference {
        what: "the revision of a schema",
        why: "it counts how often the recorded server loaded its schemas",
        applies: |recording| recording.path == "/v2/schemas/domains",
        leave_out: |form| {
            form.headers.remove("etag");
            strip_members(&mut form.body, "revision");
        },
    },
    Difference {
        what: "the second in the name of a file without a name",
        why: "an upload that ends in another second than it began has the earlier one",
        applies: |recording| {
            let name = recording.header("content-disposition").unwrap_or_default();
            name.contains("-uploaded_file_")
        },
        leave_out: |form| {
            form.headers.remove("content-disposition");
        },
    },
];

fn strip_members(value: &mut Value, name: &str) {
    match value {
        Value::Object(object) => {
            object.retain(|key, member| key != name || !member.is_string());
            object
                .values_mut()
                .for_each(|member| strip_members(member, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip_members(item, name)),
        _ => {}
    }
}
