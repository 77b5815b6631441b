//! `cargo bench --bench plan`: what `emblazon plan` asks of a platform with 1,000 brands, and what it takes itself.
//!
//! The platform is a sandbox in another process, so that the figures of the two do not mix.

mod generate;
mod measure;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use generate::{Shape, Tree};
use measure::{mebibytes, milliseconds, row, run};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_emblazon");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    row(&[
        "accounts", "assets", "requests", "mutating", "wall", "cpu", "peak",
    ]
    .map(str::to_owned));
    for assets in [false, true] {
        let shape = Shape {
            accounts: 1_000,
            assets,
        };
        let mut tree = Tree::write(shape)?;
        let platform = Platform::start(&tree.path().join("sandbox.yaml"))?;
        tree.point_at(&platform.api)?;
        let before = platform.counts()?;
        let mut command = Command::new(PROGRAM);
        command
            .arg("plan")
            .arg(tree.path())
            .env("EMBLAZON_API_KEY", &platform.api_key);
        let measured = run(&mut command)?;
        // A tenth of the accounts differs, so the plan has steps and the command says so.
        assert_eq!(
            measured.status.code(),
            Some(2),
            "plan ended with {}",
            measured.status
        );
        let after = platform.counts()?;
        row(&[
            shape.accounts.to_string(),
            if assets { "3 each" } else { "none" }.to_owned(),
            (after.total - before.total).to_string(),
            (after.mutating - before.mutating).to_string(),
            milliseconds(measured.wall),
            milliseconds(measured.cpu),
            mebibytes(measured.peak),
        ]);
    }
    Ok(())
}

/// A sandbox in another process; ends with the value.
struct Platform {
    process: Child,
    api: String,
    api_key: String,
}

/// The requests that a sandbox has answered.
struct Counts {
    total: u64,
    mutating: u64,
}

impl Platform {
    fn start(seed: &std::path::Path) -> Result<Self, Box<dyn std::error::Error>> {
        let mut process = Command::new(PROGRAM)
            .args(["sandbox", "--format", "json", "--seed"])
            .arg(seed)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or("the sandbox has no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line)?;
        let text = |key: &str| {
            said[key]
                .as_str()
                .map(str::to_owned)
                .ok_or(format!("no {key}"))
        };
        Ok(Self {
            process,
            api: text("api")?,
            api_key: text("api_key")?,
        })
    }

    fn counts(&self) -> Result<Counts, Box<dyn std::error::Error>> {
        let address = self
            .api
            .strip_prefix("http://")
            .ok_or("the sandbox speaks plain HTTP")?;
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "GET /sandbox/counts HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("no body")?;
        let counts: Value = serde_json::from_str(body)?;
        let number = |key: &str| {
            counts[key]
                .as_u64()
                .ok_or(format!("no count {key} in {counts}"))
        };
        Ok(Counts {
            total: number("total")?,
            mutating: number("mutating")?,
        })
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
