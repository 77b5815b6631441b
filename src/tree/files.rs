//! Classifies the files of a tree, and finds misplaced ones.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::cluster::LoadError;
use super::layout::{ACCOUNT_FILE, CONFIG_PATH};
use super::node::{Content, Node};
use super::source::{Listed, ListedKind, ReadError, TreeSource};
use super::yaml::{self, MAX_YAML_BYTES};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Place, SourceMap, Span};

/// The files of a tree that are read as YAML, and reports of misplaced ones.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Files with their ids.
    pub(super) files: Vec<TreeFile>,
    /// Reports of misplaced files.
    pub(super) diagnostics: Diagnostics,
}

/// One file that is read as YAML.
#[derive(Clone, Debug)]
pub(super) struct TreeFile {
    /// Id in the source map.
    pub(super) id: FileId,
    /// Path relative to the root of the tree.
    pub(super) path: Utf8PathBuf,
    /// Role of the file in the tree.
    pub(super) role: Role,
}

/// The role of a file in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// `emblazon.yaml`
    Config,
    /// `domains.yaml`
    Template,
    /// `brands/NAME.yaml`
    Brand(String),
    /// `accounts/NAME/account.yaml`
    Account(String),
    /// A file that is not read; it has an id so that a diagnostic can point at it.
    Misplaced,
}

/// The result of reading one file; it always exists, so that the other files are read too.
#[derive(Debug)]
pub(super) struct Parsed {
    /// The text; empty when it could not be read.
    pub(super) text: String,
    /// The document; an empty map for an empty file, [`Content::Broken`] after a mistake.
    pub(super) root: Node,
    /// Mistakes in the file.
    pub(super) diagnostics: Diagnostics,
}

impl Files {
    /// Classifies the files of a source by their roles.
    pub(super) fn classify(listed: &[Listed]) -> Self {
        let mut found = Self::default();
        for entry in listed {
            let parts: Vec<&str> = entry.path.components().map(|part| part.as_str()).collect();
            match (role(&parts), entry.kind) {
                (Ok(Some(Role::Account(name))), ListedKind::File) if !is_name(&name) => {
                    found.misplaced(entry, Code::EB0212, "the name of the folder is not allowed".to_owned(),
                        "use letters, digits, dot, hyphen and underscore, beginning with a letter or a digit");
                }
                (Ok(Some(role)), ListedKind::File) => {
                    found.add(&entry.path, role);
                }
                (Ok(Some(_)), kind) | (_, kind @ ListedKind::Link) => {
                    let what = if kind == ListedKind::Link {
                        "a symbolic link"
                    } else {
                        "not a file"
                    };
                    found.misplaced(
                        entry,
                        Code::EB0112,
                        format!("{} is {what}", entry.path),
                        "put the file itself here: what a link shows depends on where it is read",
                    );
                }
                (Err(help), _) => {
                    found.misplaced(
                        entry,
                        Code::EB0117,
                        format!("{} is not read", entry.path),
                        help,
                    );
                }
                (Ok(None), _) => {}
            }
        }
        found.report_unread_folders(listed);
        found
    }

    /// Warns of folders in `accounts/` that contain files but no account.
    fn report_unread_folders(&mut self, listed: &[Listed]) {
        let folder = |path: &Utf8Path| {
            let mut parts = path.components().map(|part| part.as_str());
            let name = (parts.next() == Some("accounts")).then(|| parts.next())??;
            parts.next().map(|_| name.to_owned())
        };
        let known: BTreeSet<String> = self
            .files
            .iter()
            .filter_map(|file| folder(&file.path))
            .collect();
        let mut last = None;
        for entry in listed {
            let Some(name) = folder(&entry.path) else {
                continue;
            };
            if known.contains(&name) || last.as_ref() == Some(&name) {
                continue;
            }
            let message = format!("accounts/{name} has no account.yaml");
            let help = "add it, or move the files out of accounts/";
            self.misplaced(entry, Code::EB0118, message, help);
            last = Some(name);
        }
    }

