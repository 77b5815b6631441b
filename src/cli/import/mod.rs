//! Parts of the `import` command: selecting accounts, writing files, printing the summary.

mod files;
mod selection;
mod summary;

pub(crate) use files::write;
pub(crate) use selection::{accepted, check_key, chosen, named};
pub(crate) use summary::tell;
