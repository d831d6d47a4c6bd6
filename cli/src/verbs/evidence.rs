//! What a question rests on: the index and a bundle, opened.

use std::path::Path;
use std::sync::Arc;

use crate::args::EvidenceArgs;
use crate::exit::Failure;
use crate::session::Session;
use crate::verbs::tools::Known;

/// Opens what the flags and settings name. A question needs a register map, or a bundle that
/// brings its own names.
pub(crate) fn open(session: &Session, bundle: Option<&Path>) -> Result<Arc<Known>, Failure> {
    assist::tokens::preload();
    let bundle = bundle.map(|path| session.bundle(path)).transpose()?;
    let index = session.index_with(bundle.as_ref())?;
    let known = Known::new(index, bundle, &session.config);
    if known.bundle.is_none() {
        known.chip()?;
    }
    session.follow_code(&known.index);
    Ok(Arc::new(known))
}

/// The budget: the flag, else the setting.
pub(crate) fn budget(session: &Session, args: &EvidenceArgs) -> usize {
    args.budget.unwrap_or(session.config.budget.value)
}
