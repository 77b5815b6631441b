//! Versioned JSON for machines.

use serde_json::{Value, json};

use super::account::AccountRecords;
use crate::dns::presentation::content;

/// The version of the JSON; raised when the meaning of a member changes.
pub const JSON_VERSION: u32 = 1;

/// Writes the records of accounts as JSON; `ttl` is the time to live in seconds.
#[must_use]
pub fn json(accounts: &[AccountRecords], ttl: u32) -> Value {
    json!({
        "version": JSON_VERSION,
        "accounts": accounts.iter().map(|account| one(account, ttl)).collect::<Vec<_>>(),
    })
}

fn one(account: &AccountRecords, ttl: u32) -> Value {
    let records: Vec<Value> = account
        .expectations
        .expected
        .iter()
        .map(|host| {
            json!({
                "name": host.question.name,
                "type": host.question.record_type,
                "label": host.label,
                "ttl": ttl,
                "data": host.records.iter().map(content).collect::<Vec<_>>(),
            })
        })
        .collect();
    let not_understood: Vec<Value> = account
        .expectations
        .not_understood
        .iter()
        .map(|it| json!({ "type": it.record_type, "host": it.host, "reason": it.reason }))
        .collect();
    json!({
        "account": account.account,
        "domain": account.domain,
        "zone": account.origin(),
        "records": records,
        "not_understood": not_understood,
    })
}
