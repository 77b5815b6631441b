//! The whitelabel API as Kazoo implements it: turns a request and a world into a response.
//!
//! [`answer`] runs the checks in the server's own order (E20) and dispatches the request to the noun's module. Nothing
//! here deals with sockets.

mod accounts;
mod assets;
mod auth;
mod call;
mod domains;
mod envelope;
mod negotiation;
mod outcome;
mod pipeline;
mod precondition;
mod request;
mod route;
mod schemas;
mod search;
mod upload;
mod validation;
mod webhooks;
mod whitelabel;

pub(crate) use auth::Buckets;
pub(crate) use envelope::Answer;
pub(crate) use pipeline::{Server, answer};
pub(crate) use request::Request;
pub(crate) use route::class_of;
