//! What a customer's browser gets of a brand: the customer's path, walked and judged.
//!
//! ```text
//! tree ──► targets ──────────────┐
//!             │                  ├─► judge (pure) ─► verdicts, and what the customer sees
//!             └─► prober ──► sighting
//!                 names, TCP, TLS, page, config.js, CORS, whitelabel, logo, icon
//! ```
//!
//! Monster UI asks the API for the brand of `window.location.hostname`, and shows the vendor's brand on any error (U1,
//! U3). So a brand can be stored, read back and right in DNS, and still be seen by nobody. A verdict has three values;
//! what could not be looked at is unknown (invariant 6).
//!
//! A probe is polite: it never logs in, makes one connection to each host and port, and keeps below the platform's limit
//! for anonymous callers ([`Pace`]). Domain and page decide where it connects, so addresses that are not public are not
//! connected to unless the caller names them (invariant 12).

mod arrival;
mod authorities;
mod brand_verdicts;
mod browser;
mod caller;
mod certificate;
mod check;
mod config_js;
mod connection;
mod content_coding;
mod content_policy;
mod content_type;
mod document;
mod javascript;
mod judge;
mod names;
mod pace;
mod page;
mod page_verdicts;
mod pin;
mod prober;
mod report;
mod sighting;
mod sip_verdicts;
mod target;
mod tunnel;

pub use authorities::{Authorities, AuthorityError};
pub use caller::SharedPace;
pub use certificate::Certificate;
pub use check::{BrandProbe, BrandView, CheckKind, ProbeCheck, Visibility};
pub use judge::judge;
pub use pace::Pace;
pub use pin::{Pin, PinError};
pub use prober::{ClosedWorld, NoProbe, ProbeOptions, Prober};
pub use report::ProbeReport;
pub use sighting::{Arrival, Call, Fetch, HttpAnswer, Link, Names, Sighting, SipSighting};
pub use target::{BrandTarget, Located, OwnUi, targets};
pub use tunnel::Tunnel;
