//! Facts of one register, as the data sheet has them; values decoded; addresses.

use svd_index::{Access, EnumUsage, ModifiedWriteValues, ReadAction, WriteConstraint};

#[test]
fn device_is_told() {
    let chip = crate::nrf51();
    let device = chip.device();
    assert_eq!((device.name, device.vendor), ("nrf51", "Nordic Semiconductor"));
    assert_eq!((device.peripherals, device.registers, device.fields), (33, 709, 1281));
    let cpu = device.cpu.expect("the SVD has a cpu");
    assert_eq!((cpu.name, cpu.nvic_prio_bits, cpu.mpu), ("CM0", 2, false));
}

#[test]
fn a_register_has_its_facts() {
    let chip = crate::nrf51();
    let register = chip.register("UART0.BAUDRATE").expect("it exists");
    assert_eq!(register.path(), "UART0.BAUDRATE");
    assert_eq!(register.address(), 0x4000_2524);
    assert_eq!(register.size_bits(), 32);
    assert_eq!(register.access(), Some(Access::ReadWrite));
    assert_eq!(register.reset_value(), Some(0));
    assert_eq!(register.reset_mask(), 0xffff_ffff);
    assert_eq!(register.peripheral().base_address(), 0x4000_2000);
    let source = std::fs::read_to_string(crate::nrf51_path()).expect("the example is there");
    let line = source.lines().nth(register.line() as usize - 1).expect("the line exists");
    assert!(line.contains("<register>"), "line {} is `{line}`", register.line());
    let field = register.field("BAUDRATE").expect("it exists");
    assert_eq!((field.lsb(), field.width(), field.enums().count()), (0, 32, 16));
}

#[test]
fn values_are_decoded() {
    let chip = crate::nrf51();
    let register = chip.register("UART0.BAUDRATE").expect("it exists");
    let named = |value| register.decode(value)[0].decoded.map(|value| value.name);
    assert_eq!(named(0x01d7_e000), Some("Baud115200"));
    assert_eq!(named(0x0001_c200), None);
    assert_eq!(register.decode(0x1_c200)[0].raw, 0x1_c200);
}

#[test]
fn addresses_find_every_byte_of_a_register() {
    let chip = crate::nrf51();
    for offset in 0..4 {
        let found = chip.registers_at(0x4000_2524 + offset);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path(), "UART0.BAUDRATE");
    }
    // Two peripherals share one base; both declare these.
    let found: Vec<String> = chip.registers_at(0x4000_3504).iter().map(|r| r.path()).collect();
    assert!(found.iter().all(|path| path.starts_with("SPI0.") || path.starts_with("TWI0.")));
    let element = chip.registers_at(0x5000_0700 + 4 * 7);
    assert_eq!(element[0].path(), "GPIO.PIN_CNF[7]");
    assert_eq!(element[0].address(), 0x5000_071c);
}

#[test]
fn a_hole_tells_what_is_near() {
    let chip = crate::nrf51();
    assert!(chip.registers_at(0x4000_2528).is_empty());
    let near = chip.near(0x4000_2528);
    assert_eq!(near.peripheral.map(|peripheral| peripheral.name()), Some("UART0"));
    assert_eq!(near.before.map(|register| register.path()).as_deref(), Some("UART0.BAUDRATE"));
    assert_eq!(near.after.map(|register| register.path()).as_deref(), Some("UART0.CONFIG"));
    assert!(chip.near(0).before.is_none());
    assert!(chip.near(u64::MAX).after.is_none());
}

#[test]
fn side_effects_and_constraints_are_kept() {
    let (chip, warnings) = crate::chip_with(
        "<register><name>SR</name><addressOffset>4</addressOffset><access>read-only</access>
           <readAction>clear</readAction><fields>
             <field><name>OVR</name><bitRange>[3:3]</bitRange>
               <modifiedWriteValues>oneToClear</modifiedWriteValues></field>
             <field><name>LEN</name><lsb>4</lsb><msb>7</msb><access>read-write</access>
               <writeConstraint><range><minimum>1</minimum><maximum>0xC</maximum></range>
               </writeConstraint></field></fields></register>",
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    let register = chip.register("P.SR").expect("it exists");
    assert_eq!(register.read_action(), Some(ReadAction::Clear));
    assert!(register.has_read_side_effect());
    let overrun = register.field("OVR").expect("it exists");
    assert_eq!(overrun.modified_write_values(), Some(ModifiedWriteValues::OneToClear));
    assert_eq!(overrun.access(), Some(Access::ReadOnly));
    let length = register.field("LEN").expect("it exists");
    assert_eq!((length.msb(), length.lsb(), length.mask()), (7, 4, 0xf0));
    let range = WriteConstraint::Range { minimum: 1, maximum: 12 };
    assert_eq!(length.write_constraint(), Some(range));
    assert_eq!(register.reserved_mask(), 0xffff_ff07);
}

#[test]
fn enumerated_values_match_by_the_bits_that_matter() {
    let (chip, warnings) = crate::chip_with(
        "<register><name>CR</name><addressOffset>0</addressOffset><fields>
           <field><name>MODE</name><bitOffset>0</bitOffset><bitWidth>3</bitWidth>
             <enumeratedValues><usage>read</usage>
               <enumeratedValue><name>Idle</name><value>#000</value></enumeratedValue>
               <enumeratedValue><name>Fast</name><value>0b1xx</value></enumeratedValue>
               <enumeratedValue><name>Other</name><isDefault>true</isDefault></enumeratedValue>
             </enumeratedValues>
             <enumeratedValues><usage>write</usage>
               <enumeratedValue><name>Start</name><value>0</value></enumeratedValue>
             </enumeratedValues></field></fields></register>",
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    let register = chip.register("P.CR").expect("it exists");
    let field = register.field("MODE").expect("it exists");
    let read = |raw| field.named(raw, EnumUsage::Read).map(|value| value.name);
    assert_eq!(read(0), Some("Idle"));
    assert_eq!(read(0b110), Some("Fast"));
    assert_eq!(read(0b010), Some("Other"));
    assert_eq!(field.named(0, EnumUsage::Write).map(|value| value.name), Some("Start"));
    assert_eq!(field.named(3, EnumUsage::Write), None);
}

#[test]
fn interrupts_are_found_by_number() {
    let chip = crate::nrf51();
    let interrupt = chip.interrupt(2).expect("it exists");
    assert_eq!((interrupt.name, interrupt.peripheral), ("UART0", "UART0"));
    assert!(chip.interrupt(200).is_none());
    let peripheral = chip.peripheral("uart0").expect("it exists");
    assert_eq!(peripheral.interrupts().count(), 1);
}
