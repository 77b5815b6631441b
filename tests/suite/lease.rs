//! One writer for each cluster: between processes of one host, and between clones of one remote.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use camino::Utf8Path;
use emblazon::apply::lease::{
    Attempt, Claim, Clock, FileLease, GitLease, Lease, LeaseError, LeaseScope, Wait, take,
    while_held,
};
use emblazon::model::{ClusterName, Shard};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Barrier;
use tokio_util::sync::CancellationToken;

use crate::git::{Server, git, remote};

/// How often two race.
const ROUNDS: usize = 100;
const REFERENCE: &str = "refs/emblazon/production/lease";

fn scope() -> LeaseScope {
    LeaseScope::new(&ClusterName::new("production"), None)
}

fn claim(holder: &str) -> Claim {
    Claim {
        holder: holder.to_owned(),
        purpose: "apply".to_owned(),
        term: Duration::from_mins(10),
    }
}

/// A clock that somebody sets.
fn adjustable(seconds: i64) -> (Clock, Arc<AtomicI64>) {
    let shown = Arc::new(AtomicI64::new(seconds));
    let hand = Arc::clone(&shown);
    let clock = move || Timestamp::from_second(hand.load(Ordering::SeqCst)).unwrap();
    (Arc::new(clock), shown)
}

/// Issue 17: the clock of the holder is set back by a day while it writes. What it renews must not look as if it had ended,
/// or another host would write at the same time.
#[tokio::test]
async fn a_clock_that_is_set_back_does_not_end_a_lease_that_is_held() {
    const DAY: i64 = 86_400;
    let server = Server::new();
    let [one, two] = ["a", "b"].map(|name| remote(&server.clone_as(name)));
    let (now, hand) = adjustable(DAY);
    let mut holder = GitLease::new(one, scope(), now);
    let claim = claim("holder");
    assert!(is_taken(&holder.attempt(&claim).await));
    hand.store(0, Ordering::SeqCst);
    holder.renew(&claim).await.unwrap();
    assert!(holder.fence().holds());
    // The clocks of the others are right, and shortly after the renewal it has most of its term left.
    let mut other = GitLease::new(two, scope(), clock(DAY + 30));
    let attempt = other.attempt(&claim).await.unwrap();
    assert!(matches!(attempt, Attempt::Busy(_)), "{attempt:?}");
    // Set ahead, it does not end for its holder, either.
    hand.store(9 * DAY, Ordering::SeqCst);
    holder.renew(&claim).await.unwrap();
    assert!(holder.fence().holds());
    holder.release().await.unwrap();
    assert!(is_taken(&other.attempt(&claim).await), "it was given back");
}

/// A clock that shows the start of 1970, and some seconds more.
fn clock(seconds: i64) -> Clock {
    Arc::new(move || Timestamp::from_second(seconds).unwrap())
}

