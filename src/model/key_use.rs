//! Who uses a key of a whitelabel, what shows without it, and whether it runs code.
//!
//! Read in the sources of Monster UI (branches 4.0 to 5.3, and master) and of Kazoo: users' view U4 to U6, W27.

use std::fmt;

/// What is known of the use of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The first and, if later ones do not, the last Monster UI that reads it, from 4.0 on; `None` where none does.
    pub portal: Option<(UiVersion, Option<UiVersion>)>,
    /// What Kazoo itself does with it, beyond storing it.
    pub server: Option<&'static str>,
    /// What shows where it is absent.
    pub fallback: Fallback,
    /// How its value runs in the browsers of customers, if it does.
    pub runs: Option<CodeKind>,
}

/// A version of Monster UI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UiVersion {
    /// 4.0.
    V4_0,
    /// 4.1.
    V4_1,
    /// 4.2.
    V4_2,
    /// 4.3.
    V4_3,
    /// 5.0.
    V5_0,
    /// 5.2.
    V5_2,
    /// The development version of 2026.
    Master,
}

/// What shows where a key is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing that customers notice.
    Nothing,
    /// A value of the portal's own.
    Default(&'static str),
    /// Something by which customers know the vendor.
    Vendor(&'static str),
}

/// How a value runs in the browsers of customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// The portal loads what it names, before anybody signs in.
    Script,
    /// It says where customers sign in.
    SignIn,
    /// The portal shows it as HTML.
    Html,
}

impl KeyUse {
    /// A key that nobody is known to read.
    pub(super) const UNREAD: Self = Self {
        portal: None,
        server: None,
        fallback: Fallback::Nothing,
        runs: None,
    };
}

impl CodeKind {
    /// Returns what its value does, after the name of a key.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Script => "runs code in the browsers of customers before they sign in",
            Self::SignIn => "decides where customers sign in",
            Self::Html => "is shown as HTML, which can hold code",
        }
    }
}

/// Formats as sentences.
impl fmt::Display for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.portal, self.server) {
            (None, None) => f.write_str("No Monster UI since 4.0 reads it.")?,
            (None, Some(server)) => {
                write!(f, "Kazoo reads it {server}; no Monster UI since 4.0 does.")?;
            }
            (Some((since, None)), None) => write!(f, "Monster UI reads it since {since}.")?,
            (Some((since, None)), Some(server)) => {
                write!(f, "Monster UI reads it since {since}, and Kazoo {server}.")?;
            }
            (Some((since, Some(until))), _) => {
                write!(f, "Monster UI reads it from {since} to {until}.")?;
            }
        }
        match self.fallback {
            Fallback::Nothing => {}
            Fallback::Default(text) => write!(f, " Without it: {text}.")?,
            Fallback::Vendor(text) => {
                write!(f, " Without it, customers see the vendor's: {text}.")?;
            }
        }
        match self.runs {
            Some(kind) => write!(
                f,
                " It {}, so that a change needs an approved plan.",
                kind.words()
            ),
            None => Ok(()),
        }
    }
}

impl fmt::Display for UiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4_0 => "4.0",
            Self::V4_1 => "4.1",
            Self::V4_2 => "4.2",
            Self::V4_3 => "4.3",
            Self::V5_0 => "5.0",
            Self::V5_2 => "5.2",
            Self::Master => "master",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Fallback;
    use crate::model::FIELDS;

    /// Nobody sees the vendor where the portal does not look.
    #[test]
    fn the_vendor_shows_only_where_the_portal_reads() {
        for field in FIELDS {
            let is_vendor = matches!(field.usage.fallback, Fallback::Vendor(_));
            assert!(!is_vendor || field.usage.portal.is_some(), "{}", field.path);
        }
    }
}
