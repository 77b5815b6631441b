//! The three-way table (design, section 5) as a function.

use super::Cause;

/// What one version of the tree declares about an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declaration<T> {
    /// Nothing; the item is not managed.
    Undeclared,
    /// The item must not exist.
    Absent,
    /// The item must have this value.
    Value(T),
}

/// The result of comparing the three sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The live state matches the tree.
    InSync,
    /// The item exists, is not managed, and stays.
    Kept,
    /// The live state differs, for this reason, and will be changed.
    Differs(Cause),
}

impl<T> Declaration<T> {
    /// Returns the declared value, or `None` for an absent or undeclared item.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Undeclared | Self::Absent => None,
        }
    }

    /// Creates a declaration; `None`, a `null` in the tree, becomes [`Self::Absent`].
    pub fn of(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Value)
    }
}

/// Decides about one item from its base, desired and live sides.
///
/// All sides must be in canonical form. `base` is `None` when no base is known; then it is unknown which declarations
/// were dropped from the tree, and undeclared items are kept.
///
/// If a declaration was dropped and the live value was changed by hand, that is a conflict, and the value is removed;
/// to keep it, it must be declared.
#[must_use]
pub fn verdict<T: PartialEq>(
    base: Option<&Declaration<T>>,
    desired: &Declaration<T>,
    live: Option<&T>,
) -> Verdict {
    if matches!(desired, Declaration::Undeclared) {
        return match (base.and_then(Declaration::value), live) {
            (_, None) => Verdict::InSync,
            (None, Some(_)) => Verdict::Kept,
            (Some(old), Some(now)) if old == now => Verdict::Differs(Cause::Removal),
            (Some(_), Some(_)) => Verdict::Differs(Cause::Conflict),
        };
    }
    let wanted = desired.value();
    if wanted == live {
        return Verdict::InSync;
    }
    let from_git = if wanted.is_none() {
        Cause::Removal
    } else {
        Cause::Git
    };
    Verdict::Differs(match base {
        None if wanted.is_some() => Cause::Differs,
        None | Some(Declaration::Undeclared) => from_git,
        Some(base) if base.value() == wanted => Cause::Drift,
        Some(base) if base.value() == live => from_git,
        Some(_) => Cause::Conflict,
    })
}

#[cfg(test)]
mod tests {
    use super::Declaration::{Absent, Undeclared, Value};
    use super::*;

    /// Every row of the table in section 5 of the design, and every case that it leaves open.
    #[test]
    fn the_table() {
        #[track_caller]
        fn check(
            base: Option<Declaration<&str>>,
            desired: Declaration<&str>,
            live: Option<&str>,
            expected: Verdict,
        ) {
            assert_eq!(verdict(base.as_ref(), &desired, live.as_ref()), expected);
        }
        use Cause::{Conflict, Differs as Differ, Drift, Git, Removal};
        use Verdict::{Differs, InSync, Kept};

        // No base is known.
        check(None, Value("v"), Some("v"), InSync);
        check(None, Value("v"), Some("other"), Differs(Differ));
        check(None, Value("v"), None, Differs(Differ));
        check(None, Absent, None, InSync);
        check(None, Absent, Some("v"), Differs(Removal));
        check(None, Undeclared, None, InSync);
        check(None, Undeclared, Some("v"), Kept);

        // It was declared.
        check(Some(Value("v")), Value("v"), Some("v"), InSync);
        check(Some(Value("v")), Value("v"), Some("other"), Differs(Drift));
        check(Some(Value("v")), Value("v"), None, Differs(Drift));
        check(Some(Value("old")), Value("new"), Some("new"), InSync);
        check(Some(Value("old")), Value("new"), Some("old"), Differs(Git));
        check(
            Some(Value("old")),
            Value("new"),
            Some("other"),
            Differs(Conflict),
        );
        check(Some(Value("old")), Value("new"), None, Differs(Conflict));
        check(Some(Value("v")), Absent, None, InSync);
        check(Some(Value("v")), Absent, Some("v"), Differs(Removal));
        check(Some(Value("v")), Absent, Some("other"), Differs(Conflict));
        check(Some(Value("v")), Undeclared, None, InSync);
        check(Some(Value("v")), Undeclared, Some("v"), Differs(Removal));
        check(
            Some(Value("v")),
            Undeclared,
            Some("other"),
            Differs(Conflict),
        );

        // It was declared to be absent.
        check(Some(Absent), Value("v"), Some("v"), InSync);
        check(Some(Absent), Value("v"), None, Differs(Git));
        check(Some(Absent), Value("v"), Some("other"), Differs(Conflict));
        check(Some(Absent), Absent, None, InSync);
        check(Some(Absent), Absent, Some("v"), Differs(Drift));
        check(Some(Absent), Undeclared, None, InSync);
        check(Some(Absent), Undeclared, Some("v"), Kept);

        // It was not declared.
        check(Some(Undeclared), Value("v"), Some("v"), InSync);
        check(Some(Undeclared), Value("v"), Some("other"), Differs(Git));
        check(Some(Undeclared), Value("v"), None, Differs(Git));
        check(Some(Undeclared), Absent, None, InSync);
        check(Some(Undeclared), Absent, Some("v"), Differs(Removal));
        check(Some(Undeclared), Undeclared, None, InSync);
        check(Some(Undeclared), Undeclared, Some("v"), Kept);
    }
}
