//! The accounts that somebody chooses, where the platform says who is below whom.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::args::{PlatformArgs, SelectionArgs};
use super::failure::Failure;
use super::import::named;
use super::platform::{self, unreachable};
use super::tree::{self, OpenTree};
use super::ui::Ui;
use crate::import::known;
use crate::live;
use crate::model::AccountName;
use crate::tree::Selection;

/// Keeps the accounts that somebody chooses by who is below whom; other choices were made when the tree was opened.
pub(crate) async fn narrow(
    ui: Ui,
    (folder, tree): (&Utf8Path, &mut OpenTree),
    asked: &SelectionArgs,
    platform: &PlatformArgs,
) -> Result<(), Failure> {
    if asked.below.is_empty() || tree.loaded.has_errors() {
        return Ok(());
    }
    let below = below(ui, (folder, &*tree), &asked.below, platform).await?;
    tree.choose(asked, &below)
}

/// Returns the accounts that somebody chooses; nothing if all are meant.
pub(crate) async fn chosen(
    ui: Ui,
    (folder, tree): (&Utf8Path, &OpenTree),
    asked: &SelectionArgs,
    platform: &PlatformArgs,
) -> Result<Option<Selection>, Failure> {
    let below = if asked.below.is_empty() {
        Vec::new()
    } else {
        below(ui, (folder, tree), &asked.below, platform).await?
    };
    tree::selected(&tree.loaded, asked, &below)
}

/// Returns the tree's accounts that are, or are below, one of the platform's.
async fn below(
    ui: Ui,
    (folder, tree): (&Utf8Path, &OpenTree),
    names: &[String],
    args: &PlatformArgs,
) -> Result<Vec<AccountName>, Failure> {
    let platform = platform::connect(ui, folder, tree, args).await?;
    let client = platform.reader();
    let listed = async {
        let everybody = live::everybody(client, client.root())
            .await
            .map_err(|error| unreachable(&error))?;
        let folders = known(&tree.loaded, &everybody);
        let mut below = BTreeSet::new();
        for name in names {
            let top = &named(name, &everybody, &folders)?.id;
            let accounts = live::everybody(client, top)
                .await
                .map_err(|error| unreachable(&error))?;
            below.extend(accounts.into_iter().map(|account| account.id));
        }
        let found = folders.into_iter().filter(|(id, _)| below.contains(id));
        let found: Vec<AccountName> = found.map(|(_, name)| name).collect();
        if found.is_empty() {
            let names = names.join(", ");
            return Err(Failure::Usage(format!(
                "--below: the tree has neither {names} nor an account below"
            )));
        }
        Ok(found)
    };
    let listed = listed.await;
    platform.stop().await;
    listed
}
