//! Domains: one account at a time has one, and the server reserves more than it shows.

use serde_json::json;

use super::{Account, Bench, scenario};

/// Makes an account whose company is its name, with a domain.
async fn with_domain(bench: &Bench, name: &'static str, domain: &str) -> Account {
    let settings = json!({"company_name": name, "domain": domain});
    bench.branded(name, settings).await
}

/// Checks whom the public finds below each domain.
async fn check_public(bench: &Bench, expected: &[(&str, Option<&str>)]) {
    for (domain, company) in expected {
        let public = bench.hands.public(domain).await;
        let found = public.map(|settings| settings["company_name"].clone());
        assert_eq!(found, company.map(|company| json!(company)), "{domain}");
    }
}

#[tokio::test]
async fn w23_two_accounts_swap_their_domains() {
    scenario(async |bench: &Bench| {
        let (x, y) = (&bench.domain("x"), &bench.domain("y"));
        let acme = with_domain(bench, "acme", x).await;
        let beta = with_domain(bench, "beta", y).await;
        let tree = bench
            .tree()
            .account(&acme, &format!("whitelabel: {{domain: {y}}}"))
            .account(&beta, &format!("whitelabel: {{domain: {x}}}"))
            .load();
        assert_snapshot!(bench.converge(&tree).await, @r"
        acme release domain (differs); done
        beta update domain (differs); done
        acme update domain (differs); done
        ");
        check_public(bench, &[(x, Some("beta")), (y, Some("acme"))]).await;
    })
    .await;
}

#[tokio::test]
async fn domains_are_handed_on_along_a_chain() {
    scenario(async |bench: &Bench| {
        let [x, y, z, new] = ["x", "y", "z", "new"].map(|name| bench.domain(name));
        let acme = with_domain(bench, "acme", &x).await;
        let beta = with_domain(bench, "beta", &y).await;
        let city = with_domain(bench, "city", &z).await;
        let tree = bench
            .tree()
            .account(&acme, &format!("whitelabel: {{domain: {y}}}"))
            .account(&beta, &format!("whitelabel: {{domain: {z}}}"))
            .account(&city, &format!("whitelabel: {{domain: {new}}}"))
            .load();
        assert_snapshot!(bench.converge(&tree).await, @r"
        city update domain (differs); done
        beta update domain (differs); done
        acme update domain (differs); done
        ");
        let (acme, beta, city) = (Some("acme"), Some("beta"), Some("city"));
        check_public(bench, &[(&x, None), (&y, acme), (&z, beta), (&new, city)]).await;
    })
    .await;
}

/// W22: the server keeps a domain that a document drops.
#[tokio::test]
async fn trap_08_a_dropped_domain_is_released_and_claimed() {
    scenario(async |bench: &Bench| {
        let domain = &bench.domain("x");
        let acme = with_domain(bench, "acme", domain).await;
        let beta = bench.branded("beta", json!({"company_name": "beta"})).await;
        let alone = bench
            .tree()
            .account(&acme, "whitelabel: {domain: null}")
            .load();
        assert_snapshot!(bench.converge(&alone).await, @r"
        acme release domain (removal); done
        acme update domain (removal); done
        ");
        check_public(bench, &[(domain, None)]).await;
        let live = bench.hands.settings(&acme).await.unwrap();
        assert_eq!(live.get("domain"), None);
        let tree = bench
            .tree()
            .account(&acme, "whitelabel: {domain: null}")
            .account(&beta, &format!("whitelabel: {{domain: {domain}}}"))
            .load();
        assert_snapshot!(bench.converge(&tree).await, @"beta update domain (differs); done");
        check_public(bench, &[(domain, Some("beta"))]).await;
    })
    .await;
}

#[tokio::test]
async fn a_domain_is_dropped_and_claimed_in_one_run() {
    scenario(async |bench: &Bench| {
        let domain = &bench.domain("x");
        let acme = with_domain(bench, "acme", domain).await;
        let beta = bench.account("beta").await;
        let tree = bench
            .tree()
            .account(&acme, "whitelabel: {domain: null}")
            .account(
                &beta,
                &format!("whitelabel: {{company_name: beta, domain: {domain}}}"),
            )
            .load();
        assert_snapshot!(bench.converge(&tree).await, @r"
        acme release domain (removal); done
        acme update domain (removal); done
        beta create company_name (differs) domain (differs) whitelabel (differs); done
        ");
        check_public(bench, &[(domain, Some("beta"))]).await;
        let live = bench.hands.settings(&acme).await.unwrap();
        assert_eq!(live["company_name"], "acme");
        assert_eq!(live.get("domain"), None);
    })
    .await;
}

/// W22: somebody dropped a domain by hand; it is reserved still, and no document shows it.
#[tokio::test]
async fn a_stale_reservation_is_released() {
    scenario(async |bench: &Bench| {
        let domain = &bench.domain("x");
        let acme = with_domain(bench, "acme", domain).await;
        let beta = bench.branded("beta", json!({"company_name": "beta"})).await;
        bench
            .hands
            .replace(&acme, &json!({"company_name": "acme"}))
            .await;
        check_public(bench, &[(domain, Some("acme"))]).await;
        let tree = bench
            .tree()
            .account(&acme, "whitelabel: {company_name: acme}")
            .account(&beta, &format!("whitelabel: {{domain: {domain}}}"))
            .load();
        assert_snapshot!(bench.converge(&tree).await, @r"
        acme release domain (removal); done
        acme update domain (removal); done
        beta update domain (differs); done
        ");
        check_public(bench, &[(domain, Some("beta"))]).await;
    })
    .await;
}

/// On 4.3 a deletion does not release the domain, so it is released first.
#[tokio::test]
async fn a_domain_of_a_deleted_whitelabel_is_claimed_in_one_run() {
    scenario(async |bench: &Bench| {
        let domain = &bench.domain("x");
        let acme = with_domain(bench, "acme", domain).await;
        let beta = bench.account("beta").await;
        let tree = bench
            .tree()
            .account(&acme, "whitelabel: null")
            .account(
                &beta,
                &format!("whitelabel: {{company_name: beta, domain: {domain}}}"),
            )
            .load();
        assert_snapshot!(bench.converge(&tree).await, @r"
        acme release domain (removal); done
        acme delete whitelabel (removal); done
        beta create company_name (differs) domain (differs) whitelabel (differs); done
        ");
        check_public(bench, &[(domain, Some("beta"))]).await;
        assert_eq!(bench.hands.settings(&acme).await, None);
    })
    .await;
}

/// Somebody deleted a whitelabel by hand; on 4.3 its domain is reserved still.
#[tokio::test]
async fn a_domain_that_a_deletion_left_reserved_is_claimed() {
    scenario(async |bench: &Bench| {
        let domain = &bench.domain("x");
        let acme = with_domain(bench, "acme", domain).await;
        bench.hands.delete(&acme).await;
        let beta = bench.branded("beta", json!({"company_name": "beta"})).await;
        let tree = bench
            .tree()
            .account(&acme, "whitelabel: null")
            .account(&beta, &format!("whitelabel: {{domain: {domain}}}"))
            .load();
        let done = bench.converge(&tree).await;
        if done.contains("acme") {
            assert_snapshot!(done, @r"
            acme create domain (differs); done
            acme delete whitelabel (differs); done
            beta update domain (differs); done
            ");
        } else {
            assert_snapshot!(done, @"beta update domain (differs); done");
        }
        check_public(bench, &[(domain, Some("beta"))]).await;
        assert_eq!(bench.hands.settings(&acme).await, None);
    })
    .await;
}

/// A run that was to delete a whitelabel ended between the release of its domain and the deletion.
#[tokio::test]
async fn a_whitelabel_left_parked_is_told_and_both_remedies_help() {
    scenario(async |bench: &Bench| {
        let domain = &bench.domain("x");
        let acme = bench.account("acme").await;
        let parked = emblazon::model::parked_domain(&acme.id);
        let settings = json!({"company_name": "acme", "domain": parked});
        bench.hands.create(&acme, &settings).await;
        let gone = bench.tree().account(&acme, "whitelabel: null").load();
        let planned = bench.plan_with(&gone, None, false).await;
        let notes = planned.differences.accounts[0].notes.join("\n").replace(&parked, "PARKED");
        assert_snapshot!(notes, @"nobody reaches it: its domain is the parked name PARKED, because a run released the domain and did not delete the whitelabel; `--prune` deletes it, and a domain declared for it brings it back");
        let back = bench
            .tree()
            .account(&acme, &format!("whitelabel: {{domain: {domain}}}"))
            .load();
        assert_snapshot!(bench.converge(&back).await, @"acme update domain (differs); done");
        check_public(bench, &[(domain, Some("acme"))]).await;
        bench.hands.replace(&acme, &settings).await;
        assert_snapshot!(bench.converge(&gone).await, @"acme delete whitelabel (removal); done");
        assert_eq!(bench.hands.settings(&acme).await, None);
    })
    .await;
}

/// The account that reserved it takes its own domain back.
#[tokio::test]
async fn an_own_stale_reservation_is_no_hindrance() {
    scenario(async |bench: &Bench| {
        let domain = &bench.domain("x");
        let acme = with_domain(bench, "acme", domain).await;
        bench
            .hands
            .replace(&acme, &json!({"company_name": "acme"}))
            .await;
        let text = format!("whitelabel: {{domain: {domain}}}");
        let tree = bench.tree().account(&acme, &text).load();
        assert_snapshot!(bench.converge(&tree).await, @"acme update domain (differs); done");
        check_public(bench, &[(domain, Some("acme"))]).await;
    })
    .await;
}

#[tokio::test]
async fn trap_10_a_domain_that_an_outsider_holds_is_refused() {
    scenario(async |bench: &Bench| {
        let domain = &bench.domain("x");
        let outsider = with_domain(bench, "outsider", domain).await;
        let acme = bench.branded("acme", json!({"company_name": "acme"})).await;
        let text = format!("whitelabel: {{company_name: Acme, domain: {domain}}}");
        let tree = bench.tree().account(&acme, &text).load();
        let plan = bench.plan(&tree).await.plan;
        assert_eq!(plan.steps, []);
        let refusals = bench.refusals(&plan).replace(outsider.id.as_str(), "ID");
        assert_snapshot!(refusals, @r#"DomainHeld: x-LABEL.example.com is held by "emblazon-test-LABEL-outsider" (ID), which is not in the tree"#);
        let live = bench.hands.settings(&acme).await.unwrap();
        assert_eq!(live["company_name"], "acme");
        check_public(bench, &[(domain, Some("outsider"))]).await;
    })
    .await;
}

/// W19: the server compares domains without regard to case, and keeps the case.
#[tokio::test]
async fn the_case_of_a_domain_is_no_difference() {
    scenario(async |bench: &Bench| {
        let domain = &bench.domain("acme");
        let acme = with_domain(bench, "acme", &domain.to_uppercase()).await;
        let text = format!("whitelabel: {{domain: {domain}}}");
        let tree = bench.tree().account(&acme, &text).load();
        assert_eq!(bench.settled(&tree).await.plan.steps, []);
        let text = format!("whitelabel: {{domain: {domain}, company_name: Acme}}");
        let tree = bench.tree().account(&acme, &text).load();
        assert_snapshot!(bench.converge(&tree).await, @"acme update company_name (differs); done");
        check_public(bench, &[(domain, Some("Acme"))]).await;
    })
    .await;
}
