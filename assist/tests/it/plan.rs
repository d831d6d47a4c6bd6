//! What a snapshot reads, and what it never does.

use assist::{PlanError, Scope, read_plan};
use bundle::ReadRequest;

use crate::support::{BAUDRATE, index, index_of, no_index};

fn peripherals(names: &[&str]) -> Scope {
    Scope::Peripherals(names.iter().map(ToString::to_string).collect())
}

#[test]
fn the_firmware_decides_which_peripherals_are_read() {
    let plan = read_plan(&index("faulty.elf"), &Scope::Firmware).unwrap();
    let reads = |address| plan.registers.contains(&ReadRequest { address, size_bits: 32 });
    assert!(reads(BAUDRATE), "UART0 is used");
    assert!(reads(0x4000_8504), "TIMER0.MODE is used");
    assert!(!reads(0x4000_1504), "RADIO is not used");
    assert!(plan.registers.is_sorted(), "{:?}", plan.registers);
    assert!(plan.memory.is_empty() && !plan.halt_for_core);
}

#[test]
fn the_core_and_the_clocks_are_read_whatever_the_firmware_touches() {
    let reads = |elf: &str, scope: &Scope| {
        let plan = read_plan(&index(elf), scope).unwrap();
        move |address| plan.registers.contains(&ReadRequest { address, size_bits: 32 })
    };
    let (cpuid, iser, hfclkstat, resetreas) = (0xe000_ed00, 0xe000_e100, 0x4000_040c, 0x4000_0400);
    let with_firmware = reads("faulty.elf", &Scope::Firmware);
    for (address, what) in [
        (cpuid, "SCB.CPUID"),
        (iser, "NVIC.ISER"),
        (hfclkstat, "CLOCK.HFCLKSTAT"),
        (resetreas, "POWER.RESETREAS"),
        (0xe000_e014, "SysTick.LOAD"),
    ] {
        assert!(with_firmware(address), "{what}");
    }
    // Reading it clears COUNTFLAG, which the firmware may wait for.
    assert!(!with_firmware(0xe000_e010), "SysTick.CTRL");
    // Who names peripherals gets those.
    let named = reads("faulty.elf", &peripherals(&["UART0"]));
    assert!(named(BAUDRATE) && !named(cpuid) && !named(hfclkstat));
}

#[test]
fn registers_that_reading_changes_are_skipped_with_the_reason() {
    let plan = read_plan(&index(""), &peripherals(&["uart0"])).unwrap();
    let skipped: Vec<&str> = plan.skipped.iter().map(|skip| skip.why.as_str()).collect();
    insta::assert_debug_snapshot!(skipped);
    for skip in &plan.skipped {
        assert!(!plan.registers.contains(&skip.request), "{}", skip.why);
    }
}

#[test]
fn overlapping_registers_are_read_once_and_never_past_a_side_effect() {
    let register = |name: &str, offset: u32, size: u32, extra: &str| {
        format!(
            "<register><name>{name}</name><addressOffset>{offset}</addressOffset>\
             <size>{size}</size>{extra}</register>"
        )
    };
    let svd = format!(
        "<device><name>T</name><addressUnitBits>8</addressUnitBits><width>32</width>\
         <access>read-write</access><peripherals><peripheral><name>P</name>\
         <baseAddress>0x1000</baseAddress><registers>{}{}{}{}{}{}</registers>\
         </peripheral></peripherals></device>",
        register("WORD", 0, 32, ""),
        register("HALF", 0, 16, "<alternateRegister>WORD</alternateRegister>"),
        register("DATA", 4, 32, ""),
        register("FIFO", 4, 8, "<readAction>modify</readAction>"),
        register("KEY", 8, 32, "<access>write-only</access>"),
        register("A[%s]", 16, 32, "<dim>40</dim><dimIncrement>4</dimIncrement>"),
    );
    let plan = read_plan(&index_of(&svd), &peripherals(&["P"])).unwrap();
    let read: Vec<(u64, u32)> =
        plan.registers.iter().map(|read| (read.address, read.size_bits)).collect();
    assert_eq!(read[..2], [(0x1000, 32), (0x1010, 32)]);
    assert_eq!(read.len(), 1 + 32, "WORD and 32 of 40 elements");
    let skipped: Vec<&str> = plan.skipped.iter().map(|skip| skip.why.as_str()).collect();
    insta::assert_debug_snapshot!(skipped);
}

#[test]
fn a_plan_needs_to_know_what_to_read() {
    assert_eq!(read_plan(&no_index(), &Scope::Firmware), Err(PlanError::NoChip));
    assert_eq!(read_plan(&index(""), &Scope::Firmware), Err(PlanError::NoFirmware));
    let error = read_plan(&index(""), &peripherals(&["UART0", "TIMR0"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "plan a snapshot: the chip has no peripheral `TIMR0`; `TIMER0` is spelled like it"
    );
    assert!(read_plan(&index(""), &peripherals(&["TIMER?"])).is_ok());
}

#[test]
fn control_and_status_registers_are_no_memory_to_read() {
    let svd = "<device><name>T</name><width>32</width><cpu><name>RV32IMC</name></cpu>\
        <peripherals><peripheral><name>P</name><baseAddress>0x300</baseAddress><registers>\
        <register><name>R</name><addressOffset>0</addressOffset></register></registers>\
        </peripheral></peripherals></device>";
    let index = index_of(svd);
    assert!(index.chip().unwrap().register("CSR.mstatus").is_some());
    let plan = read_plan(&index, &peripherals(&["*"])).unwrap();
    assert_eq!(plan.registers, [ReadRequest { address: 0x300, size_bits: 32 }], "P.R alone");
    assert_eq!(read_plan(&index, &peripherals(&["CSR"])).unwrap().registers, []);
}
