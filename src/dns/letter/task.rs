//! What is to be done about one host, by what the check found.

use std::collections::BTreeSet;

use crate::dns::{Expected, HintKind, HostCheck, Judgement, RecordMark, Verdict};
use crate::model::record::{RecordData, RecordName, RecordType};

/// One thing to do about a host, or to know of it.
pub(super) enum Task<'a> {
    /// A record of this type leads to a domain that anybody can register.
    Lapsed(RecordType, &'a str),
    /// Its zone's DNSSEC signatures are wrong; what the resolvers say.
    Sign(String),
    /// Something stands at its name, beside which its records cannot be.
    Clear(&'a str),
    /// A record is missing.
    Enter {
        /// How it gets along with what is there.
        how: How,
        /// The record.
        data: &'a RecordData,
        /// What it replaces.
        now: Vec<&'a RecordData>,
    },
    /// A record is there that is not expected.
    Extra(&'a RecordData),
    /// A probable mistake.
    Noticed(&'a str),
    /// Resolvers have an old answer.
    Wait {
        /// Which ones, and what they have.
        old: String,
        /// Seconds until the last old answer expires, if known.
        longest: Option<u32>,
    },
    /// It could not be checked, or is not seen alike everywhere.
    Unclear(String),
    /// A record is as expected.
    Right(&'a RecordData),
}

/// How a record is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Beside whatever is there.
    Add,
    /// Instead of what is there.
    Replace,
    /// Beside or instead of what nobody looked at.
    Unseen,
    /// As one record with what is there, because a name has one at most.
    Merge,
}

/// Returns the names at which an alias is to be deleted; what it led to is no longer there then.
pub(super) fn cleared(checks: &[HostCheck]) -> BTreeSet<&RecordName> {
    let hosts = checks.iter().map(|check| Host {
        check,
        is_cleared: false,
    });
    hosts
        .filter(|host| host.hides_behind_alias())
        .map(|host| &host.check.judgement.expected.question.name)
        .collect()
}

/// Returns everything to be done about a host; without a check, everything is entered.
///
/// `is_cleared` says whether an alias is to be deleted at its name.
pub(super) fn tasks<'a>(
    host: &'a Expected,
    check: Option<&'a HostCheck>,
    is_cleared: bool,
) -> Vec<Task<'a>> {
    let Some(check) = check else {
        return host.records.iter().map(Task::unseen).collect();
    };
    let host = Host { check, is_cleared };
    let mut tasks = host.hinted();
    tasks.extend(host.judged());
    tasks
}

impl<'a> Task<'a> {
    fn add(data: &'a RecordData) -> Self {
        Self::Enter {
            how: How::Add,
            data,
            now: Vec::new(),
        }
    }

    fn unseen(data: &'a RecordData) -> Self {
        let shared = is_shared(data);
        Self::Enter {
            how: if shared { How::Add } else { How::Unseen },
            data,
            now: Vec::new(),
        }
    }
}

#[derive(Clone, Copy)]
struct Host<'a> {
    check: &'a HostCheck,
    is_cleared: bool,
}

