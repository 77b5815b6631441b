//! Asset files: what their bytes are, and how they are validated before they are sent.

mod active;
mod decode;
mod insight;
mod inspect;
mod markup;
mod picture;
mod reference;

pub(crate) use active::first_active;
pub use decode::{DecodeError, decode, dimensions, icon_sizes};
pub use insight::{DARK_GROUND, Insight, LIGHT_GROUND, Legibility, percent};
pub use inspect::inspect;
pub(super) use inspect::inspect_by;
pub(crate) use markup::{Tag, elements};
pub(super) use picture::{Look, look};
