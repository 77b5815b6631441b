//! Which accounts of a tree.

use clap::Args;

use crate::model::LabelTerm;

/// Which accounts of a tree.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SelectionArgs {
    /// Consider only this account: its folder's name, its domain, or its id or realm as the tree writes it; may be repeated.
    /// Everything else, including the domain template, is left alone
    #[arg(
        long = "account",
        value_name = "ACCOUNT",
        value_delimiter = ',',
        help_heading = "Reading"
    )]
    pub(crate) accounts: Vec<String>,
    /// Consider only the accounts that extend this brand, directly or through another one; may be repeated, and adds to
    /// --account
    #[arg(
        long = "brand",
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Reading"
    )]
    pub(crate) brands: Vec<String>,
    /// Consider only this account and those below it on the platform, which is asked: its id, realm or name, or its
    /// folder's name; may be repeated, and adds to --account
    #[arg(
        long,
        value_name = "ACCOUNT",
        value_delimiter = ',',
        help_heading = "Reading"
    )]
    pub(crate) below: Vec<String>,
    /// Consider only accounts with this label, or without it: tier=gold, region!=eu; may be repeated, and then all must
    /// hold. Narrows what the other options choose
    #[arg(
        long = "label",
        value_name = "KEY=VALUE",
        value_delimiter = ',',
        help_heading = "Reading"
    )]
    pub(crate) labels: Vec<LabelTerm>,
}

impl SelectionArgs {
    /// Returns whether only some accounts are considered.
    pub(crate) fn chooses(&self) -> bool {
        self.names_some() || !self.labels.is_empty()
    }

    /// Returns whether some accounts are named, of which labels leave some.
    pub(crate) fn names_some(&self) -> bool {
        !(self.accounts.is_empty() && self.brands.is_empty() && self.below.is_empty())
    }

    /// Returns the words with which another command chooses the same accounts, in pairs.
    pub(super) fn words(&self) -> Vec<[String; 2]> {
        let pairs = |option: &'static str, values: &[String]| {
            let pair = |value: &String| [option.to_owned(), value.clone()];
            values.iter().map(pair).collect::<Vec<_>>()
        };
        let labels: Vec<String> = self.labels.iter().map(ToString::to_string).collect();
        [
            pairs("--account", &self.accounts),
            pairs("--brand", &self.brands),
            pairs("--below", &self.below),
            pairs("--label", &labels),
        ]
        .concat()
    }
}
