//! Checks what the world sees in DNS against what is expected, with a verdict per host.
//!
//! ```text
//! template × domain ─► expect ─────────────┐
//!                                          ├─► verdict (pure) ─► hints, SIP chains
//! zone ─► observe ─► exchange ─► packet ───┘
//!          └► chain: aliases, zone by zone     scrutiny ─► findings (pure)
//! ```
//!
//! Records are compared as records, never as text. Every failure to read is distinct and never reported as drift
//! (invariant 6).
//!
//! A zone's servers decide which other servers are asked, so what their answers can cause has bounds (invariant 12):
//!
//! | bound | where |
//! | --- | --- |
//! | 13 servers of a zone, 4 addresses each, public ones unless `dns.networks` says otherwise | `zone` |
//! | 64 questions for each host of a domain | `check` |
//! | 2,000,000 questions per run, 512 sockets, 4,096 octets per packet | `exchange` |
//! | 4 rounds and 32 questions along SIP records | `check` |
//! | 8 zones along the aliases of a host | `chain` |
//! | 4 zones of a domain, 8 names on the way up for CAA and for DMARC | `scrutiny` |

mod answer;
mod chain;
mod check;
mod checklist;
mod exchange;
mod expect;
pub mod export;
mod finding;
mod health;
mod hint;
pub mod letter;
mod memo;
mod observe;
mod opinion;
mod packet;
mod presentation;
pub mod push;
mod question;
mod resolvers;
mod scrutiny;
mod sip;
mod summary;
mod validation;
mod verdict;
mod window;
mod zone;

pub use answer::{Answer, Failure, Found};
pub use check::{Checker, DomainCheck, HostCheck};
pub use checklist::{Checklist, NoResolver, support_domain};
pub use exchange::{Exchange, ExchangeOptions, Traffic};
pub use expect::{Expectations, Expected, NotUnderstood, declared_template, expect, question_of};
pub use finding::{Addressee, DomainFinding, FindingKind, Urgency};
pub use hint::{Evidence, Hint, HintKind, Reach, hints};
pub use observe::Observer;
pub use opinion::{Opinion, Seen, opinion};
pub use question::Question;
pub use sip::{Phones, Registration, Route, Transport};
pub use summary::{Standing, Tally};
pub use verdict::{
    Absence, Flattened, Judgement, Observation, Observed, RecordMark, Server, Verdict, judge,
};
pub use zone::{Delegation, NsClaim, Signing, Zone, ZoneError, ZoneOptions, Zones};

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod world_tests;
