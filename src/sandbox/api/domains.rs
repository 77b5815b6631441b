//! The system's domain template and the test of a domain (D1–D16).

use serde_json::{Value, json};

use super::call::Call;
use super::outcome::{Failure, Success};
use super::{precondition, schemas};
use crate::model::Object;
use crate::sandbox::world::{ProblemInTemplate, World, expand, test_results};

/// Handles `whitelabel/domains`: with an account it reads or tests, without one it reads or replaces the template of
/// the whole cluster (trap 5).
pub(crate) fn handle(call: &Call<'_>, world: &mut World) -> Result<Success, Failure> {
    match (call.verb.as_str(), &call.account) {
        ("POST", None) => replace(call, world),
        ("POST", Some(_)) => {
            let expanded = expanded(call, world)?;
            let results = test_results(&expanded, call.look_up).map_err(crash)?;
            Ok(Success::new(Value::Object(results)))
        }
        _ => {
            let expanded = expanded(call, world)?;
            precondition::check(call, None)?;
            Ok(Success::new(Value::Object(expanded)))
        }
    }
}

fn expanded(call: &Call<'_>, world: &World) -> Result<Object, Failure> {
    let domain = domain(call, world)?;
    expand(world.template(), &domain).map_err(crash)
}

/// Returns the domain of the request or, failing that, of the account's document (D1).
fn domain(call: &Call<'_>, world: &World) -> Result<String, Failure> {
    if let Some(domain) = call.input.value("domain") {
        return Ok(domain);
    }
    // Observed 7: without an account there is no document to read the domain from.
    let account = match &call.account {
        None if !call.profile.explains_missing_parts() => return Err(Failure::init_failed()),
        account => account.as_deref(),
    };
    account
        .and_then(|account| world.document(account))
        .and_then(|document| document.settings.get("domain"))
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| {
            let mut errors = Object::new();
            errors.insert(
                "domain".to_owned(),
                json!({"required": {
                    "message": "No domain found to use. Supply one on the request or create one via the whitelabel API",
                }}),
            );
            Failure::invalid(errors)
        })
}

/// Replaces the template: last writer wins, no revision, and an empty body erases it (D7, D10, trap 4, trap 42). Only
/// CNAME is validated (D8).
fn replace(call: &Call<'_>, world: &mut World) -> Result<Success, Failure> {
    let Value::Object(mut template) = call.input.data.clone() else {
        world.set_template(Object::new());
        let mut success = Success::new(Value::Null);
        success.data = None;
        return Ok(success);
    };
    template.remove("start_key");
    let errors = schemas::errors("domains", &mut template, call.profile);
    if !errors.is_empty() {
        return Err(Failure::invalid(errors));
    }
    world.set_template(template.clone());
    Ok(Success::new(Value::Object(template)))
}

fn crash(_: ProblemInTemplate) -> Failure {
    Failure::init_failed()
}
