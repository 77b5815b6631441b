//! `events hook`

use serde_json::json;

use crate::cli::Exit;
use crate::cli::args::{EventsHookArgs, ProfileName};
use crate::cli::failure::Failure;
use crate::cli::ui::{self, Ui};
use crate::daemon::hooks;
use crate::dashboard::EVENT_PATH;

/// What stands in the place of the secret, which is never printed.
const PLACEHOLDER: &str = "SECRET";

pub(crate) fn events_hook(ui: Ui, args: &EventsHookArgs) -> Result<Exit, Failure> {
    let base = args.url.as_str().trim_end_matches('/');
    let knows_all = match args.kazoo {
        ProfileName::V43 => false,
        ProfileName::Master | ProfileName::V5 => true,
    };
    for hook in hooks(&format!("{base}{EVENT_PATH}"), PLACEHOLDER, knows_all) {
        ui::machine(&format_args!("{}\n", json!({ "data": hook })))?;
    }
    ui.message(
        "send each to PUT /v2/accounts/ROOT/webhooks, with the secret of events.secret in the place of SECRET; look after them there, for Kazoo disables a hook that fails six times in a minute",
    );
    Ok(Exit::Done)
}
