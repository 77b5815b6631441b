//! `cargo bench --bench dns`: 1,000 brands with 10 hosts each, checked as `dns check` checks them against servers in
//! another process: while all is well, with 1 % of the answers lost, with one of two servers silent, and with the first
//! of two resolvers silent; next to `dnsperf`, which only asks the resolver, and to `benches/dns/check.py`, which does the
//! same with dnspython and asyncio, each where it is installed.
//!
//! One thread queries, and the simulated servers answer on the other core: while all is well, the servers' speed is the
//! limit, as `dnsperf` shows. Otherwise the limit is waiting.

mod measure;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use emblazon::dns::{Checklist, DomainCheck, Tally, Traffic, ZoneOptions};
use emblazon::model::{AccountName, DomainName, DomainTemplate};
use measure::{milliseconds, row};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_emblazon");
const ACCOUNTS: usize = 1_000;
const HOSTS: usize = 10;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Loss,
    SilentServer,
    SilentResolver,
}

impl Trouble {
    const ALL: [Self; 4] = [
        Self::None,
        Self::Loss,
        Self::SilentServer,
        Self::SilentResolver,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Loss => "1 % lost",
            Self::SilentServer => "server silent",
            Self::SilentResolver => "resolver silent",
        }
    }

    /// Returns the script of the sandbox.
    fn faults(self) -> &'static str {
        match self {
            Self::None | Self::SilentResolver => "",
            Self::Loss => "  faults: [{ every: 100, nth: 100, fault: drop }]\n",
            Self::SilentServer => "  faults: [{ server: ns2.bench.test, fault: drop }]\n",
        }
    }
}

fn main() -> Outcome<()> {
    row(&[
        "trouble",
        "brands",
        "verdicts",
        "ok",
        "drift",
        "unknown",
        "questions",
        "packets",
        "time-outs",
        "wall",
        "answers/s",
    ]
    .map(str::to_owned));
    for accounts in [1, 100, ACCOUNTS] {
        for trouble in Trouble::ALL {
            let servers = Servers::start(trouble)?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let start = Instant::now();
            let (tally, traffic) = runtime.block_on(check(accounts, trouble, servers.resolver))?;
            let wall = start.elapsed();
            row(&[
                trouble.name().to_owned(),
                accounts.to_string(),
                tally.hosts().to_string(),
                tally.ok.to_string(),
                tally.differing().to_string(),
                tally.unknown.to_string(),
                traffic.questions.to_string(),
                traffic.udp_packets.to_string(),
                traffic.timeouts.to_string(),
                milliseconds(wall),
                a_second(traffic.questions, wall),
            ]);
            assert_eq!(tally.differing(), 0, "no loss may look like drift");
            if accounts == ACCOUNTS && trouble != Trouble::SilentResolver {
                dnsperf(servers.resolver)?;
                dnspython(servers.resolver)?;
            }
        }
    }
    Ok(())
}

fn a_second(number: u64, wall: Duration) -> String {
    let nanoseconds = wall.as_nanos().max(1);
    (u128::from(number) * 1_000_000_000 / nanoseconds).to_string()
}

/// Checks some brands as the product does.
async fn check(
    accounts: usize,
    trouble: Trouble,
    resolver: SocketAddr,
) -> Outcome<(Tally, Traffic)> {
    let mut options = ZoneOptions::at(resolver);
    // It takes questions and never answers.
    let silent = UdpSocket::bind("127.0.0.1:0")?;
    if trouble == Trouble::SilentResolver {
        options.resolvers.insert(0, silent.local_addr()?);
    }
    let domains = (0..accounts)
        .map(|number| {
            let domain = DomainName::parse(&domain(number))?;
            Ok((AccountName::new(format!("brand-{number:04}")), domain))
        })
        .collect::<Outcome<Vec<_>>>()?;
    let list = Checklist {
        template: template()?,
        domains,
        skipped: Vec::new(),
        mail: BTreeMap::new(),
    };
    let (checks, traffic) = list.check(&options, &|_| {}).await;
    let checks: Vec<DomainCheck> = checks.into_iter().map(|(_, check)| check).collect();
    Ok((Tally::of(&checks), traffic))
}

