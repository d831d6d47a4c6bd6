//! A virtual board's chip as probe-rs describes it, fitted to what QEMU has of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use probe_rs::Target;
use probe_rs::config::{
    CoreType, FlashProperties, MemoryAccess, MemoryRegion, NvmRegion, RamRegion, RawFlashAlgorithm,
    Registry, SectorDescription,
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

/// The name under which a probe-rs elsewhere knows the chip of `machine`: its own, or that of
/// [`chip_description`].
pub fn description_chip(machine: &Machine) -> String {
    match machine.host_flash() {
        Some(_) => format!("{}-virtual", machine.name),
        None => machine.chip.clone(),
    }
}

/// The chip of `machine` for `probe-rs --chip-description-path`, as YAML. `None`: probe-rs's own
/// description serves.
pub fn chip_description(machine: &Machine) -> Option<String> {
    let geometry = machine.host_flash()?;
    let core = Registry::from_builtin_families().get_target_by_name(&machine.chip).ok()?;
    let core = match core.cores.first()?.core_type {
        CoreType::Armv6m => "armv6m",
        CoreType::Armv7m => "armv7m",
        CoreType::Armv7em => "armv7em",
        CoreType::Armv8m => "armv8m",
        _ => return None,
    };
    let stubs = FlashAlgorithm::stubs();
    let flash = machine.flash_range();
    let name = description_chip(machine);
    let mut text = format!(
        "# The chip of the virtual board {}: its flash is erased and programmed by the bench.\n\
         name: {name}\nvariants:\n- name: {name}\n  cores:\n  - name: main\n    type: {core}\n    \
         core_access_options: !Arm\n      ap: !v1 0\n  memory_map:\n  - !Nvm\n    range:\n      \
         start: {:#x}\n      end: {:#x}\n    cores: [main]\n    access:\n      boot: true\n      \
         write: false\n",
        machine.name, flash.start, flash.end
    );
    for ram in &machine.ram {
        let (start, end) = (ram.start, ram.start + ram.size);
        text += &format!(
            "  - !Ram\n    range:\n      start: {start:#x}\n      end: {end:#x}\n    cores: [main]\n"
        );
    }
    text += &format!(
        "  flash_algorithms: [by-the-bench]\nflash_algorithms:\n- name: by-the-bench\n  \
         description: carried out by the virtual bench\n  default: true\n  instructions: {}\n  \
         pc_init: {:#x}\n  pc_uninit: {:#x}\n  pc_program_page: {:#x}\n  pc_erase_sector: {:#x}\n  \
         pc_erase_all: {:#x}\n  data_section_offset: 0x0\n  flash_properties:\n    \
         address_range:\n      start: {:#x}\n      end: {:#x}\n    page_size: {:#x}\n    \
         erased_byte_value: 0xff\n    program_page_timeout: {CALL_MS}\n    \
         erase_sector_timeout: {CALL_MS}\n    sectors:\n",
        BASE64.encode(&stubs.code),
        stubs.init,
        stubs.uninit,
        stubs.program_page,
        stubs.erase_sector,
        stubs.erase_all,
        flash.start,
        flash.end,
        geometry.page_size,
    );
    for run in &geometry.sectors {
        text += &format!("    - size: {:#x}\n      address: {:#x}\n", run.size, run.offset);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_says_what_the_board_itself_uses() {
        let machine = vbench::machine("netduinoplus2").expect("built in");
        let text = chip_description(machine).expect("its flash is the bench's");
        let mut registry = Registry::new();
        registry.add_target_family_from_yaml(&text).expect("probe-rs reads it");
        let read = registry.get_target_by_name("netduinoplus2-virtual").expect("its chip");
        let own = of(machine).expect("known chip");
        let (read, own) = (&read.flash_algorithms[0], &own.flash_algorithms[0]);
        assert_eq!(read.instructions, own.instructions);
        assert_eq!(read.flash_properties, own.flash_properties);
        assert_eq!(read.pc_program_page, own.pc_program_page);
        assert_eq!(chip_description(vbench::machine("microbit").expect("built in")), None);
    }
}
