//! Validates a tree before anything is sent.

mod across;
mod identity;
mod key;
mod login;
mod nearest;
mod portal;
mod problem;
mod template;
mod value;

pub use across::{desired, unwritten};
pub use identity::{account_id, realm};
pub(super) use key::{in_braces, nested};
pub use key::{is_key, key, key_guessing};
pub use nearest::{Guesses, nearest};
pub use problem::Problem;
pub use template::{SpannedEntry, host, not_a_map, record_type};
pub use value::{free_value, value};
