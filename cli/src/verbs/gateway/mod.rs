//! `silk gateway`: which model serves what, before anybody is asked.

mod check;
mod explain;
mod serve;
mod settings;
mod spend;
mod status;
mod tls;

use crate::args::{GatewayVerb, Global};
use crate::exit::Outcome;

/// `silk gateway`
pub(crate) fn run(flags: Global, verb: &GatewayVerb) -> Outcome {
    match verb {
        GatewayVerb::Serve(args) => serve::run(flags, args),
        GatewayVerb::Status(args) => status::run(&flags, args),
        GatewayVerb::Check => check::run(flags),
        GatewayVerb::Explain(args) => explain::run(flags, args),
    }
}
