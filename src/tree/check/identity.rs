//! Validates the identities of live accounts.

use super::Problem;
use crate::diag::Code;
use crate::model::{AccountId, DomainName, DomainNameError, Realm};

/// Parses an account id.
///
/// # Errors
/// Returns the mistake, with the correct spelling if only case or hyphens are wrong.
pub fn account_id(text: &str) -> Result<AccountId, Problem> {
    AccountId::parse(text).map_err(|error| {
        let plain = text.trim().replace('-', "").to_lowercase();
        let message = format!("{text:?} is no account id: {error}");
        match AccountId::parse(&plain) {
            Ok(id) => {
                Problem::new(Code::EB0404, message, format!("write {id}")).instead(id.to_string())
            }
            Err(_) => Problem::new(
                Code::EB0404,
                message,
                "take the id from the account's page or from GET /v2/accounts/{id}",
            ),
        }
    })
}

/// Parses a realm.
///
/// # Errors
/// Returns the mistake, with the bare name if the string contains one.
pub fn realm(text: &str) -> Result<Realm, Problem> {
    match DomainName::parse(text) {
        Ok(name) => Ok(Realm::new(name.as_str())),
        Err(error) => Err(bare_name(
            Code::EB0405,
            format!("{text:?} is no realm: {error}"),
            &error,
        )),
    }
}

/// Creates the problem for a string that is not a bare host name, with a replacement if there is one.
pub(super) fn bare_name(code: Code, message: String, error: &DomainNameError) -> Problem {
    let problem = Problem::new(code, message, domain_help(error));
    match error {
        DomainNameError::Form { suggestion, .. }
        | DomainNameError::Extra {
            suggestion: Some(suggestion),
            ..
        } => problem.instead(suggestion),
        DomainNameError::Label { .. }
        | DomainNameError::TooLong(_)
        | DomainNameError::Empty
        | DomainNameError::Extra { .. }
        | DomainNameError::SingleLabel
        | DomainNameError::Address
        | DomainNameError::Idna => problem,
    }
}

fn domain_help(error: &DomainNameError) -> String {
    match error {
        DomainNameError::Form { suggestion, .. }
        | DomainNameError::Extra {
            suggestion: Some(suggestion),
            ..
        } => format!("write {suggestion}"),
        DomainNameError::Label { .. } => {
            "use letters, digits and hyphens between the dots, at most 63 in a row".to_owned()
        }
        DomainNameError::TooLong(_) => "choose a shorter name".to_owned(),
        DomainNameError::Empty
        | DomainNameError::Extra { .. }
        | DomainNameError::SingleLabel
        | DomainNameError::Address
        | DomainNameError::Idna => {
            "write the bare host name, such as portal.example.com".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities() {
        #[track_caller]
        fn check<T>(got: Result<T, Problem>, code: Code, help: &str) {
            let problem = got.err().expect("a problem");
            assert_eq!((problem.code, problem.help.as_str()), (code, help));
        }
        assert!(account_id("59bf4a8641b8a1d827710bfc558510c9").is_ok());
        check(
            account_id("59BF4A86-41B8-A1D8-2771-0BFC558510C9"),
            Code::EB0404,
            "write 59bf4a8641b8a1d827710bfc558510c9",
        );
        check(
            account_id("acme"),
            Code::EB0404,
            "take the id from the account's page or from GET /v2/accounts/{id}",
        );
        assert!(realm("acme.sip.example.com").is_ok());
        check(
            realm("ACME.example.com"),
            Code::EB0405,
            "write acme.example.com",
        );
        check(
            realm("acme sip"),
            Code::EB0405,
            "write the bare host name, such as portal.example.com",
        );
    }
}
