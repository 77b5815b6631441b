//! Which keys a whitelabel may declare.

use super::{Guesses, Problem};
use crate::diag::Code;
use crate::model::{FIELDS, HIJACKING_NAMES, KeyPath, field};

/// Checks the path of one declared key, regardless of its value.
///
/// `extra_keys` are dotted paths from `emblazon.yaml`, sorted; each allows itself and everything below it. They never
/// allow a key that the server treats as a request parameter, that the server owns, or that looks like a secret.
#[must_use]
pub fn key(path: &KeyPath, extra_keys: &[String]) -> Option<Problem> {
    key_guessing(path, extra_keys, &mut Guesses::default())
}

/// Returns whether a path may be declared. See [`key`] for the arguments.
#[must_use]
pub fn is_key(path: &KeyPath, extra_keys: &[String]) -> bool {
    key_guessing(path, extra_keys, &mut Guesses::none()).is_none()
}

/// Does the same as [`key`], for a caller with many keys: the number of guesses at what unknown ones mean is limited.
#[must_use]
pub fn key_guessing(
    path: &KeyPath,
    extra_keys: &[String],
    guesses: &mut Guesses,
) -> Option<Problem> {
    let segments: Vec<String> = path.segments().collect();
    let top = segments.first().map_or("", String::as_str);
    if top == "id" || top.starts_with('_') || top.starts_with("pvt_") {
        return Some(Problem::new(
            Code::EB0522,
            format!("{top} is the server's own key, it ignores what is sent"),
            "remove the key",
        ));
    }
    if HIJACKING_NAMES.contains(&top) {
        return Some(Problem::new(
            Code::EB0521,
            format!("the server would take {top} as an instruction to itself"),
            "remove the key; it cannot be part of a whitelabel",
        ));
    }
    if segments.iter().any(String::is_empty) {
        return Some(Problem::new(
            Code::EB0520,
            format!("{path} has an empty name"),
            "give the key a name",
        ));
    }
    let let_in = is_let_in(path.as_str(), extra_keys);
    let known = field(path.as_str());
    // A name from the table, such as hidePasswordRecovery, is known to be harmless.
    if known.is_none_or(|field| field.path != path.as_str())
        && let Some(segment) = segments.iter().find(|segment| looks_secret(segment))
    {
        return Some(secret(path.as_str(), segment));
    }
    if path.as_str() == "companyName" && !let_in {
        return Some(
            Problem::new(
                Code::EB0524,
                "companyName is computed from company_name by the portal",
                "declare company_name instead",
            )
            .instead("company_name"),
        );
    }
    if let_in || known.is_some() || is_parent(path.as_str()) {
        return None;
    }
    if let Some(nested) = nested(path, extra_keys) {
        return Some(Problem::new(
            Code::EB0520,
            format!("{nested} is written as one key, and a dot in a key does not nest"),
            format!("nest it, as {}", in_braces(&nested)),
        ));
    }
    Some(unknown(path.as_str(), guesses))
}

/// Returns whether a path, or one above it, is among the sorted extra keys.
fn is_let_in(path: &str, extra_keys: &[String]) -> bool {
    let ends = path.match_indices('.').map(|(at, _)| at);
    let mut above = ends.chain([path.len()]).map(|end| &path[..end]);
    above.any(|above| {
        extra_keys
            .binary_search_by(|extra| extra.as_str().cmp(above))
            .is_ok()
    })
}

/// Finds the known path that a key with dots in its name spells.
pub(in crate::tree) fn nested(path: &KeyPath, extra_keys: &[String]) -> Option<String> {
    let dotted = path.as_str().replace("%2E", ".");
    let is_known = dotted != path.as_str()
        && (field(&dotted).is_some() || is_let_in(&dotted, extra_keys) || is_parent(&dotted));
    is_known.then_some(dotted)
}

/// Formats a dotted path as nested YAML.
pub(in crate::tree) fn in_braces(path: &str) -> String {
    let depth = path.matches('.').count();
    format!("{}: …{}", path.replace('.', ": { "), " }".repeat(depth))
}

/// Creates the problem for a key that seems to contain a secret.
pub(super) fn secret(path: &str, segment: &str) -> Problem {
    Problem::new(
        Code::EB0523,
        format!("{path} looks like a secret ({segment}), and everybody can read the whitelabel"),
        "remove it from the tree and from its history, and replace the secret where it is used",
    )
}

