//! Tests of the crate's public face against a real QEMU.
#![allow(clippy::unwrap_used)]

mod fidelity;
mod firmware;
mod known;
mod lifetime;
mod parts;
mod start;
mod stimuli;
