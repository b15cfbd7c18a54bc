//! The `image-trust` command.
fn main() {}
