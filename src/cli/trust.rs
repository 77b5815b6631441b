//! What the operator lets a tree name, from a file or from earlier answers at the terminal.

use std::env;
use std::fs;
use std::io;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use super::failure::Failure;
use super::tree::OpenTree;
use super::ui::{self, Ui};
use crate::config::{ConfigError, read_trust};
use crate::live::{Reach, Trust, TrustConfig};

/// The variable with the file's path, or its text.
const VARIABLE: &str = "EMBLAZON_TRUST";
/// The file that the operator writes.
const WRITTEN: &str = "trust.yaml";
/// The file with the operator's earlier answers.
const ANSWERED: &str = "known.yaml";

/// What an operator trusts.
pub(crate) struct Operator {
    config: TrustConfig,
    /// Where the operator's trust is configured, for messages.
    place: String,
    /// The earlier answers; absent if the operator named a file, which then is complete.
    answers: Option<Answers>,
}

/// Earlier answers.
struct Answers {
    file: Utf8PathBuf,
    config: TrustConfig,
}

impl Operator {
    /// Reads the operator's trust: from the given file or text, else from the folder of settings.
    pub(crate) fn find(given: Option<&str>) -> Result<Self, Failure> {
        if let Some(given) = given.filter(|given| !given.trim().is_empty()) {
            if is_text(given) {
                let config =
                    read_trust(given, Utf8Path::new(VARIABLE)).map_err(|error| mistaken(&error))?;
                return Ok(Self {
                    config,
                    place: VARIABLE.to_owned(),
                    answers: None,
                });
            }
            let file = Utf8Path::new(given);
            let config = read(file)?.ok_or_else(|| {
                Failure::Usage(format!(
                    "{file} says what the tree may name, and is not there; write it, or name another file with --trust"
                ))
            })?;
            return Ok(Self {
                config,
                place: given.to_owned(),
                answers: None,
            });
        }
        let Some(folder) = folder() else {
            return Ok(Self {
                config: TrustConfig::default(),
                place: "a file outside the tree, and name it with --trust,".to_owned(),
                answers: None,
            });
        };
        let written = folder.join(WRITTEN);
        let answered = folder.join(ANSWERED);
        Ok(Self {
            config: read(&written)?.unwrap_or_default(),
            place: written.to_string(),
            answers: Some(Answers {
                config: read(&answered)?.unwrap_or_default(),
                file: answered,
            }),
        })
    }

    /// Returns the effective trust.
    pub(crate) fn trust(&self) -> Trust {
        let mut config = self.config.clone();
        if let Some(answers) = &self.answers {
            config = config.and(&answers.config);
        }
        Trust::new(config, &|name| env::var(name).ok())
    }

    /// Refuses a trust file that the authors of the tree can write.
    fn check_place(given: Option<&str>, tree: &OpenTree, folder: &Utf8Path) -> Result<(), Failure> {
        let Some(given) = given.filter(|given| !given.trim().is_empty() && !is_text(given)) else {
            return Ok(());
        };
        let real = |path: &Utf8Path| path.canonicalize_utf8().ok();
        let depth = tree.source.folder().components().count();
        let top = real(folder);
        let top = top
            .as_deref()
            .and_then(|folder| folder.ancestors().nth(depth));
        if let (Some(file), Some(top)) = (real(Utf8Path::new(given)), top)
            && file.starts_with(top)
        {
            return Err(Failure::Usage(format!(
                "{given} lies in the tree, and is to bind whoever writes the tree; keep it outside of {top}"
            )));
        }
        Ok(())
    }
}

/// Admits a tree only if the operator trusts what it names. Asks on a terminal; elsewhere it is refused, with the lines
/// to add. Nothing is requested, read or run before.
pub(crate) async fn admit(
    ui: Ui,
    (folder, tree): (&Utf8Path, &OpenTree),
    given: Option<&str>,
    reach: Reach,
) -> Result<(), Failure> {
    let operator = Operator::find(given)?;
    Operator::check_place(given, tree, folder)?;
    let trust = operator.trust();
    let claims = trust.missing(&tree.loaded, folder, reach);
    if claims.is_empty() {
        return Ok(());
    }
    for claim in &claims {
        ui::line(&claim.to_string());
    }
    if let Some(answers) = operator.answers.filter(|_| ui.is_interactive()) {
        if !ui::ask("Trust this from now on?").await? {
            let message = "not trusted, so nothing was asked, read or run";
            return Err(Failure::Refused(message.to_owned()));
        }
        let config = answers.config.and(&Trust::entries(&claims));
        keep(&answers.file, &config).with_context(|| answers.file.to_string())?;
        ui.message(&format!("remembered in {}", answers.file));
        return Ok(());
    }
    ui::line(&format!("if that is right, let {} say", operator.place));
    let lines = match operator.place.as_str() {
        // A variable is replaced as a whole.
        VARIABLE => vec![trust.text(&claims)],
        _ => trust.lines(&claims),
    };
    for line in lines {
        ui::line(&format!("  {line}"));
    }
    Err(Failure::Refused(
        "the tree names what nobody trusts yet, so nothing was asked, read or run".to_owned(),
    ))
}

/// Returns whether the value is the text itself, not the path of a file.
fn is_text(given: &str) -> bool {
    given.trim_start().starts_with('{') || given.contains('\n') || given.contains(": ")
}

/// Returns the folder of the operator's settings.
fn folder() -> Option<Utf8PathBuf> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let settings = set("XDG_CONFIG_HOME")
        .map(Utf8PathBuf::from)
        .or_else(|| Some(Utf8PathBuf::from(set("HOME")?).join(".config")))?;
    Some(settings.join("emblazon"))
}

/// Reads a file, if it exists.
fn read(file: &Utf8Path) -> Result<Option<TrustConfig>, Failure> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let failed = anyhow::Error::new(error).context(file.to_string());
            return Err(Failure::Failed(failed));
        }
    };
    let config = read_trust(&text, file).map_err(|error| mistaken(&error))?;
    let folder = file.parent().unwrap_or(Utf8Path::new(""));
    Ok(Some(config.beside(folder)))
}

fn mistaken(error: &ConfigError) -> Failure {
    Failure::Usage(error.in_one_line())
}

/// Stores the answers, readable and writable by the operator only.
fn keep(file: &Utf8Path, config: &TrustConfig) -> io::Result<()> {
    let text = serde_yaml::to_string(config).map_err(io::Error::other)?;
    crate::apply::write_whole(file.as_std_path(), text.as_bytes())
}
