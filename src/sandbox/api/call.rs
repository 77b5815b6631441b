//! A request on its way through the checks.

use super::outcome::Failure;
use super::request::{Input, Request};
use super::route::Noun;
use crate::sandbox::Profile;
use crate::sandbox::faults::Hits;

/// A request on its way through the checks.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) profile: Profile,
    /// The scripted faults that apply to this request.
    pub(crate) hits: &'a Hits,
    /// Looks up what DNS has for a type and host (D13, D14).
    pub(crate) look_up: &'a dyn Fn(&str, &str) -> Vec<String>,
    pub(crate) request_id: String,
    /// Seconds since 1970.
    pub(crate) now: u64,
    pub(crate) noun: Noun,
    pub(crate) methods: &'static [&'static str],
    /// The effective method, which `verb` may have replaced (E11, observed 1).
    pub(crate) verb: String,
    pub(crate) input: Input,
    /// The token as it was sent; echoed (observed 16).
    pub(crate) token: Option<String>,
    /// The account of a valid token.
    pub(crate) caller: Option<String>,
    /// The account in the path.
    pub(crate) account: Option<String>,
    /// The number of tokens left in the caller's bucket.
    pub(crate) remaining: u32,
}

impl Call<'_> {
    /// Returns the account in the path.
    ///
    /// # Errors
    /// 500 without one: the module's code needs it (`dom.public.root.tok`).
    pub(crate) fn account_id(&self) -> Result<&str, Failure> {
        self.account.as_deref().ok_or_else(Failure::init_failed)
    }
}
