//! What is wrong in the user's tree: diagnostics, their catalogue, and the places they point at.

mod code;
mod diagnostic;
mod source;

pub use code::{Code, Severity};
pub use diagnostic::{Diagnostic, Diagnostics, Label};
pub use source::{FileId, Place, Position, SourceFile, SourceMap, Span, Spanned};
