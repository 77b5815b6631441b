//! One sentence of a card.

/// One sentence of a card.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// Whether a person must look at it before all others.
    pub alarm: Alarm,
    /// Who sees it.
    pub visibility: Visibility,
    /// The sentence. Invisible characters are escaped; nothing is escaped for a format.
    pub sentence: String,
    /// What it is about, in a word or two.
    pub about: String,
    /// Whether somebody changed it on the platform.
    pub by_hand: bool,
}

/// Whether a person must look at an outcome before all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// It may harm customers.
    Raised,
    /// It is as harmless as it reads.
    None,
}

/// Who sees a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Visibility {
    /// Everybody who opens the login page.
    Login,
    /// Customers who are signed in.
    SignedIn,
    /// Phones and browsers, through DNS.
    Names,
    /// Nobody knows: it is a key of the owner's.
    Unknown,
}

/// The tense of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tense {
    /// What will change.
    Plan,
    /// What differs from the tree.
    Drift,
}
