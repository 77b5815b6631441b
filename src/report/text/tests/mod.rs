//! What people see, at several widths.

mod fixture;
mod snapshots;
mod visible;
