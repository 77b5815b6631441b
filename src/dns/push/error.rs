//! Why a push failed.

use thiserror::Error;

use crate::dns::Question;
use crate::model::record::RecordName;

/// Why records were not read or written, and what to do. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PushError {
    /// The primary could not be reached, so nothing was sent.
    #[error("{server} cannot be reached: {reason}; check the address under `dns: push`")]
    Unreachable {
        /// Address of the primary.
        server: String,
        /// The system's error message.
        reason: String,
    },
    /// A request was sent, but no usable answer came.
    #[error(
        "{server} gave no usable answer: {reason}; the next plan shows whether the change was applied"
    )]
    Lost {
        /// Address of the primary.
        server: String,
        /// What happened.
        reason: String,
    },
    /// The configuration cannot work.
    #[error("{0}")]
    Configuration(String),
    /// The primary fails for a name, which says nothing about its zones.
    #[error("{server} could not answer for {name} (SERVFAIL); its log says why")]
    Failing {
        /// Address of the primary.
        server: String,
        /// The name that was asked for.
        name: RecordName,
    },
    /// The primary has no zone for a name.
    #[error(
        "{server} has no zone for {name}; create the zone there, or set `dns: observe` for the account"
    )]
    NoZone {
        /// Address of the primary.
        server: String,
        /// The name that was asked for.
        name: RecordName,
    },
    /// The zone delegates the name, so that it belongs to another zone (RFC 1034, section 4.2.1).
    #[error(
        "{server} delegates {delegated} out of {zone} to other name servers, and {name} belongs to {delegated}; enter it at the primary of {delegated}, or set `dns: observe` for the account"
    )]
    Delegated {
        /// Address of the primary.
        server: String,
        /// The zone that the primary has.
        zone: RecordName,
        /// The name.
        name: RecordName,
        /// The zone that the name belongs to.
        delegated: RecordName,
    },
    /// The server has a copy of the zone, which it transfers from the primary.
    #[error(
        "{server} is a secondary of {zone} (kind {kind}) and transfers it from {}, so what is written there is lost; put the zone's primary under `dns: push`, or set `dns: observe` for the account", primaries(.from)
    )]
    Secondary {
        /// Address of the server.
        server: String,
        /// The zone.
        zone: RecordName,
        /// The kind of the zone, in the server's words.
        kind: String,
        /// The servers that it transfers the zone from.
        from: Vec<String>,
    },
    /// NOTAUTH without a TSIG error (RFC 2136, section 3.1.2).
    #[error(
        "{server} is not the primary of {zone} (NOTAUTH); put the zone's primary under `dns: push`"
    )]
    NotAuthoritative {
        /// Address of the primary.
        server: String,
        /// The zone.
        zone: RecordName,
    },
    /// REFUSED: the key is known but may not do this.
    #[error(
        "{server} refuses key {key} for {zone} (REFUSED); allow it there (BIND: `update-policy`, Knot: `acl`, PowerDNS: `TSIG-ALLOW-DNSUPDATE`)"
    )]
    Refused {
        /// Address of the primary.
        server: String,
        /// The zone.
        zone: RecordName,
        /// The name of the key.
        key: String,
    },
    /// BADKEY (RFC 8945, section 5.2.1).
    #[error(
        "{server} does not know key {key} with this algorithm (BADKEY); compare name and algorithm with the server's"
    )]
    BadKey {
        /// Address of the primary.
        server: String,
        /// The name of the key.
        key: String,
    },
    /// BADSIG (RFC 8945, section 5.2.2).
    #[error(
        "{server} cannot verify the signature of key {key} (BADSIG); the secret here is not the server's"
    )]
    BadSignature {
        /// Address of the primary.
        server: String,
        /// The name of the key.
        key: String,
    },
    /// NOTAUTH to a query, without the TSIG error that RFC 8945 requires.
    #[error(
        "{server} does not accept key {key} (NOTAUTH, without a reason); compare its name, algorithm and secret with the server's"
    )]
    KeyRejected {
        /// Address of the primary.
        server: String,
        /// The name of the key.
        key: String,
    },
    /// BADTIME (RFC 8945, section 5.2.3).
    #[error("the clock of {server} differs (BADTIME){}; synchronize both clocks with NTP", behind(*.seconds))]
    BadTime {
        /// Address of the primary.
        server: String,
        /// How many seconds the server is ahead, if it says so.
        seconds: Option<i64>,
    },
    /// The answer is not signed by the key.
    #[error(
        "the answer of {server} is not signed with key {key}; it may be forged, so it is ignored"
    )]
    NotSigned {
        /// The apparent sender of the answer.
        server: String,
        /// The name of the key.
        key: String,
    },
    /// The zone is no longer as it was read: a prerequisite failed (YXRRSET, NXRRSET, YXDOMAIN, NXDOMAIN).
    #[error("{zone} changed in the meantime{}; nothing was written, plan again", at(.set.as_ref()))]
    Moved {
        /// The zone.
        zone: RecordName,
        /// The set, if known.
        set: Option<Question>,
    },
    /// The API key is not accepted.
    #[error("{server} does not accept the API key; compare it with `api-key` in pdns.conf")]
    Unauthorised {
        /// Address of the primary.
        server: String,
    },
    /// The primary refused for another reason.
    #[error("{server} refused: {reason}; fix it there or in the template")]
    Rejected {
        /// Address of the primary.
        server: String,
        /// The response code or message.
        reason: String,
    },
    /// The primary deleted what stood at a name and ignored what was to take its place, and it is not known whether the
    /// second message, which adds it, was applied.
    #[error(
        "what stood at {} was deleted, and it is not certain that {set} took its place: {reason}; plan again, which adds it", .set.name
    )]
    Emptied {
        /// The set that was to be added.
        set: Question,
        /// Why it was not.
        reason: String,
    },
}

fn behind(seconds: Option<i64>) -> String {
    match seconds {
        Some(seconds) if seconds > 0 => format!(": it is {seconds} s ahead"),
        Some(seconds) => format!(": it is {} s behind", seconds.unsigned_abs()),
        None => String::new(),
    }
}

fn at(set: Option<&Question>) -> String {
    set.map_or_else(String::new, |set| format!(", at {set}"))
}

fn primaries(from: &[String]) -> String {
    if from.is_empty() {
        "elsewhere".to_owned()
    } else {
        from.join(", ")
    }
}
