//! `silk index`: what an SVD holds as a whole, and what the cache of indexes holds.

mod cache;
mod dump;

use crate::args::IndexVerb;
use crate::exit::Outcome;
use crate::session::Session;

/// `silk index`
pub(crate) fn run(session: &mut Session, verb: &IndexVerb) -> Outcome {
    match verb {
        IndexVerb::Dump { file } => dump::run(session, file),
        IndexVerb::List => cache::list(session),
        IndexVerb::Gc(args) => cache::gc(session, args),
    }
}
