//! Judges what was seen of one brand, in the order in which a browser goes.

use std::time::Duration;

use url::Url;

use super::arrival::{self, API, UI};
use super::browser;
use super::check::{BrandProbe, BrandView, CheckKind, ProbeCheck, Visibility};
use super::config_js::{ApiRoot, api_root};
use super::document::{self, Differing, written};
use super::page;
use super::{BrandTarget, Fetch, HttpAnswer, Located, Names, Sighting};
use crate::model::{AssetFile, AssetKind, Digest};
use crate::tree::Origin;

/// How many differing keys one sentence names.
const NAMED_KEYS: usize = 3;
/// The status of an answer to too many requests (RFC 6585, section 4).
const TOO_MANY: u16 = 429;

/// Judges what was seen of one brand.
#[must_use]
pub fn judge(target: &BrandTarget, sighting: &Sighting) -> BrandProbe {
    let mut path = Path {
        target,
        sighting,
        checks: Vec::new(),
    };
    let view = path.walk();
    BrandProbe {
        account: target.account.clone(),
        host: target.host.value.clone(),
        view,
        checks: path.checks,
    }
}

/// The customer's path, as far as it was judged.
struct Path<'a> {
    target: &'a BrandTarget,
    sighting: &'a Sighting,
    checks: Vec<ProbeCheck>,
}

/// What the page asks, and from where.
struct Asking {
    page: Url,
    document: Url,
}

/// The end of the path: what the customer sees. An error is as good an end as any, so that `?` can end the walk.
type Walk<T> = Result<T, BrandView>;

