//! Platform → live state.

mod state;

pub use state::{Live, LiveAccount, LiveAsset, LiveDocument, Reading, Unmanaged};
