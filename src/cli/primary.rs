//! Reaching the primary of the zones of accounts with `dns: manage`.

use std::env;

use anyhow::anyhow;
use camino::Utf8Path;

use super::failure::Failure;
use super::platform::Platform;
use super::tree::OpenTree;
use crate::dns::push::{
    PowerDnsConfig, PrimaryReader, PushConfig, PushPolicy, Rfc2136Config, TsigKey,
};
use crate::live;
use crate::model::Secret;
use crate::plan::{Plan, Step, Subject};
use crate::tree::{Ownership, PushMethod, PushSettings, SecretSource};

/// Makes what reads the primary that the tree names; in a sandbox, the server of that name there, with the key that it
/// has there. Nothing is sent yet.
///
/// # Errors
/// Says why it cannot be reached, and what to do: that is told of the records, and stops nothing else.
pub(crate) async fn reader(
    folder: &Utf8Path,
    settings: &PushSettings,
    platform: &Platform,
) -> Result<PrimaryReader, String> {
    let config = if platform.is_sandbox() {
        sandbox(&settings.method, platform)?
    } else {
        declared(folder, &settings.method).await?
    };
    PrimaryReader::new(&config).map_err(|error| error.to_string())
}

/// Makes what a plan's records are written through; a plan without records needs none.
pub(crate) async fn for_plan(
    folder: &Utf8Path,
    tree: &OpenTree,
    platform: &Platform,
    plan: &Plan,
) -> Result<Option<PrimaryReader>, Failure> {
    let is_zone = |step: &Step| matches!(step.subject, Subject::Zone(_));
    if !plan.steps.iter().any(is_zone) {
        return Ok(None);
    }
    of_tree(folder, tree, platform).await.map(Some)
}

/// Makes what reads the primary that the tree names.
pub(crate) async fn of_tree(
    folder: &Utf8Path,
    tree: &OpenTree,
    platform: &Platform,
) -> Result<PrimaryReader, Failure> {
    let settings = tree.loaded.dns.push.as_ref().ok_or_else(|| {
        let message = "there are records to change, and emblazon.yaml does not say where; add dns: { push: … }";
        Failure::Usage(message.to_owned())
    })?;
    let reader = reader(folder, settings, platform).await;
    reader.map_err(|reason| Failure::Failed(anyhow!(reason)))
}

/// Returns how sets are changed.
pub(crate) fn policy(settings: &PushSettings) -> PushPolicy {
    PushPolicy {
        exclusive: settings.ownership == Ownership::Exclusive,
        ttl: settings.ttl.unwrap_or(PushPolicy::default().ttl),
    }
}

fn sandbox(method: &PushMethod, platform: &Platform) -> Result<PushConfig, String> {
    let PushMethod::Rfc2136 {
        server,
        key,
        algorithm,
        ..
    } = method
    else {
        return Err("the sandbox takes dynamic updates only; push by rfc2136, or leave records out with --skip-dns".to_owned());
    };
    let host = server
        .value
        .rsplit_once(':')
        .map_or(server.value.as_str(), |(host, _)| host);
    let found = platform.sandbox_primary(host, key);
    let (address, secret) = found.ok_or_else(|| {
        format!(
            "the sandbox has no server {host} with the key {key}; add both to the dns section of sandbox.yaml"
        )
    })?;
    Ok(PushConfig::Rfc2136(Rfc2136Config {
        server: address.to_string(),
        key: TsigKey {
            name: key.clone(),
            algorithm: *algorithm,
            secret,
        },
    }))
}

/// Fetches the secrets that the settings name.
async fn declared(folder: &Utf8Path, method: &PushMethod) -> Result<PushConfig, String> {
    let secret = async |source: &SecretSource| -> Result<Secret, String> {
        let found = live::resolve(source, folder, &|name| env::var(name).ok()).await;
        found.map_err(|error| error.to_string())
    };
    Ok(match method {
        PushMethod::Rfc2136 {
            server,
            key,
            algorithm,
            secret: source,
        } => PushConfig::Rfc2136(Rfc2136Config {
            server: server.value.clone(),
            key: TsigKey {
                name: key.clone(),
                algorithm: *algorithm,
                secret: secret(source).await?,
            },
        }),
        PushMethod::PowerDns {
            url,
            api_key,
            server_id,
            ca_file,
        } => PushConfig::PowerDns(PowerDnsConfig {
            url: url.value.clone(),
            api_key: secret(api_key).await?,
            server_id: server_id.clone(),
            ca_pem: match ca_file {
                Some(file) => Some(authorities(&folder.join(file))?),
                None => None,
            },
        }),
    })
}

/// Reads further certificate authorities.
fn authorities(path: &Utf8Path) -> Result<Vec<u8>, String> {
    std::fs::read(path)
        .map_err(|error| format!("ca_file {path} cannot be read: {error}; check its path"))
}
