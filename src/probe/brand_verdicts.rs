//! Judges the way to the API, and the brand that it gives.

use std::time::Duration;

use url::Url;

use super::arrival::{self, API};
use super::browser;
use super::check::{BrandView, CheckKind};
use super::document::{self, Differing, written};
use super::judge::{Asking, Route, Walk};
use super::page;
use super::{Call, HttpAnswer, Located};
use crate::model::{AssetFile, AssetKind, Digest};

/// How many differing keys one sentence names.
const NAMED_KEYS: usize = 3;
/// The status of an answer to too many requests (RFC 6585, section 4).
const TOO_MANY: u16 = 429;

impl Route<'_> {
    pub(super) fn reach_brand(&mut self, asking: &Asking) -> Walk<BrandView> {
        // Where the API leads elsewhere, only the last place counts.
        let is_foreign = browser::is_foreign(&asking.page.url, &asking.document);
        if is_foreign || self.sighting.api.is_some() {
            self.reach_api()?;
        }
        let document = self.sighting.document.as_ref();
        let answer = self.document_answer(asking, document)?;
        self.document(asking, answer)
    }

    fn reach_api(&mut self) -> Walk<()> {
        let Some(api) = &self.sighting.api else {
            self.unknown(CheckKind::ApiPort, "the API was not asked", "probe again");
            return Err(BrandView::Unknown);
        };
        let checks = arrival::checks(api, API, self.sighting.at);
        self.arrive(checks, None, BrandView::Vendor)?;
        let remedy = "let the API, or the proxy before it, answer with Access-Control-Allow-Origin: * and allow the headers Content-Type and X-Auth-Token";
        let preflight = self.sighting.preflight.as_ref();
        let origin = preflight.and_then(|call| call.origin.as_deref());
        match preflight.map(|call| &call.answer) {
            Some(Ok(answer)) if answer.status == TOO_MANY => Err(self.too_many()),
            Some(Ok(answer)) => {
                match browser::preflight_refused(origin.unwrap_or_default(), answer) {
                    Some(refused) => {
                        self.broken(
                            CheckKind::Cors,
                            format!("the browser does not let the page ask: {refused}"),
                            remedy,
                        );
                        Err(BrandView::Vendor)
                    }
                    None => Ok(()),
                }
            }
            Some(Err(reason)) => {
                let sentence =
                    format!("the API gave no answer to the browser's question: {reason}");
                self.unknown(CheckKind::Cors, sentence, "probe again");
                Err(BrandView::Unknown)
            }
            None => {
                self.unknown(CheckKind::Cors, "the API was not asked", "probe again");
                Err(BrandView::Unknown)
            }
        }
    }

    fn too_many(&mut self) -> BrandView {
        self.broken(
            CheckKind::RateLimit,
            "the API answers 429: too many requests came from this address, and who shares it sees the vendor's brand",
            "probe again in a minute; if customers share an address (an office, a proxy), raise the platform's limit for anonymous callers",
        );
        BrandView::Vendor
    }

    /// Judges whether the page can read the document's answer, and returns the answer.
    fn document_answer<'f>(
        &mut self,
        asking: &Asking,
        call: Option<&'f Call>,
    ) -> Walk<&'f HttpAnswer> {
        let what = call.map_or(&asking.document, |call| &call.url).to_string();
        let answer = self.answered(CheckKind::Document, &what, call.map(|call| &call.answer))?;
        if answer.status == TOO_MANY {
            return Err(self.too_many());
        }
        self.visible(
            CheckKind::RateLimit,
            "the API did not refuse for too many requests",
        );
        if let Some(refused) = call.and_then(browser::unreadable) {
            self.broken(
                CheckKind::Cors,
                format!("the browser does not let the page read the answer: {refused}"),
                "let the API, or the proxy before it, answer with Access-Control-Allow-Origin: * once",
            );
            return Err(BrandView::Vendor);
        }
        if let Some(next) = call.and_then(|call| page::redirect(&call.url, answer)) {
            return Err(self.lost(asking, &next));
        }
        self.visible(CheckKind::Cors, "the API lets the page read its answers");
        Ok(answer)
    }

    /// Judges an API that leads where a browser does not follow; returns what the customer sees.
    fn lost(&mut self, asking: &Asking, next: &Url) -> BrandView {
        let remedy = "have the API answer by itself, or write where it leads as `api.default` in js/config.js";
        let next = asking.page.upgraded(next.clone());
        let (kind, sentence) =
            browser::redirect_refused(&asking.page, &next).unwrap_or_else(|| {
                let sentence = format!("the API leads to {next}, and so on without an end");
                (CheckKind::Document, sentence)
            });
        self.broken(kind, sentence, remedy);
        BrandView::Vendor
    }

    fn document(&mut self, asking: &Asking, answer: &HttpAnswer) -> Walk<BrandView> {
        let host = self.target.host.value.as_str();
        let origin = Some(self.target.host.origin.clone());
        let apply = "apply the tree (`emblazon plan` shows what would change)";
        if answer.status != 200 {
            let status = answer.status;
            let (sentence, remedy) = if status == 404 {
                (
                    format!("the API knows no brand of {host}"),
                    format!("{apply}; if nothing is pending, another account may hold the domain"),
                )
            } else {
                (
                    format!("the API answers {status} when it is asked for the brand of {host}"),
                    "look at the platform's log, and probe again".to_owned(),
                )
            };
            self.broken(CheckKind::Document, sentence, remedy).origin = origin;
            self.elsewhere(asking, false);
            return Err(BrandView::Vendor);
        }
        let Some(settings) = document::settings(&answer.body) else {
            self.broken(
                CheckKind::Document,
                format!(
                    "{} answers with something that is no whitelabel document",
                    asking.document
                ),
                "check that `api.default` in js/config.js names the platform's API",
            );
            self.elsewhere(asking, false);
            return Err(BrandView::Vendor);
        };
        if !document::is_for(&settings, host) {
            let domain = document::domain(&settings).unwrap_or("nothing").to_owned();
            self.broken(
                CheckKind::Domain,
                format!(
                    "the API answers for {host} with the brand of {domain}, which the page ignores"
                ),
                apply,
            )
            .origin = origin;
            self.elsewhere(asking, false);
            return Err(BrandView::Vendor);
        }
        self.visible(
            CheckKind::Domain,
            format!("the document's domain is {host}"),
        );
        let differing = document::differing(self.target, &settings);
        let is_declared = differing.is_empty();
        self.compared(&differing, answer.took, apply);
        self.elsewhere(asking, is_declared);
        let are_declared = self.assets(apply);
        Ok(if is_declared && are_declared {
            BrandView::Declared
        } else {
            BrandView::Different
        })
    }

    fn compared(&mut self, differing: &[Differing], took: Duration, apply: &str) {
        let Some(first) = differing.first() else {
            self.visible(CheckKind::Document, "the API gives the declared brand")
                .took = Some(took);
            return;
        };
        let named = differing.iter().take(NAMED_KEYS).map(|it| {
            let shown = written(it.shown.as_ref());
            format!(
                "{} is {shown} instead of {}",
                it.key.as_str(),
                written(it.declared.as_ref())
            )
        });
        let mut sentence = named.collect::<Vec<_>>().join("; ");
        if differing.len() > NAMED_KEYS {
            let more = differing.len() - NAMED_KEYS;
            sentence = format!("{sentence}; and {more} more differ");
        }
        let check = self.broken(CheckKind::Document, sentence, apply);
        check.origin = Some(first.origin.clone());
        check.took = Some(took);
    }

    /// Judges whether the API is that of the declared platform, given whether it shows the declared brand.
    fn elsewhere(&mut self, asking: &Asking, shows_declared: bool) {
        let Some(Located { value, origin }) = &self.target.api else {
            return;
        };
        let (declared, asked) = (browser::origin(value), browser::origin(&asking.document));
        if declared == asked {
            self.visible(
                CheckKind::Platform,
                format!("the page asks the declared platform, {asked}"),
            );
        } else if shows_declared {
            let sentence =
                format!("the page asks {asked}, which gives the same brand as {declared}");
            self.visible(CheckKind::Platform, sentence);
        } else {
            self.broken(
                CheckKind::Platform,
                format!("the page asks {asked}, and the tree declares {declared}"),
                "correct `api.default` in js/config.js, or `api` of the cluster if the platform has moved",
            )
            .origin = Some(origin.clone());
        }
    }

    /// Judges the declared assets; returns whether customers see them as declared.
    fn assets(&mut self, apply: &str) -> bool {
        let target = self.target;
        let mut are_declared = true;
        for (kind, declared) in &target.assets {
            let (check, call) = match kind {
                AssetKind::Logo => (CheckKind::Logo, &self.sighting.logo),
                AssetKind::Icon => (CheckKind::Icon, &self.sighting.icon),
                AssetKind::Welcome => (CheckKind::Welcome, &self.sighting.welcome),
            };
            let is_shown = self.asset(check, *kind, declared, call.as_ref(), apply);
            // Monster UI never asks for the welcome page (U4).
            are_declared &= is_shown || *kind == AssetKind::Welcome;
        }
        are_declared
    }

    /// Judges one asset; returns whether it is not known to differ.
    fn asset(
        &mut self,
        check: CheckKind,
        kind: AssetKind,
        declared: &Located<Option<AssetFile>>,
        call: Option<&Call>,
        apply: &str,
    ) -> bool {
        let origin = Some(declared.origin.clone());
        let fetch = call.map(|call| &call.answer);
        let Ok(answer) = self.answered(check, &format!("the {kind}"), fetch) else {
            if let Some(unknown) = self.checks.last_mut() {
                unknown.origin = origin;
            }
            return true;
        };
        if answer.status == TOO_MANY {
            self.too_many();
            return false;
        }
        if let Some(refused) = call.and_then(browser::unreadable) {
            self.broken(
                check,
                format!("the browser does not let the page read the {kind}: {refused}"),
                "let the API, or the proxy before it, answer with Access-Control-Allow-Origin: * for assets, too",
            );
            return false;
        }
        let found = (answer.status == 200).then(|| Digest::of(&answer.body));
        let wanted = declared.value.as_ref().map(|file| &file.facts.digest);
        let sentence = match (wanted, &found) {
            (Some(wanted), Some(found)) if wanted == found && kind == AssetKind::Welcome => {
                "the API gives the declared welcome; Monster UI never asks for it".to_owned()
            }
            (Some(wanted), Some(found)) if wanted == found => {
                format!("the {kind} is the declared one")
            }
            (None, None) if answer.status == 404 => format!("there is no {kind}, as declared"),
            (Some(_), Some(_)) => format!("the {kind} is not the declared one"),
            (None, Some(_)) => format!("there is a {kind}, and the tree wants none"),
            (_, None) => format!(
                "the API answers {} when it is asked for the {kind}",
                answer.status
            ),
        };
        let is_right = wanted == found.as_ref() && (found.is_some() || answer.status == 404);
        if is_right {
            self.visible(check, sentence).took = Some(answer.took);
        } else {
            self.broken(check, sentence, apply).origin = origin;
        }
        is_right
    }
}
