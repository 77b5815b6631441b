//! The configuration of what an operator trusts.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use schemars::JsonSchema;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use url::Url;

use super::entry::{BY_CONTENT, Entry};

/// Where a tree may send credentials, and which commands and files it may use. Whoever can write the tree cannot write
/// this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrustConfig {
    /// The base URLs of the platforms that the tree may name, up to and without `/v2`. An empty list allows those on
    /// this machine.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api: Vec<Url>,
    /// The primaries that the tree may push records to, written as in `dns.push` (`server`, or `url`). An empty list
    /// allows those on this machine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<String>,
    /// The commands that the tree may name to print secrets, each as the list of its words; they run as the user who
    /// starts emblazon. `true` allows any.
    #[serde(skip_serializing_if = "Commands::is_none")]
    pub commands: Commands,
    /// The files with secrets, or folders of such files, that the tree may name, in addition to where runners, service
    /// managers and clusters put them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub files: Vec<Utf8PathBuf>,
    /// The files with certificate authorities that the tree may name: by path or, where others can write the file, as
    /// `sha256:` and the digest of its content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ca_files: Vec<String>,
}

/// Which commands a tree may name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Commands {
    /// Any, or none.
    Any(bool),
    /// These, word for word.
    These(Vec<Vec<String>>),
}

impl Commands {
    fn is_none(&self) -> bool {
        match self {
            Self::Any(any) => !any,
            Self::These(commands) => commands.is_empty(),
        }
    }

    pub(super) fn include(&self, command: &[String]) -> bool {
        match self {
            Self::Any(any) => *any,
            Self::These(commands) => commands.iter().any(|known| known == command),
        }
    }

    fn add(&mut self, command: &[String]) {
        if self.include(command) {
            return;
        }
        match self {
            Self::Any(_) => *self = Self::These(vec![command.to_owned()]),
            Self::These(commands) => commands.push(command.to_owned()),
        }
    }
}

impl Default for Commands {
    fn default() -> Self {
        Self::Any(false)
    }
}

/// Hand-written for a better error message.
impl<'de> Deserialize<'de> for Commands {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyOrThese;
        impl<'de> Visitor<'de> for AnyOrThese {
            type Value = Commands;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or a list of commands, each a list of its words")
            }

            fn visit_bool<E: Error>(self, any: bool) -> Result<Commands, E> {
                Ok(Commands::Any(any))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Commands, A::Error> {
                let commands = Vec::deserialize(SeqAccessDeserializer::new(list));
                commands.map(Commands::These)
            }
        }
        deserializer.deserialize_any(AnyOrThese)
    }
}

impl TrustConfig {
    /// Resolves relative paths against the folder of the configuration.
    #[must_use]
    pub fn beside(mut self, folder: &Utf8Path) -> Self {
        for file in &mut self.files {
            *file = folder.join(&*file);
        }
        for file in &mut self.ca_files {
            if !file.starts_with(BY_CONTENT) {
                *file = folder.join(&*file).into_string();
            }
        }
        self
    }

    /// Adds everything that another configuration trusts.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        fn join<T: Clone + PartialEq>(all: &mut Vec<T>, more: &[T]) {
            let new: Vec<T> = more
                .iter()
                .filter(|it| !all.contains(it))
                .cloned()
                .collect();
            all.extend(new);
        }
        join(&mut self.api, &other.api);
        join(&mut self.dns, &other.dns);
        join(&mut self.files, &other.files);
        join(&mut self.ca_files, &other.ca_files);
        match &other.commands {
            Commands::Any(true) => self.commands = Commands::Any(true),
            Commands::Any(false) => {}
            Commands::These(commands) => {
                for command in commands {
                    self.commands.add(command);
                }
            }
        }
        self
    }

    /// Adds one entry to its list.
    pub(super) fn add(&mut self, entry: &Entry) {
        let more = match entry.clone() {
            Entry::Api(url) => Self {
                api: Url::parse(&url).into_iter().collect(),
                ..Self::default()
            },
            Entry::Dns(primary) => Self {
                dns: vec![primary],
                ..Self::default()
            },
            Entry::Command(words) => Self {
                commands: Commands::These(vec![words]),
                ..Self::default()
            },
            Entry::File(path) => Self {
                files: vec![path],
                ..Self::default()
            },
            Entry::CaFile(file) => Self {
                ca_files: vec![file],
                ..Self::default()
            },
        };
        *self = std::mem::take(self).and(&more);
    }
}
