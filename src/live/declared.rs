//! The tree's cluster → everything that a client needs to reach it.

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::config::{ClientConfig, Credential};
use super::secret_source::{SecretError, credential};
use crate::tree::{AuthConfig, ClusterConfig, FileError, read_authorities};

/// Where a credential comes from when the tree does not say.
const API_KEY_VARIABLE: &str = "EMBLAZON_API_KEY";
const TOKEN_VARIABLE: &str = "EMBLAZON_TOKEN";

/// Says why a cluster cannot even be tried.
#[derive(Debug, Error)]
pub enum ReachError {
    /// The tree names no URL.
    #[error("cluster {0} has no api in emblazon.yaml; add its URL, or use --sandbox")]
    NoApi(String),
    /// Nothing says how to log in.
    #[error(
        "no credentials: set {API_KEY_VARIABLE} or {TOKEN_VARIABLE}, or declare auth in emblazon.yaml"
    )]
    NoCredentials,
    /// There is no credential where one was said to be.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The certificate authorities could not be read.
    #[error("ca_file {path} cannot be read: {source}")]
    CaFile {
        /// The file.
        path: Utf8PathBuf,
        /// The system's reason.
        source: FileError,
    },
}

impl ReachError {
    /// Tells whether the command line or the tree asks for something that cannot be.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::NoApi(_) | Self::NoCredentials)
    }
}

/// Configures a client for the cluster as the tree declares it. `environment` reads variables, and files are
/// found from `folder`.
pub async fn declared(
    folder: &Utf8Path,
    cluster: &ClusterConfig,
    environment: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<ClientConfig, ReachError> {
    let api = (cluster.api.as_ref()).ok_or_else(|| ReachError::NoApi(cluster.name.to_string()))?;
    let credential = logged_in(folder, &cluster.auth, environment).await?;
    configure(&api.value, credential, folder, cluster)
}

/// Configures a client for another URL. The cluster's credentials are for the cluster, and are not sent there.
pub async fn elsewhere(
    api: &str,
    folder: &Utf8Path,
    cluster: &ClusterConfig,
    environment: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<ClientConfig, ReachError> {
    let credential = logged_in(folder, &AuthConfig::Environment, environment).await?;
    configure(api, credential, folder, cluster)
}

fn configure(
    api: &str,
    credential: Credential,
    folder: &Utf8Path,
    cluster: &ClusterConfig,
) -> Result<ClientConfig, ReachError> {
    let mut config = ClientConfig::new(api, credential);
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
) -> Result<Credential, ReachError> {
    let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    if *auth == AuthConfig::Environment && !is_set(API_KEY_VARIABLE) && !is_set(TOKEN_VARIABLE) {
        return Err(ReachError::NoCredentials);
    }
    Ok(credential(auth, folder, environment).await?)
}
