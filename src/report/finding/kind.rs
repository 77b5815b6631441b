//! The rules behind findings: a diagnostic code, or a kind for everything else.

use crate::diag::{Code, Severity};
use crate::diff::Cause;
use crate::dns::{FindingKind, Urgency};
use crate::report::Command;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report) enum Level {
    /// Must be resolved before the run can continue.
    Error,
    /// Should be looked at.
    Warning,
    /// Worth knowing.
    Note,
}

/// The rule that a finding comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report) enum Rule {
    /// A mistake in the tree.
    Diagnostic(Code),
    /// What stands behind a domain or threatens it.
    Domain(FindingKind),
    /// Anything else.
    Kind(Kind),
}

/// Kinds of findings that are not mistakes in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report) enum Kind {
    Differs,
    Pending,
    Removal,
    Drift,
    Conflict,
    Kept,
    Refused,
    Unknown,
    StepFailed,
    StepMoved,
    StepSkipped,
    StepNotBegun,
    StepUncertain,
    DnsMissing,
    DnsDifferent,
    DnsExtra,
    DnsInconsistent,
    DnsBogus,
    DnsPropagating,
    DnsUnknown,
    DnsHint,
    DnsTakeover,
    SipBroken,
    SipImpaired,
    ProbeBroken,
    ProbeUnknown,
}

impl Rule {
    /// Returns the stable id, as it appears in reports.
    pub(in crate::report) fn id(self) -> &'static str {
        match self {
            Self::Diagnostic(code) => code.as_str(),
            Self::Domain(kind) => kind.code(),
            Self::Kind(kind) => kind.id(),
        }
    }

    /// Returns the severity.
    pub(in crate::report) fn level(self) -> Level {
        match self {
            Self::Diagnostic(code) => match code.severity() {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
            },
            Self::Domain(kind) => match kind.urgency() {
                Urgency::Warning => Level::Warning,
                Urgency::Note => Level::Note,
            },
            Self::Kind(kind) => kind.level(),
        }
    }

    /// Returns a short title.
    pub(in crate::report) fn title(self) -> &'static str {
        match self {
            Self::Diagnostic(code) => code.title(),
            Self::Domain(kind) => kind.title(),
            Self::Kind(kind) => kind.row().2,
        }
    }

    /// Returns an explanation and what to do.
    pub(in crate::report) fn help(self) -> &'static str {
        match self {
            Self::Diagnostic(code) => code.explanation(),
            Self::Domain(kind) => kind.remedy(),
            Self::Kind(kind) => kind.row().3,
        }
    }

    /// Returns whether this kind means that something is unknown, rather than wrong.
    pub(in crate::report) fn is_unknown(self) -> bool {
        matches!(
            self,
            Self::Kind(Kind::Unknown | Kind::StepUncertain | Kind::DnsUnknown | Kind::ProbeUnknown)
        )
    }
}

impl From<Kind> for Rule {
    fn from(kind: Kind) -> Self {
        Self::Kind(kind)
    }
}

impl Kind {
    /// Returns the kind of a difference.
    pub(super) fn of(cause: Cause, command: Command) -> Self {
        match cause {
            Cause::Differs if command == Command::Drift => Self::Drift,
            Cause::Differs => Self::Differs,
            Cause::Git => Self::Pending,
            Cause::Removal => Self::Removal,
            Cause::Drift => Self::Drift,
            Cause::Conflict => Self::Conflict,
        }
    }