fn domain(number: usize) -> String {
    format!("brand-{number:04}.example")
}

fn template() -> Outcome<DomainTemplate> {
    let hosts: serde_json::Map<String, Value> = (0..HOSTS)
        .map(|host| {
            let mapping = json!({"mapping": [format!("192.0.2.{host}")]});
            (format!("host-{host}.{{{{domain}}}}"), mapping)
        })
        .collect();
    Ok(serde_json::from_value(json!({ "A": hosts }))?)
}

/// DNS servers in another process, stopped on drop.
struct Servers {
    process: Child,
    resolver: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Servers {
    fn start(trouble: Trouble) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("sandbox.yaml");
        fs::write(&file, seed(trouble)?)?;
        let mut process = Command::new(PROGRAM)
            .args(["sandbox", "--format", "json", "--seed"])
            .arg(file)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the sandbox has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let greeting: Value = serde_json::from_str(&line)?;
        let resolver = greeting["dns"].as_str().ok_or("the sandbox has no DNS")?;
        Ok(Self {
            resolver: resolver.parse()?,
            process,
            _folder: folder,
        })
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn seed(trouble: Trouble) -> Result<String, std::fmt::Error> {
    let mut text = "accounts: [{ name: Master }]\ndns:\n".to_owned();
    text.push_str(trouble.faults());
    text.push_str("  zones:\n");
    for number in 0..ACCOUNTS {
        writeln!(text, "    {}:", domain(number))?;
        writeln!(text, "      ns: [ns1.bench.test, ns2.bench.test]")?;
        writeln!(text, "      records:")?;
        for host in 0..HOSTS {
            writeln!(text, "        - host-{host} A 192.0.2.{host}")?;
        }
    }
    Ok(text)
}

/// Runs `dnsperf` with the same hosts against the same resolver.
#[expect(
    clippy::print_stdout,
    reason = "the figures are what a benchmark is for"
)]
fn dnsperf(resolver: SocketAddr) -> Outcome<()> {
    let mut questions = String::new();
    for number in 0..ACCOUNTS {
        for host in 0..HOSTS {
            writeln!(questions, "host-{host}.{} A", domain(number))?;
        }
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("questions");
    fs::write(&file, questions)?;
    let output = Command::new("dnsperf")
        .args([
            "-s",
            &resolver.ip().to_string(),
            "-p",
            &resolver.port().to_string(),
        ])
        .args(["-n", "3", "-c", "1", "-T", "1", "-d"])
        .arg(file)
        .output();
    match output {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            let figures = text
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with("Queries "));
            for line in figures {
                println!("    dnsperf: {line}");
            }
        }
        Err(error) => println!("    dnsperf: not installed ({error}): no figures beside ours"),
    }
    Ok(())
}

/// Checks the same hosts with dnspython.
#[expect(
    clippy::print_stdout,
    reason = "the figures are what a benchmark is for"
)]
fn dnspython(resolver: SocketAddr) -> Outcome<()> {
    let has_it = Command::new("python3")
        .args(["-c", "import dns.asyncquery"])
        .stderr(Stdio::null())
        .status();
    if !has_it.is_ok_and(|status| status.success()) {
        println!("    dnspython: not installed, no figures beside ours");
        return Ok(());
    }
    let output = Command::new("python3")
        .args(["-c", include_str!("dns/check.py")])
        .args([resolver.ip().to_string(), resolver.port().to_string()])
        .args([ACCOUNTS.to_string(), HOSTS.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    println!(
        "    dnspython: {}{}",
        said.trim(),
        failed.lines().last().unwrap_or_default()
    );
    Ok(())
}
