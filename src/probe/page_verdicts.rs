//! Judges the way to the page and the page itself, up to what it asks the API.

use url::Url;

use super::arrival::{self, UI};
use super::browser;
use super::check::{BrandView, CheckKind};
use super::config_js::{ApiRoot, api_root};
use super::content_policy::Script;
use super::content_type::{self, Opened};
use super::judge::{Asking, Route, Walk};
use super::page::{self, Page};
use super::{HttpAnswer, Names, OwnUi};

/// Where to look when a web server does not answer as it should.
const AGAIN: &str = "look at the web server's log, and probe again";

impl Route<'_> {
    pub(super) fn reach_page(&mut self) -> Walk<Asking> {
        let sighting = self.sighting;
        let checks = arrival::checks(&sighting.ui, UI, sighting.at);
        let origin = &self.target.host.origin;
        let arrived = self.arrive(checks, Some(origin), BrandView::Nothing);
        if matches!(sighting.ui.names, Names::Found(_) | Names::Pinned(_)) {
            self.redirect();
        }
        arrived?;
        let page = self.page()?;
        let document = match &self.target.ui {
            Some(own) => self.declared_api(&page, own)?,
            None => self.config(&page)?,
        };
        self.permission(&page, &document)?;
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

    fn page(&mut self) -> Walk<Page> {
        const KIND: CheckKind = CheckKind::Page;
        let Some((at, fetch)) = &self.sighting.page else {
            self.unknown(KIND, "the page was not asked for", AGAIN);
            return Err(BrandView::Unknown);
        };
        let answer = match fetch {
            Ok(answer) => answer,
            Err(reason) => {
                self.unknown(KIND, format!("{at} gave no answer: {reason}"), AGAIN);
                return Err(BrandView::Unknown);
            }
        };
        if let Some(next) = page::leads_to(at, answer) {
            return Err(self.led_away(at, answer, &next));
        }
        let page = Page::read(at, answer);
        self.shown(&page, answer)?;
        self.scripts(&page)?;
        let took = answer.took;
        let what = match self.target.ui {
            Some(_) => "is the page that probe.ui describes",
            None => "is Monster UI",
        };
        self.visible(KIND, format!("{at} {what}")).took = Some(took);
        Ok(page)
    }

    /// Judges a page that leads elsewhere; returns what the customer sees.
    fn led_away(&mut self, at: &Url, answer: &HttpAnswer, next: &Url) -> BrandView {
        const KIND: CheckKind = CheckKind::Page;
        if next.origin() != at.origin() {
            self.broken(
                KIND,
                format!("{at} leads to {next}, where another host's brand is shown"),
                "serve the user interface at the brand's own host",
            )
            .origin = Some(self.target.host.origin.clone());
            return BrandView::OtherPage;
        }
        if answer.header("set-cookie").is_some() {
            self.unknown(
                KIND,
                format!("{at} leads to {next} with a cookie, and a probe sends none"),
                "serve the user interface without cookies, or look at it in a browser",
            );
            return BrandView::Unknown;
        }
        self.broken(
            KIND,
            format!("{at} leads to {next}, and so on without an end"),
            "correct the redirects of the web server",
        );
        BrandView::Nothing
    }

    /// Judges whether the answer is Monster UI.
    fn shown(&mut self, page: &Page, answer: &HttpAnswer) -> Walk<()> {
        const KIND: CheckKind = CheckKind::Page;
        let at = &page.url;
        // A browser shows nothing of these, or asks for a password; the status of any other page does not matter to it.
        let status = answer.status;
        let is_it = match &self.target.ui {
            Some(own) => answer.text().contains(&own.text.value),
            None => page.is_monster_ui(),
        };
        if matches!(status, 204 | 205 | 401 | 407) || (status != 200 && !is_it) {
            self.broken(KIND, format!("{at} answers {status}"), AGAIN);
            return Err(BrandView::OtherPage);
        }
        match &page.opened {
            Opened::Html => {}
            Opened::NoPage(how) => {
                self.broken(
                    KIND,
                    format!("{at} {how}"),
                    "have the web server send the page with Content-Type: text/html, and without Content-Disposition",
                );
                return Err(BrandView::OtherPage);
            }
            Opened::Unknown(kind) => {
                self.unknown(
                    KIND,
                    format!("{at} is of the type {kind}, which a probe does not read"),
                    "have the web server send the page with Content-Type: text/html",
                );
                return Err(BrandView::Unknown);
            }
        }
        if let Some(own) = self.target.ui.as_ref().filter(|_| !is_it) {
            self.broken(
                KIND,
                format!("{at} answers with a page that does not contain {:?}", own.text.value),
                "have the web server serve the user interface for this host, or write in probe.ui a text that its page has",
            )
            .origin = Some(own.text.origin.clone());
            return Err(BrandView::OtherPage);
        }
        if !is_it {
            self.broken(
                KIND,
                format!("{at} answers with a page that is not Monster UI"),
                "have the web server serve Monster UI for this host (server_name, ServerAlias), or correct the address in DNS",
            );
            return Err(BrandView::OtherPage);
        }
        Ok(())
    }

    /// Judges whether the page's scripts run.
    fn scripts(&mut self, page: &Page) -> Walk<()> {
        const KIND: CheckKind = CheckKind::ContentPolicy;
        if let Some(directive) = page.policies.stops_scripts() {
            self.broken(
                KIND,
                format!("the page's Content-Security-Policy lets no script run: {directive}"),
                "leave out `sandbox`",
            );
            return Err(BrandView::OtherPage);
        }
        let config = page.config().filter(|_| self.target.ui.is_none());
        for script in page.program.iter().chain(&config) {
            let forbidden = page.policies.forbids_script(&page.url, script);
            if let Some(directive) = forbidden {
                let url = &script.url;
                self.broken(
                    KIND,
                    format!("the page's Content-Security-Policy blocks {url}: {directive}"),
                    "let script-src allow the page's own scripts, with 'self', and leave out require-trusted-types-for",
                );
                return Err(BrandView::OtherPage);
            }
        }
        if let Some(directive) = page.policies.hides_origin() {
            self.unknown(
                KIND,
                format!("the page's Content-Security-Policy takes cookies and origin from the page: {directive}"),
                "leave out `sandbox`, or add allow-same-origin to it",
            );
            return Err(BrandView::Unknown);
        }
        self.program(page)
    }

    /// Judges the scripts that the page begins with.
    fn program(&mut self, page: &Page) -> Walk<()> {
        const KIND: CheckKind = CheckKind::Page;
        for script in &page.program {
            self.own_script(KIND, Some(script), page)?;
            let url = &script.url;
            let mut program = self.sighting.program.iter();
            let fetch = program.find(|(asked, _)| asked == url);
            let answer = self.answered(KIND, url.as_str(), fetch.map(|(_, fetch)| fetch))?;
            self.script_answer(KIND, url.as_str(), answer)?;
        }
        Ok(())
    }

    /// Ends the walk at a script of another host, which is not asked for.
    fn own_script(&mut self, kind: CheckKind, script: Option<&Script>, page: &Page) -> Walk<()> {
        let Some(script) = script.filter(|it| it.url.origin() != page.url.origin()) else {
            return Ok(());
        };
        self.unknown(
            kind,
            format!(
                "the page loads {} from another host, which a probe does not ask",
                script.url
            ),
            "serve the scripts beside the page (without `<base href>`), or look at it in a browser",
        );
        Err(BrandView::Unknown)
    }

    /// Judges whether a browser runs a script that it was given.
    fn script_answer(&mut self, kind: CheckKind, what: &str, answer: &HttpAnswer) -> Walk<()> {
        if (300..400).contains(&answer.status) && answer.header("location").is_some() {
            self.unknown(
                kind,
                format!("{what} leads to another host, which a probe does not ask"),
                "serve the scripts beside the page, or look at it in a browser",
            );
            return Err(BrandView::Unknown);
        }
        let Some(refused) = content_type::script_refused(answer) else {
            return Ok(());
        };
        self.broken(
            kind,
            format!("{what} {refused}; without it the page stays empty"),
            format!("put {what} where the page looks for it, and serve it as text/javascript"),
        );
        Err(BrandView::OtherPage)
    }

    /// Returns the URL of the document that a user interface of the operator's own asks for.
    fn declared_api(&mut self, page: &Page, own: &OwnUi) -> Walk<Url> {
        let host = self.target.host.value.as_str();
        let root = own.root.as_ref();
        let document = root.and_then(|root| page.request(&format!("{root}whitelabel/{host}")));
        let (Some(root), Some(document)) = (root, document) else {
            self.unknown(
                CheckKind::Config,
                "the tree does not name the API that the page asks",
                "write api: beside ui: of the cluster's probe",
            )
            .origin = Some(own.text.origin.clone());
            return Err(BrandView::Unknown);
        };
        self.visible(
            CheckKind::Config,
            format!("the page asks the API {root}, as the tree says"),
        );
        Ok(document)
    }

    /// Returns the URL of the document that the page asks for.
    fn config(&mut self, page: &Page) -> Walk<Url> {
        const KIND: CheckKind = CheckKind::Config;
        let host = self.target.host.value.as_str();
        self.own_script(KIND, page.config().as_ref(), page)?;
        let fetch = self.sighting.config.as_ref();
        let answer = self.answered(KIND, "js/config.js", fetch)?;
        self.script_answer(KIND, "js/config.js", answer)?;
        let (root, sentence) = match api_root(&answer.text(), &page.url) {
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
        let Some(document) = page.request(&format!("{root}whitelabel/{host}")) else {
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
                format!("{sentence} without a slash at its end, so the page asks {document}; a Monster UI later than 4.3 asks as it should, and shows neither logo nor icon"),
                format!("write {root}/"),
            );
            return Err(BrandView::Vendor);
        }
        let took = answer.took;
        self.visible(KIND, sentence).took = Some(took);
        Ok(document)
    }

    /// Judges whether the browser lets the page ask at all.
    fn permission(&mut self, page: &Page, document: &Url) -> Walk<()> {
        if browser::is_mixed(&page.url, document) {
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
        if let Some(directive) = page.policies.forbids_call(&page.url, document) {
            let origin = browser::origin(document);
            self.broken(
                CheckKind::ContentPolicy,
                format!("the page's Content-Security-Policy blocks calls to {origin}: {directive}"),
                format!("add {origin} to connect-src"),
            );
            return Err(BrandView::Vendor);
        }
        if self.target.ui.is_none()
            && let Some(directive) = page.policies.forbids_call(&page.url, &page.url)
        {
            self.broken(
                CheckKind::ContentPolicy,
                format!("the page's Content-Security-Policy blocks the page's own words and templates: {directive}"),
                "add 'self' to connect-src",
            );
            return Err(BrandView::OtherPage);
        }
        self.visible(
            CheckKind::ContentPolicy,
            "no Content-Security-Policy blocks calls to the API",
        );
        Ok(())
    }
}
