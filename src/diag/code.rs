//! The catalogue of all codes.

use std::fmt;

/// How bad it is: an error stops `plan` and `apply`, a warning does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The tree is wrong.
    Error,
    /// The tree is probably not what was meant.
    Warning,
}

macro_rules! catalogue {
    ($( $code:ident $severity:ident $title:literal $explanation:literal )*) => {
        /// Names a kind of mistake. A code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $( #[doc = $title] $code, )*
        }

        impl Code {
            /// All codes, in order.
            pub const ALL: &'static [Self] = &[ $( Self::$code, )* ];

            /// Returns the code's text, such as `EB0103`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$code => stringify!($code), )* }
            }

            /// Returns how bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $( Self::$code => Severity::$severity, )* }
            }

            /// Returns the mistake in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $( Self::$code => $title, )* }
            }

            /// Returns why it is a mistake, and an example of right and wrong.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $( Self::$code => $explanation, )* }
            }
        }
    };
}

// EB01 files and YAML, EB02 structure and keys, EB03 layers, EB04 identities and domains,
// EB05 values, EB06 assets, EB07 the domain template, EB08 clusters and policy.
catalogue! {
    EB0101 Error "the file is not valid YAML"
        "The file cannot be read as YAML, so nothing in it counts. The marked place is where the parser gave up; \
         the mistake is often one line above: a missing quote, a tab, or a wrong indent."
}

impl Code {
    /// Finds a code by its text, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
