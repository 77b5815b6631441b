//! `cargo bench --bench dns`: 1,000 brands with 10 hosts each, checked against servers in another process, without and
//! with 1 % of the answers lost; next to `dnsperf` on the same servers, if it is installed.
//!
//! One thread queries, and the simulated servers answer on the other core: without loss, the servers' speed is the
//! limit, as `dnsperf` shows. With loss, the limit is waiting: each lost answer costs its time-out, and each domain has
//! only a few queries in flight.

mod measure;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use emblazon::dns::{Checker, Exchange, ExchangeOptions, Observer, Tally, Traffic, ZoneOptions};
use emblazon::model::{DomainName, DomainTemplate, Network};
use futures_util::StreamExt as _;
use futures_util::stream;
use measure::{milliseconds, row};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_emblazon");
const ACCOUNTS: usize = 1_000;
const HOSTS: usize = 10;
/// Domains checked concurrently, as in `dns check`.
const CONCURRENT: usize = 64;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    row(&[
        "loss",
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
    for loss in [false, true] {
        let servers = Servers::start(loss)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let start = Instant::now();
        let (tally, traffic) = runtime.block_on(check(servers.resolver))?;
        let wall = start.elapsed();
        row(&[
            if loss { "1 %" } else { "none" }.to_owned(),
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
        if !loss {
            dnsperf(servers.resolver)?;
        }
    }
    Ok(())
}

fn a_second(number: u64, wall: Duration) -> String {
    let nanoseconds = wall.as_nanos().max(1);
    (u128::from(number) * 1_000_000_000 / nanoseconds).to_string()
}

async fn check(resolver: SocketAddr) -> Outcome<(Tally, Traffic)> {
    let exchange = Exchange::new(ExchangeOptions {
        timeout: Duration::from_millis(500),
        ..ExchangeOptions::default()
    });
    let checker = Checker::new(Observer::new(
        exchange,
        ZoneOptions {
            resolvers: vec![resolver],
            authoritative_port: resolver.port(),
            servers: Vec::new(),
            networks: vec![Network::LOOPBACK],
        },
    ));
    let template = template()?;
    let domains = (0..ACCOUNTS)
        .map(|number| DomainName::parse(&domain(number)))
        .collect::<Result<Vec<_>, _>>()?;
    let checks: Vec<_> = stream::iter(&domains)
        .map(|domain| checker.check(&template, domain))
        .buffer_unordered(CONCURRENT)
        .collect()
        .await;
    let traffic = checker.observer().exchange().traffic();
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
    fn start(loss: bool) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("sandbox.yaml");
        fs::write(&file, seed(loss)?)?;
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

fn seed(loss: bool) -> Result<String, std::fmt::Error> {
    let mut text = "accounts: [{ name: Master }]\ndns:\n".to_owned();
    if loss {
        text.push_str("  faults: [{ every: 100, nth: 100, fault: drop }]\n");
    }
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
        Err(error) => println!("    dnsperf is not installed ({error}): no figures beside ours"),
    }
    Ok(())
}
