//! Exports, read by those for whom they are.
