//! The HTML report as people see it: on a phone and on a desk, light and dark, with scripts and without.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::browser::{Browser, Scheme, Scripts};

fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart")
}

/// Lets a command write its report as a page.
fn report(command: &[&str], tree: &Path, page: &Path, code: i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_emblazon"))
        .args(command)
        .arg("--sandbox")
        .arg(tree)
        .args(["--cluster", "production", "--output"])
        .arg(format!("html={}", page.display()))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
}

/// Opens a page and holds what every page must hold.
#[track_caller]
fn sound(browser: &Browser, page: &Path, how: &str) {
    browser.open_file(page);
    assert_eq!(browser.overflow(), 0, "wider than the window: {how}");
    assert_eq!(browser.console(), [""; 0], "{how}");
    let own = url::Url::from_file_path(page.canonicalize().unwrap()).unwrap();
    let leaving: Vec<String> = browser
        .requests()
        .into_iter()
        .filter(|url| url != own.as_str() && !url.starts_with("data:") && url != "about:srcdoc")
        .collect();
    assert_eq!(leaving, [""; 0], "{how}");
    assert_eq!(browser.count("main"), 1, "{how}");
    assert_eq!(browser.count("h1"), 1, "{how}");
}

#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn a_plan_is_a_page_that_everybody_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.html");
    let drift = folder.path().join("drift.html");
    report(&["plan"], &quickstart(), &plan, 2);
    report(&["drift"], &quickstart(), &drift, 2);
    let browser = Browser::start();
    for (page, name) in [(&plan, "plan"), (&drift, "drift")] {
        for (scripts, with) in [(Scripts::Off, "plain"), (Scripts::On, "scripts")] {
            for (scheme, colours) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
                for width in [390, 1024, 1440] {
                    browser.width(width);
                    browser.scripts(scripts);
                    browser.scheme(scheme);
                    let how = format!("{name}-{width}-{colours}-{with}");
                    sound(&browser, page, &how);
                    if scripts == Scripts::On {
                        assert_eq!(browser.barriers(), [""; 0], "{how}");
                    }
                    reads(&browser, name, &how);
                    browser.screenshot(&how);
                    if how == "plan-1440-light-scripts" {
                        browser.illustration("report", "#brands article:nth-child(2)");
                    }
                }
            }
        }
    }
}

/// Reads what the quickstart's reports say.
fn reads(browser: &Browser, name: &str, how: &str) {
    let headline = browser.text("h1");
    let expected = match name {
        "plan" => "5 brands, the domain template and 1 zone change",
        _ => "5 brands and the domain template are not as declared",
    };
    assert_eq!(headline, expected, "{how}");
    let figures: Vec<String> = (browser.texts(".figures div").iter())
        .map(|figure| figure.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        figures[..3],
        ["brands 6", "different 5", "in sync 1"],
        "they add up: {how}"
    );
    let exit = browser.text(".exit");
    assert_eq!(
        exit, "exit 2 There are differences: look at them, then apply.",
        "{how}"
    );
    assert_eq!(browser.texts("section h2").last().unwrap(), "This run");
    let brands = browser.text("#brands");
    // A wide window puts a sentence on one line, a narrow one wraps it.
    let brands = brands.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentences: &[&str] = match name {
        "plan" => &[
            "The brand goes live at phones.delta.example.",
            "Address becomes voice.acme.example (currently phone.bluebird.example).",
            "“Powered by 2600hz” disappears.",
            "Logo changes.",
        ],
        _ => &[
            "The brand is missing: its customers see the platform's own brand.",
            "Address is phone.bluebird.example; declared is voice.acme.example",
            "Logo is not the declared one.",
            "emblazon import --accept acme",
        ],
    };
    for said in sentences {
        assert!(brands.contains(said), "{said} is missing: {how}\n{brands}");
    }
    let keys = ["whitelabel.hide_powered", "accounts/acme/account.yaml"];
    for key in keys {
        assert!(!brands.contains(key), "{key} is not folded: {how}");
    }
    let folded = browser.evaluate("document.querySelector('#brands').textContent");
    for said in [
        "3278 pixels changed, 27 % of the picture",
        "holds 16×16, 32×32",
    ]
    .iter()
    .chain(&keys)
    {
        assert!(folded.as_str().unwrap().contains(said), "{said}: {how}");
    }
    // Pictures have words for those who do not see them, and are really there.
    let logo = "[aria-label^='logo'][aria-label*='e611b3214aef']";
    assert_eq!(
        browser.attribute(logo, "role").as_deref(),
        Some("img"),
        "{how}"
    );
    let used = browser.attribute(&format!("{logo} use"), "href").unwrap();
    let drawn = browser.attribute(&format!("image{used}"), "href").unwrap();
    assert!(drawn.starts_with("data:image/png;base64,"), "{how}");
    let word = if name == "plan" { "After" } else { "Declared" };
    let sketch = browser.attribute(
        &format!(".ui[aria-label^='{word}'][aria-label*='voice.acme']"),
        "aria-label",
    );
    assert_eq!(
        sketch.unwrap(),
        format!(
            "{word}: login page at voice.acme.example, browser title Monster UI, with its logo"
        )
    );
    for frame in browser.attributes("iframe", "sandbox") {
        assert_eq!(frame.as_deref(), Some(""), "{how}");
    }
    let welcome_pages = if name == "plan" { 2 } else { 1 };
    assert_eq!(browser.count("iframe"), welcome_pages, "{how}");
    assert_eq!(browser.count("#dns"), usize::from(name == "drift"), "{how}");
}

