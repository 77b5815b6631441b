//! Platforms to import from: one in this process, seeded by number with what real platforms have.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Output;

use emblazon::sandbox::{Account, Counts, Options, Sandbox, Seed};
use serde_json::{Value, json};

use crate::cli::{check_exit, emblazon};

/// A platform, and a folder to import to.
pub(super) struct Platform {
    runtime: tokio::runtime::Runtime,
    pub(super) sandbox: Sandbox,
    pub(super) folder: tempfile::TempDir,
}

impl Platform {
    pub(super) fn new(seed: Seed) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sandbox = runtime
            .block_on(Sandbox::start(Options::seeded(seed)))
            .unwrap();
        Self {
            runtime,
            sandbox,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        emblazon(self.folder.path())
            .args(arguments)
            .env("EMBLAZON_API", self.sandbox.url())
            .env("EMBLAZON_API_KEY", self.sandbox.api_key())
            .output()
            .unwrap()
    }

    #[track_caller]
    pub(super) fn run_to(&self, exit: i32, arguments: &[&str]) -> Output {
        let output = self.run(arguments);
        check_exit(&output, exit);
        output
    }

    /// Plans a tree; there must be nothing to do.
    #[track_caller]
    pub(super) fn plans_empty(&self, tree: &str) {
        let output = self.run_to(0, &["plan", tree, "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["summary"]["differing"], json!(0));
        assert_eq!(report["summary"]["unknown"], json!(0));
    }

    /// Returns every file of a tree.
    pub(super) fn files(&self, tree: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.folder.path().join(tree), "", &mut files);
        files
    }

    pub(super) fn write(&self, tree: &str, path: &str, bytes: &[u8]) {
        let file = self.folder.path().join(tree).join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    pub(super) fn read(&self, tree: &str, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(tree).join(path)).unwrap()
    }

    /// Changes a key as somebody would by hand; `null` takes it away.
    pub(super) fn edit(&self, id: &str, pointer: &[&str], value: Value) {
        self.sandbox.world().edit_settings(id, |settings| {
            let (last, above) = pointer.split_last().unwrap();
            let mut object = settings;
            for key in above {
                object = object
                    .entry((*key).to_owned())
                    .or_insert_with(|| json!({}))
                    .as_object_mut()
                    .unwrap();
            }
            if value.is_null() {
                object.remove(*last);
            } else {
                object.insert((*last).to_owned(), value);
            }
        });
    }

    pub(super) fn counts(&self) -> Counts {
        self.sandbox.counts()
    }

    pub(super) fn stop(self) {
        self.runtime.block_on(self.sandbox.stop());
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name == ".emblazon" {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else {
            files.insert(path, fs::read(entry.path()).unwrap());
        }
    }
}

/// A picture of one colour.
pub(super) fn picture(red: u8, green: u8, blue: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    image::RgbaImage::from_pixel(64, 24, image::Rgba([red, green, blue, 255]))
        .write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png)
        .unwrap();
    bytes
}

/// What real accounts are called, and what hostile ones are.
const NAMES: &[&str] = &[
    "Acme",
    "ACME",
    "acme",
    "Bäckerei Süß",
    "..",
    "../../etc/passwd",
    "a/b\\c",
    ".hidden",
    "CON",
    "nul",
    "🦊 Fox 🦊",
    "株式会社",
    "\u{202e}gnp.exe",
    "tab\tand\nnewline\u{7}",
    "null",
    "true",
    "# comment",
    "- list",
    "\"quoted\": yes",
    "x y  z ",
];

/// So many accounts below one master: resellers whose customers share values and pictures, odd names, and
/// everything that a tree may not say. The same number gives the same platform.
pub(super) fn generated(accounts: usize) -> Seed {
    let mut random = fastrand::Rng::with_seed(6);
    let mut seed = Seed::default();
    let master = seed.world.master().to_owned();
    let logos: Vec<Vec<u8>> = (0..8).map(|shade| picture(shade * 30, 80, 160)).collect();
    for number in 0..accounts {
        let id = format!("{:016x}{number:016x}", random.u64(..));
        let odd = NAMES.get(random.usize(..NAMES.len() * 4));
        let name = odd.map_or_else(
            || format!("Customer {}", number / 2),
            |name| (*name).to_owned(),
        );
        let mut account = Account::new(&id, &name, &format!("c{number}.sip.example.com"));
        account.tree = vec![master.clone()];
        seed.world.insert_account(account);
        if random.usize(..10) == 0 {
            continue;
        }
        let reseller = number % 8;
        let settings = settings(number, reseller, &name);
        seed.world.edit_settings(&id, |stored| {
            stored.extend(settings.as_object().unwrap().clone());
        });
        let mut put = |kind: &str, bytes: &[u8]| {
            seed.world
                .put_attachment(&id, &format!("{kind}-x.bin"), "undefined", bytes);
        };
        match random.usize(..6) {
            0 => {}
            1 => put(
                "logo",
                &picture(number.to_le_bytes()[0], number.to_le_bytes()[1], 1),
            ),
            2 => put("logo", b"\x89PNG\r\n\x1a\nbroken"),
            _ => put("logo", &logos[reseller]),
        }
        match random.usize(..6) {
            0 => put("icon", &logos[reseller]),
            1 => put("welcome", b"<script>alert(1)</script>"),
            2 => put(
                "welcome",
                format!("<p>Welcome to {reseller}</p>\n").as_bytes(),
            ),
            _ => {}
        }
    }
    seed.world.set_template(
        json!({
            "CNAME": {"portal.{{domain}}": {"name": "Portal", "mapping": ["ui.example.net"]}},
            "CNAM": {"x.{{domain}}": {"name": "Typo", "mapping": ["ui.example.net"]}},
            "A": {"us.{{domain}}": {"name": "yes", "mapping": ["192.0.2.1"], "zone": "0123", "odd": 1}},
            "TXT": {},
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    seed
}

fn settings(number: usize, reseller: usize, name: &str) -> Value {
    let mut settings = json!({
        "company_name": name,
        "hide_powered": true,
        "hide_credits": false,
        "nav": {"help": format!("https://help.reseller{reseller}.example")},
        "port": {
            "support_email": format!("porting@reseller{reseller}.example"),
            "authority": [format!("{:032x}", reseller)],
        },
        "domain": format!("c{number}.example.com"),
    });
    let odd: &[(&str, Value)] = &[
        ("domain", json!("https://not a host/")),
        ("domain", json!("twice.example.com")),
        ("verb", json!("DELETE")),
        ("myOwnKey", json!({"deep": [1, "two", null]})),
        ("nothing", json!(null)),
        ("company_name", json!("\u{202e}evil")),
        ("company_name", json!("  yes ")),
        (
            "sso",
            json!({"client_secret": "hunter2", "name": "x: y # z"}),
        ),
        (
            "appLinks",
            json!({"https://a.example/x.y": {"friendlyName": "no", "size": 1.5}, "<<": 1, "~": "null"}),
        ),
        (
            "social",
            json!([{"a": "+15551234567"}, [], {}, "0123", 1e21]),
        ),
        ("nav", json!("not a map")),
        ("port", json!({})),
        ("logoutTimer", json!("15")),
        ("logoutTimer", json!(15)),
        ("companyName", json!("derived")),
        (
            "custom_welcome_message",
            json!("one\ntwo: 'three' \"four\"\t{{five}}\\"),
        ),
        ("hide_registration", json!("true")),
        ("inbound_trunks_price", json!("1.10")),
        ("brandColor", json!("#ff0000")),
        (
            "nav",
            json!({"help": "javascript:alert(1)", "deep": {"er": true}}),
        ),
    ];
    if let Some((key, value)) = odd.get(number % (odd.len() * 3)) {
        settings[*key] = value.clone();
    }
    settings
}
