//! What a rule is, and how it says what it found.

use bundle::{BitsFact, FactSource, Finding, Severity, WriteFact};

use super::evidence::Evidence;
use super::faults::Fault;
use super::flags::Flag;
use super::{Observed, RULE_TABLES};
use crate::readings::Bits;

/// One rule.
pub struct Rule {
    /// Name, as in a finding. Stays the same from version to version.
    pub name: &'static str,
    /// Why what it finds is wrong, in one sentence.
    pub reason: &'static str,
    /// Document, revision and section that say so.
    pub source: &'static str,
    /// How much a finding matters.
    pub severity: Severity,
    /// Registers and bits that prove it.
    pub rests_on: &'static str,
    /// When it cannot know, and so says nothing. That a register was not read, or is not modelled
    /// by an emulator, holds for all rules and is not repeated.
    pub silent: &'static str,
    pub(super) check: Check,
}

/// How a rule looks.
pub(super) enum Check {
    /// At each field by itself; of a firmware too, where no board was read.
    Field(fn(&Observed<'_>) -> Option<Finding>),
    /// For flags that say it themselves.
    Flags(&'static [Flag]),
    /// For a bit of the core's fault registers.
    Fault(Fault),
    /// At all that is known.
    Board(fn(&Rule, &Evidence<'_>) -> Vec<Finding>),
}

/// Every rule.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    RULE_TABLES.iter().flat_map(|table| table.iter())
}

impl Rule {
    /// Begins a finding; `summary` says what is wrong, in one sentence without its full stop.
    pub(super) fn proved<'a>(&'a self, evidence: &'a Evidence<'a>, summary: String) -> Proof<'a> {
        let rests_on = Vec::new();
        Proof {
            rule: self,
            evidence,
            summary,
            rests_on,
            writes: Vec::new(),
            line: None,
            elf: false,
        }
    }
}

/// A finding while its evidence is put together.
pub(super) struct Proof<'a> {
    rule: &'a Rule,
    evidence: &'a Evidence<'a>,
    summary: String,
    rests_on: Vec<BitsFact>,
    writes: Vec<WriteFact>,
    line: Option<u32>,
    elf: bool,
}

impl Proof<'_> {
    /// Writes that a finding lists at most.
    const MOST_WRITES: usize = 8;

    /// Rests on these bits. The first given are what the finding is about.
    pub(super) fn by(mut self, bits: Bits<'_>) -> Self {
        self.line.get_or_insert(bits.line());
        self.rests_on.push(bits.fact());
        self
    }

    /// Rests on these bits too, if there are any.
    pub(super) fn and(self, bits: Option<Bits<'_>>) -> Self {
        match bits {
            Some(bits) => self.by(bits),
            None => self,
        }
    }

    /// Rests on a register of the core, which has a name and no address.
    pub(super) fn by_core(mut self, name: &str, value: u64) -> Self {
        self.rests_on.push(BitsFact {
            register: name.to_owned(),
            address: None,
            value,
            field: String::new(),
            raw: value,
            decoded: None,
        });
        self
    }

    /// Explained by what the firmware writes to the register at `path`.
    pub(super) fn written_to(mut self, path: &str) -> Self {
        let writes = self.evidence.writes.iter().filter(|write| write.register == path);
        self.writes.extend(writes.take(Self::MOST_WRITES).cloned());
        self
    }

    /// Rests on the firmware's file.
    pub(super) fn by_firmware(mut self) -> Self {
        self.elf = true;
        self
    }

    pub(super) fn finding(self) -> Finding {
        let Self { rule, evidence, mut summary, rests_on, writes, line, elf } = self;
        let board = &evidence.bundle.snapshot.board;
        if board.virtual_board.is_some() {
            summary += " (read from a virtual board)";
        }
        let source = |kind: &str, name: &str, line| {
            let (kind, name) = (kind.to_owned(), name.to_owned());
            FactSource { kind, name, line }
        };
        let mut sources = vec![source("board", &board.selector, None)];
        if line.is_some() {
            sources.push(source("svd", evidence.chip.device().name, line));
        }
        if elf || !writes.is_empty() {
            let file = evidence.bundle.manifest.elf.as_ref().map(|elf| elf.name.as_str());
            sources.push(source("elf", file.unwrap_or("firmware"), None));
        }
        let manuals = manuals(rule.source, evidence.chip.device().name);
        sources.push(source("manual", &manuals, None));
        let main = rests_on.first();
        Finding {
            rule: rule.name.to_owned(),
            severity: rule.severity,
            summary,
            register: main.map(|main| main.register.clone()).unwrap_or_default(),
            field: main.map(|main| main.field.clone()).filter(|field| !field.is_empty()),
            found: main.map_or(0, |main| main.raw),
            meant: None,
            meant_name: None,
            meant_why: None,
            reason: rule.reason.to_owned(),
            rests_on,
            writes,
            sources,
        }
    }
}

/// Of a rule's manuals those of this device's family; all, if none is.
fn manuals(source: &str, device: &str) -> String {
    /// How the names of devices begin, and those of their manuals.
    const FAMILIES: [(&str, &str); 4] =
        [("stm32", "RM"), ("nrf51", "nRF51"), ("nrf52", "nRF52"), ("rp2040", "RP2040")];
    let device = device.to_ascii_lowercase();
    let family = FAMILIES.iter().find(|(start, _)| device.starts_with(start));
    let of_family = |part: &&str| {
        let other = |known: &&(&str, &str)| part.starts_with(known.1);
        FAMILIES.iter().find(other).is_none_or(|owner| Some(owner) == family)
    };
    let parts: Vec<&str> = source.split("; ").filter(of_family).collect();
    if parts.is_empty() { source.to_owned() } else { parts.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::manuals;

    #[test]
    fn a_finding_names_the_manual_of_its_chip() {
        let all = "RM0090 Rev 19, 30.6.1; nRF51 RM v3.0.1, 29.10; nRF52840 PS v1.7, 6.34";
        assert_eq!(manuals(all, "STM32F407"), "RM0090 Rev 19, 30.6.1");
        assert_eq!(manuals(all, "nrf52840"), "nRF52840 PS v1.7, 6.34");
        assert_eq!(manuals(all, "RP2040"), all);
        let core = "ARMv7-M ARM, DDI 0403E, B3.2.15 (CFSR)";
        assert_eq!(manuals(core, "nrf51"), core);
    }
}
