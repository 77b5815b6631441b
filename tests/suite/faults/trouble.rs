//! What goes wrong in a run: a request to the platform, or a message to the primary.

use std::fmt;

use emblazon::sandbox::dns::{DnsFault, DnsFaultKind};
use emblazon::sandbox::{Counts, Fault, FaultKind};

use crate::effort::Effort;
use crate::stage::{PRIMARY, Stage};

/// Something that goes wrong once.
#[derive(Clone)]
pub(crate) enum Trouble {
    Platform(Fault),
    Primary(DnsFault),
}

/// What goes wrong, wherever it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Platform(FaultKind),
    Primary(DnsFaultKind),
}

impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform(fault) => fault.fmt(f),
            Self::Primary(fault) => {
                write!(f, "{:?} at message {} of DNS", fault.fault, fault.nth)
            }
        }
    }
}

impl Trouble {
    /// Returns what goes wrong.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Platform(fault) => Kind::Platform(fault.fault),
            Self::Primary(fault) => Kind::Primary(fault.fault),
        }
    }

    /// Tells whether somebody waits for an answer that does not come.
    pub(crate) fn hangs(&self) -> bool {
        match self {
            Self::Platform(fault) => fault.fault == FaultKind::Hang,
            Self::Primary(fault) => fault.fault == DnsFaultKind::Hang,
        }
    }

    /// Lets things go wrong; requests and messages are counted from now on.
    pub(crate) fn begin(stage: &Stage, troubles: &[Self]) {
        let platform = troubles.iter().filter_map(|trouble| match trouble {
            Self::Platform(fault) => Some(fault.clone()),
            Self::Primary(_) => None,
        });
        let primary = troubles.iter().filter_map(|trouble| match trouble {
            Self::Primary(fault) => Some(fault.clone()),
            Self::Platform(_) => None,
        });
        stage.faults(platform.collect());
        stage.dns().set_faults(primary.collect());
    }
}

/// How many requests of each method, and messages to the primary, an undisturbed run sends.
pub(crate) struct Traffic {
    before: Counts,
    asked: u64,
}

impl Traffic {
    pub(crate) fn begin(stage: &Stage) -> Self {
        Self {
            before: stage.sandbox.counts(),
            asked: asked(stage),
        }
    }

    /// Lists every trouble at everything that was sent since then that it can hit.
    pub(crate) fn troubles(&self, stage: &Stage, effort: Effort) -> Vec<Trouble> {
        let after = stage.sandbox.counts();
        let sent = |method: &str| -> u32 {
            let of = |counts: &Counts| -> u64 {
                let of_method = |class: &&String| class.starts_with(method);
                let keys = counts.by_class.keys().filter(of_method);
                keys.map(|class| counts.by_class[class]).sum()
            };
            u32::try_from(of(&after) - of(&self.before)).unwrap()
        };
        let platform = platform(sent).into_iter().flat_map(|(fault, count)| {
            (1..=count).map(move |nth| Trouble::Platform(fault.clone().nth(nth)))
        });
        let messages = asked(stage) - self.asked;
        assert!(messages > 40, "only {messages} messages to the primary");
        platform.chain(primary(messages, effort)).collect()
    }
}

/// Lists what a primary can do at each message: everything, or for a sample one thing after the other.
fn primary(messages: u64, effort: Effort) -> impl Iterator<Item = Trouble> {
    let kinds = AT_THE_PRIMARY.into_iter().enumerate();
    let of_all = kinds
        .flat_map(move |(place, kind)| (1..=messages).map(move |nth| (place as u64, nth, kind)));
    let is_met = move |(place, nth, _): &(u64, u64, DnsFaultKind)| {
        effort == Effort::Full || (nth + place).is_multiple_of(AT_THE_PRIMARY.len() as u64)
    };
    of_all.filter(is_met).map(|(_, nth, kind)| {
        let fault = DnsFault::new(kind).at(PRIMARY).times(1);
        Trouble::Primary(fault.nth(nth))
    })
}

/// Whatever a primary may do, to a question as to an update: carried out or not, answered or not.
const AT_THE_PRIMARY: [DnsFaultKind; 8] = [
    DnsFaultKind::Servfail,
    DnsFaultKind::Refused,
    DnsFaultKind::Drop,
    DnsFaultKind::Truncate,
    DnsFaultKind::Lame,
    DnsFaultKind::Garbage,
    DnsFaultKind::Unsigned,
    DnsFaultKind::Hang,
];

fn asked(stage: &Stage) -> u64 {
    let asked = stage.dns().asked();
    let at_primary = asked.iter().filter(|(asked, _)| asked.server == PRIMARY);
    at_primary.map(|(_, times)| times).sum()
}

fn platform(sent: impl Fn(&str) -> u32) -> Vec<(Fault, u32)> {
    let any = |fault| Fault {
        method: None,
        path: None,
        nth: 1,
        times: 1,
        fault,
    };
    let everywhere = [
        FaultKind::Status(401),
        FaultKind::Status(402),
        FaultKind::Status(403),
        FaultKind::Status(409),
        FaultKind::Status(412),
        FaultKind::Status(429),
        FaultKind::Status(500),
        FaultKind::Status(503),
        FaultKind::Hang,
        FaultKind::CutBody,
        FaultKind::LostAnswer,
        FaultKind::DropConnection,
    ];
    let mut kinds: Vec<(Fault, u32)> = everywhere
        .into_iter()
        .map(|fault| (any(fault), sent("")))
        .collect();
    kinds.push((Fault::new("GET", "*", FaultKind::StaleRead), sent("GET")));
    kinds.push((
        Fault::new("POST", "*/whitelabel/*", FaultKind::DestroyDocument),
        sent("POST"),
    ));
    for method in ["PUT", "POST"] {
        kinds.push((
            Fault::new(method, "*/whitelabel", FaultKind::SkipAccountWrite),
            sent(method),
        ));
    }
    kinds
}
