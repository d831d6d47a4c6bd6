//! Tests of the `.silk` format.
#![allow(clippy::unwrap_used)]

mod round_trip;
