//! Tests of the crate's public face, over the example with the classic UART bug.
#![allow(clippy::unwrap_used)]

mod context;
mod plan;
mod prompt;
mod support;
mod triage;
mod verify;
