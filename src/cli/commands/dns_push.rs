//! `dns push [ACCOUNT…]`

use std::env;
use std::fs;

use anyhow::{Context as _, anyhow};
use camino::Utf8Path;
use jiff::Timestamp;

use crate::cli::args::DnsPushArgs;
use crate::cli::failure::Failure;
use crate::cli::tree::{self, OpenTree, Several};
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, records, survey};
use crate::dns::push::{
    Pending, PowerDnsConfig, Push, PushConfig, PushError, PushPolicy, Rfc2136Config, TsigKey,
    ZoneChange, pending, primary, push, show,
};
use crate::live;
use crate::model::Secret;
use crate::report::{self, Command, text};
use crate::tree::{DnsMode, Ownership, PushMethod, PushSettings, SecretSource};

pub(crate) fn dns_push(ui: Ui, args: &DnsPushArgs) -> Result<Exit, Failure> {
    if !args.yes && !args.dry_run && !ui.is_interactive() {
        let message =
            "nobody can be asked here; look at `emblazon dns push --dry-run` and then say `--yes`";
        return Err(Failure::Usage(message.to_owned()));
    }
    let accounts = &args.accounts;
    let tree = tree::open(ui, &accounts.tree, &accounts.choice, Several::Refuse)?;
    if tree.loaded.has_errors() {
        let report = report::report(&survey::tree_facts(Command::Validate, &tree));
        ui::data(&text::render(&report, ui.stdout_options()))?;
        return Ok(Exit::of(&report));
    }
    survey::runtime()?.block_on(run(ui, &tree, args))
}

async fn run(ui: Ui, tree: &OpenTree, args: &DnsPushArgs) -> Result<Exit, Failure> {
    let Some(settings) = &tree.loaded.dns.push else {
        let message = "emblazon.yaml does not say where to push to; add dns: { push: … }";
        return Err(Failure::Usage(message.to_owned()));
    };
    let names = managed(tree, &args.accounts.accounts)?;
    if names.is_empty() {
        ui.talk("no account has `dns: manage`; there is nothing to push");
        return Ok(Exit::Done);
    }
    let folder = &args.accounts.tree;
    let primary = primary(&config(folder, settings).await?).map_err(failed)?;
    let policy = PushPolicy {
        exclusive: settings.ownership == Ownership::Exclusive,
        ttl: settings.ttl.unwrap_or(PushPolicy::default().ttl),
    };
    let mut planned = Pending::default();
    for account in records::of(tree, &names)? {
        let expected = &account.expectations.expected;
        let one = pending(primary.as_ref(), expected, &[], policy).await;
        let one = one.map_err(failed)?;
        planned.zones.extend(one.zones);
        planned.kept.extend(one.kept);
        planned.refused.extend(one.refused);
    }
    let shown = show(&planned);
    let lines = shown
        .lines()
        .map(|line| format!("{}\n", text::visible(line)));
    ui::data(&lines.collect::<String>())?;
    let refused = !planned.refused.is_empty();
    if planned.zones.is_empty() {
        ui.talk("nothing to push");
        return Ok(if refused { Exit::Refused } else { Exit::Done });
    }
    if args.dry_run {
        return Ok(if refused {
            Exit::Refused
        } else {
            Exit::Differences
        });
    }
    if !args.yes && !ui::confirm("Write these records?")? {
        return Err(Failure::Refused("not pushed".to_owned()));
    }
    carry_out(ui, primary.as_ref(), &planned, folder).await
}

/// Writes one zone after the other; one that fails does not stop the others.
async fn carry_out(
    ui: Ui,
    primary: &dyn Push,
    planned: &Pending,
    folder: &Utf8Path,
) -> Result<Exit, Failure> {
    let (mut done, mut moved) = (0, 0);
    for change in &planned.zones {
        save(folder, change)?;
        match push(primary, change).await {
            Ok(_) => {
                done += 1;
                ui.talk(&format!("{}: written, and read back", change.zone));
            }
            Err(error) => {
                moved += usize::from(matches!(error, PushError::Moved { .. }));
                ui.error(&error.to_string());
            }
        }
    }
    let all = planned.zones.len();
    Ok(if done == all && planned.refused.is_empty() {
        Exit::Done
    } else if done == all || (done == 0 && moved == all) {
        Exit::Refused
    } else if done > 0 {
        Exit::Partly
    } else {
        Exit::Failed
    })
}

/// Keeps what stood there before.
fn save(folder: &Utf8Path, change: &ZoneChange) -> Result<(), Failure> {
    let place = folder.join(".emblazon").join("dns");
    fs::create_dir_all(&place).with_context(|| place.to_string())?;
    let now = Timestamp::now().as_millisecond();
    let file = place.join(format!("{now}-{}.json", change.zone));
    fs::write(&file, format!("{:#}\n", change.snapshot())).with_context(|| file.to_string())?;
    Ok(())
}

/// Returns the accounts to push: the named ones, which must be managed, or all that are.
fn managed(tree: &OpenTree, only: &[String]) -> Result<Vec<String>, Failure> {
    let accounts = &tree.loaded.desired.accounts;
    for name in only {
        let account = accounts.iter().find(|it| it.name.as_str() == name);
        if account.is_some_and(|account| account.dns != DnsMode::Manage) {
            let message =
                format!("account {name} does not have `dns: manage`, so it is not pushed");
            return Err(Failure::Usage(message));
        }
    }
    if !only.is_empty() {
        return Ok(only.to_vec());
    }
    Ok(accounts
        .iter()
        .filter(|account| account.dns == DnsMode::Manage)
        .map(|account| account.name.to_string())
        .collect())
}

/// Fetches the secrets that the settings name.
async fn config(folder: &Utf8Path, settings: &PushSettings) -> Result<PushConfig, Failure> {
    let secret = async |source: &SecretSource| -> Result<Secret, Failure> {
        let found = live::resolve(source, folder, &|name| env::var(name).ok()).await;
        found.map_err(|error| Failure::Failed(error.into()))
    };
    Ok(match &settings.method {
        PushMethod::Rfc2136 {
            server,
            key,
            algorithm,
            secret: source,
        } => PushConfig::Rfc2136(Rfc2136Config {
            server: server.value.clone(),
            key: TsigKey {
                name: key.clone(),
                algorithm: *algorithm,
                secret: secret(source).await?,
            },
        }),
        PushMethod::PowerDns {
            url,
            api_key,
            server_id,
        } => PushConfig::PowerDns(PowerDnsConfig {
            url: url.value.clone(),
            api_key: secret(api_key).await?,
            server_id: server_id.clone(),
        }),
    })
}

fn failed(error: PushError) -> Failure {
    Failure::Failed(anyhow!(error))
}