fn is_taken(attempt: &Result<Attempt, LeaseError>) -> bool {
    match attempt {
        Ok(Attempt::Taken { over }) => {
            assert_eq!(*over, None, "nobody's lease had expired");
            true
        }
        Ok(Attempt::Busy(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Lets one of two race again and again; both hold on to what they have until both have tried.
async fn race(mut lease: impl Lease, name: &'static str, track: Arc<Track>) -> usize {
    let claim = claim(name);
    let mut won = 0;
    for _ in 0..ROUNDS {
        track.barrier.wait().await;
        let mine = is_taken(&lease.attempt(&claim).await);
        if mine {
            assert_eq!(track.writing.fetch_add(1, Ordering::SeqCst), 0, "two write");
            won += 1;
        }
        track.barrier.wait().await;
        assert_eq!(track.writing.load(Ordering::SeqCst), 1, "nobody writes");
        track.barrier.wait().await;
        if mine {
            track.writing.fetch_sub(1, Ordering::SeqCst);
            lease.release().await.unwrap();
        }
    }
    won
}

/// What two racers share.
struct Track {
    barrier: Barrier,
    writing: AtomicUsize,
}

/// Prints the figures.
#[allow(clippy::print_stdout, reason = "the figures are what the test is for")]
fn report(left: usize, right: usize) {
    println!("{ROUNDS} races: {left} won by one, {right} by the other, none by both");
}

async fn race_both(left: impl Lease + 'static, right: impl Lease + 'static) {
    let track = Arc::new(Track {
        barrier: Barrier::new(2),
        writing: AtomicUsize::new(0),
    });
    let left = tokio::spawn(race(left, "left", Arc::clone(&track)));
    let right = tokio::spawn(race(right, "right", track));
    let (left, right) = (left.await.unwrap(), right.await.unwrap());
    assert_eq!(left + right, ROUNDS);
    report(left, right);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clones_race_and_never_both_hold() {
    let server = Server::new();
    let [left, right] = ["left", "right"].map(|name| remote(&server.clone_as(name)));
    race_both(
        GitLease::new(left, scope(), clock(0)),
        GitLease::new(right, scope(), clock(0)),
    )
    .await;
    assert_eq!(server.value(REFERENCE), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_one_host_race_and_never_both_hold() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    let lease = || FileLease::new(folder, scope(), clock(0));
    race_both(lease(), lease()).await;
}

#[tokio::test]
async fn who_has_it_is_said() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    let state = Utf8Path::from_path(folder.path()).unwrap();
    let mut first = FileLease::new(state, scope(), clock(0));
    let mut second = FileLease::new(state, scope(), clock(0));
    first.attempt(&claim("ann@one")).await.unwrap();
    let refuse = Wait {
        limit: Duration::ZERO,
        pause: Duration::ZERO,
    };
    let refused = take(&mut second, &claim("bob@two"), refuse, &|_| ()).await;
    insta::assert_snapshot!(refused.unwrap_err(), @"somebody else is writing to this cluster: ann@one (apply) since 1970-01-01T00:00:00Z; try again later, or pass --wait-for-lease 10m");

    let mut first = GitLease::new(remote(&server.clone_as("a")), scope(), clock(0));
    let mut second = GitLease::new(remote(&server.clone_as("b")), scope(), clock(0));
    first.attempt(&claim("ann@one")).await.unwrap();
    let refused = take(&mut second, &claim("bob@two"), refuse, &|_| ()).await;
    insta::assert_snapshot!(refused.unwrap_err(), @"somebody else is writing to this cluster: ann@one (apply) since 1970-01-01T00:00:00Z, until 1970-01-01T00:10:00Z; try again later, or pass --wait-for-lease 10m. When that run is certainly dead, `git push origin :refs/emblazon/production/lease` removes its lease");
}

/// Who has the lock of the host knows that its predecessor is dead. Nobody else does, and neither does another folder.
#[tokio::test]
async fn who_comes_after_a_killed_process_does_not_wait() {
    if !std::path::Path::new("/proc/sys/kernel/random/boot_id").exists() {
        eprintln!("skipped: this system does not tell which boot this is");
        return;
    }
    let server = Server::new();
    let [one, two] = ["one", "two"].map(|name| remote(&server.clone_as(name)));
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [own, other] = [0, 1].map(|index| Utf8Path::from_path(folders[index].path()).unwrap());
    let mut dead = GitLease::new(one.clone(), scope(), clock(0)).after_predecessor(own);
    dead.attempt(&claim("dead")).await.unwrap();
    dead.renew(&claim("dead")).await.unwrap();
    let mut stranger = GitLease::new(two, scope(), clock(1)).after_predecessor(other);
    let attempt = stranger.attempt(&claim("stranger")).await.unwrap();
    assert!(matches!(attempt, Attempt::Busy(record) if record.holder == "dead"));
    let mut next = GitLease::new(one, scope(), clock(1)).after_predecessor(own);
    let attempt = next.attempt(&claim("next")).await.unwrap();
    assert!(
        matches!(&attempt, Attempt::Taken { over: Some(record) } if record.holder == "dead"),
        "{attempt:?}"
    );
    // Were it alive after all, it would find that it lost it.
    assert_eq!(dead.renew(&claim("dead")).await, Err(LeaseError::Lost));
    let attempt = stranger.attempt(&claim("stranger")).await.unwrap();
    assert!(matches!(attempt, Attempt::Busy(record) if record.holder == "next"));
}

/// An expired lease is taken over and named; its holder notices, and does not give back what is not its own.
#[tokio::test]
async fn an_expired_lease_is_taken_over() {
    let server = Server::new();
    let [one, two] = ["one", "two"].map(|name| remote(&server.clone_as(name)));
    let mut dead = GitLease::new(one, scope(), clock(0));
    dead.attempt(&claim("dead")).await.unwrap();
    dead.renew(&claim("dead")).await.unwrap();

    let term = 600;
    let mut early = GitLease::new(two.clone(), scope(), clock(term + 30));
    let attempt = early.attempt(&claim("early")).await.unwrap();
    assert!(matches!(attempt, Attempt::Busy(record) if record.holder == "dead"));

    let mut next = GitLease::new(two, scope(), clock(term + 61));
    let attempt = next.attempt(&claim("next")).await.unwrap();
    let Attempt::Taken { over: Some(record) } = attempt else {
        panic!("{attempt:?}");
    };
    assert_eq!(record.holder, "dead");
    let ended = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(term);
    assert_eq!(record.expires, Some(ended));

    let theirs = server.value(REFERENCE);
    assert_eq!(dead.renew(&claim("dead")).await, Err(LeaseError::Lost));
    dead.release().await.unwrap();
    assert_eq!(server.value(REFERENCE), theirs);
    next.release().await.unwrap();
    assert_eq!(server.value(REFERENCE), None);
}

/// The clock of a dead holder was an hour ahead: who waits sees that the lease is not renewed, and does not wait for
/// that hour. A living one with such a clock keeps its lease.
#[tokio::test]
async fn a_lease_that_nobody_renews_is_over_by_the_clock_of_who_waits() {
    let server = Server::new();
    let [one, two] = ["one", "two"].map(|name| remote(&server.clone_as(name)));
    let mut holder = GitLease::new(one, scope(), clock(3_600));
    holder.attempt(&claim("ahead")).await.unwrap();
    let (now, hand) = adjustable(0);
    let mut waiting = GitLease::new(two, scope(), now);
    let term_and_skew = 660;
    for (passed, is_renewed) in [
        (0, false),
        (term_and_skew, true),
        (661, true),
        (1_321, false),
    ] {
        hand.store(passed, Ordering::SeqCst);
        if is_renewed {
            holder.renew(&claim("ahead")).await.unwrap();
        }
        let attempt = waiting.attempt(&claim("waiting")).await.unwrap();
        assert!(matches!(attempt, Attempt::Busy(_)), "{passed}: {attempt:?}");
    }
    hand.store(1_322, Ordering::SeqCst);
    let attempt = waiting.attempt(&claim("waiting")).await.unwrap();
    assert!(
        matches!(attempt, Attempt::Taken { over: Some(_) }),
        "{attempt:?}"
    );
    assert_eq!(holder.renew(&claim("ahead")).await, Err(LeaseError::Lost));
}

/// A server that lets no ref be deleted gets a record that is over instead.
#[tokio::test]
async fn a_server_without_deletions() {
    let server = Server::new();
    git(&server.path(), &["config", "receive.denyDeletes", "true"]);
    let [one, two] = ["one", "two"].map(|name| remote(&server.clone_as(name)));
    let mut first = GitLease::new(one, scope(), clock(1000));
    first.attempt(&claim("first")).await.unwrap();
    first.release().await.unwrap();
    let mut second = GitLease::new(two, scope(), clock(1000));
    let attempt = second.attempt(&claim("second")).await.unwrap();
    assert!(matches!(attempt, Attempt::Taken { .. }), "{attempt:?}");
}

#[tokio::test]
async fn what_is_no_lease_is_not_taken_for_one() {
    let server = Server::new();
    let clone = server.clone_as("a");
    git(
        &clone,
        &["push", "--quiet", "origin", &format!("HEAD:{REFERENCE}")],
    );
    let mut lease = GitLease::new(remote(&clone), scope(), clock(0));
    let attempt = lease.attempt(&claim("a")).await;
    assert!(
        matches!(attempt, Err(LeaseError::Malformed { .. })),
        "{attempt:?}"
    );
}

/// A remote that cannot be reached is an error that shows no credential, not a lease.
#[tokio::test]
async fn without_the_remote_there_is_no_lease() {
    let server = Server::new();
    let clone = server.clone_as("a");
    let url = "file://me:secret@localhost/nowhere.git";
    git(&clone, &["remote", "set-url", "origin", url]);
    let mut lease = GitLease::new(remote(&clone), scope(), clock(0));
    let error = lease.attempt(&claim("a")).await.unwrap_err().to_string();
    assert!(error.contains("the lease needs the Git remote"), "{error}");
    assert!(!error.contains("secret"), "{error}");
    // Programs as remotes are refused, whatever the repository's configuration allows.
    git(&clone, &["remote", "set-url", "origin", "ext::touch ran"]);
    git(&clone, &["config", "protocol.ext.allow", "always"]);
    let mut lease = GitLease::new(remote(&clone), scope(), clock(0));
    assert!(lease.attempt(&claim("a")).await.is_err());
    assert!(!clone.join("ran").exists());
}

#[tokio::test]
async fn waiting_ends_when_the_holder_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let state = Utf8Path::from_path(folder.path()).unwrap();
    let mut holder = FileLease::new(state, scope(), clock(0));
    let mut waiter = FileLease::new(state, scope(), clock(0));
    holder.attempt(&claim("holder")).await.unwrap();
    let busy = tokio::sync::Notify::new();
    let wait = Wait {
        limit: Duration::from_mins(1),
        pause: Duration::from_millis(1),
    };
    let waiting = claim("waiter");
    let tell = |_: &_| busy.notify_one();
    let waiting = take(&mut waiter, &waiting, wait, &tell);
    let letting_go = async {
        busy.notified().await;
        holder.release().await.unwrap();
    };
    let (taken, ()) = tokio::join!(waiting, letting_go);
    assert_eq!(taken, Ok(None));
}

/// A lost lease ends the run: the work is told, and awaited.
#[tokio::test]
async fn a_lost_lease_stops_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let state = Utf8Path::from_path(folder.path()).unwrap();
    let lost = CancellationToken::new();
    let work = async {
        lost.cancelled().await;
        "in hand"
    };
    let claim = Claim {
        term: Duration::from_millis(3),
        ..claim("a")
    };
    let mut never_taken = FileLease::new(state, scope(), clock(0));
    let (done, why) = while_held(&mut never_taken, &claim, &lost, work).await;
    assert_eq!((done, why), ("in hand", Some(LeaseError::Lost)));

    let mut held = FileLease::new(state, scope(), clock(0));
    held.attempt(&claim).await.unwrap();
    let token = CancellationToken::new();
    let (done, why) = while_held(&mut held, &claim, &token, async { 7 }).await;
    assert_eq!((done, why, token.is_cancelled()), (7, None, false));
}

fn part(index: u32, count: u32) -> LeaseScope {
    let shard = Shard::new(index, count).unwrap();
    LeaseScope::new(&ClusterName::new("production"), Some(shard))
}

/// Shards of one split hold at the same time; the whole and another split exclude them, whoever comes first.
async fn shards_exclude_what_overlaps<L: Lease>(lease: impl Fn(LeaseScope) -> L) {
    let claim = claim("one");
    let (mut first, mut second) = (lease(part(1, 3)), lease(part(2, 3)));
    assert!(is_taken(&first.attempt(&claim).await));
    assert!(is_taken(&second.attempt(&claim).await));
    for scope in [scope(), part(1, 3), part(1, 2), part(4, 4)] {
        let attempt = lease(scope.clone()).attempt(&claim).await;
        assert!(!is_taken(&attempt), "{scope:?}");
    }
    first.renew(&claim).await.unwrap();
    first.release().await.unwrap();
    let mut whole = lease(scope());
    assert!(!is_taken(&whole.attempt(&claim).await), "one is left");
    second.release().await.unwrap();
    assert!(is_taken(&whole.attempt(&claim).await));
    assert!(!is_taken(&first.attempt(&claim).await));
    whole.release().await.unwrap();
    assert!(is_taken(&first.attempt(&claim).await));
    first.release().await.unwrap();
}

#[tokio::test]
async fn shards_of_one_host() {
    let folder = tempfile::tempdir().unwrap();
    let state = Utf8Path::from_path(folder.path()).unwrap();
    shards_exclude_what_overlaps(|scope| FileLease::new(state, scope, clock(0))).await;
}

#[tokio::test]
async fn shards_of_one_remote() {
    let server = Server::new();
    let remote = remote(&server.clone_as("a"));
    shards_exclude_what_overlaps(|scope| GitLease::new(remote.clone(), scope, clock(0))).await;
}

/// A run for all takes over from a shard that died; the shard, should it only have slept, finds out.
#[tokio::test]
async fn a_shard_that_slept_loses_its_lease_to_the_whole() {
    let server = Server::new();
    let remote = remote(&server.clone_as("a"));
    let mut slept = GitLease::new(remote.clone(), part(2, 3), clock(0));
    assert!(is_taken(&slept.attempt(&claim("slept")).await));
    let mut whole = GitLease::new(remote, scope(), clock(10_000));
    let Ok(Attempt::Taken { over: Some(over) }) = whole.attempt(&claim("whole")).await else {
        panic!("it expired");
    };
    assert_eq!(over.holder, "slept");
    assert_eq!(slept.renew(&claim("slept")).await, Err(LeaseError::Lost));
}
