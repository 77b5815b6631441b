//! The data of a page.

use jiff::Timestamp;

use crate::daemon::{PublishedStatus, Status};

/// The data that a page is drawn from.
pub(super) struct Frame<'s> {
    pub(super) status: &'s Status,
    /// The pictures that are at hand.
    pub(super) published: &'s PublishedStatus,
    pub(super) now: Timestamp,
    /// The token that the forms of the page carry.
    pub(super) form: &'s str,
    /// The path and query of the page, to return to.
    pub(super) here: &'s str,
    /// Whether somebody can log out.
    pub(super) has_session: bool,
    /// The last name given in this browser; empty when none was.
    pub(super) name: &'s str,
    /// The message of an intervention that led here.
    pub(super) done: Option<&'static str>,
}
