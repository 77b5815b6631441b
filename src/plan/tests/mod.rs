//! Tables over whole plans, and properties against a small model of the server.

mod confirm;
mod guards;
mod parts;
mod properties;
mod records;
mod removals;
mod shards;
mod tables;
mod template;
mod world;
