//! Maps paths to nouns and their methods.

use std::borrow::Cow;

use crate::model::AssetKind;

/// The resource that a path refers to, apart from the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    /// `whitelabel` (W1).
    Whitelabel,
    /// `whitelabel/{logo|icon|welcome}` (B1).
    Asset(AssetKind),
    /// `whitelabel/{domain}` (W9, W10).
    ByDomain(String),
    /// `whitelabel/{domain}/{asset}` (B1).
    AssetByDomain(String, AssetKind),
    /// `whitelabel/domains` (D1, D7, D12).
    Domains,
    /// `accounts`.
    Accounts,
    /// `accounts/{id}`.
    Account,
    /// `accounts/{id}/descendants` (L1).
    Descendants,
    /// `accounts/{id}/children` (L1).
    Children,
    /// `accounts/{id}/siblings` (L8).
    Siblings,
    /// `accounts/{id}/parents` (L8).
    Parents,
    /// `accounts/{id}/tree` (L8).
    Tree,
    /// `accounts/{id}/reseller`.
    Reseller,
    /// `accounts/{id}/api_key` (A7).
    ApiKey,
    /// `api_auth` (A2).
    ApiAuth,
    /// `user_auth` (A3).
    UserAuth,
    /// `token_auth` (A7).
    TokenAuth,
    /// `schemas` (W11).
    Schemas,
    /// `schemas/{name}` (W11).
    Schema(String),
    /// `schemas/{name}/validation` (W14e).
    SchemaValidation(String),
    /// `accounts/{id}/webhooks` (V2).
    Webhooks,
    /// `accounts/{id}/webhooks/{hook}` (V2).
    Webhook(String),
    /// `search` (L6).
    Search,
    /// An unknown path below a known module.
    NotFound,
    /// An unknown module.
    NoModule,
}

/// A parsed path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// The version number: 2 for `/v2`.
    pub(crate) version: u64,
    /// The account in the path; `account` alone means the caller's own (E5).
    pub(crate) account: Scope,
    /// The resource.
    pub(crate) noun: Noun,
}

/// The account in a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// No account.
    System,
    /// The token's own account (E5).
    Own,
    /// The account with this id.
    Id(String),
}

impl Route {
    /// Parses a path; `None` when it has no version, for which the server returns a text page (E1).
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let version = segments.remove(0).strip_prefix('v')?.parse().ok()?;
        if segments.last().is_some_and(|last| last.is_empty()) {
            segments.pop();
        }
        let tokens: Vec<Cow<'_, str>> = segments.into_iter().map(decode).collect();
        let tokens: Vec<&str> = tokens.iter().map(AsRef::as_ref).collect();
        let (account, noun) = match tokens.as_slice() {
            ["accounts"] => (Scope::System, Noun::Accounts),
            ["accounts", id, rest @ ..] => (Scope::Id((*id).to_owned()), below_account(rest)),
            ["account", rest @ ..] => (Scope::Own, below_account(rest)),
            ["whitelabel", rest @ ..] => (Scope::System, below_whitelabel(rest)),
            rest => (Scope::System, without_account(rest)),
        };
        Some(Self {
            version,
            account,
            noun,
        })
    }

    /// Returns the allowed methods in the order of `access-control-allow-methods`, without OPTIONS.
    pub(crate) fn methods(&self, master: &str) -> &'static [&'static str] {
        match &self.noun {
            Noun::Whitelabel => &["POST", "PUT", "GET", "DELETE"],
            Noun::Asset(_) | Noun::Domains => &["POST", "GET"],
            Noun::Accounts | Noun::ApiAuth | Noun::UserAuth | Noun::SchemaValidation(_) => &["PUT"],
            Noun::Account if self.account == Scope::Id(master.to_owned()) => {
                &["PATCH", "POST", "PUT", "GET"]
            }
            Noun::Account => &["PATCH", "POST", "PUT", "GET", "DELETE"],
            Noun::Reseller => &["PUT", "DELETE"],
            Noun::ApiKey => &["PUT", "GET"],
            Noun::TokenAuth => &["GET", "DELETE"],
            Noun::Webhooks => &["GET", "PUT", "PATCH"],
            Noun::Webhook(_) => &["GET", "POST", "PATCH", "DELETE"],
            Noun::ByDomain(_)
            | Noun::AssetByDomain(..)
            | Noun::Descendants
            | Noun::Children
            | Noun::Siblings
            | Noun::Parents
            | Noun::Tree
            | Noun::Schemas
            | Noun::Schema(_)
            | Noun::Search => &["GET"],
            Noun::NotFound => &[],
            Noun::NoModule => &["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"],
        }
    }
}

