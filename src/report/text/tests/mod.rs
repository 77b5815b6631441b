//! What people see, at several widths.

mod pieces;
mod snapshots;
mod visible;
