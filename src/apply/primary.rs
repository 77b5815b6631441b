//! Turns `dns: push` of a tree into a reader of the primary.

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;

use camino::Utf8Path;

use crate::dns::push::{
    PowerDnsConfig, PrimaryReader, PushConfig, PushPolicy, Rfc2136Config, TsigKey,
};
use crate::live;
use crate::model::Secret;
use crate::tree::{Ownership, PushMethod, PushSettings, SecretSource, read_authorities};

/// The DNS servers of a sandbox, which stand in for the primary that a tree names.
#[derive(Clone, Debug, Default)]
pub struct SandboxPrimaries {
    /// The addresses of the servers, by name in lower case without the trailing dot.
    pub servers: BTreeMap<String, SocketAddr>,
    /// The secrets of the keys that they know, by key name.
    pub keys: BTreeMap<String, Secret>,
}

/// Creates the reader of the primary that the tree names; in a sandbox, of the server of that name there, with its key
/// there. Sends nothing yet.
///
/// # Errors
/// The reason why it cannot be used, and what to do. It is reported for the records, and stops nothing else.
pub async fn primary(
    folder: &Utf8Path,
    settings: &PushSettings,
    sandbox: Option<&SandboxPrimaries>,
) -> Result<PrimaryReader, String> {
    let config = match sandbox {
        Some(sandbox) => sandbox.config(&settings.method)?,
        None => declared(folder, &settings.method).await?,
    };
    PrimaryReader::new(&config).map_err(|error| error.to_string())
}

/// Returns the policy for changing record sets.
#[must_use]
pub fn push_policy(settings: &PushSettings) -> PushPolicy {
    PushPolicy {
        exclusive: settings.ownership == Ownership::Exclusive,
        ttl: settings.ttl,
    }
}

impl SandboxPrimaries {
    fn config(&self, method: &PushMethod) -> Result<PushConfig, String> {
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
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        let found = self.servers.get(&name).zip(self.keys.get(key));
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
                secret: secret.clone(),
            },
        }))
    }
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
                Some(file) => {
                    let path = folder.join(file);
                    let pem = read_authorities(&path)
                        .map_err(|error| format!("ca_file {path} cannot be read: {error}"))?;
                    Some(pem)
                }
                None => None,
            },
        }),
    })
}