    pub(super) fn id(self) -> &'static str {
        self.row().0
    }

    pub(super) fn level(self) -> Level {
        self.row().1
    }

    /// Returns the explanation that a message adds after the two sides.
    pub(super) fn why(self, command: Command) -> Option<&'static str> {
        match self {
            Self::Drift if command != Command::Drift => Some("changed on the platform"),
            Self::Conflict => Some("changed on the platform and in Git"),
            Self::Pending if command == Command::Drift => Some("in Git, not applied yet"),
            Self::Removal => Some("must not be there"),
            _ => None,
        }
    }

    /// The table of kinds: id, level, title, help.
    #[expect(clippy::too_many_lines, reason = "a table, one row a kind")]
    fn row(self) -> (&'static str, Level, &'static str, &'static str) {
        match self {
            Self::Differs => (
                "differs",
                Level::Note,
                "the platform differs from the tree",
                "An apply brings it to what the tree says. Which side moved is not known, because no commit is known to have been applied.",
            ),
            Self::Pending => (
                "pending",
                Level::Note,
                "a change from Git is not applied yet",
                "The tree changed since it was applied last. An apply carries the change out.",
            ),
            Self::Removal => (
                "removal",
                Level::Note,
                "something is removed from the platform",
                "The tree does not declare it any more, or declares that it must not be there. An apply removes it.",
            ),
            Self::Drift => (
                "drift",
                Level::Warning,
                "somebody changed the platform by hand",
                "An apply restores what the tree says. Whoever wants to keep the change writes it into the tree.",
            ),
            Self::Conflict => (
                "conflict",
                Level::Warning,
                "the platform and the tree both changed",
                "An apply overwrites what somebody changed by hand. Compare both values before.",
            ),
            Self::Kept => (
                "kept",
                Level::Note,
                "a difference stays as it is",
                "An option of the run or a rule of the tree rules out that it is changed: --no-remove, policy.remove, ignore, mode: observe. It does not count as pending.",
            ),
            Self::Refused => (
                "refused",
                Level::Error,
                "a guard refuses it",
                "Nothing of it is carried out until the guard is satisfied or lifted for exactly this plan: emblazon apply --allow GUARD --expect DIGEST.",
            ),
            Self::Unknown => (
                "unknown",
                Level::Warning,
                "it could not be checked",
                "It is neither in sync nor different, and nothing is written to it. Fix the cause and run again.",
            ),
            Self::StepFailed => (
                "step-failed",
                Level::Error,
                "a step failed",
                "The platform is as it was before the step. Fix the cause and apply again; what is done stays done.",
            ),
            Self::StepMoved => (
                "step-moved",
                Level::Warning,
                "the object moved since the plan",
                "Somebody changed it after the plan was made, so it was left alone. Plan again.",
            ),
            Self::StepSkipped => (
                "step-skipped",
                Level::Warning,
                "a step was not tried",
                "A step that must come before did not succeed. Fix that one and apply again.",
            ),
            Self::StepNotBegun => (
                "step-not-begun",
                Level::Warning,
                "a step was not begun",
                "The run ended before: somebody interrupted it, or a failure or a freeze ended it. Nothing of the step was written. Plan again.",
            ),
            Self::StepUncertain => (
                "step-uncertain",
                Level::Error,
                "the outcome of a step is unknown",
                "It was sent, and no answer came back that says what happened. Plan again: that reads the platform.",
            ),
            Self::DnsMissing => (
                "dns-missing",
                Level::Warning,
                "a DNS record is missing",
                "The zone's servers agree that records of the domain template are not there. emblazon dns letter ACCOUNT says what to enter.",
            ),
            Self::DnsDifferent => (
                "dns-different",
                Level::Warning,
                "a DNS record says something else",
                "The zone's servers agree on something other than the domain template. emblazon dns letter ACCOUNT says what to enter.",
            ),
            Self::DnsExtra => (
                "dns-extra",
                Level::Warning,
                "there are more DNS records than the template has",
                "The zone's servers have all records of the domain template and others beside them. Remove those that are not wanted.",
            ),
            Self::DnsInconsistent => (
                "dns-inconsistent",
                Level::Warning,
                "the zone's servers disagree",
                "One server has another version of the zone. Check its transfers.",
            ),
            Self::DnsBogus => (
                "dns-bogus",
                Level::Error,
                "DNSSEC validation fails",
                "Resolvers that validate DNSSEC refuse the name, so that nobody behind them reaches it, whatever the zone's servers answer. Have the zone signed again, or its DS record removed where the domain is registered.",
            ),
            Self::DnsPropagating => (
                "dns-propagating",
                Level::Note,
                "a resolver still has an old answer",
                "The zone is right. Old answers end by themselves.",
            ),
            Self::DnsUnknown => (
                "dns-unknown",
                Level::Warning,
                "DNS could not be checked",
                "A server gave no usable answer. It is never counted as a difference.",
            ),
            Self::DnsHint => (
                "dns-hint",
                Level::Note,
                "a DNS record is as declared, and something is wrong with it",
                "The record is what the domain template says, and some customers still do not get there.",
            ),
            Self::DnsTakeover => (
                "dns-takeover",
                Level::Warning,
                "a DNS record leads to a domain that nobody has registered",
                "Whoever registers that domain answers for the host. Register it, or point the record elsewhere, today.",
            ),
            Self::SipBroken => (
                "sip-broken",
                Level::Error,
                "phones find no server of the template",
                "Walked as a phone walks (RFC 3263), the domain leads to no server that the template names.",
            ),
            Self::SipImpaired => (
                "sip-impaired",
                Level::Warning,
                "phones find something other than the template says",
                "Walked as a phone walks (RFC 3263), the domain leads to other servers too, or not to all.",
            ),
            Self::ProbeBroken => (
                "probe-broken",
                Level::Error,
                "customers do not see the declared brand",
                "A probe went the way of a customer's browser, and this part of it does not work, or shows something else than the tree declares.",
            ),
            Self::ProbeUnknown => (
                "probe-unknown",
                Level::Warning,
                "whether customers see the declared brand is not known",
                "This part of the way of a customer's browser could not be looked at. Probe again, from where customers are.",
            ),
        }
    }
}
