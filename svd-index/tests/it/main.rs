//! Tests of the crate's public face.

#![allow(clippy::unwrap_used)]

mod elf;
