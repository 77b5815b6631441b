//! The login page.

use maud::{Markup, html};

use super::frame::document;
use crate::dashboard::access::LoginError;

/// Draws the form that asks for the token.
pub(super) fn page(form: &str, next: &str, error: Option<LoginError>) -> Markup {
    let content = html! {
        main.login {
            h1 { span.mark { "emblazon" } }
            @match error {
                None => {},
                Some(LoginError::Wrong) => p.banner.bad role="alert" { "That is not the token." },
                Some(LoginError::TooMany) => p.banner.bad role="alert" {
                    "That is not the token, and neither were the last ones from here. The right one is taken at any time."
                },
            }
            form method="post" action="/login" {
                input type="hidden" name="form" value=(form);
                input type="hidden" name="next" value=(next);
                div.field {
                    label for="token" { "Token" }
                    input #token name="token" type="password" required autocomplete="current-password" autofocus;
                }
                button.primary type="submit" #login { "Log in" }
            }
            p.hint { "It is the one that " code { "http.token" } " in the daemon's configuration names." }
        }
    };
    document("Log in · emblazon", false, &content)
}