fn decode(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let hex = segment
            .get(index + 1..index + 3)
            .filter(|_| *byte == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(hex.unwrap_or(*byte));
        index += if hex.is_some() { 3 } else { 1 };
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn below_account(rest: &[&str]) -> Noun {
    match rest {
        [] => Noun::Account,
        ["whitelabel", rest @ ..] => below_whitelabel(rest),
        ["descendants"] => Noun::Descendants,
        ["children"] => Noun::Children,
        ["siblings"] => Noun::Siblings,
        ["parents"] => Noun::Parents,
        ["tree"] => Noun::Tree,
        ["reseller"] => Noun::Reseller,
        ["api_key"] => Noun::ApiKey,
        ["webhooks"] => Noun::Webhooks,
        ["webhooks", id] => Noun::Webhook((*id).to_owned()),
        _ => Noun::NotFound,
    }
}

fn below_whitelabel(rest: &[&str]) -> Noun {
    match rest {
        [] => Noun::Whitelabel,
        ["domains"] => Noun::Domains,
        [one] => asset(one).map_or_else(|| Noun::ByDomain((*one).to_owned()), Noun::Asset),
        [domain, two] => asset(two).map_or(Noun::NotFound, |kind| {
            Noun::AssetByDomain((*domain).to_owned(), kind)
        }),
        _ => Noun::NotFound,
    }
}

fn without_account(rest: &[&str]) -> Noun {
    match rest {
        ["api_auth"] => Noun::ApiAuth,
        ["user_auth"] => Noun::UserAuth,
        ["token_auth"] => Noun::TokenAuth,
        ["schemas"] => Noun::Schemas,
        ["schemas", name] => Noun::Schema((*name).to_owned()),
        ["schemas", name, "validation"] => Noun::SchemaValidation((*name).to_owned()),
        ["search"] => Noun::Search,
        [
            "api_auth" | "user_auth" | "token_auth" | "schemas" | "search",
            ..,
        ] => Noun::NotFound,
        _ => Noun::NoModule,
    }
}

fn asset(name: &str) -> Option<AssetKind> {
    AssetKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == name)
}

/// Returns the class of a path for counting, and whether a PUT, POST, PATCH or DELETE there changes anything that users
/// see.
pub(crate) fn class_of(path: &str) -> (&'static str, bool) {
    let Some(route) = Route::parse(path) else {
        return ("page", false);
    };
    match route.noun {
        Noun::Whitelabel => ("whitelabel", true),
        Noun::Asset(_) => ("asset", true),
        Noun::ByDomain(_) => ("lookup", true),
        Noun::AssetByDomain(..) => ("asset lookup", true),
        Noun::Domains => ("domains", route.account == Scope::System),
        Noun::ApiAuth | Noun::UserAuth => ("auth", false),
        Noun::TokenAuth => ("auth", true),
        Noun::Accounts | Noun::Account | Noun::Reseller | Noun::ApiKey => ("account", true),
        Noun::Descendants | Noun::Children | Noun::Siblings | Noun::Parents | Noun::Tree => {
            ("list", true)
        }
        Noun::Schemas | Noun::Schema(_) | Noun::SchemaValidation(_) => ("schema", true),
        Noun::Webhooks | Noun::Webhook(_) => ("webhook", true),
        Noun::Search => ("search", true),
        Noun::NotFound | Noun::NoModule => ("unknown", true),
    }
}
