//! `sandbox`

use std::fmt::Write as _;
use std::fs;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use crate::cli::args::{ListFormat, SandboxArgs};
use crate::cli::failure::Failure;
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, deadline, platform};
use crate::sandbox::{Capacity, Fault, Options, Sandbox, SandboxError, Seed};

pub(crate) fn sandbox(ui: Ui, args: &SandboxArgs) -> Result<Exit, Failure> {
    let options = Options {
        listen: args.listen,
        profile: args.profile.into(),
        seed: args.seed.as_deref().map_or(Ok(Seed::default()), seed)?,
        state: args.state.clone().map(Utf8PathBuf::into_std_path_buf),
        faults: args.faults.as_deref().map_or(Ok(Vec::new()), faults)?,
        capacity: args.capacity.map(|per_second| Capacity {
            per_second,
            workers: args.workers,
        }),
        dns_port: args.dns_port,
        record: args.record.clone().map(Utf8PathBuf::into_std_path_buf),
    };
    deadline::runtime()?.block_on(serve(ui, args.list.format, options))
}

async fn serve(ui: Ui, format: ListFormat, options: Options) -> Result<Exit, Failure> {
    let sandbox = Sandbox::start(options).await.map_err(wrong)?;
    ui::data(&greeting(&sandbox, format))?;
    if format == ListFormat::Text {
        ui.message("press Ctrl-C to stop");
    }
    tokio::signal::ctrl_c()
        .await
        .context("waiting for Ctrl-C")?;
    sandbox.stop().await;
    Ok(Exit::Done)
}

/// Returns how to reach it; as JSON on one line, for scripts that wait for it.
fn greeting(sandbox: &Sandbox, format: ListFormat) -> String {
    match format {
        ListFormat::Text => {
            let mut text = format!(
                "api         {}\napi key     {}\naccount id  {}\n",
                sandbox.url(),
                sandbox.api_key(),
                sandbox.account_id()
            );
            if let Some(dns) = sandbox.dns() {
                let _ = writeln!(text, "dns         {}", dns.resolver());
            }
            text
        }
        ListFormat::Json => {
            let line = json!({
                "api": sandbox.url(),
                "api_key": sandbox.api_key(),
                "account_id": sandbox.account_id(),
                "dns": sandbox.dns().map(|dns| dns.resolver().to_string()),
            });
            format!("{line}\n")
        }
    }
}

fn seed(file: &Utf8Path) -> Result<Seed, Failure> {
    Ok(platform::seed(file)?)
}

fn faults(file: &Utf8Path) -> Result<Vec<Fault>, Failure> {
    let text = fs::read_to_string(file).with_context(|| file.to_string())?;
    Fault::parse_list(&text).map_err(wrong)
}

fn wrong(error: SandboxError) -> Failure {
    Failure::Failed(error.into())
}
