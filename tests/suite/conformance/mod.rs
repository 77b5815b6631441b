//! Replays what a running Kazoo answered, in order, against a fresh sandbox.
//!
//! `recordings/kazoo-master.jsonl` and `kazoo-4.3.jsonl` hold the same requests with the answers of two
//! versions, those named `extra` further ones; all have placeholders for ids, keys and tokens. Both
//! answers are mapped to one form ([`mapping`]) and compared: status, headers that a client can act
//! on, body. What is meant to differ stands in [`differences::MEANT`], by rule and never by a
//! recording's name.
//!
//! Some lines need the conditions of their recording, which are set up as faults, by repetition or by
//! hand: lost races (409), requests that emptied a bucket (429), users, a cluster with many accounts,
//! and accounts below a reseller, which failed half-way or were deleted when they were recorded.

mod compare;
mod differences;
mod mapping;
pub(crate) mod recording;

use emblazon::sandbox::{Account, Fault, FaultKind, Options, Profile, Sandbox, Seed, User, World};

use serde_json::Value;

use crate::wire;
use compare::Comparison;
use mapping::Mapping;
use recording::Recording;

/// The recordings at the start of a file that log in and create two resellers.
const PREPARATIONS: usize = 7;

/// One file of recordings.
struct Replayed {
    profile: Profile,
    text: &'static str,
    /// How many there are.
    count: usize,
    /// The recordings that were made before: a login, and two resellers.
    prepared_by: &'static str,
    /// The realm of the master account.
    realm: &'static str,
    /// Children of a reseller were deleted as soon as they were created.
    without_grandchildren: bool,
}

fn recorded_world(realm: &str) -> Seed {
    let mut master = Account::new(&"a".repeat(32), "master", realm);
    master.reseller = true;
    Seed {
        world: World::new(master),
        faults: Vec::new(),
        dns: None,
        ui: None,
    }
}

