//! A small model of the server, and of an apply that makes no mistakes: documents, attachments,
//! reservations and the template, after W4, W7, W14, W19, W21, W22, B11, D7 and observed 2.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::diff::Edit;
use crate::live::{Live, LiveAccount, LiveAsset, LiveDocument, Reading, Unmanaged};
use crate::model::{
    AccountId, AssetFacts, AssetKind, DomainName, DomainTemplate, KeyPath, Revision, Settings,
};
use crate::plan::{Action, Plan, Precondition, Step, Subject};
use crate::tree::Desired;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct World {
    pub(super) accounts: BTreeMap<AccountId, Stored>,
    pub(super) template: DomainTemplate,
    /// Accounts that cannot be read.
    pub(super) silent: BTreeSet<AccountId>,
    /// Deleting a document keeps the domain reserved, as Kazoo 4.3 does.
    pub(super) keeps_domains: bool,
    pub(super) writes: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) document: Option<Document>,
    /// `pvt_whitelabel_domain`.
    pub(super) reserved: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    pub(super) settings: Settings,
    pub(super) attachments: BTreeMap<String, AssetFacts>,
    pub(super) revision: Revision,
}

impl Document {
    /// B11 and observed 2: the first that begins so; the last one is the logo unless it is an icon.
    pub(super) fn attachment(&self, kind: AssetKind) -> Option<String> {
        let last = self.attachments.keys().last();
        let stands_in = |name: &String| {
            kind == AssetKind::Logo && Some(name) == last && !name.starts_with("icon")
        };
        self.attachments
            .keys()
            .find(|name| name.starts_with(kind.as_str()) || stands_in(name))
            .cloned()
    }
}

impl World {
    pub(super) fn store(&mut self, id: AccountId, name: &str, stored: Stored) {
        let name = name.to_owned();
        self.accounts.insert(id, Stored { name, ..stored });
    }

    pub(super) fn document(&mut self, settings: Settings) -> Document {
        Document {
            settings,
            attachments: BTreeMap::new(),
            revision: self.revision(),
        }
    }

    fn revision(&mut self) -> Revision {
        self.writes += 1;
        Revision::new(format!("{}-x", self.writes))
    }

    /// Reads what a plan for this tree needs.
    pub(super) fn live(&self, desired: &Desired) -> Live {
        let mut live = Live {
            template: desired
                .template
                .as_ref()
                .map(|_| Reading::Known(self.template.clone())),
            ..Live::default()
        };
        for account in &desired.accounts {
            let id = crate::diff::fixture::id(account.name.as_str());
            let document = if self.silent.contains(&id) {
                Reading::Unknown("timed out".to_owned())
            } else {
                let document = self
                    .accounts
                    .get(&id)
                    .and_then(|stored| stored.document.as_ref());
                Reading::Known(document.map(|document| {
                    LiveDocument {
                        revision: document.revision.clone(),
                        settings: document.settings.clone(),
                        assets: (account.assets.keys())
                            .map(|kind| (*kind, Reading::Known(asset(document, *kind))))
                            .collect(),
                    }
                }))
            };
            let account_live = LiveAccount {
                id: Reading::Known(id),
                document,
            };
            (live.accounts).insert(account.name.clone(), Arc::new(account_live));
            let domain = account.settings.get(&KeyPath::from("domain"));
            if let Some(Value::String(domain)) = domain.and_then(|domain| domain.value.as_ref()) {
                let name = DomainName::parse(domain).expect("a domain");
                live.holders
                    .insert(name, Reading::Known(self.holders(domain)));
            }
        }
        live
    }

    fn holders(&self, domain: &str) -> Vec<Unmanaged> {
        (self.accounts.iter())
            .filter(|(_, stored)| stored.reserved.as_deref() == Some(domain))
            .map(|(id, stored)| Unmanaged {
                id: id.clone(),
                name: stored.name.clone(),
                realm: String::new(),
            })
            .collect()
    }

    /// Carries a plan out; says why when the server, or a precondition, would stop a step.
    pub(super) fn apply(&mut self, plan: &Plan) -> Result<(), String> {
        let mut left = BTreeMap::new();
        for step in &plan.steps {
            let done = match &step.subject {
                Subject::Template => self.replace(step),
                Subject::Zone(_) => Err("there is no zone".to_owned()),
                Subject::Account { id, .. } => {
                    let now = self
                        .accounts
                        .get(id)
                        .and_then(|stored| stored.document.as_ref());
                    let now = now.map(|document| document.revision.clone());
                    let is_met = match &step.precondition {
                        Precondition::Revision(wanted) => now.as_ref() == Some(wanted),
                        Precondition::NoWhitelabel => now.is_none(),
                        Precondition::AsLeftBy(before) => left.get(before) == Some(&now),
                        Precondition::Template(_)
                        | Precondition::UnservableTemplate
                        | Precondition::Records(_) => false,
                    };
                    if !is_met {
                        return Err(format!("{:?}: {:?} is not met", step.id, step.precondition));
                    }
                    let done = self.write(id, &step.action);
                    let now = self
                        .accounts
                        .get(id)
                        .and_then(|stored| stored.document.as_ref());
                    left.insert(step.id, now.map(|document| document.revision.clone()));
                    done
                }
            };
            done.map_err(|reason| format!("{:?} {:?}: {reason}", step.id, step.action))?;
        }
        Ok(())
    }

