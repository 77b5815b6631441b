//! Messages about names on the command line that the tree does not know, with the one that was probably meant.

use crate::model::AccountName;
use crate::tree::check::{Guesses, nearest};
use crate::tree::meant_address;

/// Returns the message about an account that the tree does not have.
pub(crate) fn no_such_account<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a AccountName>,
) -> String {
    let known = known.into_iter().map(AccountName::as_str);
    no_such(name, known, "write the name of a folder below accounts/")
}

/// Returns the message about an account that somebody chose by a name, a domain, an id or a realm; `known` has names and
/// domains.
pub(crate) fn no_such_chosen<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let help = "write the name of a folder below accounts/, a domain, or an id or realm as the tree writes it";
    no_such(text, known, help)
}

/// Returns the message about a brand that no account extends; `known` has those that some account extends.
pub(crate) fn no_such_brand<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = nearest(text, known).map(|near| format!("did you mean {near}?"));
    let help = near
        .as_deref()
        .unwrap_or("write the name of a file below brands/ that an account extends");
    format!("no account of the tree extends a brand {text}; {help}")
}

fn no_such<'a>(text: &str, known: impl IntoIterator<Item = &'a str>, help: &str) -> String {
    let near = nearest(text, known).map(|near| format!("did you mean {near}?"));
    let help = near.as_deref().unwrap_or(help);
    format!("there is no account {text} in the tree; {help}")
}

/// Returns the message about a key under which nothing can be declared.
pub(crate) fn no_such_key(key: &str, extra_keys: &[String]) -> String {
    let meant = meant_address(key, extra_keys, &mut Guesses::default());
    let help = meant.map_or_else(
        || "write its whole path, such as whitelabel.hide_powered or assets.logo".to_owned(),
        |meant| format!("did you mean {meant}?"),
    );
    format!("there is no key {key}; {help}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_named() {
        #[track_caller]
        fn check(message: &str, expected: &str) {
            assert_eq!(message, expected);
        }
        let known = ["acme", "beta"].map(AccountName::new);
        check(
            &no_such_account("acne", &known),
            "there is no account acne in the tree; did you mean acme?",
        );
        check(
            &no_such_account("nobody", &known),
            "there is no account nobody in the tree; write the name of a folder below accounts/",
        );
        check(
            &no_such_brand("gold", ["silver", "golf"]),
            "no account of the tree extends a brand gold; did you mean golf?",
        );
        check(
            &no_such_brand("gold", []),
            "no account of the tree extends a brand gold; write the name of a file below brands/ that an account extends",
        );
        for (key, meant) in [
            ("nav.hlep", "whitelabel.nav.help"),
            ("whitelabel.nav.hlep", "whitelabel.nav.help"),
            ("assets.lgoo", "assets.logo"),
            ("lgoo", "assets.logo"),
            ("logo", "assets.logo"),
        ] {
            let expected = format!("there is no key {key}; did you mean {meant}?");
            check(&no_such_key(key, &[]), &expected);
        }
    }
}
