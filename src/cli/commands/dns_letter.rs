//! `dns letter ACCOUNT`

use crate::cli::args::Several;
use crate::cli::args::{DnsLetterArgs, LetterFormat};
use crate::cli::failure::Failure;
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, deadline, dns, platform, progress, records, survey};
use crate::dns::letter::Letter;
use crate::dns::{
    Checker, DomainCheck, Exchange, ExchangeOptions, Observer, ZoneOptions, Zones,
    declared_template, support_domain,
};
use crate::model::{AssetKind, DomainName, DomainTemplate, RecordName};
use crate::report::{self, Command, text};
use crate::tree::{DesiredAccount, DnsMode, MAX_ASSET_BYTES};

pub(crate) fn dns_letter(ui: Ui, args: &DnsLetterArgs) -> Result<Exit, Failure> {
    let tree = tree::open(ui, &args.tree, &args.choice, Several::First)?;
    if tree.loaded.has_errors() {
        let report = report::report(&survey::tree_facts(Command::Validate, &tree));
        ui::page(&text::render(&report, ui.stdout_options()))?;
        return Ok(Exit::of(&report));
    }
    let records = records::of(&tree, std::slice::from_ref(&args.account))?;
    let Some(account) = records.first() else {
        let message = format!("account {} declares no domain", args.account);
        return Err(Failure::Usage(message));
    };
    let mut accounts = tree.loaded.desired.accounts.iter();
    let declared = accounts.find(|it| it.name == account.account);
    let declared = declared.map(|it| &**it);
    let template = tree.loaded.desired.template.as_ref();
    let (zone, check) = match template.map(declared_template).filter(|_| !args.skip_dns) {
        None => (None, None),
        Some(template) => {
            let mail = declared.and_then(support_domain);
            let look = look(&tree, args, (&account.domain, mail.as_ref()), &template);
            deadline::run(ui, progress::during(ui, "asking DNS", look))?
        }
    };
    let setting = |key: &str| declared.and_then(|it| records::text(it, key));
    let brand = setting("company_name").unwrap_or_else(|| account.account.to_string());
    let support = setting("port.support_email");
    let logo = declared.filter(|_| args.format == LetterFormat::Html);
    let logo = logo.and_then(|it| logo_of(&tree, it));
    let letter = Letter {
        brand: &brand,
        logo: logo.as_deref(),
        support: support.as_deref(),
        domain: &account.domain,
        zone: zone.as_ref(),
        expected: &account.expectations.expected,
        checks: check.as_ref().map_or(&[], |check| &check.hosts),
        findings: check.as_ref().map_or(&[], |check| &check.findings),
        ttl: args.ttl,
        is_managed: tree.loaded.dns.push.is_some()
            && declared.is_some_and(|it| it.dns == DnsMode::Manage),
    };
    ui::data(&match args.format {
        LetterFormat::Text => letter.text(),
        LetterFormat::Markdown => letter.markdown(),
        LetterFormat::Html => letter.html(),
    })?;
    Ok(Exit::Done)
}

/// Reads the logo that an account declares; a letter without it is better than none.
fn logo_of(tree: &OpenTree, account: &DesiredAccount) -> Option<Vec<u8>> {
    let file = account.assets.get(&AssetKind::Logo)?.value.as_ref()?;
    tree.source.read(&file.path, MAX_ASSET_BYTES).ok()
}

/// Finds the domain's zone and checks the domain. An unknown zone is no failure: the letter then takes the domain for the
/// zone, and the verdicts show what could not be looked up.
async fn look(
    tree: &OpenTree,
    args: &DnsLetterArgs,
    (domain, mail): (&DomainName, Option<&RecordName>),
    template: &DomainTemplate,
) -> Result<(Option<RecordName>, Option<DomainCheck>), Failure> {
    let sandbox = platform::start_sandbox(&args.tree, &args.sandbox).await?;
    let resolver = match &sandbox {
        Some(started) => {
            let seed = args.sandbox.seed(&args.tree);
            let (sandbox, desired) = (&started.sandbox, &tree.loaded.desired);
            Some(dns::sandbox_resolver(
                sandbox,
                seed.as_deref(),
                Some(desired),
            )?)
        }
        None => None,
    };
    let options = ZoneOptions {
        is_thorough: true,
        ..dns::whom_to_ask(tree, resolver)?
    };
    let zones = Zones::new(options.clone());
    let observer = Observer::new(Exchange::new(ExchangeOptions::default()), options);
    let checker = Checker::new(observer);
    let name = RecordName::observed(domain.as_str());
    let exchange = checker.observer().exchange();
    let zone = zones.of(exchange, &name).await.ok();
    let check = checker.check_brand(template, domain, mail).await;
    if let Some(started) = sandbox {
        started.sandbox.stop().await;
    }
    Ok((zone.map(|zone| zone.apex.clone()), Some(check)))
}
