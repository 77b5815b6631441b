//! Which keys a whitelabel may declare.

use super::{Problem, nearest};
use crate::diag::Code;
use crate::model::{FIELDS, HIJACKING_NAMES, KeyPath, field};

/// Checks the path of one declared key, whatever its value is.
///
/// `extra_keys` are dotted paths from `emblazon.yaml`; each lets in itself and what lies below. They
/// never let in what steers the request, what the server owns, or what looks like a secret.
#[must_use]
pub fn key(path: &KeyPath, extra_keys: &[String]) -> Option<Problem> {
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
    let let_in = extra_keys
        .iter()
        .any(|extra| path.is_within(&KeyPath::parse(extra)));
    let known = field(path.as_str());
    // A name from the table, such as hidePasswordRecovery, is known to be harmless.
    if known.is_none_or(|field| field.path != path.as_str())
        && let Some(segment) = segments.iter().find(|segment| looks_secret(segment))
    {
        return Some(secret(path.as_str(), segment));
    }
    if path.as_str() == "companyName" && !let_in {
        return Some(Problem::new(
            Code::EB0524,
            "companyName is computed from company_name by the portal",
            "declare company_name instead",
        ));
    }
    if let_in || known.is_some() || is_parent(path.as_str()) {
        return None;
    }
    Some(unknown(path.as_str()))
}

/// Says that a key seems to hold a secret.
pub(super) fn secret(path: &str, segment: &str) -> Problem {
    Problem::new(
        Code::EB0523,
        format!("{path} looks like a secret ({segment}), and everybody can read the whitelabel"),
        "remove it from the tree and from its history, and replace the secret where it is used",
    )
}

/// Tells whether a name announces a secret.
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

fn unknown(path: &str) -> Problem {
    let above = path
        .rsplit_once('.')
        .map(|(above, _)| above)
        .filter(|above| field(above).is_some());
    if let Some(above) = above {
        return Problem::new(
            Code::EB0520,
            format!("{path} is unknown: {above} is no map"),
            format!("give {above} one value"),
        );
    }
    let help = suggestion(path).map_or_else(
        || format!("remove it, or name {path} in extra_keys of emblazon.yaml"),
        |known| format!("did you mean {known}?"),
    );
    Problem::new(Code::EB0520, format!("unknown key {path}"), help)
}

/// Finds the known key that was meant, a map such as `nav` included: by its whole path, else by its last
/// name in another map.
fn suggestion(path: &str) -> Option<&'static str> {
    let paths = FIELDS.iter().map(|field| field.path);
    let maps = paths
        .clone()
        .filter_map(|path| Some(path.rsplit_once('.')?.0));
    nearest(path, paths.clone().chain(maps)).or_else(|| {
        let last = path.rsplit('.').next().unwrap_or(path);
        let names = paths.clone().map(last_name);
        let name = nearest(last, names)?;
        paths.clone().find(|path| last_name(path) == name)
    })
}

fn last_name(path: &'static str) -> &'static str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<(Code, &str)>) {
        let extra = ["theme".to_owned(), "sso.tokens_seen".to_owned()];
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
            Some((Code::EB0520, "company_name is no map")),
        );
        check("nav.", Some((Code::EB0520, "empty name")));
    }

    #[test]
    fn derived_key() {
        check("companyName", Some((Code::EB0524, "company_name instead")));
    }

    /// Trap 30: names that the server would obey instead of storing them; `domain` is the whitelabel's own.
    #[test]
    fn trap_30_names_that_steer_the_request() {
        for name in HIJACKING_NAMES {
            check(name, Some((Code::EB0521, name)));
        }
        check("verb.x", Some((Code::EB0521, "verb")));
        check("domain", None);
        check("sso.verb", None);
    }

    /// Observed 1: `verb: DELETE` deletes the whitelabel, so no setting lets it in.
    #[test]
    fn observed_01_verb_cannot_be_let_in() {
        let extra = ["verb".to_owned()];
        let got = key(&KeyPath::parse("verb"), &extra).map(|problem| problem.code);
        assert_eq!(got, Some(Code::EB0521));
    }

    /// Trap 31: the server drops private keys without a word, which would differ for ever.
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

    /// Trap 40: the document is public, so it must hold no secret.
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
