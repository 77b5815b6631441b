//! Options of the sandbox that a command uses.

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueHint};

use crate::model::in_a_shell;

/// A sandbox that a command starts for itself.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Trial {
    /// Use a sandbox whose live state comes from FILE; default: the tree's sandbox.yaml
    #[arg(
        id = "sandbox",
        long = "sandbox",
        value_name = "FILE",
        num_args = 0..=1,
        default_missing_value = "",
        require_equals = true,
        value_hint = ValueHint::FilePath
    )]
    file: Option<Utf8PathBuf>,
    /// Keep the sandbox in this folder, with its history, for the next command; without it, the sandbox ends with this
    /// one
    #[arg(long, value_name = "DIR", requires = "sandbox", value_hint = ValueHint::DirPath)]
    state: Option<Utf8PathBuf>,
}

impl Trial {
    /// Returns whether a sandbox is requested.
    pub(crate) fn is_wanted(&self) -> bool {
        self.file.is_some()
    }

    /// Returns the seed file, if a sandbox is requested.
    pub(crate) fn seed(&self, tree: &Utf8Path) -> Option<Utf8PathBuf> {
        // Without a file, the option holds an empty path.
        let file = self.file.as_ref()?;
        Some(if file.as_str().is_empty() {
            tree.join("sandbox.yaml")
        } else {
            file.clone()
        })
    }

    /// Returns the folder that keeps the platform.
    pub(crate) fn world(&self) -> Option<Utf8PathBuf> {
        Some(self.state.as_ref()?.join("platform"))
    }

    /// Returns the folder that keeps the runs on it.
    pub(crate) fn runs(&self) -> Option<Utf8PathBuf> {
        Some(self.state.as_ref()?.join("runs"))
    }

    /// Returns the arguments with which another command uses the same sandbox, each followed by a space.
    pub(crate) fn again(&self) -> String {
        let mut text = String::new();
        match &self.file {
            None => return text,
            Some(file) if file.as_str().is_empty() => text.push_str("--sandbox "),
            Some(file) => {
                text.push_str("--sandbox=");
                text.push_str(&in_a_shell(file.as_str()));
                text.push(' ');
            }
        }
        if let Some(state) = &self.state {
            text.push_str("--state ");
            text.push_str(&in_a_shell(state.as_str()));
            text.push(' ');
        }
        text
    }
}
