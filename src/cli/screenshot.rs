//! Pictures of what Chromium shows at each brand's host, for `probe --screenshot`.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use super::failure::Failure;
use super::progress::Phase;
use super::ui::Ui;
use crate::model::AccountName;
use crate::probe::{BrandProbe, ProbeOptions, Prober, Tunnel};
use crate::report::text;

/// The variable that names the browser.
const CHROMIUM: &str = "EMBLAZON_CHROMIUM";
/// The names that browsers of this kind have.
const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];
/// How long a page may work, in milliseconds of its own clock, which stands still while it waits for an answer.
const BUDGET: u32 = 10_000;
/// How long one picture may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// The most that is read of a picture, in bytes.
const LARGEST: u64 = 32 << 20;

const FLAGS: [&str; 11] = [
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--window-size=1280,900",
];

/// The pictures, or why there is none, by account.
pub(crate) type Screenshots = BTreeMap<AccountName, Result<Vec<u8>, String>>;

/// A browser that is there, and the folder for its pictures.
#[derive(Debug)]
pub(crate) struct Camera {
    chromium: PathBuf,
    folder: Utf8PathBuf,
}

impl Camera {
    /// Finds a browser, and makes the folder.
    pub(crate) fn find(folder: &Utf8Path) -> Result<Self, Failure> {
        let named = env::var_os(CHROMIUM).filter(|name| !name.is_empty());
        let path = env::var_os("PATH").unwrap_or_default();
        let found = match &named {
            Some(name) => found(&path, name),
            None => NAMES.iter().find_map(|name| found(&path, name.as_ref())),
        };
        let chromium = found.ok_or_else(|| {
            Failure::Usage(match named {
                Some(name) => format!(
                    "{CHROMIUM} names {}, which is no program; let it name a Chromium, or leave out --screenshot",
                    name.display()
                ),
                None => format!(
                    "--screenshot needs a Chromium, and PATH has none of {}; install one, name one in {CHROMIUM}, or leave out --screenshot",
                    NAMES.join(", ")
                ),
            })
        })?;
        fs::create_dir_all(folder).with_context(|| folder.to_string())?;
        Ok(Self {
            chromium,
            folder: folder.to_owned(),
        })
    }

    /// Takes a picture of each brand, over connections that the probe itself could make; returns it, or why there is none.
    pub(crate) async fn take(
        &self,
        ui: Ui,
        brands: &[BrandProbe],
        options: &ProbeOptions,
    ) -> Result<Screenshots, Failure> {
        let home = home(options.authorities.given()).await?;
        let tunnel = Tunnel::open(Prober::new(options.clone()));
        let tunnel = tunnel.await.context("a port for the browser")?;
        let phase = Phase::begin(ui, "taking pictures", brands.len());
        let mut taken = BTreeMap::new();
        for brand in brands {
            phase.at(brand.host.as_str());
            let picture = self.picture(brand, &home, &tunnel).await;
            if let Err(reason) = &picture {
                ui.message(&text::visible(&format!(
                    "no picture of {}: {reason}",
                    brand.account
                )));
            }
            taken.insert(brand.account.clone(), picture);
            phase.step();
        }
        Ok(taken)
    }

    async fn picture(
        &self,
        brand: &BrandProbe,
        home: &TempDir,
        tunnel: &Tunnel,
    ) -> Result<Vec<u8>, String> {
        let profile = tempfile::tempdir_in(home.path()).map_err(|error| error.to_string())?;
        let file = self.folder.join(format!("{}.png", brand.account));
        // One of an earlier run would be taken for this one's.
        let _ = fs::remove_file(&file);
        let file = std::path::absolute(&file).map_err(|error| error.to_string())?;
        let mut browser = Command::new(&self.chromium);
        browser
            .args(FLAGS)
            .arg(format!("--proxy-server=http://{}", tunnel.address()))
            // Also this machine's own addresses.
            .arg("--proxy-bypass-list=<-loopback>")
            .arg(format!("--virtual-time-budget={BUDGET}"))
            .arg(with("--user-data-dir=", profile.path()))
            .arg(with("--screenshot=", &file))
            .current_dir(home.path())
            .env("HOME", home.path());
        if rustix::process::geteuid().is_root() {
            // Chromium has no sandbox for root, and ends.
            browser.arg("--no-sandbox");
        }
        browser.arg(format!("https://{}/", brand.host));
        let output = ran(browser).await?;
        let picture = fs::metadata(&file)
            .ok()
            .filter(|facts| facts.len() <= LARGEST)
            .and_then(|_| fs::read(&file).ok());
        picture.ok_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            if let Some(error) = shown_error(&said) {
                return format!("Chromium shows no page, but its error {error}");
            }
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            format!(
                "{} ended with {} and made none: {}",
                self.chromium.display(),
                output.status,
                last.unwrap_or("it said nothing")
            )
        })
    }
}

