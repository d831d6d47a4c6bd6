//! Which boards there are. A board is data (`boards/*.toml`); a further one needs no code.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::{BenchError, FidelityEntry, FidelityTable};

/// A virtual board: a QEMU machine, the chip it stands for and its debug port.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Name in selectors, such as `microbit`.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Chip name as probe-rs has it.
    pub chip: String,
    /// What to start.
    pub qemu: QemuSpec,
    /// Identity of the debug port.
    pub debug_port: DebugPortSpec,
    /// The flash that firmware is programmed into.
    pub flash: FlashSpec,
    /// The memories that QEMU gives the machine; a chip may have more.
    pub ram: Vec<RamSpec>,
    /// Register writes that make the flash blank, as it is on a new part.
    #[serde(default)]
    pub blank: Vec<RegisterWrite>,
    /// The UART whose text is captured, if the board has one.
    pub serial: Option<SerialSpec>,
    /// Input pins that can be driven from outside, if QEMU has them.
    pub pins: Option<PinsSpec>,
    /// Writes without which a device ignores others, needed to scan it.
    #[serde(default)]
    pub switch_on: Vec<SwitchOn>,
    /// Absolute addresses that a scan leaves alone: QEMU ends when they are written.
    #[serde(default)]
    pub fatal: Vec<u64>,
    /// Labels that a scan cannot find, each proved by a test: registers that the device changes
    /// by itself, and the core's own.
    #[serde(default)]
    pub known: Vec<FidelityEntry>,
    /// What [`crate::scan`] found for the registers of the chip's SVD.
    #[serde(skip)]
    pub measured: FidelityTable,
}

/// Which QEMU a board needs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QemuSpec {
    /// Program name, looked up in PATH unless a bench is told another.
    pub program: String,
    /// Argument of `-M`.
    pub machine: String,
    /// Oldest release the board was checked with.
    pub minimum: Version,
}

/// Constants that a debugger reads off the debug port.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DebugPortSpec {
    /// DPIDR (ADIv5.2, B2.2.5).
    pub dpidr: u32,
    /// IDR of access port 0, the AHB-AP (ADIv5.2, C2.6.7).
    pub ahb_ap_idr: u32,
    /// BASE of access port 0: the ROM table's address and its presence bits.
    pub ahb_ap_base: u32,
    /// Comparators of the breakpoint unit.
    pub breakpoints: u32,
    /// Comparators of the watchpoint unit.
    pub watchpoints: u32,
    /// Words by which the chip says who it is, where QEMU has none.
    #[serde(default)]
    pub identity: Vec<RegisterWrite>,
}

/// Where firmware goes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlashSpec {
    /// Address of the first byte.
    pub start: u64,
    /// Bytes.
    pub size: u64,
    /// Who carries out erasing and programming.
    pub controller: FlashController,
}

/// Who erases and programs the flash.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlashController {
    /// QEMU has the chip's own: a debugger's own flash algorithm runs, and firmware can write too.
    Emulated(FlashUnlock),
    /// QEMU has none: the bench does what a flash algorithm would. See [`crate::FlashAlgorithm`].
    Host(HostFlash),
}

/// The flash controller's write switch, needed to restore an image after a restart.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlashUnlock {
    /// Its register.
    pub address: u64,
    /// Value that lets writes through.
    pub open: u32,
    /// Value that does not.
    pub closed: u32,
}

/// The geometry of a flash whose controller the bench stands in for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFlash {
    /// Bytes that one call programs at most.
    pub page_size: u32,
    /// What is erased at once: runs of equal sectors, by address, as the chip's manual has them.
    pub sectors: Vec<SectorRun>,
}

/// Sectors of one size, up to where the next run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SectorRun {
    /// Offset of the first from the start of the flash.
    pub offset: u64,
    /// Bytes of each.
    pub size: u64,
}

/// A memory for data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RamSpec {
    /// Address of the first byte.
    pub start: u64,
    /// Bytes.
    pub size: u64,
}

/// A write that makes a device take others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchOn {
    /// Absolute address of the switch.
    pub address: u64,
    /// What turns it on.
    pub value: u32,
    /// First address that it switches.
    pub start: u64,
    /// Address after the last that it switches.
    pub end: u64,
}

impl SwitchOn {
    pub(crate) fn serves(&self, address: u64) -> bool {
        (self.start..self.end).contains(&address) && address != self.address
    }
}

/// One 32-bit register write.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterWrite {
    /// Absolute address.
    pub address: u64,
    /// The bits.
    pub value: u32,
}

