//! Builds a client configuration from the cluster that the tree declares.

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::config::{ClientConfig, Credential, DividedKeys};
use super::secret_source::{API_KEY_VARIABLE, SecretError, TOKEN_VARIABLE, credential};
use crate::tree::{AuthConfig, ClusterConfig, FileError, read_authorities};

/// Why no connection to a cluster can be attempted.
#[derive(Debug, Error)]
pub enum ReachError {
    /// The tree declares no URL.
    #[error("cluster {0} has no api in emblazon.yaml; add its URL, or use --sandbox")]
    NoApi(String),
    /// There is no credential.
    #[error(
        "no credentials: set {API_KEY_VARIABLE} or {TOKEN_VARIABLE}, or declare auth in emblazon.yaml"
    )]
    NoCredentials,
    /// There is no credential for this URL; those that the tree declares are for another one.
    #[error(
        "no credentials for {api}: those that cluster {cluster} declares are for its own api and are not sent elsewhere; set {API_KEY_VARIABLE} or {TOKEN_VARIABLE}"
    )]
    NoneForThere {
        /// URL of the API to reach.
        api: String,
        /// Name of the cluster whose credentials are withheld.
        cluster: String,
    },
    /// The declared source gave no credential.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The certificate authorities could not be read.
    #[error("ca_file {path} cannot be read: {source}")]
    CaFile {
        /// Path of the file.
        path: Utf8PathBuf,
        /// The system's reason.
        source: FileError,
    },
}

impl ReachError {
    /// Returns whether the command line or the tree asks for something impossible.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoApi(_) | Self::NoCredentials | Self::NoneForThere { .. }
        )
    }
}

/// Configures a client for the cluster as the tree declares it. `environment` reads variables, and paths of files are
/// relative to `folder`.
pub async fn declared(
    folder: &Utf8Path,
    cluster: &ClusterConfig,
    environment: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<ClientConfig, ReachError> {
    let api = (cluster.api.as_ref()).ok_or_else(|| ReachError::NoApi(cluster.name.to_string()))?;
    let credential = logged_in(folder, &cluster.auth, environment).await?;
    let config = configure(&api.value, credential, folder, cluster)?;
    Ok(divided(config, folder, cluster))
}

/// Configures a client for an explicit URL. The cluster's declared credentials are sent only to the cluster's own URL.
pub async fn elsewhere(
    api: &str,
    folder: &Utf8Path,
    cluster: &ClusterConfig,
    environment: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<ClientConfig, ReachError> {
    let auth = if cluster.is_at(api) {
        &cluster.auth
    } else {
        &AuthConfig::Environment
    };
    let credential = logged_in(folder, auth, environment).await;
    let credential = credential.map_err(|error| match error {
        ReachError::NoCredentials if cluster.auth != AuthConfig::Environment => {
            ReachError::NoneForThere {
                api: api.to_owned(),
                cluster: cluster.name.to_string(),
            }
        }
        other => other,
    })?;
    let config = configure(api, credential, folder, cluster)?;
    Ok(if cluster.is_at(api) {
        divided(config, folder, cluster)
    } else {
        config
    })
}

/// Adds the keys of resellers, which are resolved when something is written with them.
fn divided(config: ClientConfig, folder: &Utf8Path, cluster: &ClusterConfig) -> ClientConfig {
    let divided = (!cluster.keys.is_empty()).then(|| DividedKeys {
        top: folder.to_owned(),
        keys: cluster.keys.clone(),
    });
    ClientConfig { divided, ..config }
}

fn configure(
    api: &str,
    (credential, origin): (Credential, String),
    folder: &Utf8Path,
    cluster: &ClusterConfig,
) -> Result<ClientConfig, ReachError> {
    let mut config = ClientConfig::new(api, credential);
    config.credential_origin = Some(origin);
    config.root.clone_from(&cluster.root);
    config.allow_plain_http = cluster.allow_plain_http;
    if let Some(file) = &cluster.ca_file {
        let path = folder.join(file);
        let pem = read_authorities(&path).map_err(|source| ReachError::CaFile { path, source })?;
        config.ca_pem = Some(pem);
    }
    config.seed = fastrand::u64(..);
    Ok(config)
}

async fn logged_in(
    folder: &Utf8Path,
    auth: &AuthConfig,
    environment: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<(Credential, String), ReachError> {
    let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    if *auth == AuthConfig::Environment && !is_set(API_KEY_VARIABLE) && !is_set(TOKEN_VARIABLE) {
        return Err(ReachError::NoCredentials);
    }
    Ok(credential(auth, folder, environment).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Place, SourceMap, Span, Spanned};
    use crate::model::ClusterName;
    use crate::tree::SecretSource;

    fn cluster(api: Option<&str>) -> ClusterConfig {
        let place = Place {
            file: SourceMap::default().add("emblazon.yaml".into(), ""),
            span: Span { start: 0, end: 0 },
        };
        ClusterConfig {
            name: ClusterName::new("production"),
            api: api.map(|api| Spanned {
                value: api.to_owned(),
                place,
            }),
            root: None,
            allow_plain_http: false,
            ca_file: None,
            ui: None,
            auth: AuthConfig::ApiKey(SecretSource::Environment("OUR_KEY".to_owned())),
            keys: Vec::new(),
        }
    }

    /// The credential in `auth` is for the cluster's own platform, however its URL is spelled, and for no other.
    #[tokio::test]
    async fn declared_credentials_go_to_the_declared_platform() {
        let environment = |name: &str| (name == "OUR_KEY").then(|| "k".repeat(64));
        let reach = async |api: &str, cluster: &ClusterConfig| {
            elsewhere(api, "".into(), cluster, &environment).await
        };
        let own = cluster(Some("https://api.example.com:8443/"));
        assert!(reach("https://API.example.com:8443", &own).await.is_ok());
        assert!(
            reach("https://api.example.com:8443", &cluster(None))
                .await
                .is_ok()
        );
        let told = reach("https://other.example.com", &own).await.unwrap_err();
        assert!(told.is_usage());
        insta::assert_snapshot!(told, @"no credentials for https://other.example.com: those that cluster production declares are for its own api and are not sent elsewhere; set EMBLAZON_API_KEY or EMBLAZON_TOKEN");
    }
}
