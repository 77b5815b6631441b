//! The sources of the daemon's own secrets, as configured.

use camino::{Utf8Path, Utf8PathBuf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretError, resolve};
use crate::model::Secret;
use crate::tree::SecretSource;

/// The source of a secret: one of `env`, `file` and `command`. The secret itself is never in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Written")]
#[schemars(with = "Written")]
pub struct SecretConfig(SecretSource);

/// The source of a secret as it is written: exactly one of the three.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "one of {env: NAME}, {file: PATH} and {command: [PROGRAM]}"
)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
struct Written {
    /// An environment variable.
    env: Option<String>,
    /// A file that only its owner may read.
    #[schemars(with = "Option<String>")]
    file: Option<Utf8PathBuf>,
    /// A command that prints the secret on its first line; program and arguments, no shell.
    command: Option<Vec<String>>,
}

impl TryFrom<Written> for SecretConfig {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written {
                env: Some(name),
                file: None,
                command: None,
            } => Ok(Self(SecretSource::Environment(name))),
            Written {
                env: None,
                file: Some(path),
                command: None,
            } => Ok(Self(SecretSource::File(path))),
            Written {
                env: None,
                file: None,
                command: Some(words),
            } if !words.is_empty() => Ok(Self(SecretSource::Command(words))),
            _ => Err("name one source of the secret: env, file or command"),
        }
    }
}

impl SecretConfig {
    /// Reads the secret from its source. `folder` is the base of relative paths and the working directory of the
    /// command; `environment` looks up a variable.
    pub async fn fetch(
        &self,
        folder: &Utf8Path,
        environment: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> Result<Secret, SecretError> {
        resolve(&self.0, folder, environment).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_one_source() {
        #[track_caller]
        fn check(yaml: &str, expected: Result<SecretSource, &str>) {
            match (serde_yaml::from_str::<SecretConfig>(yaml), expected) {
                (Ok(config), Ok(expected)) => assert_eq!(config.0, expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (got, expected) => panic!("{yaml}: {got:?} instead of {expected:?}"),
            }
        }
        check(
            "{env: TOKEN}",
            Ok(SecretSource::Environment("TOKEN".to_owned())),
        );
        check(
            "{file: /run/token}",
            Ok(SecretSource::File("/run/token".into())),
        );
        check(
            "{command: [pass, token]}",
            Ok(SecretSource::Command(vec![
                "pass".to_owned(),
                "token".to_owned(),
            ])),
        );
        check("{}", Err("name one source"));
        check("{command: []}", Err("name one source"));
        check("{env: TOKEN, file: token}", Err("name one source"));
        check("{value: canary}", Err("unknown field"));
        check("canary", Err("invalid type"));
    }
}
