//! `kill -9` of the real process at random places: while an answer is on its way, byte by byte, and between the lines of
//! the journal.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::cli::{stderr, stdout};
use crate::kill::{everything, lost, platform};
use crate::platform::Platform;
use crate::stand_in::{StandIn, port, relay};

const SEED: u64 = 0x5eed_0005;

/// Where a process is killed.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// Right before a request is passed on.
    Before(u64),
    /// After a request was carried out, and this share of the answer's bytes, of 1000, was sent.
    Within(u64, usize),
    /// Once the journal has so many lines.
    Journal(usize),
}

fn point(random: &mut fastrand::Rng, requests: u64) -> Point {
    match random.u32(0..4) {
        0 => Point::Before(random.u64(1..=requests)),
        1 => Point::Journal(random.usize(1..=60)),
        _ => Point::Within(random.u64(1..=requests), random.usize(0..=1000)),
    }
}

/// Counts the lines of all journals below a state folder.
fn journal_lines(platform: &Platform) -> usize {
    let state = platform.state();
    let Ok(runs) = emblazon::apply::runs(&state) else {
        return 0;
    };
    let entries = runs
        .iter()
        .filter_map(|run| emblazon::apply::read_journal(&state, run).ok());
    entries.map(|entries| entries.len()).sum()
}

/// Stands between process and sandbox, and stops answering at the point.
fn between(sandbox: u16, point: Option<Point>) -> (StandIn, Arc<AtomicBool>, Arc<AtomicU64>) {
    let reached = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let (flag, counted) = (Arc::clone(&reached), Arc::clone(&count));
    let one_by_one = Mutex::new(());
    let server = StandIn::start(move |asked, stream| {
        let _turn = one_by_one.lock();
        if flag.load(Ordering::SeqCst) {
            return;
        }
        let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
        if matches!(point, Some(Point::Before(nth)) if nth == number) {
            flag.store(true, Ordering::SeqCst);
            return;
        }
        let (head, body) = relay(sandbox, asked);
        let answer = [head.as_bytes(), &body].concat();
        match point {
            Some(Point::Within(nth, share)) if nth == number => {
                stream.send(&answer[..answer.len() * share / 1000]);
                flag.store(true, Ordering::SeqCst);
            }
            _ => {
                stream.send(&answer);
            }
        }
    });
    (server, reached, count)
}

fn spawn(platform: &Platform, url: &str) -> Child {
    platform
        .command(&["apply", "--yes", "--prune"])
        .env("EMBLAZON_API", url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// How many requests an undisturbed run sends.
fn requests() -> u64 {
    let platform = platform();
    let (server, _, count) = between(port(&platform.sandbox.url()), None);
    assert!(spawn(&platform, &server.url()).wait().unwrap().success());
    platform.stop();
    count.load(Ordering::SeqCst)
}

/// Kills one or two runs, lets the next one end, and says what is wrong then; else how many were killed.
fn case(points: &[Point]) -> Result<usize, String> {
    let platform = platform();
    let before = everything(&platform);
    let mut kills = 0;
    for point in points {
        let (server, reached, _) = between(port(&platform.sandbox.url()), Some(*point));
        let already = journal_lines(&platform);
        let mut child = spawn(&platform, &server.url());
        let is_there = || match point {
            Point::Journal(lines) => journal_lines(&platform) >= already + lines,
            Point::Before(_) | Point::Within(..) => reached.load(Ordering::SeqCst),
        };
        while !is_there() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        kills += usize::from(child.wait().unwrap().code().is_none());
    }
    let output = platform.run(&["apply", "--yes", "--prune"]);
    let told = || format!("{points:?}\n{}\n{}", stdout(&output), stderr(&output));
    if output.status.code() != Some(0) {
        return Err(told());
    }
    let lost = lost(&before, &everything(&platform));
    if !lost.is_empty() {
        return Err(format!("lost {lost:?}: {}", told()));
    }
    let again = platform.run(&["plan", "--prune"]);
    if again.status.code() != Some(0) {
        return Err(format!("not converged: {}\n{}", told(), stdout(&again)));
    }
    platform.stop();
    Ok(kills)
}

#[test]
fn killed_at_random() {
    kill_at_random(30);
}

#[test]
#[ignore = "takes minutes; run `cargo test --test suite -- --ignored`, as .ci/run does"]
fn killed_at_random_three_hundred_times() {
    kill_at_random(300);
}

/// Every fourth case kills the run that comes to put things right, too.
fn kill_at_random(cases: usize) {
    let requests = requests();
    let mut random = fastrand::Rng::with_seed(SEED);
    let cases: Vec<Vec<Point>> = (0..cases)
        .map(|number| {
            let kills = if number % 4 == 3 { 2 } else { 1 };
            (0..kills).map(|_| point(&mut random, requests)).collect()
        })
        .collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut results = Vec::new();
        while let Some(points) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
            results.push(case(points));
        }
        results
    };
    let results: Vec<Result<usize, String>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    let wrong: Vec<&String> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    let kills: usize = results
        .iter()
        .filter_map(|result| result.as_ref().ok())
        .sum();
    println!(
        "{} cases of {requests} requests, {kills} kills at random, {} wrong",
        cases.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(kills * 3 > cases.len() * 2, "only {kills} kills");
}
