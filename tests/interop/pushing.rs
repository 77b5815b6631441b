//! Pushing, as the tests see it: what would change, and changing it.

use emblazon::dns::push::{
    Changes, Home, MESSAGE_OCTETS, PrimaryReader, PrimaryWriter, PushConfig, PushPolicy,
    RefusedSet, ZoneChange, changes, octets,
};
use emblazon::dns::{Expected, Question};
use emblazon::model::{RecordData, RecordName, RecordType};

use crate::records::{ZONE, difference, expected};

/// What a push would do.
#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) zones: Vec<ZoneChange>,
    pub(crate) kept: Vec<(Question, RecordData)>,
    pub(crate) refused: Vec<RefusedSet>,
    /// Why something could not be read.
    pub(crate) unread: Vec<String>,
}

pub(crate) fn reader(config: &PushConfig) -> PrimaryReader {
    PrimaryReader::new(config).unwrap()
}

pub(crate) fn writer(config: &PushConfig) -> PrimaryWriter {
    PrimaryWriter::new(reader(config))
}

/// Finds out what a push would do; `before` is what was wanted earlier.
pub(crate) async fn pending(
    primary: &PrimaryReader,
    expected: &[Expected],
    before: &[Expected],
    policy: PushPolicy,
) -> Pending {
    let hosts = || expected.iter().chain(before);
    let questions = hosts().map(|host| host.question.clone()).collect();
    let standings = primary.standings(&questions).await;
    let mut pending = Pending::default();
    for (name, home) in &standings.homes {
        match home {
            Home::Zone(_) => {}
            Home::None(reason) => {
                let host = hosts().find(|host| host.question.name == *name).unwrap();
                pending.refused.push(RefusedSet {
                    name: name.clone(),
                    record_type: host.question.record_type,
                    reason: reason.clone(),
                });
            }
            Home::Unknown(reason) => pending.unread.push(reason.clone()),
        }
    }
    for (zone, standing) in standings.zones {
        let standing = match standing {
            Ok(standing) => standing,
            Err(reason) => {
                pending.unread.push(reason);
                continue;
            }
        };
        let of_zone = |hosts: &[Expected]| -> Vec<Expected> {
            let is_there = |host: &&Expected| {
                standings.homes.get(&host.question.name) == Some(&Home::Zone(zone.clone()))
            };
            hosts.iter().filter(is_there).cloned().collect()
        };
        let (now, before) = (of_zone(expected), of_zone(before));
        let Changes {
            sets,
            kept,
            refused,
            unread,
        } = changes(&zone, &now, &before, &standing, policy);
        pending.kept.extend(kept);
        pending.refused.extend(refused);
        pending
            .unread
            .extend(unread.iter().map(ToString::to_string));
        if !sets.is_empty() {
            pending.zones.push(ZoneChange { zone, sets });
        }
    }
    pending
}

/// Pushes twice, and gives back what the first did.
pub(crate) async fn push_twice(config: &PushConfig, transfer: impl Fn() -> Vec<String>) -> String {
    let before = transfer();
    let primary = writer(config);
    let policy = PushPolicy::default();
    let planned = pending(primary.read(), &expected(), &[], policy).await;
    assert_eq!(planned.refused, vec![]);
    assert_eq!(planned.unread, [] as [&str; 0]);
    let kept: Vec<String> = planned
        .kept
        .iter()
        .map(|(at, it)| format!("{at} {it}"))
        .collect();
    assert_eq!(
        kept,
        [
            "acme.example MX 20 mail.acme.example",
            "us-east.acme.example A 198.51.100.9"
        ]
    );
    for change in &planned.zones {
        primary.write(change).await.unwrap();
        let questions = change.sets.iter().map(|set| set.question.clone()).collect();
        let now = primary.read().read(&change.zone, &questions).await.unwrap();
        for set in &change.sets {
            assert_eq!(now[&set.question].records, set.after, "{}", set.question);
        }
    }
    let again = pending(primary.read(), &expected(), &[], policy).await;
    assert_eq!(again.zones, vec![], "the second push is empty");
    difference(&before, &transfer())
}

/// Wants the same address at a name that only a wildcard answers and at one that stands there, with wildcards around
/// it; gives back what a push did to the zone.
pub(crate) async fn push_beside_wildcards(
    config: &PushConfig,
    update: impl Fn(&str),
    transfer: impl Fn() -> Vec<String>,
) -> String {
    for name in ["*.wild", "b.wild", "*.b.wild"] {
        update(&format!("add {name}.acme.example. 300 A 192.0.2.77"));
    }
    let hosts = ["a.wild", "b.wild"].map(|name| host(name, RecordType::A, &["192.0.2.77"]));
    push(config, &hosts, &[], transfer).await
}

