//! Runs a command and measures it from outside, through `/proc` (Linux only).

#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The cost of one run.
pub(crate) struct Measured {
    /// Its exit status.
    pub(crate) status: ExitStatus,
    /// Wall-clock time.
    pub(crate) wall: Duration,
    /// CPU time, user and system.
    pub(crate) cpu: Duration,
    /// The largest resident set (`VmHWM`), in bytes.
    pub(crate) peak: u64,
    /// What it gave the file system to write, in bytes.
    pub(crate) written: u64,
}

/// The unit of times in `/proc/PID/stat` (`USER_HZ`, the same on every Linux).
const TICKS_A_SECOND: u64 = 100;

/// Runs a command to its end; discards its output.
pub(crate) fn run(command: &mut Command) -> std::io::Result<Measured> {
    let start = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let (mut peak, mut cpu, mut bytes) = (0, Duration::ZERO, 0);
    // The peak is monotonic but disappears with the process's memory; the times stay until the child is reaped.
    while let Some((ended, times)) = times(child.id()) {
        cpu = times;
        if ended {
            break;
        }
        peak = high_water(child.id()).unwrap_or(peak);
        bytes = written(child.id()).unwrap_or(bytes);
        thread::sleep(Duration::from_millis(1));
    }
    let wall = start.elapsed();
    Ok(Measured {
        status: child.wait()?,
        wall,
        cpu,
        peak,
        written: bytes,
    })
}

/// Prints one row of a table with columns of width 12.
#[expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
pub(crate) fn row(cells: &[String]) {
    let mut line = String::new();
    for cell in cells {
        let _ = write!(line, "{cell:>12}");
    }
    println!("{line}");
}

/// Formats bytes as mebibytes.
pub(crate) fn mebibytes(bytes: u64) -> String {
    let tenths = bytes * 10 / (1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// Formats a duration in milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

/// Returns the CPU time used so far by a running process.
pub(crate) fn used(process: u32) -> Duration {
    times(process).map_or(Duration::ZERO, |(_, used)| used)
}

/// Returns the resident set of a running process, in bytes.
pub(crate) fn resident(process: u32) -> Option<u64> {
    memory(process, "VmRSS:")
}

/// Returns the largest resident set so far of a running process, in bytes.
pub(crate) fn high_water(process: u32) -> Option<u64> {
    memory(process, "VmHWM:")
}

fn written(process: u32) -> Option<u64> {
    let counts = fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    let mut lines = counts.lines();
    let bytes = lines.find_map(|line| line.strip_prefix("write_bytes: "));
    bytes?.parse().ok()
}

fn memory(process: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Returns whether the process has ended, and its CPU time so far.
fn times(process: u32) -> Option<(bool, Duration)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may contain spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let used = ticks(11)? + ticks(12)?;
    Some((
        *fields.first()? == "Z",
        Duration::from_millis(used * 1000 / TICKS_A_SECOND),
    ))
}
