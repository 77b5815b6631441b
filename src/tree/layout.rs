//! The names of the files and folders that belong to a tree.

use camino::Utf8Path;

/// The file that makes a folder a tree.
pub(super) const CONFIG_PATH: &str = "emblazon.yaml";

/// The file that makes a folder an account.
pub(super) const ACCOUNT_FILE: &str = "account.yaml";

/// Files at the root of a tree that belong to it.
pub(super) const TOP_FILES: [&str; 2] = ["domains.yaml", "emblazon.yaml"];

/// Folders at the root of a tree that belong to it.
pub(super) const TOP_FOLDERS: [&str; 2] = [ACCOUNTS, "brands"];

/// The folder that contains one folder per account.
pub(super) const ACCOUNTS: &str = "accounts";

/// Returns whether a path is where an account is declared, so that a folder there is a mistake.
pub(super) fn is_account_file(path: &Utf8Path) -> bool {
    let mut parts = path.components().map(|part| part.as_str());
    parts.next() == Some(ACCOUNTS) && parts.nth(1) == Some(ACCOUNT_FILE) && parts.next().is_none()
}

/// Returns whether a name is hidden, and therefore not part of the tree.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}
