//! The register maps and the firmware: readable, and of one chip?

use std::path::Path;

use svd_index::elf::{Firmware, Machine};
use svd_index::{Chip, Index, IndexError, Opened, Sources};

use super::{Check, svds};
use crate::project::{agreement, svd_fits_chip};
use crate::session::Session;

/// Opens each configured source by itself, then asks whether they belong together.
pub(super) fn check(session: &Session) -> Vec<Check> {
    let config = &session.config;
    let mut checks = Vec::new();
    let mut readable = Sources::default();
    for (path, source) in config.svds.value.iter().zip(config.svd_sources()) {
        match open(session, &Sources { svds: vec![source.clone()], elfs: Vec::new() }) {
            Ok(opened) => {
                checks
                    .extend(opened.index.chip().map(|chip| svd(path, chip, opened.warnings.len())));
                readable.svds.push(source);
            }
            Err(error) => checks.push(unreadable("svd", &error, &config.svds.source)),
        }
    }
    for path in &config.elfs.value {
        match open(session, &Sources { svds: Vec::new(), elfs: vec![path.clone()] }) {
            Ok(opened) => {
                checks.extend(opened.index.firmware().map(|firmware| elf(path, firmware)));
                readable.elfs.push(path.clone());
            }
            Err(error) => checks.push(unreadable("elf", &error, &config.elfs.source)),
        }
    }
    if config.svds.value.is_empty() {
        let missing = Check::missing("svd", "no SVD is configured: no register can be named");
        checks.push(missing.hint(svds::advice(config.chip.value.as_deref())));
    }
    if config.elfs.value.is_empty() {
        let what = "no ELF is configured: no function or line can be named";
        let missing = Check::missing("elf", what);
        checks.push(missing.hint("`silk init` looks for it in the project"));
    }
    if let Ok(opened) = open(session, &readable) {
        checks.extend(fit(session, &opened.index));
    }
    checks
}

fn open(session: &Session, sources: &Sources) -> Result<Opened, IndexError> {
    Index::open(sources, &session.config.folders.cache.join("index"))
}

fn svd(path: &Path, chip: &Chip, oddities: usize) -> Check {
    let device = chip.device();
    let (path, name) = (path.display(), device.name);
    let counts = format!(
        "{} peripherals, {} registers, {} fields",
        device.peripherals, device.registers, device.fields
    );
    let patched = match chip.patches().as_slice() {
        [] => String::new(),
        files => format!(", patched by {}", files.join(", ")),
    };
    let detail = format!("{path}: {name}, {counts}{patched}");
    if device.registers == 0 {
        return Check::warning("svd", detail).hint("this SVD describes no register; use another");
    }
    match oddities {
        0 => Check::ok("svd", detail),
        1 => Check::ok("svd", format!("{detail}; 1 oddity worked around")),
        several => Check::ok("svd", format!("{detail}; {several} oddities worked around")),
    }
}

fn elf(path: &Path, firmware: &Firmware) -> Check {
    let functions = firmware.functions().count();
    let symbols = firmware.symbols().count();
    let machine = machine_name(firmware.machine());
    let detail = format!("{}: {machine}, {symbols} symbols, {functions} functions", path.display());
    let is_known = matches!(firmware.machine(), Machine::Arm | Machine::RiscV);
    match (is_known, firmware.has_dwarf()) {
        (false, _) => Check::warning("elf", detail)
            .hint("this is no firmware for Arm or RISC-V; use another ELF"),
        (true, false) => Check::warning("elf", format!("{detail}, no debug information")).hint(
            "build with -g (Cargo: debug = 2): without it there are no lines and no variables",
        ),
        (true, true) => Check::ok("elf", format!("{detail}, with lines")),
    }
}

fn unreadable(name: &'static str, error: &IndexError, source: &crate::config::Source) -> Check {
    let mut detail = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        detail.push_str(&format!(": {next}"));
        cause = next.source();
    }
    Check::broken(name, detail).hint(format!("configured by {source}"))
}

/// Whether SVD, firmware and chip name are of one chip.
fn fit(session: &Session, index: &Index) -> Vec<Check> {
    let mut checks = Vec::new();
    for (chip, path) in index.chips().iter().zip(&session.config.svds.value) {
        checks.extend(index.firmwares().iter().filter_map(|firmware| processors(chip, firmware)));
        checks.extend(names(session, chip, path));
    }
    let Some(agreement) = agreement(index) else { return checks };
    let (known, accesses) = (agreement.known, agreement.accesses);
    let detail = format!(
        "{known} of {accesses} peripheral addresses that the firmware uses are known registers"
    );
    checks.push(match agreement.is_of_another_chip() {
        true => Check::warning("agreement", format!("ELF of another chip than the SVD: {detail}"))
            .hint("check --svd and --elf, or run `silk init` again"),
        false => Check::ok("agreement", detail),
    });
    checks
}

fn processors(chip: &Chip, firmware: &Firmware) -> Option<Check> {
    let device = chip.device();
    let cpu = device.cpu?.name;
    let machine = firmware.machine();
    (is_arm(cpu) && machine == Machine::RiscV).then(|| {
        let detail =
            format!("the SVD's processor is {cpu}, the firmware is for {}", machine_name(machine));
        Check::warning("agreement", detail).hint("check --svd and --elf, or run `silk init` again")
    })
}

/// Names of Arm's processors in an SVD.
///
/// Source: CMSIS-SVD, `<cpu>` `<name>`: `CM…`, `SC000`, `SC300`, `ARMV8…`, `CA…`, `SMC1`.
fn is_arm(cpu: &str) -> bool {
    let cpu = cpu.to_ascii_uppercase();
    ["CM", "SC000", "SC300", "ARM", "CA", "SMC1"].iter().any(|start| cpu.starts_with(start))
}

/// Warns if neither the SVD's name nor its file's fits the chip's.
fn names(session: &Session, chip: &Chip, path: &Path) -> Option<Check> {
    let name = session.config.chip.value.as_deref()?;
    let device = chip.device().name.to_owned();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if svd_fits_chip(&device, name).is_some() || svd_fits_chip(&stem, name).is_some() {
        return None;
    }
    let detail = format!("the chip is {name}, the SVD describes {device}");
    Some(
        Check::warning("agreement", detail)
            .hint("if the SVD is of another chip, every register is wrong"),
    )
}

fn machine_name(machine: Machine) -> String {
    match machine {
        Machine::Arm => "Arm".to_owned(),
        Machine::RiscV => "RISC-V".to_owned(),
        Machine::Other(number) => format!("ELF machine {number}"),
        Machine::Unknown => "unknown processor".to_owned(),
    }
}