    fn replace(&mut self, step: &Step) -> Result<(), String> {
        let Action::ReplaceTemplate { template } = &step.action else {
            return Err("not for the template".to_owned());
        };
        if step.precondition != Precondition::Template(self.template.digest()) {
            return Err("the template moved".to_owned());
        }
        self.template = template.clone();
        Ok(())
    }

    fn write(&mut self, id: &AccountId, action: &Action) -> Result<(), String> {
        match action {
            Action::Create { settings } => {
                self.save(id, Settings::from(settings.clone()), BTreeMap::new())
            }
            Action::Update { set, remove } => {
                let edit = Edit {
                    set: set.clone(),
                    remove: remove.clone(),
                };
                let document = self.existing(id)?;
                self.save(id, edit.apply_to(&document.settings), document.attachments)
            }
            Action::Release { parked } => {
                let mut document = self.existing(id)?;
                document
                    .settings
                    .set(&KeyPath::from("domain"), Value::from(parked.as_str()));
                self.save(id, document.settings, document.attachments)
            }
            Action::Upload { asset, path, facts } => self.upload(id, *asset, path.as_str(), facts),
            Action::Recreate { without } => {
                let mut document = self.existing(id)?;
                for kind in without {
                    document
                        .attachments
                        .retain(|name, _| !name.starts_with(kind.as_str()));
                }
                self.delete(id);
                self.save(id, document.settings, document.attachments)
            }
            Action::Delete => {
                self.existing(id)?;
                self.delete(id);
                Ok(())
            }
            Action::ReplaceTemplate { .. } | Action::Records { .. } => {
                Err("not for an account".to_owned())
            }
        }
    }

    fn existing(&self, id: &AccountId) -> Result<Document, String> {
        let stored = self
            .accounts
            .get(id)
            .and_then(|stored| stored.document.clone());
        stored.ok_or_else(|| "404 no whitelabel".to_owned())
    }

    fn delete(&mut self, id: &AccountId) {
        if let Some(stored) = self.accounts.get_mut(id) {
            stored.document = None;
            if !self.keeps_domains {
                stored.reserved = None;
            }
        }
    }

    fn save(
        &mut self,
        id: &AccountId,
        mut settings: Settings,
        attachments: BTreeMap<String, AssetFacts>,
    ) -> Result<(), String> {
        if settings.as_object().is_empty() {
            return Err("an empty document was sent".to_owned());
        }
        let domain = settings
            .get(&KeyPath::from("domain"))
            .and_then(Value::as_str);
        let domain = domain.map(str::to_owned);
        if let Some(domain) = &domain {
            let holders = self.holders(domain);
            if holders.iter().any(|holder| holder.id != *id) {
                return Err(format!("400 {domain} is already in use"));
            }
        }
        for key in ["hide_credits", "hide_powered", "hide_registration"] {
            if settings.get(&KeyPath::from(key)).is_none() {
                settings.set(&KeyPath::from(key), Value::Bool(false));
            }
        }
        let revision = self.revision();
        let stored = self.accounts.entry(id.clone()).or_default();
        stored.reserved = domain.or(stored.reserved.take());
        stored.document = Some(Document {
            settings,
            attachments,
            revision,
        });
        Ok(())
    }

    /// Puts an asset up, and the welcome page back that the server deletes with it.
    fn upload(
        &mut self,
        id: &AccountId,
        kind: AssetKind,
        path: &str,
        facts: &AssetFacts,
    ) -> Result<(), String> {
        let mut document = self.existing(id)?;
        let welcome = document.attachment(AssetKind::Welcome);
        let welcome = welcome.and_then(|name| document.attachments.remove_entry(&name));
        if let Some(old) = document.attachment(kind) {
            document.attachments.remove(&old);
        }
        if kind != AssetKind::Welcome {
            document.attachments.extend(welcome);
        }
        let name = format!("{kind}-{}", path.replace('/', "_"));
        document.attachments.insert(name, facts.clone());
        document.revision = self.revision();
        if let Some(stored) = self.accounts.get_mut(id) {
            stored.document = Some(document);
        }
        Ok(())
    }
}

fn asset(document: &Document, kind: AssetKind) -> Option<LiveAsset> {
    let name = document.attachment(kind)?;
    Some(LiveAsset {
        facts: document.attachments.get(&name)?.clone(),
        attachment: Some(name),
    })
}
