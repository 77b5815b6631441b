//! The three-way table (design, section 5), as one function.

use super::Cause;

/// What one version of the tree says about one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declaration<T> {
    /// Nothing: it is not ours.
    Undeclared,
    /// It must not be there.
    Absent,
    /// It must have this value.
    Value(T),
}

/// What follows from the three sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Live is as the tree wants it.
    InSync,
    /// It is there, it is not ours, and it stays.
    Kept,
    /// Live differs and will be changed, for this reason.
    Differs(Cause),
}

impl<T> Declaration<T> {
    /// Returns the value that is wanted; `None` also when nothing is declared.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Undeclared | Self::Absent => None,
        }
    }

    /// Reads a `null` of the tree as [`Self::Absent`].
    pub fn of(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Value)
    }
}

/// Decides what becomes of one thing, from the last applied tree, the tree and the live side.
///
/// All sides must be in canonical form. `base` is `None` when no applied commit is known; then
/// nothing can be told to have been dropped from the tree, and what is undeclared is kept.
///
/// A declaration that was dropped while somebody changed the live value by hand is a conflict, and
/// the value is removed: whoever wants to keep it declares it.
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

    /// Every row of the table in section 5 of the design, and every row that it leaves open.
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
