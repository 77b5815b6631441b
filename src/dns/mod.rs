//! DNS → what the world sees, with a verdict.
//!
//! ```text
//! template × domain ─► expect ─────────────┐
//!                                          ├─► verdict (pure) ─► hints, SIP chains
//! zone ─► observe ─► exchange ─► packet ───┘
//! ```
//!
//! Records are compared as records, never as text. Every failure to read is told apart and is never called drift
//! (invariant 6).

mod answer;
mod check;
mod checklist;
mod exchange;
mod expect;
pub mod export;
mod hint;
pub mod letter;
mod memo;
mod observe;
mod opinion;
mod packet;
mod presentation;
pub mod push;
mod question;
mod sip;
mod summary;
mod verdict;
mod window;
mod zone;

pub use answer::{Answer, Failure, Found};
pub use check::{Checker, DomainCheck, HostCheck};
pub use checklist::{Checklist, NoResolver};
pub use exchange::{Exchange, ExchangeOptions, Traffic};
pub use expect::{Expectations, Expected, NotUnderstood, declared_template, expect, question_of};
pub use hint::{Evidence, Hint, HintKind, Reach, hints};
pub use observe::Observer;
pub use opinion::{Opinion, Seen, opinion};
pub use question::Question;
pub use sip::{Phones, Registration, Route, Transport};
pub use summary::{Standing, Tally};
pub use verdict::{
    Flattened, Judgement, Observation, Observed, RecordMark, Server, Verdict, judge,
};
pub use zone::{Zone, ZoneError, ZoneOptions, Zones};

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod world_tests;
