use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

/// Compares the codes, without repetition.
#[track_caller]
fn check(text: &str, expected: &[Code]) {
    let mut got: Vec<Code> = inspect(Utf8Path::new("w.html"), text)
        .iter()
        .map(|problem| problem.code)
        .collect();
    got.sort();
    got.dedup();
    assert_eq!(got, expected, "{text}");
}

#[test]
fn harmless_pages() {
    check("<h1>Welcome</h1><p class=on>to <b>Acme</b></p>", &[]);
    check(
        "<a href='https://www.example.com/?javascript:x'>site</a>",
        &[],
    );
    check(
        "<a href='http://www.example.com/' title='onclick=x'>site</a>",
        &[],
    );
    check(
        "<a href='mailto:a@example.com'>mail</a><a href='tel:+15551234567'>call</a>",
        &[],
    );
    check("<img src='data:image/png;base64,AAAA' alt=''>", &[]);
    check(
        "<img src='data:image/svg+xml,%3Csvg/%3E' alt='JavaScript: the good parts'>",
        &[],
    );
    check("<img src='/logo.png' title='data:text/html'>", &[]);
    check(
        "<a href=#>up</a> <a href=#top>up</a> <a href='?lang=de'>de</a> <a href=/>home</a>",
        &[],
    );
    check(
        "<a href='#our%20terms'>terms</a> <a href=#terms>terms</a> <h2 id=terms>Terms</h2>",
        &[],
    );
    check(
        "<a href='#old'>terms</a> <a name=old></a> <svg><use href='#s'/><path id=s></svg>",
        &[],
    );
    check("<!-- <script>old()</script> --><p>x</p>", &[]);
    check(
        "<style>p { color: red; background: url(data:image/png;base64,AA) }</style>",
        &[],
    );
    check("<p>a < b && b > c, onclick=x</p>", &[]);
    check(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>x</title></head>",
        &[],
    );
    check("<input o=1 on-x=2 on=3 ton=4>", &[]);
}

#[test]
fn active_content() {
    for text in [
        "<script>alert(1)</script>",
        "<ScRiPt src=x>",
        "<script/x>alert(1)</script>",
        "<svg:script>alert(1)</svg:script>",
        "<img src=x onerror=alert(1)>",
        "<IMG SRC=x ONERROR=alert(1)>",
        "<img src=x:x\nonerror\n=\nalert(1)>",
        "<svg onload=alert(1)>",
        "<svg/onload=alert(1)>",
        "<img src='x'onerror=alert(1)>",
        "<body onload='x()'>",
        "<details open ontoggle=x()>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=JaVaScRiPt:alert(1)>x</a>",
        "<a href='java&#x73;cript:alert(1)'>x</a>",
        "<a href='java&#115cript:alert(1)'>x</a>",
        "<a href='javascript&colon;alert(1)'>x</a>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<a href='java&Tab;script:alert(1)'>x</a>",
        "<a href='java&NewLine;script:alert(1)'>x</a>",
        "<a href=' \u{1}javascript:alert(1)'>x</a>",
        "<a href='&#1;javascript:alert(1)'>x</a>",
        "<a xlink:href='javascript:alert(1)'>x</a>",
        "<a href='vbscript:x'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
        "<a href='DATA:Image/SVG+XML,x'>x</a>",
        "<svg><animate attributeName=href values='x;javascript:alert(1)'>",
        "<svg><set attributeName=href to='javascript:alert(1)'>",
        "<object data=x.swf></object>",
        "<embed src=x.swf>",
        "<p style='width: expression(alert(1))'>",
        "<p style='width: exp/**/ression(alert(1))'>",
        "<p style='background: url(java\\73 cript:alert(1))'>",
        "<style>p { behavior: url(x.htc) }</style>",
        "<!--><script>alert(1)</script>-->",
        "<!-- x --!><script>alert(1)</script>",
        "<![CDATA[><script>alert(1)</script>]]>",
        "<style><!--</style><script>alert(1)</script>-->",
        "<title><!--</title><img src=x onerror=alert(1)>--></title>",
        "<style><a title=\"</style><img src=x onerror=alert(1)>\"></style>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<p title='>' onclick=x>",
    ] {
        let found = inspect(Utf8Path::new("w.html"), text);
        let mut found = found.iter().filter(|it| it.code != Code::EB0623);
        assert!(found.all(|it| it.code == Code::EB0609), "{text}");
        assert!(first_active(text).is_some(), "{text}");
    }
    check(
        "<form><button formaction=javascript:x>",
        &[Code::EB0609, Code::EB0620],
    );
    check("<iframe src='javascript:x'>", &[Code::EB0609, Code::EB0622]);
    check(
        "<iframe srcdoc='&lt;script>alert(1)&lt;/script>'>",
        &[Code::EB0609, Code::EB0622],
    );
    check(
        "<meta http-equiv=refresh content='0;url=javascript:x'>",
        &[Code::EB0609],
    );
    check(
        "<meta http-equiv='Refresh' content='0; URL = \"java\tscript:x\"'>",
        &[Code::EB0609],
    );
}

