//! Tests of the `.silk` format.
#![allow(clippy::unwrap_used)]

mod core_file;
mod round_trip;
