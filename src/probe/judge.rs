//! Judges what was seen of one brand, in the order in which a browser goes.

use url::Url;

use super::check::{BrandProbe, BrandView, CheckKind, ProbeCheck, Visibility};
use super::page::Page;
use super::{BrandTarget, Fetch, HttpAnswer, Sighting};
use crate::tree::Origin;

/// Judges what was seen of one brand.
#[must_use]
pub fn judge(target: &BrandTarget, sighting: &Sighting) -> BrandProbe {
    let mut route = Route {
        target,
        sighting,
        checks: Vec::new(),
    };
    let view = route.walk();
    route.phones();
    BrandProbe {
        account: target.account.clone(),
        host: target.host.value.clone(),
        view,
        checks: route.checks,
    }
}

/// The customer's path, as far as it was judged.
pub(super) struct Route<'a> {
    pub(super) target: &'a BrandTarget,
    pub(super) sighting: &'a Sighting,
    pub(super) checks: Vec<ProbeCheck>,
}

/// What the page asks, and from where.
pub(super) struct Asking {
    pub(super) page: Page,
    pub(super) document: Url,
}

/// The end of the path: what the customer sees. An error is as good an end as any, so that `?` can end the walk.
pub(super) type Walk<T> = Result<T, BrandView>;

impl Route<'_> {
    fn walk(&mut self) -> BrandView {
        let asking = match self.reach_page() {
            Ok(asking) => asking,
            Err(view) => return view,
        };
        match self.reach_brand(&asking) {
            Ok(view) | Err(view) => view,
        }
    }

    fn add(
        &mut self,
        kind: CheckKind,
        verdict: Visibility,
        sentence: impl Into<String>,
    ) -> &mut ProbeCheck {
        let index = self.checks.len();
        self.checks.push(ProbeCheck {
            kind,
            verdict,
            sentence: sentence.into(),
            remedy: None,
            origin: None,
            took: None,
            ends: None,
        });
        &mut self.checks[index]
    }

    pub(super) fn visible(
        &mut self,
        kind: CheckKind,
        sentence: impl Into<String>,
    ) -> &mut ProbeCheck {
        self.add(kind, Visibility::Visible, sentence)
    }

    pub(super) fn broken(
        &mut self,
        kind: CheckKind,
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> &mut ProbeCheck {
        let check = self.add(kind, Visibility::Broken, sentence);
        check.remedy = Some(remedy.into());
        check
    }

    pub(super) fn unknown(
        &mut self,
        kind: CheckKind,
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> &mut ProbeCheck {
        let check = self.add(kind, Visibility::Unknown, sentence);
        check.remedy = Some(remedy.into());
        check
    }

    /// Returns an answer, if one came; else what the page lacks is unknown, and so is what customers see.
    pub(super) fn answered<'f>(
        &mut self,
        kind: CheckKind,
        what: &str,
        fetch: Option<&'f Fetch>,
    ) -> Walk<&'f HttpAnswer> {
        let sentence = match fetch {
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(reason)) => format!("{what} gave no answer: {reason}"),
            None => format!("{what} was not asked for"),
        };
        self.unknown(kind, sentence, "probe again");
        Err(BrandView::Unknown)
    }

    /// Takes over the checks of a host; ends the walk where it was not reached.
    pub(super) fn arrive(
        &mut self,
        mut checks: Vec<ProbeCheck>,
        origin: Option<&Origin>,
        lost: BrandView,
    ) -> Walk<()> {
        let stopped = checks
            .iter()
            .map(|check| check.verdict)
            .find(|verdict| *verdict != Visibility::Visible);
        for check in &mut checks {
            if check.verdict != Visibility::Visible {
                check.origin = origin.cloned();
            }
        }
        self.checks.append(&mut checks);
        match stopped {
            None => Ok(()),
            Some(Visibility::Unknown) => Err(BrandView::Unknown),
            Some(Visibility::Broken | Visibility::Visible) => Err(lost),
        }
    }
}
