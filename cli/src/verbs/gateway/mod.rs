//! `silk gateway`: which model serves what, before anybody is asked.

mod check;
mod serve;
mod status;

use crate::args::{GatewayVerb, Global};
use crate::exit::Outcome;
use crate::session::Session;

/// `silk gateway`
pub(crate) fn run(flags: Global, verb: &GatewayVerb) -> Outcome {
    match verb {
        GatewayVerb::Serve(args) => serve::run(flags, args),
        GatewayVerb::Status(args) => status::run(&flags, args),
        GatewayVerb::Check => check::run(&mut Session::load(flags)?),
    }
}
