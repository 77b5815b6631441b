//! Replays what a running Kazoo answered, in order, against a fresh sandbox.
//!
//! `recordings/transcripts.jsonl` holds requests and answers with placeholders for ids, keys and
//! tokens. Both answers are mapped to one form ([`mapping`]) and compared: status, headers that a
//! client can act on, body. What is meant to differ stands in [`differences::MEANT`], by rule and
//! never by a recording's name.
//!
//! Three kinds of lines need the conditions of their recording, which are set up as faults or by
//! repetition: lost races (409), requests that emptied a bucket (429), and accounts below a
//! reseller, whose creation failed half-way in the recorded set-up.

mod compare;
mod differences;
mod mapping;
pub(crate) mod recording;

use emblazon::sandbox::{Account, Fault, FaultKind, Options, Sandbox, Seed, User, World};

use crate::wire;
use compare::Comparison;
use mapping::Mapping;
use recording::Recording;

/// The recorded server's user; the recording holds the digest of the credentials only.
fn recorded_user() -> User {
    User {
        id: "074c918a3a333ad0016790335eb14026".to_owned(),
        md5: "e0173f6942f752c00a4b1909d9b4a3b3".to_owned(),
        sha1: String::new(),
    }
}

fn recorded_world() -> Seed {
    let mut master = Account::new(&"a".repeat(32), "master", "master.example.test");
    master.reseller = true;
    master.users.push(recorded_user());
    Seed {
        world: World::new(master),
        faults: Vec::new(),
        dns: None,
    }
}

/// Sets up what the recording depends on and cannot say itself.
fn set_conditions(sandbox: &Sandbox, recording: &Recording, path: &str) {
    if let Some(time) = recording.time() {
        sandbox.set_clock(time);
    }
    let fault = match recording.status {
        409 if recording.nondeterministic => Some(FaultKind::Status(409)),
        201 if recording.is_half_created_account() => Some(FaultKind::HalfCreatedAccount),
        _ => None,
    };
    let faults = fault.map(|kind| Fault::new(&recording.method, path, kind));
    sandbox.set_faults(faults.into_iter().collect());
}

async fn replay(sandbox: &Sandbox, mapping: &mut Mapping, recording: &Recording) -> Comparison {
    let request = mapping.request(recording);
    set_conditions(sandbox, recording, &request.path);
    let mut answer = wire::send(sandbox.address(), &request).await;
    // A burst was recorded with its repeats trimmed: repeat until the bucket is empty.
    let mut repeats = 0;
    while recording.nondeterministic && recording.status == 429 && answer.status != 429 {
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

#[tokio::test]
async fn every_recording_is_answered_alike() {
    let recordings = recording::all();
    let sandbox = Sandbox::start(Options::seeded(recorded_world()))
        .await
        .unwrap();
    let mut mapping = Mapping::new(&sandbox);
    let mut exact = 0;
    let mut meant = vec![0; differences::MEANT.len()];
    let mut wrong = Vec::new();
    for recording in &recordings {
        match replay(&sandbox, &mut mapping, recording).await {
            Comparison::Exact => exact += 1,
            Comparison::Meant(rules) => {
                for rule in rules {
                    meant[rule] += 1;
                }
            }
            Comparison::Different(report) => wrong.push(report),
        }
    }
    println!(
        "{exact} of {} recordings answered exactly",
        recordings.len()
    );
    for (rule, count) in differences::MEANT.iter().zip(&meant) {
        println!("{count:4} meant to differ: {} ({})", rule.what, rule.why);
    }
    for report in &wrong {
        println!("{report}");
    }
    assert!(wrong.is_empty(), "{} recordings differ", wrong.len());
    assert_eq!(recordings.len(), 409, "no recording is left out");
    assert!(
        meant.iter().all(|count| *count > 0),
        "a rule that no recording needs must go"
    );
}