/// Gives an account the user that logs in; the recording holds the digest of the credentials only.
fn let_user_in(sandbox: &Sandbox, recording: &Recording) {
    let asked: Value =
        serde_json::from_str(recording.request_body.as_str().unwrap_or_default()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut world = sandbox.world();
    let named = world.account_named(asked["data"]["account_name"].as_str().unwrap());
    let mut account = named.unwrap().clone();
    account.users.push(User {
        id: text(&recording.json().unwrap()["data"]["owner_id"]),
        md5: text(&asked["data"]["credentials"]),
        sha1: String::new(),
    });
    let _ = world.remove_account(&account.id);
    world.insert_account(account);
}

/// Sets up what the recording depends on and cannot say itself.
fn set_conditions(sandbox: &Sandbox, recording: &Recording, path: &str) {
    if path.ends_with("/user_auth") && recording.status == Some(201) {
        let_user_in(sandbox, recording);
    }
    if let Some(domain) = path.strip_prefix("/v2/whitelabel/")
        && recording.says_nobody_holds(domain)
    {
        delete_grandchildren(sandbox);
    }
    let fault = match recording.status {
        Some(409) if recording.nondeterministic => Some(FaultKind::Status(409)),
        // Master reads one page of all accounts, and this one was not on it.
        Some(500) if path.ends_with("/parents") => Some(FaultKind::Status(500)),
        Some(201) if recording.is_half_created_account() => Some(FaultKind::HalfCreatedAccount),
        _ => None,
    };
    let faults = fault.map(|kind| Fault::new(&recording.method, path, kind));
    sandbox.set_faults(faults.into_iter().collect());
}

async fn replay(
    sandbox: &Sandbox,
    mapping: &mut Mapping,
    recording: &Recording,
    time: Option<u64>,
) -> Comparison {
    if let Some(time) = time {
        sandbox.set_clock(time);
    }
    let request = mapping.request(recording);
    set_conditions(sandbox, recording, &request.path);
    if recording.status.is_none() {
        let received = wire::exchange(sandbox.address(), &request).await;
        if received.is_empty() {
            return Comparison::Exact;
        }
        let answer = String::from_utf8_lossy(&received);
        return Comparison::Different(format!("\n=== {}\n{answer}", recording.name));
    }
    let mut answer = wire::send(sandbox.address(), &request).await;
    // A burst was recorded with its repeats trimmed: repeat until the bucket is empty.
    let mut repeats = 0;
    while recording.status == Some(429) && answer.status != 429 {
        assert!(
            repeats < 300,
            "no 429 after {repeats} requests: {}",
            recording.name
        );
        answer = wire::send(sandbox.address(), &request).await;
        repeats += 1;
    }
    mapping.learn(sandbox, recording, &answer);
    compare::compare(mapping, recording, &request, &answer).await
}

/// Replays recordings in order, counts what is meant to differ, and returns what differs otherwise.
async fn check(replayed: Replayed, meant: &mut [usize]) -> Vec<String> {
    let recordings = recording::parse(replayed.text);
    assert_eq!(recordings.len(), replayed.count, "no recording is left out");
    let options = Options {
        profile: replayed.profile,
        ..Options::seeded(recorded_world(replayed.realm))
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let mut mapping = Mapping::new(&sandbox);
    // The tokens of the preparations must not have expired; they were made a second before.
    let time = recordings.first().and_then(Recording::time);
    let time = time.map(|time| time - 1);
    for recording in recording::parse(replayed.prepared_by)
        .iter()
        .take(PREPARATIONS)
    {
        replay(&sandbox, &mut mapping, recording, time).await;
    }
    let mut exact = 0;
    let mut wrong = Vec::new();
    for recording in &recordings {
        match replay(&sandbox, &mut mapping, recording, recording.time()).await {
            Comparison::Exact => exact += 1,
            Comparison::Meant(rules) => {
                for rule in rules {
                    meant[rule] += 1;
                }
            }
            Comparison::Different(report) => wrong.push(report),
        }
        if replayed.without_grandchildren {
            delete_grandchildren(&sandbox);
        }
    }
    println!(
        "{}: {exact} of {} recordings answered exactly",
        replayed.profile,
        recordings.len()
    );
    wrong
}

/// Deletes the accounts below resellers, as requests did that were not recorded.
fn delete_grandchildren(sandbox: &Sandbox) {
    let mut world = sandbox.world();
    let grandchildren: Vec<String> = world
        .accounts()
        .filter(|account| account.tree.len() > 1)
        .map(|account| account.id.clone())
        .collect();
    for id in grandchildren {
        let _ = world.remove_account(&id);
    }
}

/// What was replayed, on which version, and after which preparations.
const REPLAYED: [Replayed; 4] = [
    Replayed {
        profile: Profile::Master,
        text: recording::MASTER,
        count: 409,
        prepared_by: "",
        realm: "master.example.test",
        without_grandchildren: false,
    },
    Replayed {
        profile: Profile::V43,
        text: recording::V43,
        count: 409,
        prepared_by: "",
        realm: "master.sip.example.com",
        without_grandchildren: true,
    },
    Replayed {
        profile: Profile::Master,
        text: recording::MASTER_EXTRA,
        count: 113,
        prepared_by: recording::MASTER,
        realm: "master.sip.example.com",
        without_grandchildren: false,
    },
    Replayed {
        profile: Profile::V43,
        text: recording::V43_EXTRA,
        count: 113,
        prepared_by: recording::V43,
        realm: "master.sip.example.com",
        without_grandchildren: false,
    },
];

#[tokio::test]
async fn every_recording_is_answered_alike() {
    let mut meant = vec![0; differences::MEANT.len()];
    let mut wrong = Vec::new();
    for replayed in REPLAYED {
        wrong.extend(check(replayed, &mut meant).await);
    }
    for (rule, count) in differences::MEANT.iter().zip(&meant) {
        println!("{count:4} meant to differ: {} ({})", rule.what, rule.why);
    }
    for report in &wrong {
        println!("{report}");
    }
    assert!(wrong.is_empty(), "{} recordings differ", wrong.len());
    assert!(
        meant.iter().all(|count| *count > 0),
        "a rule that no recording needs must go"
    );
}
