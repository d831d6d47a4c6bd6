//! silk
fn main() {}
