//! What `import` needs beside the import itself: whom it concerns, writing the files, telling about them.

mod files;
mod selection;
mod summary;

pub(crate) use files::write;
pub(crate) use selection::{accepted, chosen, named};
pub(crate) use summary::tell;
