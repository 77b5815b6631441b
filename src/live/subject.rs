//! What a request is about.

/// The subject of a request, to distinguish the meanings of a 404 (trap 27).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Subject<'a> {
    /// The account of the path.
    pub account: Option<&'a str>,
    /// The domain of the path.
    pub domain: Option<&'a str>,
    /// Whether the request was a login.
    pub login: bool,
    /// Whether the request carried values of the tree.
    pub values: bool,
}
