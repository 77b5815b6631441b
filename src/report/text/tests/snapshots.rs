//! Whole reports.

use crate::apply::{Halt, StepResult};
use crate::plan::{Risk, StepId};
use crate::report::fixture::{account, dns, empty, learn_more, sample, step};
use crate::report::text::{Options, render};
use crate::report::{Command, Report, Verb};

fn at(width: usize, report: &Report) -> String {
    let options = Options {
        width,
        ..Options::default()
    };
    render(report, options).to_string()
}

#[test]
fn a_plan_at_80_columns() {
    insta::assert_snapshot!(at(80, &sample(Command::Plan)), @r#"
    domain template
      1 DNS record set
      replace, customer-visible
        ~ A us-east.{{domain}} mapping
            - ["203.0.113.5"]
            + ["192.0.2.10", "192.0.2.11"]  (domains.yaml:8:3)

    on 4 accounts: acme, beta, delta, gamma
      “Learn more” link
      update, customer-visible
        ~ whitelabel.nav.learn_more
            - "https://gold.example.com/old"
            + "https://gold.example.com/features"  (brands/gold.yaml:3:5)

    acme  822b33ad87c148a0a20a5ba7cd5ebcaa
      single sign-on, “Powered by 2600hz”, logo, company name and 3 more
      ! Single sign-on changes. It can run code in the browsers of customers before
        they sign in.
      update, customer-visible
        ~ whitelabel.company_name        "Acme" -> "Acme Voice"
            (accounts/acme/account.yaml:4:17)
        + whitelabel.hide_powered        true  (accounts/acme/account.yaml:6:17)
        - whitelabel.fake_api_url        "https://old.example.com"
            must not be there  (accounts/acme/account.yaml:7:17)
        ~ whitelabel.port.support_email
            - "x@evil.example"
            + "porting@acme.example.com"
            changed on the platform  (accounts/acme/account.yaml:8:17)
        ~ whitelabel.sso.note  -1 +2 lines  changed on the platform and in Git
              line one
            - line two
            + line 2
              line three
              line four
              the last line
            + and one more
            (accounts/acme/account.yaml:9:17)
          after globex
      upload logo, customer-visible
        ~ assets.logo
            - GIF 300×80 12.4 kB cba06b5736fa
            + PNG 1320×80 1.8 MB 11507a0e2f5e  (accounts/acme/account.yaml:12:9)
          note: the server deletes the welcome page with the first logo; it is put
            up again

    refused
      hooli: deleting the whitelabel of hooli needs to be asked for
        help: run again with `--prune`

    could not be checked
      initech: reading the whitelabel timed out after 30 s

    not in the tree: 1 of 6 live whitelabels (the tree covers 83%)
      Umbrella \u{202e}evil\u{1b}[2J  eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        umbrella.sip.example.com

    Plan: 6 steps on 4 of 7 accounts and the domain template; 1 in sync; 1 refused;
      1 not checked; digest 64879f7d6b96
    "#);
}

#[test]
fn a_plan_at_60_columns() {
    insta::assert_snapshot!(at(60, &sample(Command::Plan)), @r#"
    domain template
      1 DNS record set
      replace, customer-visible
        ~ A us-east.{{domain}} mapping
            - ["203.0.113.5"]
            + ["192.0.2.10", "192.0.2.11"]  (domains.yaml:8:3)

    on 4 accounts: acme, beta, delta, gamma
      “Learn more” link
      update, customer-visible
        ~ whitelabel.nav.learn_more
            - "https://gold.example.com/old"
            + "https://gold.example.com/features"
            (brands/gold.yaml:3:5)

    acme  822b33ad87c148a0a20a5ba7cd5ebcaa
      single sign-on, “Powered by 2600hz”, logo, company name
        and 3 more
      ! Single sign-on changes. It can run code in the browsers
        of customers before they sign in.
      update, customer-visible
        ~ whitelabel.company_name        "Acme" -> "Acme Voice"
            (accounts/acme/account.yaml:4:17)
        + whitelabel.hide_powered        true
            (accounts/acme/account.yaml:6:17)
        - whitelabel.fake_api_url
            - "https://old.example.com"
            must not be there  (accounts/acme/account.yaml:7:17)
        ~ whitelabel.port.support_email
            - "x@evil.example"
            + "porting@acme.example.com"
            changed on the platform
            (accounts/acme/account.yaml:8:17)
        ~ whitelabel.sso.note  -1 +2 lines  changed on the
            platform and in Git
              line one
            - line two
            + line 2
              line three
              line four
              the last line
            + and one more
            (accounts/acme/account.yaml:9:17)
          after globex
      upload logo, customer-visible
        ~ assets.logo
            - GIF 300×80 12.4 kB cba06b5736fa
            + PNG 1320×80 1.8 MB 11507a0e2f5e
            (accounts/acme/account.yaml:12:9)
          note: the server deletes the welcome page with the
            first logo; it is put up again

    refused
      hooli: deleting the whitelabel of hooli needs to be asked
          for
        help: run again with `--prune`

    could not be checked
      initech: reading the whitelabel timed out after 30 s

    not in the tree: 1 of 6 live whitelabels (the tree covers
      83%)
      Umbrella \u{202e}evil\u{1b}[2J
        eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        umbrella.sip.example.com

    Plan: 6 steps on 4 of 7 accounts and the domain template; 1
      in sync; 1 refused; 1 not checked; digest 64879f7d6b96
    "#);
}

#[test]
fn a_plan_at_140_columns() {
    insta::assert_snapshot!(at(140, &sample(Command::Plan)), @r#"
    domain template
      1 DNS record set
      replace, customer-visible
        ~ A us-east.{{domain}} mapping  ["203.0.113.5"] -> ["192.0.2.10", "192.0.2.11"]  (domains.yaml:8:3)

    on 4 accounts: acme, beta, delta, gamma
      “Learn more” link
      update, customer-visible
        ~ whitelabel.nav.learn_more  "https://gold.example.com/old" -> "https://gold.example.com/features"  (brands/gold.yaml:3:5)

    acme  822b33ad87c148a0a20a5ba7cd5ebcaa
      single sign-on, “Powered by 2600hz”, logo, company name and 3 more
      ! Single sign-on changes. It can run code in the browsers of customers before they sign in.
      update, customer-visible
        ~ whitelabel.company_name        "Acme" -> "Acme Voice"  (accounts/acme/account.yaml:4:17)
        + whitelabel.hide_powered        true  (accounts/acme/account.yaml:6:17)
        - whitelabel.fake_api_url        "https://old.example.com"  must not be there  (accounts/acme/account.yaml:7:17)
        ~ whitelabel.port.support_email  "x@evil.example" -> "porting@acme.example.com"
            changed on the platform  (accounts/acme/account.yaml:8:17)
        ~ whitelabel.sso.note  -1 +2 lines  changed on the platform and in Git
              line one
            - line two
            + line 2
              line three
              line four
              the last line
            + and one more
            (accounts/acme/account.yaml:9:17)
          after globex
      upload logo, customer-visible
        ~ assets.logo  GIF 300×80 12.4 kB cba06b5736fa -> PNG 1320×80 1.8 MB 11507a0e2f5e  (accounts/acme/account.yaml:12:9)
          note: the server deletes the welcome page with the first logo; it is put up again

    refused
      hooli: deleting the whitelabel of hooli needs to be asked for
        help: run again with `--prune`

    could not be checked
      initech: reading the whitelabel timed out after 30 s

    not in the tree: 1 of 6 live whitelabels (the tree covers 83%)
      Umbrella \u{202e}evil\u{1b}[2J  eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee  umbrella.sip.example.com

    Plan: 6 steps on 4 of 7 accounts and the domain template; 1 in sync; 1 refused; 1 not checked; digest 64879f7d6b96
    "#);
}

#[test]
fn drift_names_account_key_and_both_values() {
    insta::assert_snapshot!(at(80, &sample(Command::Drift)), @r#"
    on 4 accounts: acme, beta, delta, gamma
      “Learn more” link
      ~ whitelabel.nav.learn_more
          live  "https://gold.example.com/old"
          tree  "https://gold.example.com/features"
          in Git, not applied yet  (brands/gold.yaml:3:5)

    domain template
      1 DNS record set
      ~ A us-east.{{domain}} mapping
          live  ["203.0.113.5"]
          tree  ["192.0.2.10", "192.0.2.11"]
          in Git, not applied yet  (domains.yaml:8:3)

    acme  822b33ad87c148a0a20a5ba7cd5ebcaa
      single sign-on, “Powered by 2600hz”, logo, company name and 3 more
      ! Single sign-on is not as declared. It can run code in the browsers of
        customers before they sign in.
      ~ whitelabel.company_name        live "Acme"  tree "Acme Voice"
          in Git, not applied yet  (accounts/acme/account.yaml:4:17)
      ~ whitelabel.hide_powered        live (nothing)  tree true
          (accounts/acme/account.yaml:6:17)
      ~ whitelabel.fake_api_url
          live  "https://old.example.com"
          tree  (nothing)  must not be there  (accounts/acme/account.yaml:7:17)
      ~ whitelabel.port.support_email
          live  "x@evil.example"
          tree  "porting@acme.example.com"
          changed on the platform  (accounts/acme/account.yaml:8:17)
      ~ whitelabel.sso.note  1 line live (-), 2 in the tree (+)  changed on the
          platform and in Git
            line one
          - line two
          + line 2
            line three
            line four
            the last line
          + and one more
          (accounts/acme/account.yaml:9:17)
      ~ assets.logo
          live  GIF 300×80 12.4 kB cba06b5736fa
          tree  PNG 1320×80 1.8 MB 11507a0e2f5e
          in Git, not applied yet  (accounts/acme/account.yaml:12:9)

    refused
      hooli: deleting the whitelabel of hooli needs to be asked for
        help: run again with `--prune`

    could not be checked
      initech: reading the whitelabel timed out after 30 s

    not in the tree: 1 of 6 live whitelabels (the tree covers 83%)
      Umbrella \u{202e}evil\u{1b}[2J  eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        umbrella.sip.example.com

    Drift: 4 accounts and the domain template on production not matching the tree; 1
      in sync; 1 refused; 1 not checked
    "#);
}

#[test]
fn an_apply_says_what_became_of_each_step() {
    let mut report = sample(Command::Apply);
    let results = [
        StepResult::Done { revision: None },
        StepResult::Failed {
            reason: "the server answered 400: company_name is too short; change it in the tree"
                .to_owned(),
        },
        StepResult::Skipped { because: StepId(1) },
        StepResult::Moved {
            reason: "planned on revision 3-aa, found 4-bb; plan again".to_owned(),
        },
        StepResult::Unknown {
            reason: "the answer was lost and the account could not be read; run `emblazon plan`"
                .to_owned(),
        },
    ];
    let mut results = results.into_iter();
    let objects = report.template.iter_mut().chain(&mut report.accounts);
    for (id, step) in (0..).zip(objects.flat_map(|object| &mut object.steps)) {
        step.id = StepId(id);
        step.result = results.next().or(Some(StepResult::Done { revision: None }));
    }
    insta::assert_snapshot!(at(80, &report), @r#"
    domain template
      1 DNS record set
      replace, customer-visible
        ~ A us-east.{{domain}} mapping
            - ["203.0.113.5"]
            + ["192.0.2.10", "192.0.2.11"]  (domains.yaml:8:3)

    on 4 accounts: acme, beta, delta, gamma
      “Learn more” link
      update, customer-visible
        ~ whitelabel.nav.learn_more
            - "https://gold.example.com/old"
            + "https://gold.example.com/features"  (brands/gold.yaml:3:5)

    acme  822b33ad87c148a0a20a5ba7cd5ebcaa
      single sign-on, “Powered by 2600hz”, logo, company name and 3 more
      ! Single sign-on changes. It can run code in the browsers of customers before
        they sign in.
      update, customer-visible
        ~ whitelabel.company_name        "Acme" -> "Acme Voice"
            (accounts/acme/account.yaml:4:17)
        + whitelabel.hide_powered        true  (accounts/acme/account.yaml:6:17)
        - whitelabel.fake_api_url        "https://old.example.com"
            must not be there  (accounts/acme/account.yaml:7:17)
        ~ whitelabel.port.support_email
            - "x@evil.example"
            + "porting@acme.example.com"
            changed on the platform  (accounts/acme/account.yaml:8:17)
        ~ whitelabel.sso.note  -1 +2 lines  changed on the platform and in Git
              line one
            - line two
            + line 2
              line three
              line four
              the last line
            + and one more
            (accounts/acme/account.yaml:9:17)
          after globex
      upload logo, customer-visible
        ~ assets.logo
            - GIF 300×80 12.4 kB cba06b5736fa
            + PNG 1320×80 1.8 MB 11507a0e2f5e  (accounts/acme/account.yaml:12:9)
          note: the server deletes the welcome page with the first logo; it is put
            up again

    refused
      hooli: deleting the whitelabel of hooli needs to be asked for
        help: run again with `--prune`

    could not be checked
      initech: reading the whitelabel timed out after 30 s

    not in the tree: 1 of 6 live whitelabels (the tree covers 83%)
      Umbrella \u{202e}evil\u{1b}[2J  eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        umbrella.sip.example.com

    done       domain template replace
    FAILED     acme update: the server answered 400: company_name is too short;
               change it in the tree
    not begun  acme upload logo: acme update did not succeed
               note: the server deletes the welcome page with the first logo; it is
               put up again
    not begun  beta update: planned on revision 3-aa, found 4-bb; plan again
    UNKNOWN    delta update: the answer was lost and the account could not be read;
               run `emblazon plan`
    done       gamma update

    Applied: 2 of 6 steps; 1 failed; 1 unknown; 2 not begun; 1 in sync before; 1
      refused; 1 not checked
    "#);
}

#[test]
fn nothing_to_do() {
    let mut report = empty(Command::Plan);
    report.accounts = vec![account("acme", Vec::new())];
    assert_eq!(at(80, &report), "Plan: nothing to do; 1 in sync\n");
    report.command = Command::Drift;
    assert_eq!(at(80, &report), "Drift: none; 1 in sync\n");
    report.command = Command::Apply;
    assert_eq!(
        at(80, &report),
        "Applied: nothing to do; 1 in sync before\n"
    );
    report.command = Command::Validate;
    assert_eq!(at(80, &report), "The tree is valid: 1 account\n");
}

/// The same change on many accounts is shown once, with a folded list of names.
#[test]
fn one_change_on_214_accounts() {
    let mut report = empty(Command::Plan);
    report.accounts = (0..214)
        .map(|number| {
            let update = step(number, Verb::Update, Risk::Reversible, vec![learn_more(3)]);
            account(&format!("customer-{number:03}"), vec![update])
        })
        .collect();
    insta::assert_snapshot!(at(80, &report), @r#"
    on 214 accounts: customer-000, customer-001, customer-002, customer-003,
        customer-004, customer-005, customer-006, customer-007, … and 206 more
      “Learn more” link
      update, reversible
        ~ whitelabel.nav.learn_more
            - "https://gold.example.com/old"
            + "https://gold.example.com/features"  (brands/gold.yaml:3:5)

    Plan: 214 steps on 214 of 214 accounts; digest 64879f7d6b96
    "#);
}

/// Many steps that went well are counted; those that did not are named.
#[test]
fn one_failure_among_214_accounts() {
    let mut report = empty(Command::Apply);
    report.accounts = (0..214)
        .map(|number| {
            let mut update = step(number, Verb::Update, Risk::Reversible, vec![learn_more(3)]);
            update.result = Some(match number {
                7 => StepResult::Failed {
                    reason: "the server answered 500".to_owned(),
                },
                _ => StepResult::Done { revision: None },
            });
            account(&format!("customer-{number:03}"), vec![update])
        })
        .collect();
    let options = Options {
        plan_seen: true,
        ..Options::default()
    };
    insta::assert_snapshot!(render(&report, options), @r"
    done       213 × update
    FAILED     customer-007 update: the server answered 500

    Applied: 213 of 214 steps; 1 failed
    ");
}

/// What the end of a run kept from being begun is one line, and no failure.
#[test]
fn an_interrupted_run_says_once_what_it_did_not_come_to() {
    let mut report = empty(Command::Apply);
    report.accounts = (0..35)
        .map(|number| {
            let mut update = step(number, Verb::Update, Risk::Reversible, vec![learn_more(3)]);
            update.result = Some(match number {
                0 => StepResult::Done { revision: None },
                _ => StepResult::NotBegun {
                    halt: Halt::Interrupted,
                    reason: "the run was interrupted; plan again".to_owned(),
                },
            });
            account(&format!("customer-{number:03}"), vec![update])
        })
        .collect();
    let options = Options {
        plan_seen: true,
        ..Options::default()
    };
    insta::assert_snapshot!(render(&report, options), @r"
    done       customer-000 update
    not begun  34 × update on 34 objects: the run was interrupted; plan again

    Applied: 1 of 35 steps; 34 not begun
    ");
    // What is to be known of one of them stands with it.
    let update = &mut report.accounts[7].steps[0];
    update.notes = vec!["nobody reaches this brand now".to_owned()];
    update.result_notes.clone_from(&update.notes);
    let rendered = render(&report, options);
    insta::assert_snapshot!(rendered, @r#"
    done       customer-000 update
    not begun  33 × update on 33 objects: the run was interrupted; plan again
    not begun  customer-007 update: the run was interrupted; plan again
               note: nobody reaches this brand now

    Applied: 1 of 35 steps; 34 not begun
    "#);
}

/// Invariant 8: whatever a step changes is seen.
#[test]
fn colours_do_not_change_the_words() {
    let report = sample(Command::Plan);
    let coloured = render(
        &report,
        Options {
            colour: true,
            ..Options::default()
        },
    )
    .to_string();
    assert!(coloured.contains("\u{1b}["));
    assert_eq!(
        anstream::adapter::strip_str(&coloured).to_string(),
        at(80, &report)
    );
}

/// An account that could not be read may have a whitelabel, so that the number of all is a lower limit.
#[test]
fn an_unread_account_is_not_one_without_a_whitelabel() {
    let mut report = empty(Command::Plan);
    let mut coverage = sample(Command::Plan).coverage.expect("a coverage");
    coverage.unread = 1;
    report.coverage = Some(coverage);
    let told = at(100, &report);
    let (told, _) = told.split_once('\n').expect("lines");
    insta::assert_snapshot!(told, @"not in the tree: 1 of at least 6 live whitelabels (the tree covers at least 83%)");
}

/// A name that is longer than its column does not run into the verdict.
#[test]
fn names_end_before_the_verdict() {
    let domain = "a-name-that-is-longer-than-the-column.mydomain.example";
    let mut report = empty(Command::Dns);
    report.dns = Some(dns::of(domain));
    insta::assert_snapshot!(at(100, &report), @r"
    acme  a-name-that-is-longer-than-the-column.mydomain.example
      TXT   a-name-that-is-longer-than-the-column.mydomain.example  unknown       no authoritative
          server gave an answer (no answer in time)
          ns1.example.com (192.0.2.53): no answer in time
      CNAME portal.a-name-that-is-longer-than-the-column.mydomain.example  different
          - old-ui.example.net
          + ui.example.net
          hint: the old portal is still named
      A     us-east.a-name-that-is-longer-than-the-column.mydomain.example  ok              192.0.2.10

    quiet: DNS not checked, dns: ignore

    DNS: 1 different, 1 unknown, 1 ok on 1 domain
    ");
}
