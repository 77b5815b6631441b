//! `events hook`

use serde_json::json;

use crate::cli::Exit;
use crate::cli::args::{EventsHookArgs, ProfileName};
use crate::cli::failure::Failure;
use crate::cli::ui::{self, Ui};
use crate::daemon::hooks;
use crate::dashboard::{EVENT_PATH, is_public_url};
use crate::model::is_loopback;

/// What stands in the place of the secret, which is never printed.
const PLACEHOLDER: &str = "SECRET";

pub(crate) fn events_hook(ui: Ui, args: &EventsHookArgs) -> Result<Exit, Failure> {
    if !is_public_url(&args.url) {
        return Err(Failure::Usage(
            "--url must be https:// or http:// and a host, without a path, a query or a password; the path follows by itself"
                .to_owned(),
        ));
    }
    if args.url.host().is_some_and(|host| is_loopback(&host)) {
        ui.warning("Kazoo calls no address of its own machine: write the name by which it reaches the daemon");
    } else if args.url.scheme() == "http" {
        ui.warning("the secret crosses the network in clear text: write an https:// URL if the daemon stands behind TLS");
    }
    let base = args.url.as_str().trim_end_matches('/');
    let knows_all = match args.kazoo {
        ProfileName::V43 => false,
        ProfileName::Master | ProfileName::V5 => true,
    };
    for hook in hooks(&format!("{base}{EVENT_PATH}"), PLACEHOLDER, knows_all) {
        ui::machine(&format_args!("{}\n", json!({ "data": hook })))?;
    }
    ui.message(
        "send each to PUT /v2/accounts/ROOT/webhooks, with the secret that events.secret names instead of SECRET. Kazoo disables a hook that fails six times in a minute: look at them there now and then, and enable such a hook again with PATCH `enabled: true`",
    );
    Ok(Exit::Done)
}
