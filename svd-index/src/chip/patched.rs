//! Which files corrected the SVD, and what they changed.

use super::{Chip, RegisterRef, records as rec};
use crate::Warning;

impl Chip {
    /// The patches that were applied, in their order, each followed by what it includes.
    pub fn patches(&self) -> Vec<&str> {
        let records = self.file.records::<rec::PatchRecord>(rec::PATCHES);
        records.iter().map(|record| self.text(record.path)).collect()
    }

    /// The rules of patches that were not followed, each with its file.
    pub fn patch_warnings(&self) -> Vec<(&str, Warning)> {
        let records = self.file.records::<rec::PatchWarningRecord>(rec::PATCH_WARNINGS);
        let warning = |record: &rec::PatchWarningRecord| Warning {
            path: self.text(record.path).to_owned(),
            line: record.line,
            what: self.text(record.what).to_owned(),
            assumed: self.text(record.assumed).to_owned(),
            left_out: false,
        };
        records.iter().map(|record| (self.patch(record.file), warning(record))).collect()
    }

    fn patch(&self, file: u32) -> &str {
        let records = self.file.records::<rec::PatchRecord>(rec::PATCHES);
        records.get(file as usize).map_or("", |record| self.text(record.path))
    }
}

impl<'c> RegisterRef<'c> {
    /// The patch that changed this register or one of its fields last, and the line of the rule.
    pub fn patch(&self) -> Option<(&'c str, u32)> {
        let records = self.chip.file.records::<rec::PatchedRecord>(rec::PATCHED);
        let index = records.iter().position(|record| record.register == self.index)?;
        let record = records.get(index)?;
        Some((self.chip.patch(record.file), record.line))
    }
}
