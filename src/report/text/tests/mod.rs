//! What people see, at several widths.

mod snapshots;
mod visible;
