//! `import`, as its users start it, and as a whole: live → files → plan.

mod accept;
mod platform;
mod propose;
mod resume;
mod whole;