/// Returns whether a name suggests a secret.
pub(super) fn looks_secret(name: &str) -> bool {
    const WHOLE: &[&str] = &["token", "tokens", "pwd", "psk", "jwt", "bearer"];
    const ENDINGS: &[&str] = &[
        "secret",
        "secrets",
        "password",
        "passwords",
        "passwd",
        "passphrase",
        "apikey",
        "apikeys",
        "apitoken",
        "accesstoken",
        "refreshtoken",
        "authtoken",
        "bearertoken",
        "privatekey",
        "secretkey",
        "accesskey",
        "signingkey",
        "encryptionkey",
        "credential",
        "credentials",
    ];
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    WHOLE.contains(&name.as_str()) || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn is_parent(path: &str) -> bool {
    FIELDS.iter().any(|field| {
        field
            .path
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

fn unknown(path: &str, guesses: &mut Guesses) -> Problem {
    let above = path
        .rsplit_once('.')
        .map(|(above, _)| above)
        .filter(|above| field(above).is_some());
    if let Some(above) = above {
        return Problem::new(
            Code::EB0520,
            format!("{path} is unknown: {above} is not a map"),
            format!("give {above} one value"),
        );
    }
    let message = format!("unknown key {path}");
    let meant = guesses.nearest(path, known_paths).or_else(|| {
        let last = path.rsplit('.').next().unwrap_or(path);
        let name = guesses.nearest(last, || FIELDS.iter().map(|field| last_name(field.path)))?;
        let mut paths = FIELDS.iter().map(|field| field.path);
        paths.find(|path| last_name(path) == name)
    });
    let Some(meant) = meant else {
        let help = format!("remove it, or name {path} in extra_keys of emblazon.yaml");
        return Problem::new(Code::EB0520, message, help);
    };
    let help = format!("did you mean {meant}?");
    // A name in the same map can replace this one; a key that belongs into another map cannot.
    if parent(meant) == parent(path) {
        Problem::new(Code::EB0520, message, help).instead(last_name(meant))
    } else {
        let help = format!("{help} write it as {}", in_braces(meant));
        Problem::new(Code::EB0520, message, help)
    }
}

/// Lists the known paths, including those of maps such as `nav`.
fn known_paths() -> impl Iterator<Item = &'static str> {
    let paths = FIELDS.iter().map(|field| field.path);
    let maps = paths
        .clone()
        .filter_map(|path| Some(path.rsplit_once('.')?.0));
    paths.chain(maps)
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('.').map(|(parent, _)| parent)
}

fn last_name(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<(Code, &str)>) {
        let extra = ["sso.tokens_seen".to_owned(), "theme".to_owned()];
        let got = key(&KeyPath::parse(path), &extra);
        match (&got, expected) {
            (None, None) => {}
            (Some(problem), Some((code, part)))
                if problem.code == code
                    && format!("{} | {}", problem.message, problem.help).contains(part) => {}
            _ => panic!("{path}: {got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn known_keys() {
        for field in FIELDS {
            if field.path != "companyName" {
                check(field.path, None);
            }
        }
        check("nav", None);
        check("acceptCharges.show", None);
        check("sso.google.client_id", None);
        check("theme", None);
        check("theme.colors.a", None);
    }

    #[test]
    fn unknown_keys() {
        check(
            "hide_powerd",
            Some((Code::EB0520, "did you mean hide_powered?")),
        );
        check(
            "hidePowered",
            Some((Code::EB0520, "did you mean hide_powered?")),
        );
        check(
            "support_email",
            Some((Code::EB0520, "did you mean port.support_email?")),
        );
        check("nav.hlep", Some((Code::EB0520, "did you mean nav.help?")));
        check("port.help", Some((Code::EB0520, "did you mean nav.help?")));
        check("nva", Some((Code::EB0520, "did you mean nav?")));
        check("themes", Some((Code::EB0520, "extra_keys")));
        check(
            "company_name.short",
            Some((Code::EB0520, "company_name is not a map")),
        );
        check("nav.", Some((Code::EB0520, "empty name")));
    }

    #[test]
    fn derived_key() {
        check("companyName", Some((Code::EB0524, "company_name instead")));
    }

    /// Trap 30: names that the server would act on instead of storing them; `domain` is a regular key of the
    /// whitelabel.
    #[test]
    fn trap_30_names_that_steer_the_request() {
        for name in HIJACKING_NAMES {
            check(name, Some((Code::EB0521, name)));
        }
        check("verb.x", Some((Code::EB0521, "verb")));
        check("domain", None);
        check("sso.verb", None);
    }

    /// Observed 1: `verb: DELETE` deletes the whitelabel, so no setting allows it.
    #[test]
    fn observed_01_verb_cannot_be_let_in() {
        let extra = ["verb".to_owned()];
        let got = key(&KeyPath::parse("verb"), &extra).map(|problem| problem.code);
        assert_eq!(got, Some(Code::EB0521));
    }

    /// Trap 31: the server silently drops private keys, so they would differ forever.
    #[test]
    fn trap_31_private_keys() {
        check("_x", Some((Code::EB0522, "_x")));
        check("_read_only", Some((Code::EB0522, "_read_only")));
        check(
            "pvt_whitelabel_domain",
            Some((Code::EB0522, "pvt_whitelabel_domain")),
        );
        check("id", Some((Code::EB0522, "id")));
        check("sso._x", None);
        check("theme.id", None);
    }

    /// Trap 40: the document is public, so it must not contain a secret.
    #[test]
    fn trap_40_secret_looking_keys() {
        check("sso.client_secret", Some((Code::EB0523, "client_secret")));
        check("sso.clientSecret", Some((Code::EB0523, "clientSecret")));
        check("authentication.password", Some((Code::EB0523, "password")));
        check("theme.api_key", Some((Code::EB0523, "api_key")));
        check("token", Some((Code::EB0523, "token")));
        check(
            "social.credentials.user",
            Some((Code::EB0523, "credentials")),
        );
        check("hidePasswordRecovery", None);
        check("sso.tokens_seen", None);
    }
}
