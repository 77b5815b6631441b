//! The order of checks (E20), which determines which error is returned.

use std::sync::Arc;

use axum::body::Bytes;
use serde_json::json;

use super::auth::Buckets;
use super::call::Call;
use super::envelope::{Answer, cors, render};
use super::outcome::{Failure, Success};
use super::request::{Input, Request};
use super::route::{Noun, Route, Scope};
use super::{accounts, assets, auth, domains, negotiation, schemas, search, webhooks, whitelabel};
use crate::sandbox::Profile;
use crate::sandbox::dns::DnsServer;
use crate::sandbox::faults::Hits;
use crate::sandbox::world::{World, owner};

/// The state of the server apart from the world.
#[derive(Debug)]
pub(crate) struct Server {
    /// The imitated version.
    pub(crate) profile: Profile,
    /// The token buckets (C4).
    pub(crate) buckets: Buckets,
    /// The DNS servers that a domain test queries.
    pub(crate) dns: Option<Arc<DnsServer>>,
}

/// Answers a request.
pub(crate) fn answer(
    server: &mut Server,
    world: &mut World,
    request: &Request,
    hits: &Hits,
    request_id: String,
    now_millis: u64,
) -> Answer {
    let Some(route) = Route::parse(&request.path) else {
        return front_page();
    };
    let dns = server.dns.clone();
    let look_up = |record_type: &str, host: &str| {
        dns.as_ref()
            .map(|dns| dns.seen_by_kazoo(record_type, host))
            .unwrap_or_default()
    };
    let mut call = Call {
        look_up: &look_up,
        methods: route.methods(world.master()),
        noun: route.noun.clone(),
        verb: request.method.clone(),
        request,
        profile: server.profile,
        hits,
        request_id,
        now: now_millis / 1000,
        input: Input::default(),
        token: None,
        caller: None,
        account: None,
        remaining: world.settings.bucket.unwrap_or_default(),
    };
    if request.method == "OPTIONS" && request.header("access-control-request-method").is_some() {
        return preflight(&call);
    }
    let result = read(&mut call, world, &route)
        .and_then(|()| locate(&mut call, world, &route))
        .and_then(|()| admit(&mut call, world, &mut server.buckets, now_millis))
        .and_then(|()| negotiation::check(&call, world))
        .and_then(|()| match hits.status() {
            // The upload handler simulates conflicts itself, because they may leave a file behind (B12).
            Some(status)
                if status != 409 || call.verb != "POST" || !matches!(call.noun, Noun::Asset(_)) =>
            {
                Err(refusal(status))
            }
            _ => handle(&call, world),
        });
    if let Some(caller) = &call.caller {
        let user = call.token.as_deref().and_then(owner);
        world.sign_changes(caller, user.as_deref());
    }
    render(&call, result)
}

/// Reads body, token and verb, before the path is checked.
fn read(call: &mut Call<'_>, world: &World, route: &Route) -> Result<(), Failure> {
    if route.version < 2 && !call.profile.serves_v1() {
        return Err(Failure::gone());
    }
    call.input = Input::parse(call.request, call.profile, world.settings.upload_limit)?;
    auth::identify(call, world)?;
    // Observed 1: the body's `verb` replaces the method of a write.
    if matches!(call.request.method.as_str(), "POST" | "PUT")
        && let Some(verb) = call.input.value("verb")
    {
        call.verb = verb.to_uppercase();
    }
    Ok(())
}

/// Resolves the path: fails for unknown nouns, methods and accounts.
fn locate(call: &mut Call<'_>, world: &World, route: &Route) -> Result<(), Failure> {
    match route.noun {
        Noun::NotFound => {
            return Err(Failure::early(
                404,
                "not_found",
                json!({"message": "not found"}),
            ));
        }
        Noun::NoModule => return Ok(()),
        _ => {}
    }
    if !call.methods.contains(&call.verb.as_str()) {
        return Err(Failure::early(
            405,
            "invalid_method",
            json!({"message": "method not allowed"}),
        ));
    }
    call.account = match &route.account {
        Scope::System => None,
        Scope::Own => Some(call.caller.clone().ok_or_else(Failure::no_credentials)?),
        Scope::Id(id) if id.len() != 32 => {
            let message = format!("invalid account_id '{id}'");
            return Err(Failure::early(
                404,
                "bad identifier",
                json!({"message": message}),
            ));
        }
        Scope::Id(id) if world.account(id).is_none() => {
            return Err(Failure::early(
                404,
                "bad_identifier",
                json!({"message": "bad identifier", "cause": id}),
            ));
        }
        Scope::Id(id) => Some(id.clone()),
    };
    Ok(())
}