/// Turns an alias to another target, puts an alias in the place of addresses, and an address in that of an alias; gives
/// back what a push did to the zone.
pub(crate) async fn push_aliases(
    config: &PushConfig,
    transfer: impl Fn() -> Vec<String>,
) -> String {
    let (a, alias) = (RecordType::A, RecordType::Cname);
    let earlier = [
        host("us-east", a, &["192.0.2.1", "198.51.100.9"]),
        host("portal", alias, &["old.example.net"]),
        host("www", alias, &["www.example.org"]),
    ];
    let now = [
        host("us-east", alias, &["ui.example.net"]),
        host("portal", a, &["192.0.2.5"]),
        host("www", alias, &["www.example.net"]),
    ];
    push(config, &now, &earlier, transfer).await
}

/// Returns a host of the zone that needs these records.
pub(crate) fn host(name: &str, record_type: RecordType, records: &[&str]) -> Expected {
    Expected {
        question: Question {
            name: RecordName::observed(&format!("{name}.{ZONE}")),
            record_type,
        },
        label: None,
        records: records
            .iter()
            .map(|text| RecordData::parse(record_type, text).unwrap())
            .collect(),
    }
}

/// Pushes what is needed now in place of what was needed earlier. Gives back what was refused, and what the push did to
/// the zone.
pub(crate) async fn push(
    config: &PushConfig,
    now: &[Expected],
    earlier: &[Expected],
    transfer: impl Fn() -> Vec<String>,
) -> String {
    let before = transfer();
    let primary = writer(config);
    let policy = PushPolicy::default();
    let planned = pending(primary.read(), now, earlier, policy).await;
    assert_eq!(planned.unread, [] as [&str; 0]);
    let mut lines: Vec<String> = planned
        .refused
        .iter()
        .map(|it| format!("{} {}: {}", it.name, it.record_type, it.reason))
        .collect();
    for change in &planned.zones {
        primary.write(change).await.unwrap();
    }
    let again = pending(primary.read(), now, earlier, policy).await;
    assert_eq!(again.zones, vec![], "the second push is empty");
    lines.push(difference(&before, &transfer()));
    lines.join("\n")
}

/// Wants records at, below and beside a name that the zone delegates.
pub(crate) async fn push_beside_a_delegation(
    config: &PushConfig,
    port: u16,
    transfer: impl Fn() -> Vec<String>,
) -> String {
    let now = [
        host("a.sub", RecordType::A, &["192.0.2.5"]),
        host("sub", RecordType::Txt, &["x"]),
        host("beside", RecordType::A, &["192.0.2.5"]),
    ];
    push(config, &now, &[], transfer)
        .await
        .replace(&port.to_string(), "PORT")
}

/// Replaces two rules of three at `proxy`, the third of which is somebody else's, and then takes the new one away.
pub(crate) async fn push_rules(config: &PushConfig, transfer: impl Fn() -> Vec<String>) -> String {
    let rules = |rules: &[&str]| [host("proxy", RecordType::Naptr, rules)];
    let new = r#"40 100 "S" "SIPS+D2T" "" _sips._tcp.acme.example."#;
    let first = push(config, &rules(&[new]), &rules(&RULES[..2]), &transfer).await;
    let second = push(config, &[], &rules(&[new]), &transfer).await;
    format!("{first}\n{second}")
}

/// The rules at `proxy` before.
pub(crate) const RULES: [&str; 3] = [
    r#"10 100 "S" "SIP+D2U" "" _sip._udp.acme.example."#,
    r#"20 100 "S" "SIP+D2T" "" _sip._tcp.acme.example."#,
    r#"30 100 "U" "E2U+sip" "!^.*$!sip:info@example.net!" ."#,
];

/// Writes as many records as one message may hold; returns how many.
pub(crate) async fn push_a_full_message(
    config: &PushConfig,
    transfer: impl Fn() -> Vec<String>,
) -> usize {
    let hosts: Vec<Expected> = (0..1000)
        .map(|number| host(&format!("n{number}"), RecordType::Txt, &[&"x".repeat(100)]))
        .collect();
    let before = transfer().len();
    let primary = writer(config);
    let mut planned = pending(primary.read(), &hosts, &[], PushPolicy::default()).await;
    let mut change = planned.zones.remove(0);
    let mut size = 0;
    change.sets.retain(|set| {
        size += octets(set);
        size <= MESSAGE_OCTETS
    });
    primary.write(&change).await.unwrap();
    let written = transfer().len() - before;
    assert_eq!(written, change.sets.len());
    written
}