#[test]
fn loads_from_elsewhere() {
    for text in [
        "<img src='http://cdn.example.net/a.png'>",
        "<img src='https://cdn.example.net/a.png'>",
        "<img src=//cdn.example.net/a.png>",
        "<img src='\\\\cdn.example.net/a.png'>",
        "<img srcset='https://cdn.example.net/a.png 1x, https://cdn.example.net/b.png 2x'>",
        "<link rel=stylesheet href='https://cdn.example.net/a.css'>",
        "<video poster='https://cdn.example.net/a.png'></video>",
        "<svg><image xlink:href='https://cdn.example.net/a.png'/></svg>",
        "<p style='background: url( https://cdn.example.net/a.png )'>",
        "<style>@import 'https://cdn.example.net/a.css';</style>",
        "<body background='https://cdn.example.net/a.png'>",
    ] {
        check(text, &[Code::EB0610]);
    }
}

#[test]
fn embeds_submits_redirects() {
    check(
        "<form action='https://login.example.net/'>",
        &[Code::EB0620],
    );
    check("<base href='https://login.example.net/'>", &[Code::EB0611]);
    check("<frameset>", &[Code::EB0622]);
    check("<meta http-equiv=refresh content='5'>", &[Code::EB0621]);
    check("<button formaction=x>", &[Code::EB0620]);
    check(
        "<iframe src='https://www.example.net/'></iframe>",
        &[Code::EB0610, Code::EB0622],
    );
    for text in [
        "<form>",
        "<meta http-equiv=refresh content=5>",
        "<iframe></iframe>",
    ] {
        assert!(first_active(text).is_some(), "{text}");
    }
    assert_eq!(first_active("<base href='https://www.example.net/'>"), None);
}

#[test]
fn addresses_that_lead_nowhere() {
    for text in [
        "<img src=banner.png alt=''>",
        "<img src='../brand/banner.png' alt=''>",
        "<a href='terms.html'>terms</a>",
        "<a href=' #terms'>terms</a> <h2 id=Terms>Terms</h2>",
        "<svg><use xlink:href='#s'/></svg>",
        "<link rel=stylesheet href=style.css>",
        "<video poster=poster.png></video>",
    ] {
        check(text, &[Code::EB0623]);
    }
    let problems = inspect(Utf8Path::new("w.html"), "<p>\n<a href=#a>a</a>");
    assert_eq!(
        problems[0].message,
        "w.html:2:1: <a href> leads to #a, which the page does not have"
    );
}

#[test]
fn places_and_limits() {
    let problems = inspect(Utf8Path::new("w.html"), "<p>\n  é<img onerror=x>");
    insta::assert_debug_snapshot!(problems, @r#"
    [
        Problem {
            code: EB0609,
            message: "w.html:2:4: <img onerror> runs a script",
            help: "remove the event handler",
            instead: None,
        },
    ]
    "#);
    let many = format!("{}<script>", "<base href=x>".repeat(30));
    let problems = inspect(Utf8Path::new("w.html"), &many);
    assert_eq!(problems.len(), 21);
    assert_eq!(problems.last().map(|last| last.code), Some(Code::EB0609));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, rng_seed: RngSeed::Fixed(40), ..ProptestConfig::default() })]

    /// No text makes the scanner fail, and a script at the end of closed text is always found.
    #[test]
    fn any_text_is_scanned(text in "[<>a-z/!=\"' \\-&#;:é]{0,60}") {
        inspect(Utf8Path::new("w.html"), &text);
    }

    /// Case and white space around the parts of a handler hide nothing.
    #[test]
    fn handlers_are_found(name in "[oO][nN][a-zA-Z]{1,8}", space in "[ \t\n/]{1,3}", gap in "[ \t\n]{0,2}") {
        let text = format!("<p{space}{name}{gap}={gap}x>");
        let problems = inspect(Utf8Path::new("w.html"), &text);
        prop_assert!(problems.iter().any(|problem| problem.code == Code::EB0609), "{}", text);
    }
}