impl<'a> Host<'a> {
    fn judgement(self) -> &'a Judgement {
        &self.check.judgement
    }

    fn record_type(self) -> RecordType {
        self.judgement().expected.question.record_type
    }

    fn marked(self, wanted: RecordMark) -> Vec<&'a RecordData> {
        let records = self.judgement().records.iter();
        let marked = records.filter(|(mark, _)| *mark == wanted);
        marked.map(|(_, data)| data).collect()
    }

    fn has_hint(self, kinds: &[HintKind]) -> bool {
        self.check
            .hints
            .iter()
            .any(|hint| kinds.contains(&hint.kind))
    }

    /// Returns whether an alias stands where the host's own records should be, and is to be deleted.
    fn hides_behind_alias(self) -> bool {
        self.record_type() != RecordType::Cname
            && (self.has_hint(&[HintKind::AliasAtApex])
                || self.has_hint(&[HintKind::AliasBesideData]) && self.is_wrong())
    }

    /// Returns whether the servers agree that something is wrong.
    fn is_wrong(self) -> bool {
        match self.judgement().verdict {
            Verdict::Missing | Verdict::Different | Verdict::Extra | Verdict::Bogus => true,
            Verdict::Ok
            | Verdict::Propagating { .. }
            | Verdict::Inconsistent
            | Verdict::Unknown { .. } => false,
        }
    }

    /// Returns the type of the record that leads away from the name: that of one that was found and names a target, or
    /// an alias, which answers for every type.
    fn leading_type(self) -> RecordType {
        let records = self.judgement().records.iter();
        let mut found = records.filter(|(mark, data)| {
            *mark != RecordMark::Missing
                && data.target().is_some()
                && data.record_type() == self.record_type()
        });
        let has_alias = self.has_hint(&[HintKind::AliasAtApex, HintKind::AliasBesideData]);
        match found.next() {
            Some(_) if !has_alias => self.record_type(),
            Some(_) | None => RecordType::Cname,
        }
    }

    /// Returns what follows from the hints alone.
    fn hinted(self) -> Vec<Task<'a>> {
        let task = |kind: HintKind, text: &'a str| match kind {
            HintKind::Takeover => Some(Task::Lapsed(self.leading_type(), text)),
            HintKind::AliasBesideData if self.is_wrong() => Some(Task::Clear(text)),
            HintKind::AliasAtApex if self.record_type() != RecordType::Cname => {
                Some(Task::Clear(text))
            }
            HintKind::AliasAtApex
            | HintKind::AliasBesideData
            | HintKind::DoubledDomain
            | HintKind::AliasAsTarget
            | HintKind::Wildcard
            | HintKind::WrongPort
            | HintKind::QuotesInText
            | HintKind::SplitText
            | HintKind::Forbidden
            | HintKind::UnwantedIpv6
            | HintKind::DanglingTarget => Some(Task::Noticed(text)),
            // The rows of the letter say these themselves.
            HintKind::MissingIpv6 | HintKind::OldAddress | HintKind::Bogus => None,
        };
        let hints = self.check.hints.iter();
        hints
            .filter_map(|hint| task(hint.kind, &hint.text))
            .collect()
    }

    /// Returns what follows from the verdict.
    fn judged(self) -> Vec<Task<'a>> {
        if self.is_cleared && self.record_type() != RecordType::Cname {
            return self.enter_all();
        }
        match &self.judgement().verdict {
            Verdict::Ok => self.right(),
            Verdict::Missing | Verdict::Different => self.enter(),
            Verdict::Extra => self.extra(),
            Verdict::Propagating { old_for } => vec![Task::Wait {
                old: self.said(),
                longest: *old_for,
            }],
            Verdict::Inconsistent => vec![Task::Unclear(format!(
                "the name servers of the domain disagree; ask the registrar whether all of them are up to date: {}",
                self.said()
            ))],
            Verdict::Bogus => {
                let mut tasks = vec![Task::Sign(self.said())];
                tasks.extend(self.enter());
                tasks
            }
            Verdict::Unknown { reason } => {
                vec![Task::Unclear(format!(
                    "could not be checked: {reason}; {}",
                    self.who_can_tell(reason)
                ))]
            }
        }
    }

    /// Returns what to do about a host that nobody could look at.
    fn who_can_tell(self, reason: &str) -> &'static str {
        let said = self.said();
        let is_answered = ["SERVFAIL", "REFUSED", "lame", "answered "]
            .iter()
            .any(|word| reason.contains(word) || said.contains(word));
        if is_answered {
            "please ask the company that runs the name servers of the domain to repair them: as long as they answer so, nobody finds the entry"
        } else {
            "we look again; if it stays so, please ask the company that runs the name servers of the domain"
        }
    }

    fn said(self) -> String {
        let servers = self.judgement().servers.iter();
        let said: Vec<String> = servers
            .map(|(server, said)| format!("{server}: {said}"))
            .collect();
        said.join("; ")
    }

    fn right(self) -> Vec<Task<'a>> {
        let records = self.judgement().expected.records.iter();
        records.map(Task::Right).collect()
    }

    fn enter(self) -> Vec<Task<'a>> {
        let mut others = self.others();
        let missing = self.marked(RecordMark::Missing);
        let mut tasks = Vec::new();
        for data in missing {
            let (how, now) = if is_shared(data) {
                self.beside(data, &others)
            } else if others.is_empty() {
                (How::Add, Vec::new())
            } else {
                (How::Replace, std::mem::take(&mut others))
            };
            tasks.push(Task::Enter { how, data, now });
        }
        tasks
    }

    /// Enters what is right as well: it was that of the alias's target, and goes with the alias.
    fn enter_all(self) -> Vec<Task<'a>> {
        let is_bogus = self.judgement().verdict == Verdict::Bogus;
        let sign = is_bogus.then(|| Task::Sign(self.said()));
        let records = self.judgement().expected.records.iter();
        sign.into_iter().chain(records.map(Task::add)).collect()
    }

    /// Returns the unexpected records that stand at the host itself.
    fn others(self) -> Vec<&'a RecordData> {
        let elsewhere = [
            HintKind::AliasBesideData,
            HintKind::AliasAtApex,
            HintKind::Wildcard,
        ];
        if self.has_hint(&elsewhere) {
            return Vec::new();
        }
        self.marked(RecordMark::Extra)
    }

    /// Returns how a record of a type that others have records of too is entered. Theirs are never replaced.
    fn beside(self, data: &RecordData, others: &[&'a RecordData]) -> (How, Vec<&'a RecordData>) {
        let split = self.has_hint(&[HintKind::SplitText]);
        let of = |is_so: &dyn Fn(&RecordData) -> bool| -> Vec<&'a RecordData> {
            others
                .iter()
                .copied()
                .filter(|other| is_so(other))
                .collect()
        };
        let ours = of(&|other| split || is_ours(data, other));
        let same_policy = of(&|other| is_spf(data) && is_spf(other));
        if !ours.is_empty() {
            (How::Replace, ours)
        } else if !same_policy.is_empty() {
            (How::Merge, same_policy)
        } else {
            (How::Add, Vec::new())
        }
    }

    fn extra(self) -> Vec<Task<'a>> {
        let others = self.others();
        let expected = &self.judgement().expected.records;
        if !expected.iter().any(is_shared) {
            return others.into_iter().map(Task::Extra).collect();
        }
        let one = |data: &'a RecordData| match self.beside(data, &others) {
            (how @ How::Merge, now) => Task::Enter { how, data, now },
            (How::Add | How::Replace | How::Unseen, _) => Task::Right(data),
        };
        expected.iter().map(one).collect()
    }
}

