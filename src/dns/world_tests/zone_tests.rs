//! Which zone a name lies in, and which servers answer for it, over real packets.

use insta::assert_snapshot;

use super::*;

/// A zone with one server.
fn at(server: &str, records: &[&str]) -> ZoneSeed {
    ZoneSeed {
        ns: lines(&[server]),
        records: lines(records),
        ..ZoneSeed::default()
    }
}

/// An internal zone may have one label. It is no registry: what it has is there, and what it lacks is missing in it.
#[tokio::test]
async fn an_internal_zone_of_one_label_is_a_zone() {
    let hosts = template(serde_json::json!({
        "A": {
            "us-east.{{domain}}": {"mapping": ["192.0.2.10"]},
            "us-west.{{domain}}": {"mapping": ["198.51.100.10"]},
        },
    }));
    let records = ["us-east.voice A 192.0.2.10"];
    let seed = DnsSeed {
        zones: BTreeMap::from([("corp".to_owned(), at("ns.corp", &records))]),
        ..DnsSeed::default()
    };
    let server = DnsServer::start(&seed, 0).await.unwrap();
    let checker = checker(&server);
    let check = async |domain: &str| {
        let domain = DomainName::parse(domain).unwrap();
        told(&checker.check(&hosts, &domain).await)
    };
    assert_snapshot!(check("voice.corp").await, @"
    us-east.voice.corp A Ok
      Present 192.0.2.10
    us-west.voice.corp A Missing
      Missing 198.51.100.10
    ");
    assert_snapshot!(check("gone.corp").await, @"
    us-east.gone.corp A Missing
      Missing 192.0.2.10
      note: no zone holds this name: the domain is not registered, or not delegated
    us-west.gone.corp A Missing
      Missing 198.51.100.10
      note: no zone holds this name: the domain is not registered, or not delegated
    ");
}
