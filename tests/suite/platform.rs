//! A platform in this process, a tree for it on disk, and the command as its users start it.

use std::path::Path;
use std::process::{Command, Output};

use camino::Utf8PathBuf;
use emblazon::sandbox::{Options, Profile, Sandbox, Seed};
use serde_json::{Map, Value, json};

use crate::cli::{emblazon, stdout, write};
use crate::stage::{KEY, PRIMARY};
use crate::wire;

/// What the server adds to a document that does not say it (W14).
pub(crate) const DEFAULTS: &str =
    "hide_credits: false, hide_powered: false, hide_registration: false";

/// A platform, and a tree that describes it.
pub(crate) struct Platform {
    pub(crate) sandbox: Sandbox,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Platform {
    /// Starts a platform from a seed whose assets lie in the tree's folder, and writes the tree.
    pub(crate) fn new(seed: &str, files: &[(&str, &[u8])]) -> Self {
        Self::of(seed, files, Profile::default())
    }

    /// Does the same for a version of the platform.
    pub(crate) fn of(seed: &str, files: &[(&str, &[u8])], profile: Profile) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = "clusters: {production: {api: \"https://api.example.com\"}}\n";
        write(folder.path(), "emblazon.yaml", config);
        for (name, bytes) in files {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
        let seed = Seed::parse(seed, folder.path()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sandbox = runtime
            .block_on(Sandbox::start(Options {
                profile,
                ..Options::seeded(seed)
            }))
            .unwrap();
        Self {
            sandbox,
            runtime,
            folder,
        }
    }

    /// Starts one with some accounts, named by one letter, whose company name is `old` on the platform and
    /// `new` in the tree.
    pub(crate) fn renamed(names: &str, policy: &str) -> Self {
        let account = |name: char| {
            format!(
                "  - name: {name}\n    id: {}\n    whitelabel: {{company_name: old, domain: {name}.example.com, brandColor: red, {DEFAULTS}}}\n",
                id(name)
            )
        };
        let accounts: String = names.chars().map(account).collect();
        let seed = format!("accounts:\n  - name: Master\n{accounts}");
        let platform = Self::new(&seed, &[]);
        for name in names.chars() {
            platform.declare(name, "whitelabel: {company_name: new}");
        }
        platform.policy(policy);
        platform
    }

    /// Declares an account.
    pub(crate) fn declare(&self, name: char, text: &str) {
        let text = format!("account: {}\n{text}\n", id(name));
        self.write(&format!("accounts/{name}/account.yaml"), &text);
    }

    /// Declares the guards.
    pub(crate) fn policy(&self, policy: &str) {
        let config = format!(
            "clusters: {{production: {{api: \"https://api.example.com\"}}}}\npolicy: {policy}\n"
        );
        self.write("emblazon.yaml", &config);
    }

    /// Lets records be pushed to the primary of the seed's zones.
    pub(crate) fn push(&self) {
        let dns = self.sandbox.dns().expect("a seed with DNS");
        let config = format!(
            "clusters: {{production: {{api: \"https://api.example.com\"}}}}
dns:
  push:
    method: rfc2136
    server: {}
    key: {{name: {KEY}, secret: {{env: TSIG_SECRET}}}}
",
            dns.server(PRIMARY).unwrap()
        );
        self.write("emblazon.yaml", &config);
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        write(self.folder.path(), name, text);
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn state(&self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.folder.path().join(".emblazon")).unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = emblazon(self.folder.path());
        command
            .args(arguments)
            .env("EMBLAZON_API", self.sandbox.url())
            .env("EMBLAZON_API_KEY", self.sandbox.api_key());
        if let Some(key) = self.sandbox.dns().and_then(|dns| dns.key(KEY)) {
            command.env("TSIG_SECRET", &key.secret);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs, and reads the report.
    pub(crate) fn report(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--format", "json"]].concat());
        serde_json::from_str(&stdout(&output)).unwrap_or_else(|error| {
            panic!(
                "{error}: {} {}",
                stdout(&output),
                crate::cli::stderr(&output)
            )
        })
    }

    /// Plans, and returns the digest.
    pub(crate) fn digest(&self, arguments: &[&str]) -> String {
        let report = self.report(&[&["plan"], arguments].concat());
        report["plan"].as_str().unwrap().to_owned()
    }

    /// Returns what is live of an account; `None` without a whitelabel.
    pub(crate) fn live(&self, name: char) -> Option<Map<String, Value>> {
        let world = self.sandbox.world();
        let account = world.account_named(&name.to_string()).unwrap();
        account
            .whitelabel
            .as_ref()
            .map(|document| document.settings.clone())
    }

    /// Returns a key of what is live.
    pub(crate) fn key(&self, name: char, key: &str) -> Value {
        let live = self.live(name);
        live.and_then(|settings| settings.get(key).cloned())
            .unwrap_or_default()
    }

    /// Changes a key as somebody would by hand.
    pub(crate) fn edit(&self, name: char, key: &str, value: &str) {
        self.sandbox.world().edit_settings(&id(name), |settings| {
            settings.insert(key.to_owned(), value.into());
        });
    }

    /// Sends a request with the master's API key, and returns the answer's body.
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let address = self.sandbox.address();
        let login = json!({"data": {"api_key": self.sandbox.api_key()}});
        let request = |method: &str, path: &str, body: &Value| wire::Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: None,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: Some(body.to_string().into_bytes()),
        };
        self.block_on(async {
            let login = wire::send(address, &request("PUT", "/v2/api_auth", &login)).await;
            let token = login.json()["auth_token"].as_str().unwrap().to_owned();
            let mut request = request(method, path, body);
            request.headers.push(("X-Auth-Token".to_owned(), token));
            let answer = wire::send(address, &request).await;
            assert!(matches!(answer.status, 200 | 201), "{}", answer.status);
            answer.json()
        })
    }

    /// Changes a key as somebody would through the API.
    pub(crate) fn change_by_api(&self, name: char, key: &str, value: &str) {
        let mut settings = self.live(name).unwrap();
        settings.insert(key.to_owned(), value.into());
        let path = format!("/v2/accounts/{}/whitelabel", id(name));
        self.call("POST", &path, &json!({ "data": settings }));
    }

    /// Creates a webhook of the master account.
    pub(crate) fn create_hook(&self, body: &Value) {
        self.call("PUT", &self.hooks_path(), body);
    }

    /// Disables the webhooks of the master account, as the server does with those that fail.
    pub(crate) fn disable_hooks(&self) {
        let path = self.hooks_path();
        let master = self.sandbox.account_id();
        let hooks: Vec<String> = {
            let world = self.sandbox.world();
            world.hooks_of(master).map(|hook| hook.id.clone()).collect()
        };
        for hook in hooks {
            let disabled = json!({"data": {"enabled": false}});
            self.call("PATCH", &format!("{path}/{hook}"), &disabled);
        }
    }

    fn hooks_path(&self) -> String {
        format!("/v2/accounts/{}/webhooks", self.sandbox.account_id())
    }

    /// Returns the names of all runs, oldest first.
    pub(crate) fn runs(&self) -> Vec<String> {
        let runs = emblazon::apply::runs(&self.state()).unwrap();
        runs.iter().map(ToString::to_string).collect()
    }

    /// Runs something on the sandbox's runtime.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn mutating(&self) -> u64 {
        self.sandbox.counts().mutating
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(self.sandbox.stop());
    }
}

/// The id of an account: its letter, 32 times.
pub(crate) fn id(name: char) -> String {
    assert!(name.is_ascii_hexdigit(), "the names are hexadecimal digits");
    name.to_string().repeat(32)
}
