//! The system's domain template: one for all, and only the master's key may write it.

use emblazon::apply::StepResult;
use serde_json::{Value, json};

use super::bench::tell;
use super::{Bench, scenario};

/// Tells whether the template may be written, and says so when not.
async fn may_write(bench: &Bench) -> bool {
    let is_master = bench.hands.is_master().await;
    if !is_master {
        tell("left out: only the key of the master account may write the domain template");
    }
    is_master
}

/// Adds a host to a template, by hand.
fn with_host(template: &Value, record_type: &str, host: &str, entry: Value) -> Value {
    let mut template = template.clone();
    template[record_type][host] = entry;
    template
}

fn without_host(template: &Value, record_type: &str, host: &str) -> Value {
    let mut template = template.clone();
    if let Some(hosts) = template[record_type].as_object_mut() {
        hosts.remove(host);
    }
    template
}

/// Hosts, and members of hosts, that the tree does not declare are as they were.
#[tokio::test]
async fn a_replaced_template_keeps_what_is_not_declared() {
    scenario(async |bench: &Bench| {
        if !may_write(bench).await {
            return;
        }
        let found = bench.borrow_template().await;
        let (ours, theirs) = ("emblazon-test.{{domain}}", "emblazon-hand.{{domain}}");
        let entry = json!({"name": "By hand", "mapping": ["192.0.2.1"], "zone": "hand", "ttl": 60});
        let before = with_host(&found, "A", theirs, entry);
        bench.hands.replace_template(&before).await.unwrap();
        bench.check_template(&before).await;

        let text = format!("template: {{A: {{'{ours}': {{name: Ours, mapping: [192.0.2.2]}}}}}}\n");
        let tree = bench.tree().file("domains.yaml", text.as_bytes()).load();
        assert_snapshot!(bench.converge(&tree).await, @"template replace A emblazon-test.{{domain}} (differs); done");
        let entry = json!({"name": "Ours", "mapping": ["192.0.2.2"]});
        let added = with_host(&before, "A", ours, entry);
        bench.check_template(&added).await;

        let text = format!(
            "template: {{A: {{'{ours}': null, '{theirs}': {{name: By hand, mapping: [192.0.2.3]}}}}}}\n"
        );
        let tree = bench.tree().file("domains.yaml", text.as_bytes()).load();
        assert_snapshot!(bench.converge(&tree).await, @"template replace A emblazon-hand.{{domain}} (differs) A emblazon-test.{{domain}} (removal); done");
        let mut removed = without_host(&added, "A", ours);
        removed["A"][theirs]["mapping"] = json!(["192.0.2.3"]);
        bench.check_template(&removed).await;

        // And the way back.
        let text = format!("template: {{A: {{'{theirs}': null}}}}\n");
        let tree = bench.tree().file("domains.yaml", text.as_bytes()).load();
        assert_snapshot!(bench.converge(&tree).await, @"template replace A emblazon-hand.{{domain}} (removal); done");
        bench.check_template(&without_host(&before, "A", theirs)).await;
    })
    .await;
}

/// There is no revision: a template that is another one than was planned for is left alone.
#[tokio::test]
async fn trap_42_a_template_that_moved_is_left_alone() {
    scenario(async |bench: &Bench| {
        if !may_write(bench).await {
            return;
        }
        let found = bench.borrow_template().await;
        let text =
            "template: {A: {'emblazon-test.{{domain}}': {name: Ours, mapping: [192.0.2.2]}}}\n";
        let tree = bench.tree().file("domains.yaml", text.as_bytes()).load();
        let plan = bench.plan(&tree).await.plan;
        let entry = json!({"name": "By hand", "mapping": ["192.0.2.1"]});
        let moved = with_host(&found, "A", "emblazon-hand.{{domain}}", entry);
        bench.hands.replace_template(&moved).await.unwrap();
        bench.check_template(&moved).await;
        let applied = bench.apply(&tree, &plan).await;
        let result = &applied.outcomes[0].result;
        assert!(matches!(result, StepResult::Moved { .. }), "{result:?}");
        bench.check_template(&moved).await;
    })
    .await;
}
