//! Persists a world in a folder: a JSON file, with the attachments next to it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Account, Attachment, Attachments, Document, Hook, StoredRevision, User, World};
use crate::model::{Digest, Object};

/// A folder that a world is stored in.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct SavedWorld {
    version: u32,
    master: String,
    next_account: u64,
    template: Object,
    accounts: Vec<SavedAccount>,
    #[serde(default)]
    hooks: Vec<Hook>,
}

#[derive(Serialize, Deserialize)]
struct SavedAccount {
    id: String,
    name: String,
    realm: String,
    tree: Vec<String>,
    api_key: String,
    reseller: bool,
    users: Vec<User>,
    revision: StoredRevision,
    created: u64,
    extra: Object,
    reserved_domain: Option<String>,
    whitelabel: Option<SavedDocument>,
    whitelabel_revision: StoredRevision,
}

#[derive(Serialize, Deserialize)]
struct SavedDocument {
    settings: Object,
    revision: StoredRevision,
    /// Content type and digest of the bytes, with the name, in order.
    attachments: Vec<(String, (String, Digest))>,
}

impl Store {
    /// Opens a folder, creating it if needed.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder.join("attachments"))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    fn state_file(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    /// Loads the world; `None` if the folder is new.
    pub(crate) fn load(&self) -> io::Result<Option<World>> {
        let text = match fs::read_to_string(self.state_file()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let saved: SavedWorld = serde_json::from_str(&text)?;
        let mut accounts = BTreeMap::new();
        for account in saved.accounts {
            accounts.insert(account.id.clone(), self.revive(account)?);
        }
        let Some(master) = accounts.remove(&saved.master) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the saved state has no master account; remove the folder to start anew",
            ));
        };
        let mut world = World::new(master);
        for account in accounts.into_values() {
            world.insert_account(account);
        }
        world.template = saved.template;
        world.next_account = saved.next_account;
        let hooks = saved.hooks.into_iter();
        world.hooks = hooks.map(|hook| (hook.id.clone(), hook)).collect();
        Ok(Some(world))
    }

    /// Saves the world atomically.
    pub(crate) fn save(&self, world: &World) -> io::Result<()> {
        let mut accounts = Vec::new();
        for account in world.accounts() {
            accounts.push(self.put_aside(account)?);
        }
        let saved = SavedWorld {
            version: 1,
            master: world.master.clone(),
            next_account: world.next_account,
            template: world.template.clone(),
            accounts,
            hooks: world.hooks.values().cloned().collect(),
        };
        self.write(&self.state_file(), &serde_json::to_vec_pretty(&saved)?)
    }

    fn put_aside(&self, account: &Account) -> io::Result<SavedAccount> {
        let whitelabel = account
            .whitelabel
            .as_ref()
            .map(|document| self.put_document_aside(document))
            .transpose()?;
        Ok(SavedAccount {
            id: account.id.clone(),
            name: account.name.clone(),
            realm: account.realm.clone(),
            tree: account.tree.clone(),
            api_key: account.api_key.clone(),
            reseller: account.reseller,
            users: account.users.clone(),
            revision: account.revision.clone(),
            created: account.created,
            extra: account.extra.clone(),
            reserved_domain: account.reserved_domain.clone(),
            whitelabel,
            whitelabel_revision: account.whitelabel_revision.clone(),
        })
    }

    fn put_document_aside(&self, document: &Document) -> io::Result<SavedDocument> {
        let mut attachments = Vec::new();
        for (name, attachment) in document.attachments.iter() {
            let digest = Digest::of(&attachment.bytes);
            let file = self.attachment_file(&digest);
            if !file.exists() {
                self.write(&file, &attachment.bytes)?;
            }
            attachments.push((name.to_owned(), (attachment.content_type.clone(), digest)));
        }
        Ok(SavedDocument {
            settings: document.settings.clone(),
            revision: document.revision.clone(),
            attachments,
        })
    }

    fn revive(&self, saved: SavedAccount) -> io::Result<Account> {
        let whitelabel = saved
            .whitelabel
            .map(|document| self.revive_document(document))
            .transpose()?;
        Ok(Account {
            id: saved.id,
            name: saved.name,
            realm: saved.realm,
            tree: saved.tree,
            api_key: saved.api_key,
            reseller: saved.reseller,
            users: saved.users,
            revision: saved.revision,
            created: saved.created,
            extra: saved.extra,
            reserved_domain: saved.reserved_domain,
            whitelabel,
            whitelabel_revision: saved.whitelabel_revision,
            previous: None,
        })
    }

    fn revive_document(&self, saved: SavedDocument) -> io::Result<Document> {
        let mut attachments = Attachments::default();
        for (name, (content_type, digest)) in saved.attachments {
            let bytes = fs::read(self.attachment_file(&digest))?.into();
            attachments.insert(
                name,
                Attachment {
                    content_type,
                    bytes,
                },
            );
        }
        Ok(Document {
            settings: saved.settings,
            attachments,
            revision: saved.revision,
        })
    }

    fn attachment_file(&self, digest: &Digest) -> PathBuf {
        self.folder.join("attachments").join(digest.as_str())
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut temporary = tempfile::NamedTempFile::new_in(&self.folder)?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        temporary.persist(file)?;
        Ok(())
    }
}
