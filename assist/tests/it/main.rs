//! Tests of the crate's public face, over the example with the classic UART bug.
#![allow(clippy::unwrap_used)]

mod check;
mod context;
mod growth;
mod plan;
mod planted;
mod prompt;
mod recall;
mod rules;
mod sentences;
mod support;
mod symptoms;
mod triage;
mod verify;
