//! The files of a new tree other than its accounts.

use std::fmt::Write as _;

use super::account::Declarations;
use super::overlay::Overlay;
use super::request::NewCluster;
use crate::tree::{edit, init};

/// Writes `emblazon.yaml`, the schemas for editors, and `.gitignore`.
pub(super) fn write(tree: &mut Overlay<'_>, cluster: &NewCluster, defaults: &Declarations) {
    for (path, text) in init::starter() {
        if path.starts_with("schemas/") || path == ".gitignore" {
            tree.write(path, text);
        }
    }
    let mut text = format!("{HEAD}clusters:\n");
    text.push_str(&platform(cluster));
    if !defaults.is_empty() {
        text.push_str("\n# Values that all imported accounts share.\ndefaults:\n");
        let mut block = String::new();
        defaults.write("".into(), &mut block);
        for line in block.lines().filter(|line| !line.is_empty()) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text.push_str(POLICY);
    tree.write("emblazon.yaml", text);
}

fn platform(cluster: &NewCluster) -> String {
    let name = edit::key(cluster.name.as_str());
    let (api, root) = (cluster.api.as_deref(), cluster.root.as_ref());
    if api.is_none() && root.is_none() {
        return format!(
            "  {name}: {{}}        # for the sandbox only; else {{ api: \"https://api.example.com:8443\" }}\n"
        );
    }
    let mut text = format!("  {name}:\n");
    if let Some(api) = api {
        let _ = writeln!(text, "    api: {}", edit::key(api));
    }
    if let Some(root) = root {
        let _ = writeln!(text, "    root: {}", edit::key(root.as_str()));
    }
    text.push_str(AUTH);
    text
}

const HEAD: &str = "\
# yaml-language-server: $schema=schemas/emblazon.schema.json

# The platform that this tree describes.
";

const AUTH: &str = "    \
    # The API key is taken from EMBLAZON_API_KEY, else a token from EMBLAZON_TOKEN. Or say where it is kept:
    # auth: { api_key: { file: /run/secrets/emblazon-key } }
";

const POLICY: &str = "
policy:
  billing: refuse         # what to do when a new whitelabel costs money: refuse | accept
  max_deletions: 5        # more in one run needs approval: apply --allow too-many-deletions --expect DIGEST
  max_changed_percent: 30 # of the accounts, once there are ten
";
