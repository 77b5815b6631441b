//! One entry of a list in the trust configuration.

use camino::Utf8PathBuf;

/// Prefix of a content's digest.
pub(super) const BY_CONTENT: &str = "sha256:";

/// One entry of a list in the trust configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An entry of `api`: a platform's base URL.
    Api(String),
    /// An entry of `dns`: a primary.
    Dns(String),
    /// An entry of `commands`: the words of a command.
    Command(Vec<String>),
    /// An entry of `files`: a file or folder with secrets.
    File(Utf8PathBuf),
    /// An entry of `ca_files`: a path, or a digest.
    CaFile(String),
}

impl Entry {
    /// Returns the name of the entry's list.
    #[must_use]
    pub fn list(&self) -> &'static str {
        match self {
            Self::Api(_) => "api",
            Self::Dns(_) => "dns",
            Self::Command(_) => "commands",
            Self::File(_) => "files",
            Self::CaFile(_) => "ca_files",
        }
    }
}
