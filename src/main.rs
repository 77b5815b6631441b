//! The command `emblazon`.
fn main() {}
