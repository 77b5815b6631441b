//! Writes a tree of any size. In its `sandbox.yaml`, every tenth account differs in one key.
//!
//! The same arguments give the same bytes, so that the figures of two runs are comparable.

#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::fmt::Write as _;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, Rgba, RgbaImage};

/// Returns the numbers on the command line, or `usual` if there are none.
pub(crate) fn sizes(usual: &[usize]) -> Vec<usize> {
    let asked: Vec<usize> = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    if asked.is_empty() {
        usual.to_vec()
    } else {
        asked
    }
}

/// The shape of the tree.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// The number of accounts.
    pub(crate) accounts: usize,
    /// Whether each account has a logo, an icon and a welcome page of its own.
    pub(crate) assets: bool,
}

/// A tree in a temporary folder, deleted on drop.
pub(crate) struct Tree {
    folder: tempfile::TempDir,
    /// The number of files that a reader of the whole tree opens.
    pub(crate) files: usize,
}

/// Number of accounts that share a reseller's layer.
const BRAND_SIZE: usize = 50;
/// The id of the master account.
pub(crate) const MASTER: &str = "00000000000000000000000000000001";

impl Tree {
    /// Writes the tree.
    pub(crate) fn write(shape: Shape) -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut tree = Self { folder, files: 0 };
        tree.point_at("https://api.example.com:8443")?;
        tree.add("domains.yaml", DOMAINS.as_bytes())?;
        for brand in 0..shape.accounts.div_ceil(BRAND_SIZE) {
            tree.add(
                &format!("brands/reseller-{brand:03}.yaml"),
                brand_layer(brand).as_bytes(),
            )?;
        }
        for number in 0..shape.accounts {
            let at = format!("accounts/customer-{number:05}");
            tree.add(
                &format!("{at}/account.yaml"),
                account(number, shape.assets).as_bytes(),
            )?;
            if shape.assets {
                tree.add(
                    &format!("{at}/logo.png"),
                    &picture(number, 160, 48, ImageFormat::Png),
                )?;
                tree.add(
                    &format!("{at}/icon.ico"),
                    &picture(number, 32, 32, ImageFormat::Ico),
                )?;
                tree.add(&format!("{at}/welcome.html"), welcome(number).as_bytes())?;
            }
        }
        fs::write(tree.path().join("sandbox.yaml"), seed(shape))?;
        Ok(tree)
    }

    /// Returns the tree's root folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Rewrites `emblazon.yaml` with this base URL.
    pub(crate) fn point_at(&mut self, api: &str) -> std::io::Result<()> {
        self.add("emblazon.yaml", settings(api).as_bytes())
    }

    /// Changes a default, so that all accounts differ from the platform.
    pub(crate) fn show_powered(&mut self, api: &str) -> std::io::Result<()> {
        let text = settings(api).replace("hide_powered: true", "hide_powered: false");
        self.add("emblazon.yaml", text.as_bytes())
    }

    /// Changes the company name of one account in the tree.
    pub(crate) fn rename(&mut self, number: usize, assets: bool) -> std::io::Result<()> {
        let text = account(number, assets).replace("name: Customer", "name: Renamed");
        let name = format!("accounts/customer-{number:05}/account.yaml");
        self.add(&name, text.as_bytes())
    }

    /// Writes a file of the tree.
    pub(crate) fn add(&mut self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let path = self.path().join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        if !path.exists() {
            self.files += 1;
        }
        fs::write(path, bytes)
    }
}

/// Returns a random-looking id, unique for each number.
pub(crate) fn id(number: usize) -> String {
    let mixed = (number as u128 + 2).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    format!("{mixed:032x}")
}

fn settings(api: &str) -> String {
    format!(
        "clusters:\n  production:\n    api: {api}\n\
         defaults:\n  whitelabel:\n    hide_powered: true\n    \
         nav: {{ learn_more: \"https://www.example.com/features\" }}\n"
    )
}

/// The template of the tree and the platform.
pub(crate) const DOMAINS: &str = r#"template:
  A:
    "us-east.{{domain}}": { name: East, mapping: ["192.0.2.10"], zone: us-east }
  CNAME:
    "portal.{{domain}}": { name: Portal, mapping: [ui.example.com] }
  SRV:
    "_sip._udp.{{domain}}": { name: SIP, mapping: ["10 50 5060 us-east.{{domain}}"] }
"#;

fn brand_layer(brand: usize) -> String {
    format!(
        "whitelabel:\n  hide_credits: true\n  nav:\n    help: https://help.reseller-{brand:03}.example\n  \
         port:\n    support_email: porting@reseller-{brand:03}.example\n"
    )
}

/// Returns the `account.yaml` of an account.
pub(crate) fn account(number: usize, assets: bool) -> String {
    let brand = number / BRAND_SIZE;
    let mut text = format!(
        "account: {}\nextends: [reseller-{brand:03}]\nwhitelabel:\n  company_name: Customer {number}\n  \
         domain: portal.customer-{number:05}.example\n  inbound_trunks_price: \"6.99\"\n",
        id(number)
    );
    if assets {
        text.push_str("assets:\n  logo: logo.png\n  icon: icon.ico\n  welcome: welcome.html\n");
    }
    text
}

fn seed(shape: Shape) -> String {
    let mut text = format!(
        "accounts:\n  - name: Master\n    id: {MASTER}\n    realm: master.sip.example.com\n"
    );
    for number in 0..shape.accounts {
        let brand = number / BRAND_SIZE;
        let company = if number % 10 == 0 {
            "Edited by hand"
        } else {
            "Customer"
        };
        let _ = write!(
            text,
            "  - name: customer {number}\n    id: {}\n    realm: customer-{number:05}.sip.example.com\n    \
             whitelabel:\n      company_name: {company} {number}\n      domain: portal.customer-{number:05}.example\n      \
             inbound_trunks_price: \"6.99\"\n      hide_powered: true\n      hide_credits: true\n      \
             nav: {{ help: \"https://help.reseller-{brand:03}.example\", learn_more: \"https://www.example.com/features\" }}\n      \
             port: {{ support_email: porting@reseller-{brand:03}.example }}\n",
            id(number)
        );
        if shape.assets {
            let at = format!("accounts/customer-{number:05}");
            let _ = writeln!(
                text,
                "    assets: {{ logo: {at}/logo.png, icon: {at}/icon.ico, welcome: {at}/welcome.html }}"
            );
        }
    }
    text.push_str(DOMAINS);
    text
}

/// Draws a picture that is different for each number and does not compress to nothing.
pub(crate) fn picture(number: usize, width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mixed = u32::try_from(number)
        .unwrap_or(u32::MAX)
        .wrapping_mul(2_654_435_761);
    let [red, green, blue, _] = mixed.to_le_bytes();
    let picture = RgbaImage::from_fn(width, height, |x, y| {
        let wave = x.wrapping_mul(7) ^ y.wrapping_mul(13) ^ (mixed >> (x % 16));
        let [low, ..] = wave.to_le_bytes();
        Rgba([red, green.wrapping_add(low & 0x1f), blue, 255])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, format)
        .expect("a picture in memory can be encoded");
    bytes.into_inner()
}

fn welcome(number: usize) -> String {
    format!(
        "<!DOCTYPE html>\n<html><body><h1>Customer {number}</h1><p>Welcome.</p></body></html>\n"
    )
}
