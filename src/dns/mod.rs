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
mod exchange;
mod expect;
pub mod export;
pub mod letter;
mod observe;
mod packet;
mod presentation;
pub mod push;
mod question;
mod verdict;
mod window;
mod zone;

pub use answer::{Answer, Failure, Found};
pub use exchange::{Exchange, ExchangeOptions, Traffic};
pub use expect::{Expectations, Expected, NotUnderstood, expect};
pub use observe::Observer;
pub use question::Question;
pub use verdict::{
    Flattened, Judgement, Observation, Observed, RecordMark, Server, Verdict, judge,
};
pub use zone::{Zone, ZoneError, ZoneOptions, Zones};
