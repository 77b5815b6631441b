//! Servers as child processes.

use std::collections::BTreeSet;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a server may take to answer for the first time.
const START: Duration = Duration::from_secs(30);

/// A server; ends when dropped.
pub(crate) struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Finds a port that is free over UDP and TCP, and that no other test was given.
pub(crate) fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() && GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}

/// Starts a server and asks until it answers; its log goes to a file, which is shown when it does not start.
pub(crate) fn start(mut command: Command, log: &Path, mut answers: impl FnMut() -> bool) -> Server {
    let file = std::fs::File::create(log).unwrap();
    let child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let mut server = Server(child);
    let begin = Instant::now();
    while !answers() {
        let ended = server.0.try_wait().unwrap();
        assert!(
            ended.is_none() && begin.elapsed() < START,
            "{} does not answer ({ended:?}):\n{}",
            command.get_program().display(),
            std::fs::read_to_string(log).unwrap()
        );
        std::thread::yield_now();
    }
    server
}

/// Runs a command to its end.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// Runs a command that must succeed, and gives back what it prints.
pub(crate) fn print(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The types of records that a signing server makes itself.
const SIGNING: [&str; 7] = [
    "RRSIG",
    "NSEC",
    "NSEC3",
    "NSEC3PARAM",
    "DNSKEY",
    "CDS",
    "CDNSKEY",
];

/// Transfers a zone, without its SOA and what signing adds, one record a line, sorted.
pub(crate) fn transfer(port: u16, zone: &str, key: &str) -> Vec<String> {
    try_transfer(port, zone, key).unwrap_or_else(|said| panic!("{said}"))
}

/// As [`transfer`]; fails with what `dig` said, as when a server is taking in another version.
pub(crate) fn try_transfer(port: u16, zone: &str, key: &str) -> Result<Vec<String>, String> {
    let port = port.to_string();
    let output = run(
        "dig",
        &[
            "@127.0.0.1",
            "-p",
            &port,
            "-y",
            key,
            zone,
            "AXFR",
            "+noall",
            "+answer",
            "+onesoa",
            "+tries=1",
        ],
    );
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(text.into_owned());
    }
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with(';') && !line.is_empty())
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| {
            let record_type = line.split(' ').nth(3).unwrap_or_default();
            record_type != "SOA" && record_type != "TYPE65534" && !SIGNING.contains(&record_type)
        })
        .collect();
    if lines.is_empty() {
        return Err(text.into_owned());
    }
    lines.sort();
    Ok(lines)
}

/// Returns whether a server answers for a zone, with a signature if it is to sign.
pub(crate) fn answers_for(port: u16, zone: &str, signed: bool) -> bool {
    let port = port.to_string();
    let ask = [
        "@127.0.0.1",
        "-p",
        &port,
        zone,
        "SOA",
        "+short",
        "+dnssec",
        "+tries=1",
        "+timeout=1",
    ];
    let answer = String::from_utf8_lossy(&run("dig", &ask).stdout).into_owned();
    answer.contains("hostmaster")
        && (!signed || answer.lines().any(|line| line.starts_with("SOA ")))
}

/// Asks until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < START, "waited in vain: {what}");
        std::thread::yield_now();
    }
}
