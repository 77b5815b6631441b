//! What is said on one connection: subscriptions, and the events that they let through.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::sandbox::bucket::Bucket;
use crate::sandbox::world::{ObjectAction, ObjectChange, TokenState, World, derived_id, read};

/// What documents can be subscribed to by name: the server's list, on which the whitelabel is not.
const TYPES: &[&str] = &[
    "account",
    "callflow",
    "device",
    "faxbox",
    "media",
    "user",
    "vmbox",
    "fax",
    "mailbox_message",
    "call_recording",
];
const ACTIONS: &[ObjectAction] = &[
    ObjectAction::Created,
    ObjectAction::Edited,
    ObjectAction::Deleted,
];

/// One connection.
#[derive(Debug)]
pub(super) struct BlackholeSession {
    /// The peer's address and port, by which the server names the connection.
    name: String,
    /// The account of the token, which is checked once.
    caller: Option<String>,
    subscriptions: BTreeSet<Subscription>,
    bucket: Bucket,
}

/// What a connection is told of; `*` stands for any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Subscription {
    account: String,
    action: String,
    object: String,
}

/// A frame that was refused, with the server's words.
type Refused = String;

impl BlackholeSession {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            caller: None,
            subscriptions: BTreeSet::new(),
            bucket: Bucket::default(),
        }
    }

    /// Returns the reply to a frame that arrives at `now`, in milliseconds.
    pub(super) fn answer(&mut self, frame: &Value, world: &World, now: u64) -> Value {
        let request = frame["request_id"].as_str();
        let request = request.map_or_else(|| derived_id(&self.name), str::to_owned);
        let (status, data) = match self.handle(frame, world, now) {
            Ok(data) => ("success", data),
            Err(error) => ("error", json!({"errors": [error]})),
        };
        json!({"action": "reply", "request_id": request, "status": status, "data": data})
    }

    /// Checks in the server's order: rate, token, form, rights.
    fn handle(&mut self, frame: &Value, world: &World, now: u64) -> Result<Value, Refused> {
        if self.bucket.take(&world.settings, now).is_none() {
            return Err(format!("rate limiting threshold hit for {}!", self.name));
        }
        if self.caller.is_none() {
            self.caller = Some(authenticate(&frame["auth_token"], world, now)?);
        }
        match frame["action"].as_str().unwrap_or("noop") {
            "ping" => Ok(json!({"response": "pong"})),
            "subscribe" => {
                let subscription = subscription(&frame["data"])?;
                self.authorise(&subscription.account, world)?;
                if subscription.account == "*" {
                    return Err("no available subscriptions to requested binding".to_owned());
                }
                self.subscriptions.insert(subscription);
                Ok(json!({"subscribed": self.bindings()}))
            }
            "unsubscribe" => {
                let subscription = subscription(&frame["data"])?;
                self.subscriptions.remove(&subscription);
                let ended = [subscription.binding()];
                Ok(json!({"unsubscribed": ended, "subscribed": self.bindings()}))
            }
            _ => Ok(json!({})),
        }
    }

    fn authorise(&self, account: &str, world: &World) -> Result<(), Refused> {
        let caller = self.caller.as_deref().unwrap_or_default();
        if account == "*" {
            let is_master = caller == world.master();
            return (is_master.then_some(())).ok_or("unauthorized wildcard account id".to_owned());
        }
        let is_allowed = world.account(account).is_some() && world.may_act(caller, account);
        (is_allowed.then_some(())).ok_or("unauthorized account id".to_owned())
    }

    fn bindings(&self) -> BTreeSet<String> {
        let subscriptions = self.subscriptions.iter();
        subscriptions.map(Subscription::binding).collect()
    }

    /// Returns the events that tell of a change: one for each subscription that lets it through. An account's
    /// subscription does not cover those below it.
    pub(super) fn events(&self, change: &ObjectChange) -> Vec<Value> {
        let telling = (self.subscriptions.iter())
            .filter(|subscription| subscription.lets_through(change))
            .map(|subscription| subscription.event(change));
        telling.collect()
    }
}

impl Subscription {
    fn binding(&self) -> String {
        format!("object.{}.{}", self.action, self.object)
    }

    fn lets_through(&self, change: &ObjectChange) -> bool {
        let is = |pattern: &str, text: &str| pattern == "*" || pattern == text;
        self.account == change.account
            && is(&self.action, change.action.as_str())
            && is(&self.object, change.object)
    }

    fn event(&self, change: &ObjectChange) -> Value {
        let database = database(&change.account);
        let key = database.replace('/', "%2F");
        let (name, object, id) = (change.action.as_str(), change.object, change.id());
        json!({
            "action": "event",
            "subscribed_key": self.binding(),
            "subscription_key": format!("{}.{key}.{}.*", self.action, self.object),
            "name": name,
            "routing_key": format!("{name}.{key}.{object}.{id}"),
            "data": {
                "type": object,
                "id": id,
                "rev": change.revision,
                "account_id": change.account,
                "database": database,
                "event_name": name,
            },
        })
    }
}

/// Returns the account of a token.
fn authenticate(token: &Value, world: &World, now: u64) -> Result<String, Refused> {
    let token = match token {
        Value::Null => return Err("missing authenticatation token".to_owned()),
        Value::String(token) => token,
        _ => return Err("invalid token".to_owned()),
    };
    match read(world, token, now / 1000) {
        TokenState::Valid(account) => Ok(account),
        TokenState::Expired | TokenState::Unknown => {
            Err(format!("failed to authenticate token {token}"))
        }
    }
}

fn subscription(data: &Value) -> Result<Subscription, Refused> {
    let text = |name: &str| data[name].as_str();
    let missing: Vec<&str> = (["account_id", "binding"].into_iter())
        .filter(|name| text(name).is_none())
        .collect();
    let (Some(account), Some(binding)) = (text("account_id"), text("binding")) else {
        return Err(format!("missing required keys : {}", missing.join(",")));
    };
    let mut parts = binding.split('.');
    if parts.next() != Some("object") {
        return Err("no available subscriptions to requested binding".to_owned());
    }
    let parts: Vec<&str> = parts.collect();
    let [action, object] = parts[..] else {
        return Err(format!(
            "invalid format for object subscription : {}",
            parts.join(",")
        ));
    };
    let is_action = action == "*" || ACTIONS.iter().any(|known| known.as_str() == action);
    if !is_action || !(object == "*" || TYPES.contains(&object)) {
        return Err(format!("event {action}.{object} not supported"));
    }
    Ok(Subscription {
        account: account.to_owned(),
        action: action.to_owned(),
        object: object.to_owned(),
    })
}

/// Returns the name of an account's database.
fn database(account: &str) -> String {
    match (account.get(..2), account.get(2..4), account.get(4..)) {
        (Some(first), Some(second), Some(rest)) => format!("account/{first}/{second}/{rest}"),
        _ => format!("account/{account}"),
    }
}
