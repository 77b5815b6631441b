//! The initial state of a sandbox: `sandbox.yaml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::dns::DnsSeed;
use super::ui::UiSeed;
use super::world::{Account, ServerSettings, User, World, derived_id};
use super::{Fault, SandboxError};
use crate::model::{AccountId, AssetKind, AssetType, Object};

/// The initial state of a sandbox.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The world.
    pub world: World,
    /// Scripted faults.
    pub faults: Vec<Fault>,
    /// The DNS; without it, no DNS servers are started.
    pub dns: Option<DnsSeed>,
    /// The user interface; without it, none is started.
    pub ui: Option<UiSeed>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedFile {
    accounts: Vec<SeedAccount>,
    #[serde(default)]
    template: Option<Object>,
    #[serde(default)]
    faults: Vec<Fault>,
    #[serde(default)]
    server: SeedServer,
    dns: Option<DnsSeed>,
    ui: Option<UiSeed>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedServer {
    token_lifetime: Option<u64>,
    bucket: Option<u32>,
    #[serde(default)]
    unlimited: bool,
    refill_per_second: Option<u32>,
    price: Option<f64>,
    upload_limit: Option<usize>,
    #[serde(default)]
    sorts_attachments: bool,
    #[serde(default)]
    refuses_loopback_hooks: bool,
    hook_pause_ms: Option<u64>,
    blackhole_idle_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedAccount {
    name: String,
    id: Option<AccountId>,
    parent: Option<String>,
    realm: Option<String>,
    api_key: Option<String>,
    #[serde(default)]
    reseller: bool,
    #[serde(default)]
    users: Vec<SeedUser>,
    whitelabel: Option<Object>,
    #[serde(default)]
    assets: BTreeMap<AssetKind, String>,
    reserved_domain: Option<String>,
    #[serde(default)]
    extra: Object,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedUser {
    name: String,
    password: String,
}

impl Default for Seed {
    /// Returns a world that contains only the master account.
    fn default() -> Self {
        let mut master = Account::new(
            &derived_id("account Master"),
            "Master",
            "master.sip.example.com",
        );
        master.reseller = true;
        Self {
            world: World::new(master),
            faults: Vec::new(),
            dns: None,
            ui: None,
        }
    }
}

impl Seed {
    /// Parses a `sandbox.yaml`; the paths of files in it are relative to `base`.
    ///
    /// # Errors
    /// When the seed is invalid: unknown members, a missing parent, an unreadable file, or an API key that does not
    /// have 64 characters.
    pub fn parse(yaml: &str, base: &Path) -> Result<Self, SandboxError> {
        let read = |file: &Path| {
            let path = base.join(file);
            std::fs::read(path).map_err(|error| error.to_string())
        };
        Self::parse_reading(yaml, &read)
    }

    /// Parses a `sandbox.yaml` like [`Self::parse`], but reads the files that it names with `read`.
    ///
    /// # Errors
    /// In the same cases.
    pub fn parse_reading(
        yaml: &str,
        read: &dyn Fn(&Path) -> Result<Vec<u8>, String>,
    ) -> Result<Self, SandboxError> {
        let file: SeedFile =
            serde_yaml::from_str(yaml).map_err(|error| SandboxError::Seed(error.to_string()))?;
        let mut entries = file.accounts.into_iter();
        let first = entries.next().ok_or_else(|| {
            SandboxError::Seed("no accounts; the first one is the master account".to_owned())
        })?;
        if first.parent.is_some() {
            return Err(SandboxError::Seed(format!(
                "account {:?} is the first, so it is the master and has no parent; remove `parent`",
                first.name
            )));
        }
        let mut master = account(&first)?;
        master.reseller = true;
        let mut world = World::new(master);
        let master = world.master().to_owned();
        world.settings = server_settings(&file.server);
        fill(&mut world, &master, first, read)?;
        for entry in entries {
            let mut made = account(&entry)?;
            if world.account(&made.id).is_some() {
                return Err(SandboxError::Seed(format!(
                    "account {:?} has the id of another one; give one of them its own `id`",
                    entry.name
                )));
            }
            made.tree = tree_below(&world, &entry)?;
            let id = made.id.clone();
            world.insert_account(made);
            fill(&mut world, &id, entry, read)?;
        }
        if let Some(template) = file.template {
            world.set_template(template);
        }
        Ok(Self {
            world,
            faults: file.faults,
            dns: file.dns,
            ui: file.ui,
        })
    }

    /// Generates a seed with this many accounts below the master, each with a whitelabel and three small assets.
    /// Deterministic: the same number gives the same seed.
    #[must_use]
    pub fn generate(accounts: usize) -> Self {
        let mut seed = Self::default();
        let master = seed.world.master().to_owned();
        for number in 0..accounts {
            let name = format!("account-{number:05}");
            let id = derived_id(&name);
            let domain = format!("{name}.example.com");
            let mut account = Account::new(&id, &name, &format!("{name}.sip.example.com"));
            account.tree = vec![master.clone()];
            seed.world.insert_account(account);
            seed.world.edit_settings(&id, |settings| {
                settings.insert("company_name".to_owned(), Value::from(name.as_str()));
                settings.insert("domain".to_owned(), Value::from(domain.as_str()));
                for switch in ["hide_credits", "hide_powered", "hide_registration"] {
                    settings.insert(switch.to_owned(), Value::from(false));
                }
            });
            for (kind, asset_type, bytes) in generated_assets(&name) {
                put_asset(&mut seed.world, &id, kind, asset_type, &bytes);
            }
        }
        seed
    }

    /// Makes the store keep attachments in the order of their names (observed 2).
    #[must_use]
    pub fn with_sorted_attachments(mut self) -> Self {
        self.world.settings.sorts_attachments = true;
        self
    }

    /// Removes the rate limit on requests without a token, for loads that a real server would not sustain.
    #[must_use]
    pub fn unlimited(mut self) -> Self {
        self.world.settings.bucket = None;
        self
    }
}

/// Returns three small files with the correct magic bytes.
fn generated_assets(name: &str) -> [(AssetKind, AssetType, Vec<u8>); 3] {
    let mut logo = b"\x89PNG\r\n\x1a\n".to_vec();
    logo.extend_from_slice(name.as_bytes());
    let mut icon = vec![0, 0, 1, 0, 1, 0];
    icon.extend_from_slice(name.as_bytes());
    let welcome = format!("<h1>{name}</h1>\n").into_bytes();
    [
        (AssetKind::Logo, AssetType::Png, logo),
        (AssetKind::Icon, AssetType::Ico, icon),
        (AssetKind::Welcome, AssetType::Html, welcome),
    ]
}

fn put_asset(world: &mut World, id: &str, kind: AssetKind, asset_type: AssetType, bytes: &[u8]) {
    let name = format!("{kind}-seed.{}", asset_type.extension());
    world.put_attachment(id, &name, asset_type.content_type(), bytes);
}

fn server_settings(server: &SeedServer) -> ServerSettings {
    let usual = ServerSettings::default();
    ServerSettings {
        token_lifetime: server.token_lifetime.unwrap_or(usual.token_lifetime),
        bucket: if server.unlimited {
            None
        } else {
            server.bucket.or(usual.bucket)
        },
        refill_per_second: server.refill_per_second.unwrap_or(usual.refill_per_second),
        price: server.price,
        upload_limit: server.upload_limit.unwrap_or(usual.upload_limit),
        sorts_attachments: server.sorts_attachments,
        refuses_loopback_hooks: server.refuses_loopback_hooks,
        hook_pause_ms: server.hook_pause_ms.unwrap_or(usual.hook_pause_ms),
        blackhole_idle_ms: server.blackhole_idle_ms.unwrap_or(usual.blackhole_idle_ms),
    }
}

fn account(entry: &SeedAccount) -> Result<Account, SandboxError> {
    let name = &entry.name;
    let id = entry.id.as_ref().map_or_else(
        || derived_id(&format!("account {name}")),
        |id| id.as_str().to_owned(),
    );
    let realm = entry
        .realm
        .clone()
        .unwrap_or_else(|| format!("{}.sip.example.com", slug(name)));
    let mut account = Account::new(&id, name, &realm);
    account.reseller = entry.reseller;
    account.extra.clone_from(&entry.extra);
    account.users = entry
        .users
        .iter()
        .map(|user| User::new(&id, &user.name, &user.password))
        .collect();
    if let Some(key) = &entry.api_key {
        if key.chars().count() != 64 {
            return Err(SandboxError::Seed(format!(
                "the api_key of account {name:?} must have 64 characters; leave it out to get one"
            )));
        }
        account.api_key.clone_from(key);
    }
    Ok(account)
}

fn slug(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect()
}

fn tree_below(world: &World, entry: &SeedAccount) -> Result<Vec<String>, SandboxError> {
    let parent = match &entry.parent {
        None => world.account(world.master()),
        Some(parent) => world
            .account(parent)
            .or_else(|| world.account_named(parent)),
    };
    let parent = parent.ok_or_else(|| {
        SandboxError::Seed(format!(
            "account {:?} has an unknown parent {:?}; put the parent before it",
            entry.name,
            entry.parent.as_deref().unwrap_or_default()
        ))
    })?;
    let mut tree = parent.tree.clone();
    tree.push(parent.id.clone());
    Ok(tree)
}

/// Stores an account's whitelabel and assets.
fn fill(
    world: &mut World,
    id: &str,
    entry: SeedAccount,
    read: &dyn Fn(&Path) -> Result<Vec<u8>, String>,
) -> Result<(), SandboxError> {
    let has_assets = !entry.assets.is_empty();
    match entry.whitelabel {
        Some(settings) => world.edit_settings(id, |stored| stored.extend(settings)),
        None if has_assets => {
            return Err(SandboxError::Seed(format!(
                "account {:?} has assets and no whitelabel; add `whitelabel: {{}}`",
                entry.name
            )));
        }
        None => {}
    }
    if let Some(domain) = &entry.reserved_domain {
        world.reserve_domain(id, Some(domain));
    }
    for (kind, file) in entry.assets {
        let bytes = read(Path::new(&file)).map_err(|error| {
            SandboxError::Seed(format!(
                "the {kind} {file:?} of account {:?} cannot be read: {error}; paths start beside sandbox.yaml",
                entry.name
            ))
        })?;
        let asset_type = AssetType::sniff(&bytes).unwrap_or(AssetType::Html);
        put_asset(world, id, kind, asset_type, &bytes);
    }
    Ok(())
}
