//! The base side of a comparison: the last applied tree.

use super::Declaration;

/// The value of one item in the base.
#[derive(Clone, Copy, Debug)]
pub(super) enum Base<T> {
    /// No base is known.
    Unknown,
    /// The base does not contain the item.
    Missing,
    /// The base contains this value.
    Known(T),
}

impl<T> Base<T> {
    /// Looks up the item in the base, if there is one.
    pub(super) fn find<Tree>(tree: Option<Tree>, find: impl FnOnce(Tree) -> Option<T>) -> Self {
        match tree.map(find) {
            None => Self::Unknown,
            Some(None) => Self::Missing,
            Some(Some(found)) => Self::Known(found),
        }
    }

    /// Maps a known value.
    pub(super) fn map<U>(self, turn: impl FnOnce(T) -> U) -> Base<U> {
        match self {
            Self::Unknown => Base::Unknown,
            Self::Missing => Base::Missing,
            Self::Known(found) => Base::Known(turn(found)),
        }
    }

    /// Returns the value, if known.
    pub(super) fn known(self) -> Option<T> {
        match self {
            Self::Known(found) => Some(found),
            Self::Unknown | Self::Missing => None,
        }
    }

    /// Returns what the base declares about a part of the item; a missing item declares nothing.
    pub(super) fn declares<D>(
        self,
        part: impl FnOnce(T) -> Declaration<D>,
    ) -> Option<Declaration<D>> {
        match self {
            Self::Unknown => None,
            Self::Missing => Some(Declaration::Undeclared),
            Self::Known(found) => Some(part(found)),
        }
    }
}