impl Path<'_> {
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
        });
        &mut self.checks[index]
    }

    fn visible(&mut self, kind: CheckKind, sentence: impl Into<String>) -> &mut ProbeCheck {
        self.add(kind, Visibility::Visible, sentence)
    }

    fn broken(
        &mut self,
        kind: CheckKind,
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> &mut ProbeCheck {
        let check = self.add(kind, Visibility::Broken, sentence);
        check.remedy = Some(remedy.into());
        check
    }

    fn unknown(
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
    fn answered<'f>(
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
    fn arrive(
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

    fn reach_page(&mut self) -> Walk<Asking> {
        let sighting = self.sighting;
        let checks = arrival::checks(&sighting.ui, UI, sighting.at);
        let origin = &self.target.host.origin;
        let arrived = self.arrive(checks, Some(origin), BrandView::Nothing);
        if matches!(sighting.ui.names, Names::Found(_) | Names::Pinned(_)) {
            self.redirect();
        }
        arrived?;
        let (page, answer) = self.page()?;
        let document = self.config(&page)?;
        self.permission(&page, &document, &answer)?;
        Ok(Asking { page, document })
    }

    fn redirect(&mut self) {
        const KIND: CheckKind = CheckKind::Redirect;
        let host = self.target.host.value.as_str();
        let fix = format!("have http://{host}/ redirect to https://{host}/ (301)");
        match &self.sighting.plain {
            None => {
                self.broken(
                    KIND,
                    format!(
                        "nothing listens at {host}:80, so anyone who types http:// sees an error"
                    ),
                    fix,
                );
            }
            Some(Err(reason)) => {
                self.unknown(
                    KIND,
                    format!("http://{host}/ gave no answer: {reason}"),
                    format!("probe from where customers are; for a host inside a network, name its address: --resolve {host}:80:ADDRESS"),
                );
            }
            Some(Ok(answer)) => {
                let at = Url::parse(&format!("http://{host}/")).ok();
                let next = at.and_then(|at| page::redirect(&at, answer));
                match next {
                    Some(next) if next.scheme() == "https" && next.host_str() == Some(host) => {
                        self.visible(KIND, format!("http://{host}/ leads to {next}"));
                    }
                    Some(next) => {
                        self.broken(KIND, format!("http://{host}/ leads to {next}"), fix);
                    }
                    None => {
                        let status = answer.status;
                        self.broken(
                            KIND,
                            format!("http://{host}/ answers {status} instead of leading to https"),
                            fix,
                        );
                    }
                }
            }
        }
    }

    fn page(&mut self) -> Walk<(Url, HttpAnswer)> {
        const KIND: CheckKind = CheckKind::Page;
        let again = "look at the web server's log, and probe again";
        let Some((at, fetch)) = &self.sighting.page else {
            self.unknown(KIND, "the page was not asked for", again);
            return Err(BrandView::Unknown);
        };
        let answer = match fetch {
            Ok(answer) => answer,
            Err(reason) => {
                self.unknown(KIND, format!("{at} gave no answer: {reason}"), again);
                return Err(BrandView::Unknown);
            }
        };
        if let Some(next) = page::redirect(at, answer) {
            self.broken(
                KIND,
                format!("{at} leads to {next}, where another host's brand is shown"),
                "serve the user interface at the brand's own host",
            )
            .origin = Some(self.target.host.origin.clone());
            return Err(BrandView::OtherPage);
        }
        if answer.status != 200 {
            self.broken(KIND, format!("{at} answers {}", answer.status), again);
            return Err(BrandView::OtherPage);
        }
        if !page::is_monster_ui(&answer.text()) {
            self.broken(
                KIND,
                format!("{at} answers with a page that is not Monster UI"),
                "have the web server serve Monster UI for this host (server_name, ServerAlias), or correct the address in DNS",
            );
            return Err(BrandView::OtherPage);
        }
        let took = answer.took;
        self.visible(KIND, format!("{at} is Monster UI")).took = Some(took);
        Ok((at.clone(), answer.clone()))
    }

    /// Returns the URL of the document that the page asks for.
    fn config(&mut self, page: &Url) -> Walk<Url> {
        const KIND: CheckKind = CheckKind::Config;
        let host = self.target.host.value.as_str();
        let fetch = self.sighting.config.as_ref();
        let answer = self.answered(KIND, "js/config.js", fetch)?;
        if answer.status != 200 {
            let status = answer.status;
            self.broken(
                KIND,
                format!("js/config.js answers {status}, without which the page stays empty"),
                "put js/config.js beside the user interface",
            );
            return Err(BrandView::OtherPage);
        }
        let (root, sentence) = match api_root(&answer.text(), page) {
            ApiRoot::At(root) => {
                let sentence = format!("js/config.js names the API {root}");
                (root, sentence)
            }
            ApiRoot::Usual(root) => {
                let sentence = format!("js/config.js names no API, so the page takes {root}");
                (root, sentence)
            }
            ApiRoot::NotUnderstood(expression) => {
                self.unknown(
                    KIND,
                    format!("js/config.js computes the API in a way that is not understood: {expression}"),
                    "write `api.default` as a text",
                );
                return Err(BrandView::Unknown);
            }
            ApiRoot::Mistake(what) => {
                self.broken(
                    KIND,
                    format!("no browser runs js/config.js: {what}"),
                    "correct js/config.js; the page stays empty without it",
                );
                return Err(BrandView::OtherPage);
            }
            ApiRoot::NotConfig => {
                self.broken(
                    KIND,
                    "js/config.js is not a configuration of Monster UI",
                    "put the configuration there: `define({ api: { default: 'https://…/v2/' } })`",
                );
                return Err(BrandView::OtherPage);
            }
        };
        let Ok(document) = page.join(&format!("{root}whitelabel/{host}")) else {
            self.broken(
                KIND,
                format!("{sentence}, which is no URL"),
                "write `api.default` as https://HOST:PORT/v2/",
            );
            return Err(BrandView::Vendor);
        };
        if !root.ends_with('/') {
            self.broken(
                KIND,
                format!("{sentence} without a slash at its end, so the page asks {document}"),
                format!("write {root}/"),
            );
            return Err(BrandView::Vendor);
        }
        let took = answer.took;
        self.visible(KIND, sentence).took = Some(took);
        Ok(document)
    }

    /// Judges whether the browser lets the page ask at all.
    fn permission(&mut self, page: &Url, document: &Url, answer: &HttpAnswer) -> Walk<()> {
        if browser::is_mixed(page, document) {
            self.broken(
                CheckKind::MixedContent,
                format!("the page is served over https and asks {document} in clear text, which browsers forbid"),
                "serve the API over https, and write its https:// URL as `api.default` in js/config.js",
            );
            return Err(BrandView::Vendor);
        }
        self.visible(
            CheckKind::MixedContent,
            "the page loads nothing over plain HTTP",
        );
        let policies = page::policies(answer);
        if let Some(directive) = policies.forbids("connect-src", page, document) {
            let origin = browser::origin(document);
            self.broken(
                CheckKind::ContentPolicy,
                format!("the page's Content-Security-Policy blocks calls to {origin}: {directive}"),
                format!("add {origin} to connect-src"),
            );
            return Err(BrandView::Vendor);
        }
        self.visible(
            CheckKind::ContentPolicy,
            "no Content-Security-Policy blocks calls to the API",
        );
        Ok(())
    }

    fn reach_brand(&mut self, asking: &Asking) -> Walk<BrandView> {
        if browser::is_foreign(&asking.page, &asking.document) {
            self.reach_api(asking)?;
        }
        let document = self.sighting.document.as_ref();
        let answer = self.document_answer(asking, document)?;
        self.document(asking, answer)
    }

    fn reach_api(&mut self, asking: &Asking) -> Walk<()> {
        let Some(api) = &self.sighting.api else {
            self.unknown(CheckKind::ApiPort, "the API was not asked", "probe again");
            return Err(BrandView::Unknown);
        };
        let checks = arrival::checks(api, API, self.sighting.at);
        self.arrive(checks, None, BrandView::Vendor)?;
        let remedy = "let the API, or the proxy before it, answer with Access-Control-Allow-Origin: * and allow the headers Content-Type and X-Auth-Token";
        match &self.sighting.preflight {
            Some(Ok(answer)) if answer.status == TOO_MANY => Err(self.too_many()),
            Some(Ok(answer)) => match browser::preflight_refused(&asking.page, answer) {
                Some(refused) => {
                    self.broken(
                        CheckKind::Cors,
                        format!("the browser does not let the page ask: {refused}"),
                        remedy,
                    );
                    Err(BrandView::Vendor)
                }
                None => Ok(()),
            },
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
        fetch: Option<&'f Fetch>,
    ) -> Walk<&'f HttpAnswer> {
        let answer = match fetch {
            Some(Ok(answer)) => answer,
            Some(Err(reason)) => {
                let sentence = format!("{} gave no answer: {reason}", asking.document);
                self.unknown(CheckKind::Document, sentence, "probe again");
                return Err(BrandView::Unknown);
            }
            None => {
                self.unknown(
                    CheckKind::Document,
                    "the document was not asked for",
                    "probe again",
                );
                return Err(BrandView::Unknown);
            }
        };
        if answer.status == TOO_MANY {
            return Err(self.too_many());
        }
        self.visible(
            CheckKind::RateLimit,
            "the API did not refuse for too many requests",
        );
        if let Some(refused) =
            fetch.and_then(|fetch| browser::unreadable(&asking.page, &asking.document, fetch))
        {
            self.broken(
                CheckKind::Cors,
                format!("the browser does not let the page read the answer: {refused}"),
                "let the API, or the proxy before it, answer with Access-Control-Allow-Origin: * once",
            );
            return Err(BrandView::Vendor);
        }
        self.visible(CheckKind::Cors, "the API lets the page read its answers");
        Ok(answer)
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
        let are_declared = self.assets(asking, apply);
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
    fn assets(&mut self, asking: &Asking, apply: &str) -> bool {
        let target = self.target;
        let mut are_declared = true;
        for (kind, declared) in &target.assets {
            let (check, fetch) = match kind {
                AssetKind::Logo => (CheckKind::Logo, &self.sighting.logo),
                AssetKind::Icon => (CheckKind::Icon, &self.sighting.icon),
                AssetKind::Welcome => (CheckKind::Welcome, &self.sighting.welcome),
            };
            let is_shown = self.asset(check, *kind, declared, fetch.as_ref(), (asking, apply));
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
        fetch: Option<&Fetch>,
        (asking, apply): (&Asking, &str),
    ) -> bool {
        let origin = Some(declared.origin.clone());
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
        if let Some(refused) =
            fetch.and_then(|fetch| browser::unreadable(&asking.page, &asking.document, fetch))
        {
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
