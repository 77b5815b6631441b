//! The system's domain template.

use emblazon::apply::StepResult;
use emblazon::plan::Action;
use emblazon::sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::stage::{Stage, Tree, object, only};

const SEED: &str = "
accounts:
  - {name: master, id: '00000000000000000000000000000000'}
template:
  A: {'us.{{domain}}': {name: US, mapping: ['192.0.2.1'], ttl: 60}}
  MX: {}
";

const PATH: &str = "/v2/whitelabel/domains";

fn tree() -> Tree {
    Tree::new().template(json!({"A": {"eu.{{domain}}": {"name": "EU", "mapping": ["192.0.2.2"]}}}))
}

async fn stage() -> Stage {
    Stage::start(SEED, &[]).await
}

fn stored(stage: &Stage) -> Value {
    Value::Object(stage.sandbox.world().template().clone())
}

#[tokio::test]
async fn hosts_are_added_and_everything_else_stays() {
    let stage = stage().await;
    stage.converge(&tree()).await;
    insta::assert_snapshot!(stored(&stage), @r#"{"A":{"eu.{{domain}}":{"mapping":["192.0.2.2"],"name":"EU"},"us.{{domain}}":{"mapping":["192.0.2.1"],"name":"US","ttl":60}},"MX":{}}"#);
}

/// No revision guards the template, so it must be the one that was planned for.
#[tokio::test]
async fn trap_42_a_template_that_moved_is_left_alone() {
    let stage = stage().await;
    let plan = stage.plan(&tree()).await;
    let moved = object(json!({"A": {"x.{{domain}}": {"mapping": ["192.0.2.9"]}}}));
    stage.sandbox.world().set_template(moved);
    let before = stored(&stage);
    let applied = stage.apply(&tree(), &plan).await;
    let result = &only(&applied).result;
    assert!(matches!(result, StepResult::Moved { .. }), "{result:?}");
    assert_eq!(stored(&stage), before);
}

#[tokio::test]
async fn trap_42_a_lost_answer_is_settled_by_reading() {
    for fault in [
        FaultKind::LostAnswer,
        FaultKind::DropConnection,
        FaultKind::Status(500),
    ] {
        let stage = stage().await;
        let plan = stage.plan(&tree()).await;
        stage.faults(vec![Fault::new("POST", PATH, fault)]);
        let applied = stage.apply(&tree(), &plan).await;
        let result = &only(&applied).result;
        assert!(
            matches!(result, StepResult::Done { .. }),
            "{fault:?}: {result:?}"
        );
        assert_eq!(stage.plan(&tree()).await.steps, []);
    }
}

/// A template that the server cannot serve is refused again right before it would be sent.
#[tokio::test]
async fn observed_07_an_unservable_template_is_never_sent() {
    for (template, part) in [
        (json!({}), "erases"),
        (
            json!({"CNAM": {"x.{{domain}}": {"mapping": ["y"]}}}),
            "CNAM",
        ),
        (
            json!({"CNAME": {"x.example.com": {"name": "X", "mapping": ["y"]}}}),
            "{{domain}}",
        ),
    ] {
        let stage = stage().await;
        let mut plan = stage.plan(&tree()).await;
        plan.steps[0].action = Action::ReplaceTemplate {
            template: serde_json::from_value(template).unwrap(),
        };
        let before = stored(&stage);
        let applied = stage.apply(&tree(), &plan).await;
        let StepResult::Failed { reason } = &only(&applied).result else {
            panic!("{applied:?}");
        };
        assert!(reason.contains(part), "{reason}");
        assert_eq!(stored(&stage), before);
        assert_eq!(stage.sandbox.counts().mutating, 0);
    }
}

/// The read-back adds an empty mapping to a host without one; that is no difference.
#[tokio::test]
async fn observed_08_an_added_empty_mapping_is_no_difference() {
    let stage = stage().await;
    let tree = Tree::new().template(json!({"A": {"none.{{domain}}": {"name": "None"}}}));
    stage.converge(&tree).await;
}
