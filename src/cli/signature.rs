//! Signatures of saved plans: made and verified with SSH keys, as Git's are.
//!
//! The program is the user's own `ssh-keygen`, so that agents, hardware keys and passphrases work as they do for
//! commits. A signature of a commit does not count for a plan: they have different namespaces.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::process::{Command, Output, Stdio};

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use super::failure::Failure;
use crate::apply::remote::SECRETS;

/// The namespace of `ssh-keygen -n`.
const NAMESPACE: &str = "emblazon-plan";
/// Size limit of a signature; one of the longest RSA key has 3 KiB.
const MAX_BYTES: u64 = 64 << 10;

/// Returns the path of a plan's signature: where `ssh-keygen` writes it by default.
pub(crate) fn beside(plan: &Utf8Path) -> Utf8PathBuf {
    format!("{plan}.sig").into()
}

/// Signs a plan with the key in a file; with a public key, an agent must hold the private one.
pub(crate) fn sign(plan: &[u8], key: &Utf8Path) -> Result<Vec<u8>, Failure> {
    if !key.is_file() {
        return Err(Failure::Usage(format!(
            "--sign {key}: there is no such file; name a private SSH key, or the public half of one that an agent holds"
        )));
    }
    let output = keygen(&["-Y", "sign", "-n", NAMESPACE, "-f", key.as_str()], plan)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Failure::Failed(anyhow::anyhow!(
        "the plan could not be signed with {key}: {}",
        told(&output)
    )))
}

/// Returns who signed a plan, among those in an `allowed_signers` file of `ssh-keygen`.
pub(crate) fn signer(plan: &Utf8Path, bytes: &[u8], signers: &Utf8Path) -> Result<String, Failure> {
    if !signers.is_file() {
        return Err(Failure::Usage(format!(
            "--signed-by {signers}: there is no such file; it has a line `NAME KEY` for each who may sign, as Git's gpg.ssh.allowedSignersFile"
        )));
    }
    let signature = beside(plan);
    read(&signature).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string(),
        };
        Failure::Refused(format!(
            "{signature}: {reason}; sign the plan with `emblazon plan --out FILE --sign KEY`, or one that is there with `ssh-keygen -Y sign -n {NAMESPACE} -f KEY {plan}`"
        ))
    })?;
    let refused = |output: &Output| {
        Failure::Refused(format!(
            "the plan is not signed by anybody in {signers}: {}; let one of them look at it and sign it with `ssh-keygen -Y sign -n {NAMESPACE} -f KEY {plan}`",
            told(output)
        ))
    };
    let (file, signers) = (signature.as_str(), signers.as_str());
    let found = keygen(&["-Y", "find-principals", "-s", file, "-f", signers], bytes)?;
    let names = String::from_utf8_lossy(&found.stdout).into_owned();
    let mut names = names.lines().map(str::trim).filter(|it| !it.is_empty());
    let Some(first) = names.next().filter(|_| found.status.success()) else {
        return Err(refused(&found));
    };
    let mut last = None;
    for name in std::iter::once(first).chain(names) {
        let arguments = [
            "-Y", "verify", "-n", NAMESPACE, "-s", file, "-f", signers, "-I", name,
        ];
        let output = keygen(&arguments, bytes)?;
        if output.status.success() {
            return Ok(name.to_owned());
        }
        last = Some(output);
    }
    Err(refused(last.as_ref().unwrap_or(&found)))
}

fn read(file: &Utf8Path) -> io::Result<()> {
    let opened = File::open(file)?;
    if !opened.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    opened.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("over {MAX_BYTES} bytes are no signature");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(())
}

/// Runs `ssh-keygen` on a text to sign or verify. It asks for a passphrase on the terminal if it needs one.
fn keygen(arguments: &[&str], input: &[u8]) -> Result<Output, Failure> {
    let mut command = Command::new("ssh-keygen");
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in SECRETS {
        command.env_remove(name);
    }
    let mut child = command
        .spawn()
        .context("ssh-keygen could not be started; install OpenSSH")?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may exit before it has read everything; its status tells the result.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().context("ssh-keygen")?;
    Ok(output)
}

/// Returns the last line that a program wrote to standard error.
fn told(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rev().map(str::trim).find(|it| !it.is_empty());
    last.map_or_else(|| output.status.to_string(), str::to_owned)
}