/// The UART whose text is captured.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SerialSpec {
    /// Name as the chip's manual has it, such as `UART0`.
    pub name: String,
}

/// The input pins of a chip as QEMU names them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinsSpec {
    /// Path in QEMU's tree of objects. A wrong one ends QEMU, so a test drives a pin.
    pub path: String,
    /// Name of its inputs.
    pub input: String,
    /// How many there are.
    pub count: u32,
}

impl Machine {
    /// What a read at `address` is worth on this board. `None`: nobody has looked.
    pub fn fidelity(&self, address: u64) -> Option<&FidelityEntry> {
        let known = self.known.iter().find(|entry| (entry.start..entry.end).contains(&address));
        known.or_else(|| self.measured.at(address))
    }

    /// Absolute addresses of the flash.
    pub fn flash_range(&self) -> Range<u64> {
        self.flash.start..self.flash.start + self.flash.size
    }

    /// The flash geometry, if the bench itself erases and programs.
    pub fn host_flash(&self) -> Option<&HostFlash> {
        match &self.flash.controller {
            FlashController::Host(geometry) => Some(geometry),
            FlashController::Emulated(_) => None,
        }
    }
}

/// A release of QEMU. Orders as releases do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number, 0 where none is given.
    pub micro: u32,
}

impl Version {
    /// Reads `7.2` or `7.2.22`, with anything after the numbers ignored. `None`: no number there.
    pub fn parse(text: &str) -> Option<Version> {
        let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
        let mut parts = numbers.split('.').map(str::parse);
        Some(Version {
            major: parts.next()?.ok()?,
            minor: parts.next()?.ok()?,
            micro: parts.next().and_then(Result::ok).unwrap_or(0),
        })
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Version, String> {
        Version::parse(&text).ok_or_else(|| format!("`{text}` is not a version such as 7.2"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

/// Every board, in the order they are listed.
pub fn machines() -> &'static [Machine] {
    static MACHINES: LazyLock<Vec<Machine>> =
        LazyLock::new(|| BOARDS.iter().map(|(board, fidelity)| parse(board, fidelity)).collect());
    &MACHINES
}

/// The board named `name`.
///
/// # Errors
/// [`BenchError::UnknownBoard`], with the names there are.
pub fn machine(name: &str) -> Result<&'static Machine, BenchError> {
    machines().iter().find(|machine| machine.name == name).ok_or_else(|| BenchError::UnknownBoard {
        name: name.to_owned(),
        known: machines().iter().map(|m| m.name.clone()).collect(),
    })
}

/// Each board's own file and its fidelity table.
const BOARDS: &[(&str, &str)] = &[
    (include_str!("../boards/microbit.toml"), include_str!("../boards/microbit.fidelity.toml")),
    (
        include_str!("../boards/netduinoplus2.toml"),
        include_str!("../boards/netduinoplus2.fidelity.toml"),
    ),
    (
        include_str!("../boards/olimex-stm32-h405.toml"),
        include_str!("../boards/olimex-stm32-h405.fidelity.toml"),
    ),
    (
        include_str!("../boards/b-l475e-iot01a.toml"),
        include_str!("../boards/b-l475e-iot01a.fidelity.toml"),
    ),
    (include_str!("../boards/mps2-an385.toml"), include_str!("../boards/mps2-an385.fidelity.toml")),
];

fn parse(board: &str, fidelity: &str) -> Machine {
    let mut machine: Machine = toml::from_str(board).expect("a test parses every built-in board");
    machine.measured =
        FidelityTable::parse(fidelity).expect("a test parses every built-in fidelity table");
    machine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_boards_parse() {
        assert!(machines().iter().any(|machine| machine.name == "microbit"));
        for found in machines() {
            assert_eq!(machine(&found.name).map(|m| &m.chip).ok(), Some(&found.chip));
            assert!(!found.measured.entries().is_empty(), "{}", found.name);
        }
    }

    #[test]
    fn an_unknown_board_names_the_known_ones() {
        let error = machine("nucleo").expect_err("not in the catalog").to_string();
        assert!(error.contains("microbit"), "{error}");
    }

    #[test]
    fn versions_order_as_releases_do() {
        let version = |text| Version::parse(text).expect(text);
        assert!(version("7.2.22 (Debian 1:7.2+dfsg-7)") > version("7.2"));
        assert!(version("10.0.2") > version("7.2.22"));
        assert_eq!(version("7.2.22").to_string(), "7.2.22");
        assert_eq!(Version::parse("seven"), None);
    }
}
