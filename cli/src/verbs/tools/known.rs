//! What the tools answer from: the index and the bundle.

use std::sync::OnceLock;

use assist::{Prepared, TokenBudget, prepare};
use bundle::{Bundle, Facts};
use svd_index::elf::Firmware;
use svd_index::{Chip, Index};

use super::quote;
use crate::config::Config;
use crate::exit::Failure;
use crate::session::{another_chip, check_whole, need_chip, need_firmware};

/// Warnings about the code that an answer bears.
const WARNINGS: usize = 2;

/// Everything that is known, as the files were at one moment.
pub(crate) struct Known {
    pub(crate) index: Index,
    pub(crate) bundle: Option<Bundle>,
    /// Tells what is missing from where.
    config: Config,
    /// What to doubt once the firmware's code is followed; empty before.
    doubts: OnceLock<Vec<String>>,
    facts: OnceLock<Facts>,
}

impl Known {
    pub(crate) fn new(index: Index, bundle: Option<Bundle>, config: &Config) -> Self {
        let (doubts, facts) = (OnceLock::new(), OnceLock::new());
        Self { index, bundle, config: config.clone(), doubts, facts }
    }

    /// The chip, or what to configure to have one.
    pub(crate) fn chip(&self) -> Result<&Chip, Failure> {
        need_chip(&self.index, &self.config)
    }

    /// The firmware, or what to configure to have one.
    pub(super) fn firmware(&self) -> Result<&Firmware, Failure> {
        need_firmware(&self.index, &self.config)
    }

    /// Follows the firmware's code, once. Tells why what it shows may be of little use.
    pub(super) fn follow_code(&self) -> &[String] {
        let follow = || {
            let warnings = self.index.firmwares().iter().flat_map(Firmware::use_warnings);
            let told = warnings.take(WARNINGS).map(|warning| quote::name(&warning.to_string()));
            told.chain(another_chip(&self.index)).collect()
        };
        self.doubts.get_or_init(follow)
    }

    /// What the bundle shows, or the firmware alone does. With neither register map nor bundle
    /// there is nothing.
    ///
    /// # Errors
    /// There is nothing, and what to configure.
    pub(super) fn facts(&self) -> Result<&Facts, Failure> {
        let derive = || match &self.bundle {
            Some(bundle) if self.index.chip().is_none() => bundle.facts.clone(),
            Some(bundle) => Facts {
                findings: assist::triage(&self.index, Some(bundle)),
                ..assist::name_snapshot(&self.index, &bundle.snapshot)
            },
            None => Facts { findings: assist::triage(&self.index, None), ..Facts::default() },
        };
        if self.bundle.is_none() {
            self.chip()?;
        }
        Ok(self.facts.get_or_init(derive))
    }

    /// Selects evidence for `question` and writes the prompt.
    ///
    /// # Errors
    /// The index is damaged: what it says may be incomplete.
    pub(crate) fn prepare(&self, question: &str, budget: usize) -> Result<Prepared, Failure> {
        let budget = TokenBudget::new(budget);
        let prepared = prepare(&self.index, self.bundle.as_ref(), question, budget);
        self.check_whole()?;
        Ok(prepared)
    }

    /// Refuses to state facts from an index that turned out damaged.
    pub(super) fn check_whole(&self) -> Result<(), Failure> {
        check_whole(&self.index)
    }
}