#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn the_page_is_searched_by_its_own_script() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("drift.html");
    report(&["drift"], &quickstart(), &page, 2);
    let browser = Browser::start();
    browser.scripts(Scripts::Off);
    browser.open_file(&page);
    assert_eq!(
        browser.count_shown("#search"),
        0,
        "nothing that does nothing"
    );
    let all = browser.count_shown("article");
    browser.scripts(Scripts::On);
    browser.open_file(&page);
    assert_eq!(browser.count_shown("#search"), 1);
    assert_eq!(browser.count_shown("article"), all);
    browser.type_into("#find", "Voice.Acme");
    assert_eq!(
        browser.texts("article:not([hidden]) h3"),
        [
            "Acme Voice voice.acme.example",
            "Bluebird phone.bluebird.example",
            "acme voice.acme.example"
        ]
    );
    let found = browser.text("#found");
    assert!(found.starts_with("3 of "), "{found}");
    browser.choose("#kind", "dns");
    assert_eq!(
        browser.texts("article:not([hidden]) h3"),
        ["acme voice.acme.example"]
    );
    assert_eq!(
        browser.count_shown("#brands"),
        0,
        "an empty part goes with its parts"
    );
    browser.type_into("#find", "no such thing");
    assert_eq!(browser.count_shown("article"), 0);
    assert_eq!(browser.text("#nothing"), "Nothing matches. Show everything");
    browser.click("#all");
    assert_eq!(
        browser.count_shown("article"),
        all + 1,
        "what was found stays unfolded"
    );
    assert_eq!(browser.count_shown("#nothing"), 0);
    browser.type_into("#find", "portal.northwind");
    assert_eq!(
        browser.texts("article:not([hidden]) h3"),
        ["northwind portal.northwind.example"],
        "what is found is unfolded"
    );
    browser.type_into("#find", " ");
    assert_eq!(browser.count_shown("article"), all + 1);
    assert_eq!(browser.console(), [""; 0]);
}

/// A page of very many brands draws the first of them; its script draws more, and finds every one.
#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn a_page_of_very_many_brands_opens_with_a_few() {
    const BRANDS: usize = 1_200;
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    let write = |file: String, text: String| {
        let file = tree.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    let clusters = "clusters: { production: { api: \"https://api.example.com\" } }\n";
    write("emblazon.yaml".to_owned(), clusters.to_owned());
    let mut seed = "accounts:\n  - name: Master\n".to_owned();
    for number in 1..=BRANDS {
        let domain = format!("domain: n{number}.example.com");
        let account = format!(
            "account: {number:032x}\nwhitelabel: {{ company_name: New {number}, {domain} }}\n"
        );
        write(format!("accounts/n{number:04}/account.yaml"), account);
        writeln!(
            seed,
            "  - {{ name: n{number}, id: {number:032x}, whitelabel: {{ company_name: Old {number}, {domain} }} }}"
        )
        .unwrap();
    }
    write("sandbox.yaml".to_owned(), seed);
    let page = folder.path().join("plan.html");
    report(&["plan", "--skip-dns"], &tree, &page, 2);
    let browser = Browser::start();
    browser.open_file(&page);
    browser.until("the first brands", |browser| {
        browser.count("#brands article") > 0
    });
    let nodes = browser.evaluate("document.querySelectorAll('*').length");
    assert!(nodes.as_u64().unwrap() < 5_000, "{nodes}");
    let first = browser.count("#brands article");
    assert!(first < BRANDS / 10, "{first}");
    browser.evaluate("document.querySelector('#brands > button').click()");
    browser.until("more brands", |browser| {
        browser.count("#brands article") > first
    });
    browser.type_into("#find", "new 1177");
    browser.until("the search", |browser| {
        browser.text("#found") == format!("1 of {BRANDS} shown")
    });
    assert_eq!(browser.count("#brands article"), 1);
    // The first opens the card; the other one is of its technical details.
    browser.evaluate("document.querySelector('#brands article summary').click()");
    let card = browser.text("#brands article");
    assert!(
        card.contains("New 1177") && card.contains("Old 1177"),
        "{card}"
    );
    sound(&browser, &page, "very many brands");
    assert_eq!(browser.barriers(), [""; 0]);
}

