//! `dns check [ACCOUNT…]`

use crate::cli::args::DnsCheckArgs;
use crate::cli::dns::{self, Wait};
use crate::cli::failure::Failure;
use crate::cli::progress::Phase;
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::Ui;
use crate::cli::{Exit, deadline, output, platform, selection, survey};
use crate::dns::{Checklist, ZoneOptions, declared_template};
use crate::model::DomainTemplate;
use crate::report::{self, Command, Report};

pub(crate) fn dns_check(ui: Ui, args: &DnsCheckArgs) -> Result<Exit, Failure> {
    let tree = tree::open(
        ui,
        &args.accounts.tree,
        &args.accounts.choice,
        args.platform.several(),
    )?;
    let report = if tree.loaded.has_errors() {
        report::report(&survey::tree_facts(Command::Dns, &tree))
    } else {
        deadline::run(ui, check(ui, &tree, args))?
    };
    output::deliver(ui, &report, &args.output)?;
    Ok(Exit::of(&report))
}

async fn check(ui: Ui, tree: &OpenTree, args: &DnsCheckArgs) -> Result<Report, Failure> {
    let desired = &tree.loaded.desired;
    let asked = args.accounts.and(&args.selection);
    let place = (args.accounts.tree.as_path(), tree);
    let only = selection::chosen(ui, place, &asked, &args.platform).await?;
    let declared = desired.template.as_ref().map(declared_template);
    // The platform is contacted only when needed: DNS alone needs no credentials.
    let needed = args.platform.sandbox.is_wanted() || args.ask_kazoo || declared.is_none();
    let platform = if needed {
        Some(platform::connect(ui, &args.accounts.tree, tree, &args.platform).await?)
    } else {
        None
    };
    let template: DomainTemplate = match (declared, &platform) {
        (Some(template), _) => template,
        (None, Some(platform)) => platform.template().await?,
        (None, None) => DomainTemplate::default(),
    };
    let sandbox = platform.as_ref().and_then(platform::Platform::sandbox);
    let seed = args.platform.sandbox.seed(&args.accounts.tree);
    let resolver = sandbox
        .map(|sandbox| dns::sandbox_resolver(sandbox, seed.as_deref(), Some(desired)))
        .transpose()?;
    let options = ZoneOptions {
        is_thorough: args.thorough,
        ..dns::whom_to_ask(tree, resolver)?
    };
    let list = Checklist::new(desired, template, |name| {
        only.as_ref().is_none_or(|only| only.contains(name))
    });
    let phase = Phase::begin(ui, "asking DNS", list.domains.len());
    let mut found = if let Some(patience) = args.wait {
        dns::check_until(list, &options, Wait::of(patience), &phase).await
    } else {
        let checked = || {
            phase.step();
        };
        dns::check(&list, &options, &checked).await
    };
    drop(phase);
    if let Some(platform) = &platform
        && args.ask_kazoo
    {
        let (reader, domains) = (platform.reader(), found.accounts.len());
        let phase = Phase::asking(
            ui,
            "asking the platform about DNS",
            domains,
            reader.activity(),
        );
        dns::ask_platform(&mut found, desired, reader, &phase).await;
    }
    let facts = report::Facts {
        dns: Some(&found),
        requests: platform.as_ref().and_then(platform::Platform::requests),
        ..survey::tree_facts(Command::Dns, tree)
    };
    let report = report::report(&facts);
    if let Some(platform) = platform {
        platform.stop().await;
    }
    Ok(report)
}
