//! Tests of the crate's public face, most of them on a virtual micro:bit.
#![allow(clippy::unwrap_used)]

mod autopsy;
mod debugging;
mod errors;
mod firmware;
mod flood;
mod lifetime;
mod lock;
mod parts;
mod proxy;
mod reading;
mod running;
mod served;
mod tests_on_target;