    /// Returns the file that makes a folder a tree.
    pub(super) fn config(&self) -> Result<&TreeFile, LoadError> {
        let mut files = self.files.iter();
        let found = files.find(|file| file.path == CONFIG_PATH);
        match found {
            Some(file) if file.role == Role::Config => Ok(file),
            Some(_) => Err(LoadError::NotAFile),
            None => Err(LoadError::NotATree),
        }
    }

    fn add(&mut self, path: &Utf8Path, role: Role) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(TreeFile {
            id,
            path: path.to_owned(),
            role,
        });
        id
    }

    fn misplaced(&mut self, entry: &Listed, code: Code, message: String, help: &str) {
        let id = self.add(&entry.path, Role::Misplaced);
        self.diagnostics
            .push(Diagnostic::new(code, message, help).at(start_of(id), ""));
    }

    /// Assigns each file its id in a source map; files that are not there get ids after all that are.
    pub(super) fn numbered_by(mut self, known: &SourceMap) -> Self {
        let before: BTreeMap<&Utf8Path, FileId> = known
            .iter()
            .map(|(id, file)| (file.path.as_path(), id))
            .collect();
        if before.is_empty() {
            return self;
        }
        let mut new = (u32::try_from(before.len()).unwrap_or(u32::MAX)..).map(FileId);
        let mut ids = BTreeMap::new();
        for file in &mut self.files {
            let id = before.get(file.path.as_path()).copied();
            let id = id.or_else(|| new.next()).unwrap_or(file.id);
            ids.insert(file.id, id);
            file.id = id;
        }
        for label in (self.diagnostics.iter_mut()).filter_map(|it| it.primary.as_mut()) {
            if let Some(id) = ids.get(&label.place.file) {
                label.place.file = *id;
            }
        }
        self
    }

    /// Lists the brands with the ids of their files.
    pub(super) fn brands(&self) -> Vec<(String, FileId)> {
        let brand = |file: &TreeFile| match &file.role {
            Role::Brand(name) => Some((name.clone(), file.id)),
            Role::Config | Role::Template | Role::Account(_) | Role::Misplaced => None,
        };
        self.files.iter().filter_map(brand).collect()
    }

    /// Stores the texts that were read in a source map; the other files keep their texts.
    pub(super) fn sources(
        self,
        mut texts: BTreeMap<FileId, String>,
        mut known: SourceMap,
    ) -> SourceMap {
        for file in self.files {
            match texts.remove(&file.id) {
                Some(text) => known.put(file.id, file.path, text),
                None if known.file(file.id).is_none() => known.put(file.id, file.path, ""),
                None => {}
            }
        }
        known
    }
}

/// Returns the role of a path, `None` if the path is ignored, or the help for a misplaced file.
fn role(parts: &[&str]) -> Result<Option<Role>, &'static str> {
    match *parts {
        [CONFIG_PATH] => Ok(Some(Role::Config)),
        ["domains.yaml"] => Ok(Some(Role::Template)),
        ["brands", file] => match file.strip_suffix(".yaml") {
            Some(name) => Ok(Some(Role::Brand(name.to_owned()))),
            None if has_extension(file, "yml") => Err("rename it to end in .yaml"),
            None => Ok(None),
        },
        ["brands", .., file] if is_yaml(file) => {
            Err("move it to brands/NAME.yaml: brands do not lie in folders")
        }
        ["accounts", name, ACCOUNT_FILE] => Ok(Some(Role::Account(name.to_owned()))),
        ["accounts", _, file]
            if file.eq_ignore_ascii_case(ACCOUNT_FILE) || has_extension(file, "yml") =>
        {
            Err("rename it to account.yaml")
        }
        ["accounts", file] if is_yaml(file) => Err("move it to accounts/NAME/account.yaml"),
        ["accounts", .., ACCOUNT_FILE] => {
            Err("move it to accounts/NAME/account.yaml: accounts do not lie in each other")
        }
        _ => Ok(None),
    }
}

