//! Which registers a snapshot reads: enough to explain the firmware, nothing that would disturb it.

use std::collections::BTreeSet;

use bundle::{ReadPlan, ReadRequest, Skip};
use svd_index::Index;

use crate::catalog::{Catalog, Register};
use crate::words;

/// Most reads of one plan. At 1 MHz SWD a word takes about 0.1 ms, so this stays near a tenth
/// of a second.
const MAX_READS: usize = 1024;

/// Most elements read of one array: enough for channels, not for memories declared as registers.
const MAX_ELEMENTS: u64 = 32;

/// Addresses of which the owners are the core's own peripherals: SysTick, NVIC, SCB. They tell what
/// is pending, enabled and faulted, whatever the firmware uses.
///
/// Source: ARMv7-M ARM, DDI 0403E, B3.2.2 (System Control Space); ARMv6-M ARM, DDI 0419E, B3.2.2.
const CORE: [u64; 3] = [0xe000_e010, 0xe000_e100, 0xe000_ed00];

/// Names of peripherals that say what clocks run, from what, what is held in reset and why the chip
/// was reset. They answer whatever else is switched off, and reading them changes nothing but what
/// their description says.
const CLOCKS: &[&str] = &[
    // ST, GigaDevice, Artery
    "RCC",
    "PWR",
    "FLASH",
    "RCU",
    "PMU",
    "FMC",
    "CRM",
    // Nordic
    "CLOCK",
    "POWER",
    // Raspberry Pi
    "CLOCKS",
    "PLL_SYS",
    "PLL_USB",
    "XOSC",
    "ROSC",
    "RESETS",
    "WATCHDOG",
    // NXP
    "SIM",
    "MCG",
    "OSC",
    "OSC0",
    "SCG",
    "PCC",
    "RCM",
    "SYSCON",
    "CCM",
    "CCM_ANALOG",
    "SRC",
    // Microchip
    "PMC",
    "PM",
    "GCLK",
    "MCLK",
    "SYSCTRL",
    "OSCCTRL",
    "OSC32KCTRL",
    "RSTC",
    // Silicon Labs
    "CMU",
    "RMU",
    // SiFive
    "PRCI",
];

/// Which peripherals a plan covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those that the firmware's code touches; besides, whatever it touches, the core's own and
    /// those that tell of clocks and resets.
    Firmware,
    /// These and no others, by name; `*` and `?` are wildcards, case does not matter.
    Peripherals(Vec<String>),
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The index holds no SVD, so no register has a name.
    #[error("plan a snapshot: no SVD is loaded, so it is not known which registers there are")]
    NoChip,
    /// The index holds no firmware to tell which peripherals are used.
    #[error("plan a snapshot: no firmware is loaded, so name the peripherals to read")]
    NoFirmware,
    /// A name fits no peripheral of the chip.
    #[error("plan a snapshot: the chip has no peripheral `{name}`{}", meant(.nearest))]
    UnknownPeripheral {
        /// As given.
        name: String,
        /// The name that is spelled most like it.
        nearest: Option<String>,
    },
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; `{name}` is spelled like it")).unwrap_or_default()
}

/// Plans the reads of a snapshot, in address order.
///
/// Left out, each with its reason in [`ReadPlan::skipped`]: registers whose read changes the
/// hardware (`readAction`, of the register or of one of its fields), write-only ones, elements
/// of an array past the first 32, and whatever comes after 1024 reads. Registers that overlap
/// (`alternateRegister`) are read once, with the widest access among them. What is in no memory,
/// as the CSRs of RISC-V, is no part of a plan: their numbers are not addresses. Of 1024 reads those
/// of peripherals that the firmware touches come first.
///
/// # Errors
/// See [`PlanError`].
pub fn read_plan(index: &Index, scope: &Scope) -> Result<ReadPlan, PlanError> {
    let catalog = Catalog::of_chip(index).ok_or(PlanError::NoChip)?;
    let (asked, always) = match scope {
        Scope::Firmware => {
            let used = peripherals_used(index, &catalog)?;
            let always = &peripherals_always(&catalog) - &used;
            (used, always)
        }
        Scope::Peripherals(names) => (peripherals_named(&catalog, names)?, BTreeSet::new()),
    };
    let mut registers = registers_of(&catalog, &asked);
    registers.extend(registers_of(&catalog, &always));
    Ok(plan_registers(&registers))
}

