//! Resolves credentials from the environment, a file, or a command.

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;
use tokio::process::Command;

use super::config::Credential;
use crate::model::Secret;
use crate::tree::{AuthConfig, FileError, PlainFile, SecretSource};

/// The environment variables that hold a credential if the tree declares no `auth`.
pub(super) const API_KEY_VARIABLE: &str = "EMBLAZON_API_KEY";
pub(super) const TOKEN_VARIABLE: &str = "EMBLAZON_TOKEN";

/// The largest file or output that may hold a secret, in bytes.
const LONGEST: u64 = 16 * 1024;

/// How long a command may take; it may ask a person or a remote vault.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

/// Why there is no credential. It never holds any part of one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The variable is not set, or is empty.
    #[error("environment variable {0} is not set; set it, or declare another source under `auth`")]
    Unset(String),
    /// The file could not be read.
    #[error("secret file {path} could not be read: {reason}; its path starts at the tree's top")]
    Unreadable {
        /// The path as declared.
        path: Utf8PathBuf,
        /// The system's error message.
        reason: String,
    },
    /// Users other than the owner may read or write the file.
    #[error(
        "secret file {path} has mode {mode:03o}; remove access for group and others with `chmod 600 {path}`"
    )]
    Exposed {
        /// The path as declared.
        path: Utf8PathBuf,
        /// The file's permission bits.
        mode: u32,
    },
    /// The command could not be started, failed, or took too long.
    #[error("secret command {program} {problem}; run it by hand to see why")]
    Command {
        /// The program, without its arguments.
        program: String,
        /// What happened.
        problem: String,
    },
    /// The source gave nothing, too much, or no text.
    #[error("{origin} holds no secret on its first line; put the secret alone into it")]
    NoSecret {
        /// Description of the source.
        origin: String,
    },
}

/// Resolves the credential that a cluster's `auth` declares, and says where it came from; without any,
/// `EMBLAZON_API_KEY` from the environment, else `EMBLAZON_TOKEN`. See [`resolve`] for the arguments.
pub async fn credential(
    auth: &AuthConfig,
    top: &Utf8Path,
    environment: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<(Credential, String), SecretError> {
    let resolved = async |source: &SecretSource| {
        let secret = resolve(source, top, environment).await?;
        Ok::<_, SecretError>((secret, origin(source)))
    };
    match auth {
        AuthConfig::Environment => {
            let variable = |name: &str| SecretSource::Environment(name.to_owned());
            match resolved(&variable(API_KEY_VARIABLE)).await {
                Ok((key, origin)) => Ok((Credential::ApiKey(key), origin)),
                Err(unset) => match resolved(&variable(TOKEN_VARIABLE)).await {
                    Ok((token, origin)) => Ok((Credential::Token(token), origin)),
                    Err(_) => Err(unset),
                },
            }
        }
        AuthConfig::ApiKey(source) => {
            let (key, origin) = resolved(source).await?;
            Ok((Credential::ApiKey(key), origin))
        }
        AuthConfig::Token(source) => {
            let (token, origin) = resolved(source).await?;
            Ok((Credential::Token(token), origin))
        }
        AuthConfig::User {
            user,
            password,
            account,
        } => {
            let (password, origin) = resolved(password).await?;
            let credential = Credential::User {
                user: user.clone(),
                password,
                account: account.clone(),
            };
            Ok((credential, format!("{origin}, for user {user}")))
        }
    }
}

/// Describes where a secret comes from.
fn origin(source: &SecretSource) -> String {
    match source {
        SecretSource::Environment(name) => format!("environment variable {name}"),
        SecretSource::File(path) => format!("secret file {path}"),
        SecretSource::Command(words) => {
            let program = words.first().map_or("", String::as_str);
            format!("output of secret command {program}")
        }
    }
}

/// Resolves a secret from its source. Relative paths and the command's working directory start at `top`; `environment`
/// looks up a variable.
pub async fn resolve(
    source: &SecretSource,
    top: &Utf8Path,
    environment: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<Secret, SecretError> {
    match source {
        SecretSource::Environment(name) => environment(name)
            .filter(|value| !value.trim().is_empty())
            .map(|value| Secret::new(value.trim()))
            .ok_or_else(|| SecretError::Unset(name.clone())),
        SecretSource::File(path) => from_file(path, top),
        SecretSource::Command(words) => from_command(words, top).await,
    }
}

fn from_file(path: &Utf8Path, top: &Utf8Path) -> Result<Secret, SecretError> {
    let unreadable = |error: FileError| SecretError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = PlainFile::open(top.join(path)).map_err(unreadable)?;
    // Checks the open file, not the path, which could lead elsewhere a moment later.
    check_mode(path, file.about())?;
    let bytes = file.read(LONGEST).map_err(unreadable)?;
    first_line(&bytes, || origin(&SecretSource::File(path.to_owned())))
}

#[cfg(unix)]
fn check_mode(path: &Utf8Path, metadata: &std::fs::Metadata) -> Result<(), SecretError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    Err(SecretError::Exposed {
        path: path.to_owned(),
        mode,
    })
}

#[cfg(not(unix))]
fn check_mode(_path: &Utf8Path, _metadata: &std::fs::Metadata) -> Result<(), SecretError> {
    Ok(())
}

async fn from_command(words: &[String], top: &Utf8Path) -> Result<Secret, SecretError> {
    let program = words.first().cloned().unwrap_or_default();
    let failed = |problem: String| SecretError::Command {
        program: program.clone(),
        problem,
    };
    let run = Command::new(&program)
        .args(words.get(1..).unwrap_or_default())
        .current_dir(top)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, run)
        .await
        .map_err(|_| failed(format!("gave nothing within {} s", PATIENCE.as_secs())))?
        .map_err(|error| failed(format!("could not be started: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("failed with {}", output.status)));
    }
    first_line(&output.stdout, || {
        origin(&SecretSource::Command(words.to_vec()))
    })
}

fn first_line(bytes: &[u8], origin: impl Fn() -> String) -> Result<Secret, SecretError> {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let text = std::str::from_utf8(line).map(str::trim).unwrap_or_default();
    if text.is_empty() || bytes.len() as u64 > LONGEST {
        return Err(SecretError::NoSecret { origin: origin() });
    }
    Ok(Secret::new(text))
}