/// What somebody puts into a whitelabel by hand must not act in the report of it.
#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn nothing_from_outside_runs() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    let id = "a".repeat(32);
    write("emblazon.yaml", "clusters: {production: {}}\n");
    write(
        "accounts/acme/account.yaml",
        &format!(
            "account: {id}\nwhitelabel: {{company_name: Acme, domain: acme.example}}\nassets: {{welcome: welcome.html}}\n"
        ),
    );
    write("accounts/acme/welcome.html", "<h1>Hello</h1>\n");
    let act = "parent.document.title = document.title = \"ran\"";
    write(
        "live.html",
        &format!(
            "<h1 onclick='{act}'>Old</h1><script>{act}</script><img src=x onerror='{act}'>\
             <img src=http://127.0.0.1:1/spy.png><link rel=stylesheet href=http://127.0.0.1:1/spy.css>\
             <iframe src=http://127.0.0.1:1/spy.html></iframe><meta http-equiv=refresh content='0;url=http://127.0.0.1:1/'>"
        ),
    );
    write(
        "sandbox.yaml",
        &format!(
            "accounts:\n  - {{name: Master, id: {}, realm: master.example}}\n  - name: '</title><script>{act}</script>'\n    \
             id: {id}\n    realm: acme.sip.example\n    whitelabel:\n      \
             company_name: '\"><script>{act}</script><img src=x onerror=\"{act}\">'\n      domain: \"acme.example'</style><script>x\"\n    \
             assets: {{welcome: live.html}}\n",
            "b".repeat(32)
        ),
    );
    let page = folder.path().join("plan.html");
    report(&["plan"], folder.path(), &page, 2);
    let browser = Browser::start();
    browser.open_file(&page);
    assert_eq!(
        browser.evaluate("document.title"),
        "Plan on production – emblazon"
    );
    assert!(
        browser
            .evaluate("document.querySelector('#brands').textContent")
            .as_str()
            .unwrap()
            .contains("\"><script>parent.document")
    );
    let asked = browser.requests();
    let leaving = asked.iter().filter(|url| url.starts_with("http"));
    assert_eq!(leaving.collect::<Vec<_>>(), [""; 0]);
    assert_eq!(browser.overflow(), 0);
    browser.screenshot("hostile");
}

/// A mail on a phone and on a desk: everything fits, and nothing is fetched.
#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn a_letter_is_a_mail_that_fits_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("letter.html");
    let output = Command::new(env!("CARGO_BIN_EXE_emblazon"))
        .args(["dns", "letter", "acme", "--format", "html", "--sandbox"])
        .args(["--cluster", "production", "--tree"])
        .arg(quickstart())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    std::fs::write(&page, output.stdout).unwrap();
    let own = url::Url::from_file_path(page.canonicalize().unwrap()).unwrap();
    let browser = Browser::start();
    for width in [400, 1000] {
        browser.width(width);
        browser.open_file(&page);
        let how = format!("letter-{width}");
        assert_eq!(browser.overflow(), 0, "wider than the window: {how}");
        assert_eq!(browser.console(), [""; 0], "{how}");
        // The logo is within the page.
        let asked = browser.requests();
        let (within, fetched): (Vec<_>, Vec<_>) = asked
            .iter()
            .partition(|url| url.starts_with("data:image/png;"));
        assert_eq!(fetched, [own.as_str()], "{how}");
        assert_eq!(within.len(), 1, "{how}");
        assert_eq!(browser.count("img"), 1, "{how}");
        assert_eq!(browser.texts("h1"), ["DNS entries for voice.acme.example"]);
        assert_eq!(browser.text("p:first-child"), "Acme Voice", "{how}");
        assert_eq!(browser.count("table"), 13, "{how}");
        browser.screenshot(&how);
    }
}