/// Registers in memory, in address order. The widest of those at one address comes first, so the
/// others are found covered.
fn registers_of<'c>(
    catalog: &'c Catalog<'c>,
    peripherals: &BTreeSet<usize>,
) -> Vec<&'c Register<'c>> {
    let registers = peripherals.iter().flat_map(|&at| catalog.registers_of(at));
    let mut registers: Vec<&Register<'_>> =
        registers.filter(|register| register.is_in_memory()).collect();
    registers.sort_by_key(|register| (register.address, std::cmp::Reverse(register.size_bits)));
    registers
}

/// Peripherals that tell of the core, of clocks and of resets.
fn peripherals_always(catalog: &Catalog<'_>) -> BTreeSet<usize> {
    let core = CORE.iter().filter_map(|&address| catalog.peripheral_of_address(address));
    let by_name = catalog.peripherals.iter().enumerate().filter_map(|(at, peripheral)| {
        CLOCKS.iter().any(|name| name.eq_ignore_ascii_case(peripheral.name)).then_some(at)
    });
    core.chain(by_name).collect()
}

fn peripherals_used(index: &Index, catalog: &Catalog<'_>) -> Result<BTreeSet<usize>, PlanError> {
    index.firmware().ok_or(PlanError::NoFirmware)?;
    let accesses = index.firmwares().iter().flat_map(|firmware| firmware.accesses());
    Ok(accesses.filter_map(|access| catalog.peripheral_of_address(access.address)).collect())
}

fn peripherals_named(
    catalog: &Catalog<'_>,
    names: &[String],
) -> Result<BTreeSet<usize>, PlanError> {
    let mut found = BTreeSet::new();
    for name in names {
        let before = found.len();
        let matching = catalog.peripherals.iter().enumerate();
        let matching = matching.filter(|(_, peripheral)| words::wildcard(name, peripheral.name));
        let mut any = false;
        for (at, _) in matching {
            any = true;
            found.insert(at);
        }
        if !any && found.len() == before {
            let nearest = catalog.nearest_peripheral(name).map(str::to_owned);
            return Err(PlanError::UnknownPeripheral { name: name.clone(), nearest });
        }
    }
    Ok(found)
}

/// Turns registers, of one address the widest first, into reads and skips in address order.
fn plan_registers(registers: &[&Register<'_>]) -> ReadPlan {
    let mut plan = ReadPlan::default();
    let disturbing = disturbing_ranges(registers);
    let mut covered = BTreeSet::new();
    for register in registers {
        let bytes = u64::from(register.size_bits / 8).max(1);
        for element in register.elements() {
            let request = ReadRequest { address: element.address, size_bits: register.size_bits };
            if covered.contains(&request.address) {
                continue;
            }
            let refused = refusal(register, element.number, plan.registers.len()).or_else(|| {
                let end = request.address + bytes;
                let hit = disturbing.iter().find(|hit| hit.0 < end && request.address < hit.1)?;
                Some(format!("it shares its address with {}, whose read changes it", hit.2))
            });
            covered.extend(request.address..request.address + bytes);
            match refused {
                None => plan.registers.push(request),
                Some(why) => {
                    let why = format!("{}: {why}", element.path);
                    plan.skipped.push(Skip { request, why });
                }
            }
            if element.number > MAX_ELEMENTS {
                break;
            }
        }
    }
    plan.registers.sort();
    plan.skipped.sort_by_key(|skip| skip.request);
    plan
}

/// Byte ranges of registers whose read changes the hardware, with the register's path.
fn disturbing_ranges(registers: &[&Register<'_>]) -> Vec<(u64, u64, String)> {
    registers
        .iter()
        .filter(|register| register.read_effect().is_some())
        .flat_map(|register| {
            let bytes = u64::from(register.size_bits / 8).max(1);
            let elements = register.elements().take(MAX_ELEMENTS as usize + 1);
            elements.map(move |at| (at.address, at.address + bytes, at.path))
        })
        .collect()
}

/// Why a register is not read, if it is not.
fn refusal(register: &Register<'_>, element: u64, reads: usize) -> Option<String> {
    if let Some(effect) = register.read_effect() {
        return Some(format!("reading it changes it ({effect})"));
    }
    if !register.can_read {
        return Some("it is write-only".to_owned());
    }
    if element >= MAX_ELEMENTS {
        return Some(format!("only the first {MAX_ELEMENTS} elements of an array are read"));
    }
    (reads >= MAX_READS).then(|| format!("the plan already has {MAX_READS} reads"))
}
