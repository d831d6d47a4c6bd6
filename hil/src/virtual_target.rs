//! A virtual board's chip as probe-rs describes it, fitted to what QEMU has of it.

use probe_rs::Target;
use probe_rs::config::{
    FlashProperties, MemoryAccess, MemoryRegion, NvmRegion, RamRegion, RawFlashAlgorithm, Registry,
    SectorDescription,
};
use vbench::{FlashAlgorithm, HostFlash, Machine};

use crate::HilError;
use crate::open::target_named;

/// The chip of `machine`. Where QEMU has the flash controller, that is probe-rs's own description;
/// elsewhere its memories are those of the machine, and the bench itself erases and programs.
pub(crate) fn of(machine: &Machine) -> Result<Target, HilError> {
    let mut target = target_named(&Registry::from_builtin_families(), &machine.chip)?;
    if let Some(geometry) = machine.host_flash() {
        let cores: Vec<String> = target.cores.iter().map(|core| core.name.clone()).collect();
        target.memory_map = memories(machine, &cores);
        target.flash_algorithms = vec![algorithm(machine, geometry, cores)];
    }
    Ok(target)
}

fn memories(machine: &Machine, cores: &[String]) -> Vec<MemoryRegion> {
    let flash = MemoryRegion::Nvm(NvmRegion {
        name: Some("flash".to_owned()),
        range: machine.flash_range(),
        cores: cores.to_vec(),
        is_alias: false,
        access: Some(MemoryAccess { write: false, boot: true, ..MemoryAccess::default() }),
    });
    let ram = machine.ram.iter().map(|ram| {
        MemoryRegion::Ram(RamRegion {
            name: Some("RAM".to_owned()),
            range: ram.start..ram.start + ram.size,
            cores: cores.to_vec(),
            is_alias: false,
            access: None,
        })
    });
    std::iter::once(flash).chain(ram).collect()
}

/// How long a call may take. The bench answers at once; a busy host may not.
const CALL_MS: u32 = 10_000;

fn algorithm(machine: &Machine, geometry: &HostFlash, cores: Vec<String>) -> RawFlashAlgorithm {
    let stubs = FlashAlgorithm::stubs();
    let sectors = geometry.sectors.iter();
    RawFlashAlgorithm {
        name: format!("{}-by-the-bench", machine.name),
        description: "carried out by the virtual bench".to_owned(),
        default: true,
        instructions: stubs.code,
        pc_init: Some(stubs.init),
        pc_uninit: Some(stubs.uninit),
        pc_program_page: stubs.program_page,
        pc_erase_sector: stubs.erase_sector,
        pc_erase_all: Some(stubs.erase_all),
        flash_properties: FlashProperties {
            address_range: machine.flash_range(),
            page_size: geometry.page_size,
            erased_byte_value: 0xff,
            program_page_timeout: CALL_MS,
            erase_sector_timeout: CALL_MS,
            sectors: sectors
                .map(|run| SectorDescription { size: run.size, address: run.offset })
                .collect(),
        },
        cores,
        ..RawFlashAlgorithm::default()
    }
}
