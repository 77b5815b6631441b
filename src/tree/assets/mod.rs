//! Asset files: what their bytes are, and what must be true of them before they are sent.

mod active;
mod inspect;
mod markup;
mod picture;
mod reference;

pub use inspect::inspect;
