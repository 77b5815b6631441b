//! The records that a tree's accounts need, for `dns export` and `dns letter`.

use super::failure::Failure;
use super::tree::{self, OpenTree};
use crate::dns::export::AccountRecords;
use crate::dns::{declared_template, expect};
use crate::model::{DomainName, KeyPath};
use crate::tree::DesiredAccount;

/// Returns the records of the named accounts, or of all if none is named. An account without a domain has none.
pub(crate) fn of(tree: &OpenTree, only: &[String]) -> Result<Vec<AccountRecords>, Failure> {
    let desired = &tree.loaded.desired;
    let chosen = tree::chosen(desired, only)?;
    let Some(template) = &desired.template else {
        let message = "the tree has no domains.yaml, which says what records a domain needs; write one, or import it";
        return Err(Failure::Usage(message.to_owned()));
    };
    let template = declared_template(template);
    let accounts = desired
        .accounts
        .iter()
        .filter(|account| only.is_empty() || chosen.contains(&account.name));
    Ok(accounts
        .filter_map(|account| {
            let domain = domain(account)?;
            Some(AccountRecords {
                account: account.name.clone(),
                expectations: expect(&template, &domain),
                domain,
                zone: None,
            })
        })
        .collect())
}

fn domain(account: &DesiredAccount) -> Option<DomainName> {
    DomainName::parse(&text(account, "domain")?).ok()
}

/// Returns a declared text setting of an account.
pub(crate) fn text(account: &DesiredAccount, key: &str) -> Option<String> {
    let declared = account.settings.get(&KeyPath::parse(key))?;
    Some(declared.value.as_ref()?.as_str()?.to_owned())
}
