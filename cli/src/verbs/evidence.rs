//! What a question rests on: the index, a bundle, and what `assist` makes of both.

use std::path::Path;

use assist::{Prepared, TokenBudget, prepare};
use bundle::Bundle;
use svd_index::Index;

use crate::args::EvidenceArgs;
use crate::exit::Failure;
use crate::session::{Session, check_whole, need_chip};

/// Everything that stays alive while a question is worked on.
pub(crate) struct Sources {
    pub(crate) index: Index,
    pub(crate) bundle: Option<Bundle>,
}

impl Sources {
    /// Opens what the flags and settings name. A question needs a register map, or a bundle that
    /// brings its own names.
    pub(crate) fn open(session: &Session, bundle: Option<&Path>) -> Result<Self, Failure> {
        assist::tokens::preload();
        let bundle = bundle.map(|path| session.bundle(path)).transpose()?;
        let index = session.index_with(bundle.as_ref())?;
        if bundle.is_none() {
            need_chip(&index, &session.config)?;
        }
        session.follow_code(&index);
        Ok(Self { index, bundle })
    }

    /// Selects evidence for `question` and writes the prompt.
    ///
    /// # Errors
    /// The index is damaged: what it says may be incomplete.
    pub(crate) fn prepare(&self, question: &str, budget: usize) -> Result<Prepared, Failure> {
        let budget = TokenBudget::new(budget);
        let prepared = prepare(&self.index, self.bundle.as_ref(), question, budget);
        check_whole(&self.index)?;
        Ok(prepared)
    }
}

/// The budget: the flag, else the setting.
pub(crate) fn budget(session: &Session, args: &EvidenceArgs) -> usize {
    args.budget.unwrap_or(session.config.budget.value)
}
