//! crowd
fn main() {}
