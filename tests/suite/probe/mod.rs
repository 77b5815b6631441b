//! `probe`: what is broken on the way to a brand, seen over real TLS; and the command as its users start it.

pub(crate) mod breakages;
mod canary;
mod command;

use emblazon::probe::{BrandView, CheckKind, Pin, Visibility};
use futures_util::StreamExt as _;
use futures_util::stream;

use breakages::scenario::{HOST, SIP, Scenario, World};

/// Each breakage has its verdict, at the right part of the path, with what customers see instead and with what to do.
#[tokio::test]
async fn each_breakage_has_its_verdict_and_a_remedy() {
    let found = stream::iter(breakages::all()).map(|breakage| async {
        let mut scenario = Scenario::default();
        (breakage.make)(&mut scenario);
        let (probe, _) = World::start(&scenario).await.probe().await;
        let mut checks = probe.checks.iter();
        let first = checks.find(|check| check.verdict != Visibility::Visible);
        let told = first.map(|check| (check.kind, check.verdict));
        let mut checks = probe.checks.iter();
        let has_remedy = checks.all(|it| it.verdict == Visibility::Visible || it.remedy.is_some());
        let is_as_told = (told, probe.view) == (breakage.told, breakage.view);
        (!is_as_told || !has_remedy).then(|| {
            format!(
                "{}: {told:?}, {:?}\n{:#?}",
                breakage.name, probe.view, probe.checks
            )
        })
    });
    let wrong: Vec<String> = found.buffered(8).filter_map(async |it| it).collect().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(breakages::all().count() >= 25);
}

/// A user interface of the operator's own is known by a text of its page, and has no `js/config.js`.
#[tokio::test]
async fn a_page_that_is_not_monster_ui_is_known_by_its_text() {
    async fn check(own_ui: Option<&'static str>, view: BrandView, told: Option<&str>) {
        let scenario = Scenario {
            own_ui,
            change_ui: Some(|asked, reply| match asked.path.as_str() {
                "/" => reply.replace("core-wrapper", "portal"),
                _ => reply.status = 404,
            }),
            ..Scenario::default()
        };
        let (probe, _) = World::start(&scenario).await.probe().await;
        let mut checks = probe.checks.iter();
        let broken = checks.find(|it| it.verdict != Visibility::Visible);
        assert_eq!(probe.view, view, "{:#?}", probe.checks);
        assert_eq!(broken.map(|it| it.sentence.as_str()), told);
    }
    let page = format!("https://{HOST}/");
    let other = format!("{page} answers with a page that is not Monster UI");
    check(None, BrandView::OtherPage, Some(&other)).await;
    check(Some("class=\"portal\""), BrandView::Declared, None).await;
    let other = format!("{page} answers with a page that does not contain \"id=\\\"portal\\\"\"");
    check(Some("id=\"portal\""), BrandView::OtherPage, Some(&other)).await;
}

/// One connection to each host and port, however many requests there are.
#[tokio::test]
async fn a_probe_makes_one_connection_to_each_port() {
    let world = World::start(&Scenario::default()).await;
    let (probe, connections) = world.probe().await;
    assert_eq!(probe.view, BrandView::Declared);
    // The page at 443 and 80, and the API.
    assert_eq!(connections, 3);
}

/// An address of this machine that is of the other family would be left aside without a word, and another one be used.
#[tokio::test]
async fn an_address_of_the_other_family_is_not_connected_from() {
    let mut world = World::start(&Scenario::default()).await;
    world.from = Some([127, 0, 0, 1].into());
    let (probe, _) = world.probe().await;
    assert_eq!(probe.view, BrandView::Declared);
    let address = "[2001:db8::1]:443".parse().unwrap();
    for pin in world.pins.iter_mut().filter(|pin| pin.host == HOST) {
        *pin = Pin {
            address,
            ..pin.clone()
        };
    }
    let (probe, _) = world.probe().await;
    let told = probe
        .checks
        .iter()
        .find(|it| it.verdict == Visibility::Unknown);
    assert_eq!(
        told.unwrap().sentence,
        format!(
            "{HOST}:443 could not be reached: 2001:db8::1 cannot be reached from 127.0.0.1, because one is an IPv4 address and the other an IPv6 address; probe this host without --from"
        )
    );
}

/// Phones should look for the domain in the certificate (RFC 5922), and many take the server's name.
#[tokio::test]
async fn phones_meet_a_certificate_for_their_domain() {
    async fn check(names: &'static [&'static str], verdict: Visibility, told: &str) {
        let scenario = Scenario {
            sip: Some(names),
            ..Scenario::default()
        };
        let (probe, _) = World::start(&scenario).await.probe().await;
        assert_eq!(probe.view, BrandView::Declared, "browsers do not meet it");
        let mut checks = probe.checks.iter();
        let found = checks.find(|check| check.kind == CheckKind::SipCertificate);
        let found = found.unwrap();
        assert_eq!(found.verdict, verdict, "{found:?}");
        assert!(found.sentence.contains(told), "{found:?}");
        let is_settled = names.contains(&HOST);
        assert_eq!(found.remedy.is_none(), is_settled, "{found:?}");
    }
    let visible = Visibility::Visible;
    check(
        &[SIP, HOST],
        visible,
        "is for portal.northwind.example, and valid until",
    )
    .await;
    check(
        &[SIP],
        visible,
        "is for sip.example.com and not for portal.northwind.example",
    )
    .await;
    check(
        &["other.example"],
        Visibility::Broken,
        "its certificate is not for this name",
    )
    .await;
    check(
        &[],
        Visibility::Broken,
        "nothing listens at sip.example.com:5061",
    )
    .await;
}
