//! Trees on disk, read as users have them read.

use std::fmt::Write as _;
use std::fs;
use std::io::Cursor;

use camino::{Utf8Path, Utf8PathBuf};
use emblazon::diag::Severity;
use emblazon::tree::{Desired, Loaded, MAX_ASSET_BYTES, TreeSource as _, Workdir, load};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use super::Account;

/// A tree that was read from files.
pub(super) struct Tree {
    pub(super) loaded: Loaded,
    source: Workdir,
}

impl Tree {
    pub(super) fn desired(&self) -> &Desired {
        &self.loaded.desired
    }

    /// Reads an asset's file.
    pub(super) fn bytes(&self, path: &Utf8Path) -> Result<Vec<u8>, String> {
        self.source
            .read(path, MAX_ASSET_BYTES)
            .map_err(|error| error.to_string())
    }
}

/// Writes the files of a tree.
pub(super) struct TreeFiles {
    folder: Utf8PathBuf,
}

impl TreeFiles {
    pub(super) fn new(folder: Utf8PathBuf) -> Self {
        let files = Self { folder };
        files.file("emblazon.yaml", b"clusters: {test: {}}\n")
    }

    pub(super) fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    pub(super) fn file(self, path: &str, bytes: &[u8]) -> Self {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// Declares an account: its id, and what `text` says.
    pub(super) fn account(self, account: &Account, text: &str) -> Self {
        let text = format!("account: {}\n{text}\n", account.id);
        self.named(account.name, &text)
    }

    /// Declares an account in full.
    pub(super) fn named(self, name: &str, text: &str) -> Self {
        self.file(&format!("accounts/{name}/account.yaml"), text.as_bytes())
    }

    /// Puts a file beside an account's declaration.
    pub(super) fn beside(self, account: &Account, file: &str, bytes: &[u8]) -> Self {
        self.file(&format!("accounts/{}/{file}", account.name), bytes)
    }

    /// Reads the tree; it must have no errors.
    pub(super) fn load(self) -> Tree {
        let source = Workdir::open(self.folder).unwrap();
        let loaded = load(&source, None).unwrap();
        let mut errors = String::new();
        for diagnostic in &loaded.diagnostics {
            if diagnostic.code.severity() == Severity::Error {
                let _ = writeln!(errors, "{} {}", diagnostic.code, diagnostic.message);
            }
        }
        assert!(errors.is_empty(), "the tree has errors:\n{errors}");
        Tree { loaded, source }
    }
}

/// Makes a logo of one colour.
pub(super) fn logo(colour: [u8; 3]) -> Vec<u8> {
    picture(200, 60, colour, ImageFormat::Png)
}

/// Makes an icon of one colour.
pub(super) fn icon(colour: [u8; 3]) -> Vec<u8> {
    picture(32, 32, colour, ImageFormat::Ico)
}

/// Makes a welcome page.
pub(super) fn welcome(text: &str) -> Vec<u8> {
    format!("<h1>{text}</h1>\n").into_bytes()
}

fn picture(width: u32, height: u32, colour: [u8; 3], format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_pixel(width, height, Rgb(colour));
    // Icons want an alpha channel.
    let image = DynamicImage::from(DynamicImage::from(image).to_rgba8());
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}