/// Returns whether several owners have records of this type at one name.
fn is_shared(data: &RecordData) -> bool {
    match data {
        RecordData::Caa { .. } | RecordData::Mx { .. } | RecordData::Txt(_) => true,
        RecordData::A(_)
        | RecordData::Aaaa(_)
        | RecordData::Cname(_)
        | RecordData::Naptr { .. }
        | RecordData::Srv { .. } => false,
    }
}

/// Returns whether a record is the wanted one, entered with a mistake.
fn is_ours(wanted: &RecordData, other: &RecordData) -> bool {
    match (wanted, other) {
        (RecordData::Mx { exchange, .. }, RecordData::Mx { exchange: same, .. }) => {
            exchange == same
        }
        (
            RecordData::Caa { tag, value, .. },
            RecordData::Caa {
                tag: same_tag,
                value: same_value,
                ..
            },
        ) => tag == same_tag && value == same_value,
        (RecordData::Txt(wanted), RecordData::Txt(other)) => {
            let quoting = |octet: &u8| matches!(octet, b'"' | b'\\');
            other
                .iter()
                .filter(|octet| !quoting(octet))
                .eq(wanted.iter().filter(|octet| !quoting(octet)))
        }
        _ => false,
    }
}

/// Returns whether a text is an SPF policy, of which a name has one at most (RFC 7208, section 3.2).
fn is_spf(data: &RecordData) -> bool {
    let RecordData::Txt(octets) = data else {
        return false;
    };
    let mut words = octets.split(|octet| *octet == b' ');
    words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case(b"v=spf1"))
}