/// Returns the browser's error that stands in the place of a page.
fn shown_error(said: &str) -> Option<&str> {
    let (_, error) = said.rsplit_once("Page load failed: net::")?;
    error.split_whitespace().next()
}

fn with(option: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(path);
    argument
}

/// Runs a program to its end, but not for ever.
async fn ran(mut command: Command) -> Result<Output, String> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let ran = timeout(PATIENCE, command.output()).await;
    let ran = ran.map_err(|_| format!("it did not end within {} seconds", PATIENCE.as_secs()))?;
    ran.map_err(|error| error.to_string())
}

/// Makes a home for the browser that trusts these authorities, beside those of this machine.
async fn home(pem: &[u8]) -> Result<TempDir, Failure> {
    let home = tempfile::tempdir().context("a folder for the browser")?;
    if pem.is_empty() {
        return Ok(home);
    }
    let store = home.path().join(".pki/nssdb");
    fs::create_dir_all(&store).context("the browser's authorities")?;
    let database = with("sql:", &store);
    let certutil = async |verb: &str, arguments: &[&str]| {
        let mut command = Command::new("certutil");
        command.arg(verb).arg("-d").arg(&database).args(arguments);
        let reason = match ran(command).await {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(reason) => reason,
        };
        Err(anyhow!(
            "certutil (Debian's libnss3-tools) must tell Chromium of the authorities that only the probe knows: {reason}"
        ))
    };
    certutil("-N", &["--empty-password"]).await?;
    for (number, certificate) in certificates(pem).enumerate() {
        let file = home.path().join(format!("{number}.pem"));
        fs::write(&file, certificate).context("the browser's authorities")?;
        let file = file.to_string_lossy();
        let name = format!("emblazon {number}");
        certutil("-A", &["-n", &name, "-t", "C,,", "-i", &file]).await?;
    }
    Ok(home)
}

/// Splits a PEM text into its certificates.
fn certificates(pem: &[u8]) -> impl Iterator<Item = String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let text = String::from_utf8_lossy(pem).into_owned();
    let parts: Vec<String> = text
        .split(BEGIN)
        .skip(1)
        .map(|part| format!("{BEGIN}{part}"))
        .collect();
    parts.into_iter()
}

/// Finds a program by its name in the folders of `PATH`, or by its path.
fn found(path: &OsStr, name: &OsStr) -> Option<PathBuf> {
    let is_program = |file: &PathBuf| file.is_file();
    if Path::new(name).components().count() > 1 {
        return Some(PathBuf::from(name)).filter(is_program);
    }
    env::split_paths(path)
        .map(|folder| folder.join(name))
        .find(is_program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_name_and_by_path() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("chromium");
        fs::write(&program, "").unwrap();
        let path = env::join_paths([Path::new("/nowhere"), folder.path()]).unwrap();
        assert_eq!(found(&path, "chromium".as_ref()), Some(program.clone()));
        assert_eq!(found(&path, "chrome".as_ref()), None);
        assert_eq!(found(OsStr::new(""), program.as_os_str()), Some(program));
        assert_eq!(found(&path, folder.path().as_os_str()), None);
    }

    #[test]
    fn an_error_in_place_of_a_page_is_told() {
        let said = "[1:1:ERROR:x.cc:403] Page load failed: net::ERR_TUNNEL_CONNECTION_FAILED\n";
        assert_eq!(shown_error(said), Some("ERR_TUNNEL_CONNECTION_FAILED"));
        assert_eq!(shown_error("Page load"), None);
    }

    #[test]
    fn each_certificate_is_told_by_itself() {
        let one = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n";
        let found: Vec<String> = certificates(format!("# two\n{one}{one}").as_bytes()).collect();
        assert_eq!(found, [one, one]);
    }
}