/// Admits the caller: checks bucket (429), token (401), rights (403) and module (404).
fn admit(
    call: &mut Call<'_>,
    world: &World,
    buckets: &mut Buckets,
    now_millis: u64,
) -> Result<(), Failure> {
    if call.caller.is_none() || call.profile.charges_every_request() {
        call.remaining = buckets.consume(call, &world.settings, now_millis)?;
    }
    if call.caller.is_none() && !auth::is_public(call) {
        return Err(Failure::no_credentials());
    }
    if call.noun == Noun::NoModule {
        return Err(Failure::empty(404));
    }
    auth::authorise(call, world)
}

fn handle(call: &Call<'_>, world: &mut World) -> Result<Success, Failure> {
    match &call.noun {
        Noun::Whitelabel => whitelabel::handle(call, world),
        Noun::ByDomain(domain) => whitelabel::look_up(call, world, domain),
        Noun::Asset(kind) => assets::handle(call, world, *kind),
        Noun::AssetByDomain(domain, kind) => assets::look_up(call, world, domain, *kind),
        Noun::Domains => domains::handle(call, world),
        Noun::ApiAuth => auth::api_auth(call, world),
        Noun::UserAuth => auth::user_auth(call, world),
        Noun::TokenAuth => auth::token_auth(call, world),
        Noun::Schemas => Ok(schemas::list()),
        Noun::Schema(name) => schemas::show(call, name),
        Noun::SchemaValidation(name) => schemas::validate(call, name),
        Noun::Webhooks => webhooks::handle(call, world),
        Noun::Webhook(id) => webhooks::one(call, world, id),
        Noun::Search => search::handle(call, world),
        Noun::Accounts
        | Noun::Account
        | Noun::Descendants
        | Noun::Children
        | Noun::Siblings
        | Noun::Parents
        | Noun::Tree
        | Noun::Reseller
        | Noun::ApiKey => accounts::handle(call, world),
        Noun::NotFound | Noun::NoModule => Err(Failure::empty(404)),
    }
}

/// Returns the error that a scripted fault with this status simulates (S4).
fn refusal(status: u16) -> Failure {
    match status {
        401 => Failure::no_credentials(),
        402 => Failure::late(402, "accept_charges", whitelabel::quote(9.99)),
        403 => Failure::forbidden(),
        404 => Failure::bad_identifier("whitelabel"),
        409 => Failure::conflict(),
        429 => Failure::too_many(),
        412 | 415 | 406 | 502 | 504 => Failure::empty(status),
        500 => Failure::init_failed(),
        503 => Failure::late(
            503,
            "datastore_unreachable",
            json!({"message": "datastore unreachable"}),
        ),
        other => Failure::late(
            other,
            "unknown failure",
            json!({"message": "unknown failure"}),
        ),
    }
}

/// Handles a CORS preflight request (E6).
fn preflight(call: &Call<'_>) -> Answer {
    let mut headers = vec![("x-request-id", call.request_id.clone())];
    headers.extend(cors(call.methods));
    Answer {
        status: 200,
        headers,
        body: Bytes::new(),
        lost: false,
    }
}

/// Handles every path without a version (E1).
fn front_page() -> Answer {
    Answer {
        status: 200,
        headers: vec![("content-type", "text/plain; charset=UTF-8".to_owned())],
        body: Bytes::from_static(
            b"This is the emblazon sandbox, a fake of the Kazoo whitelabel API.\nThe API is below /v2.\n",
        ),
        lost: false,
    }
}