fn has_extension(file: &str, extension: &str) -> bool {
    Utf8Path::new(file)
        .extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

fn is_yaml(file: &str) -> bool {
    has_extension(file, "yaml") || has_extension(file, "yml")
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(allowed)
}

/// Returns the place that stands for a whole file.
pub(super) fn start_of(file: FileId) -> Place {
    Place {
        file,
        span: Span { start: 0, end: 0 },
    }
}

/// Reads and parses one file.
pub(super) fn parse(source: &dyn TreeSource, file: &TreeFile) -> Parsed {
    let place = start_of(file.id);
    let broken = |text: String, diagnostics: Diagnostics| Parsed {
        text,
        root: Node {
            content: Content::Broken,
            place,
        },
        diagnostics,
    };
    let bytes = match source.read(&file.path, MAX_YAML_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => {
            let diagnostic = read_error(&error, file.path.as_str(), None).at(place, "");
            return broken(String::new(), vec![diagnostic]);
        }
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let diagnostic = not_utf8(file, at, bytes.get(at).copied().unwrap_or_default());
            // The readable part is shown around the place.
            let text = String::from_utf8_lossy(bytes).into_owned();
            return broken(text, vec![diagnostic]);
        }
    };
    let (root, diagnostics) = yaml::parse(file.id, &text);
    match root {
        Some(root) => Parsed {
            text,
            root,
            diagnostics,
        },
        None if diagnostics.is_empty() => Parsed {
            text,
            root: Node {
                content: Content::Mapping(Vec::new()),
                place,
            },
            diagnostics,
        },
        None => broken(text, diagnostics),
    }
}

/// Reports the first byte that is not UTF-8, and the character that it is in the encoding that the file was probably
/// saved in.
fn not_utf8(file: &TreeFile, at: usize, byte: u8) -> Diagnostic {
    let place = |end: usize| {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Place {
            file: file.id,
            span: Span {
                start: offset(at),
                end: offset(end),
            },
        }
    };
    let message = format!("{} is not valid UTF-8 at byte {at}", file.path);
    let label = match byte {
        0xa0.. => format!("{} in Latin-1", char::from(byte)),
        _ => format!("the byte {byte:#04x}"),
    };
    // In the displayed text, a replacement character of three bytes takes the place of the byte.
    Diagnostic::new(Code::EB0108, message, "save the file as UTF-8")
        .at(place(at + char::REPLACEMENT_CHARACTER.len_utf8()), label)
}

/// Reports why a file cannot be read; `suggestion` is a file that may have been meant.
pub(super) fn read_error(error: &ReadError, path: &str, suggestion: Option<&str>) -> Diagnostic {
    let message = format!("cannot read {path}: {error}");
    match error {
        ReadError::Missing => Diagnostic::new(
            Code::EB0115,
            format!("there is no file {path}"),
            suggestion.map_or_else(
                || "add the file, or correct the path: it starts at the folder of the file that names it".to_owned(),
                |name| format!("did you mean {name}?"),
            ),
        ),
        ReadError::Link(_) => Diagnostic::new(
            Code::EB0112,
            error.to_string(),
            "put the file itself here: what a link shows depends on where it is read",
        ),
        ReadError::TooLarge { .. } => Diagnostic::new(Code::EB0109, message, "make it smaller"),
        ReadError::LfsPointer => Diagnostic::new(
            Code::EB0114,
            message,
            "run git lfs pull before, or keep the file in Git itself; --rev cannot read from LFS",
        ),
        ReadError::NotAFile => Diagnostic::new(Code::EB0112, message, "name a file"),
        ReadError::Failed(_) => {
            Diagnostic::new(Code::EB0116, message, "check the file's permissions and the disk")
        }
    }
}
