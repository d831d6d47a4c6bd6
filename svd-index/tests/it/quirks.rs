//! What vendors write that is rare or loose, and yet means one thing: it is read as meant.

use svd_index::{Access, Chip, EnumUsage, ModifiedWriteValues, ReadAction, WriteConstraint};

fn register(name: &str, offset: u64, content: &str) -> String {
    format!(
        "<register><name>{name}</name><addressOffset>{offset}</addressOffset>{content}</register>"
    )
}

fn fields(content: &str) -> String {
    format!("<fields>{content}</fields>")
}

fn field(name: &str, bits: &str, content: &str) -> String {
    format!("<field><name>{name}</name><bitRange>[{bits}]</bitRange>{content}</field>")
}

fn value(name: &str, value: &str) -> String {
    format!("<enumeratedValue><name>{name}</name><value>{value}</value></enumeratedValue>")
}

/// The chip, of which nothing is odd.
fn plain(registers: &str) -> Chip {
    let (chip, warnings) = crate::chip_with(registers);
    assert!(warnings.is_empty(), "{warnings:?}");
    chip
}

#[test]
fn loose_access_is_read_as_meant_and_told() {
    for (text, access) in [
        ("read", Access::ReadOnly),
        ("write", Access::WriteOnly),
        ("rw", Access::ReadWrite),
        ("write-once", Access::WriteOnce),
    ] {
        let content = format!("<access>{text}</access>");
        let (chip, warnings) = crate::chip_with(&register("R", 0, &content));
        assert_eq!(chip.register("P.R").expect("it exists").access(), Some(access), "{text}");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert_eq!(warnings[0].assumed, format!("read as `{access}`"));
    }
}

#[test]
fn address_blocks_need_no_usage_and_may_be_several() {
    let block = |offset: u32, usage: &str| {
        format!("<addressBlock><offset>{offset}</offset><size>16</size>{usage}</addressBlock>")
    };
    let (chip, warnings) = crate::chip_of(&format!(
        "<peripheral><name>P</name><baseAddress>0x1000</baseAddress>{}{}</peripheral>",
        block(0, ""),
        block(0x100, "<usage>RTC registers</usage>"),
    ));
    assert!(warnings.is_empty(), "{warnings:?}");
    let peripheral = chip.peripheral("P").expect("it exists");
    let blocks: Vec<_> =
        peripheral.address_blocks().map(|block| (block.start, block.usage)).collect();
    assert_eq!(blocks, [(0x1000, ""), (0x1100, "RTC registers")]);
}

#[test]
fn fields_stand_in_three_styles() {
    let chip = plain(&register(
        "R",
        0,
        &fields(
            "<field><name>A</name><bitOffset>4</bitOffset><bitWidth>3</bitWidth></field>
             <field><name>B</name><lsb>0x8</lsb><msb>9</msb></field>
             <field><name>C</name><bitRange>[ 31 : 16 ]</bitRange></field>
             <field><name>D</name><bitOffset>0</bitOffset></field>",
        ),
    ));
    let register = chip.register("P.R").expect("it exists");
    let places: Vec<_> = register.fields().map(|field| (field.lsb(), field.width())).collect();
    assert_eq!(places, [(4, 3), (8, 2), (16, 16), (0, 1)]);
    let (chip, _) = crate::chip_with(&register_with_one_field("<bitRange>[7:8]</bitRange>"));
    let field = chip.register("P.R").and_then(|register| register.field("F")).expect("it is kept");
    assert_eq!((field.lsb(), field.width()), (7, 2), "the wrong way round");
}

fn register_with_one_field(content: &str) -> String {
    register("R", 0, &fields(&format!("<field><name>F</name>{content}</field>")))
}

#[test]
fn enumerated_values_come_in_every_notation() {
    let set = [
        value("Two", "2"),
        value("Hex", "0X3"),
        value("Binary", "#100"),
        value("Any", "#11x"),
        value("Capital", "0b101X"),
        value("not an identifier", "0x10"),
        value("Wide", "0x40"),
        "<enumeratedValue><name>Else</name><isDefault>true</isDefault></enumeratedValue>".into(),
    ];
    let set = format!("<enumeratedValues>{}</enumeratedValues>", set.concat());
    let chip = plain(&register("R", 0, &fields(&field("F", "4:0", &set))));
    let field = chip.register("P.R").and_then(|register| register.field("F")).expect("it exists");
    for (raw, name) in [
        (2, "Two"),
        (3, "Hex"),
        (4, "Binary"),
        (6, "Any"),
        (7, "Any"),
        (10, "Capital"),
        (11, "Capital"),
        (16, "not an identifier"),
        // 0x40 does not fit the field and is no value of it.
        (0, "Else"),
        (31, "Else"),
    ] {
        let named = field.named(raw, EnumUsage::Read).map(|value| value.name);
        assert_eq!(named, Some(name), "{raw}");
    }
    assert_eq!(field.enums().count(), 8);
}

#[test]
fn values_may_differ_for_reading_and_writing_and_stand_twice() {
    let set = |usage: &str, values: &str| {
        format!("<enumeratedValues><usage>{usage}</usage>{values}</enumeratedValues>")
    };
    let sets = set("read", &(value("Idle", "0") + &value("Busy", "1") + &value("Again", "1")))
        + &set("write", &value("Start", "1"))
        + "<enumeratedValues/>";
    let chip = plain(&register("R", 0, &fields(&field("F", "0:0", &sets))));
    let field = chip.register("P.R").and_then(|register| register.field("F")).expect("it exists");
    let name = |usage| field.named(1, usage).map(|value| value.name);
    assert_eq!(name(EnumUsage::Read), Some("Busy"));
    assert_eq!(name(EnumUsage::Write), Some("Start"));
    assert_eq!(field.enums().count(), 4);
}

#[test]
fn side_effects_and_constraints_are_kept() {
    let content = "<modifiedWriteValues>oneToClear</modifiedWriteValues>
        <readAction>modifyExternal</readAction>
        <writeConstraint><range><minimum>1</minimum><maximum>0xf</maximum></range>
        </writeConstraint>";
    let inner = field("F", "0:0", "<readAction>clear</readAction>")
        + &field("G", "1:1", "<writeConstraint><writeAsRead>true</writeAsRead></writeConstraint>");
    let chip = plain(&register("R", 0, &(content.to_owned() + &fields(&inner))));
    let register = chip.register("P.R").expect("it exists");
    assert_eq!(register.modified_write_values(), Some(ModifiedWriteValues::OneToClear));
    assert_eq!(register.read_action(), Some(ReadAction::ModifyExternal));
    let range = WriteConstraint::Range { minimum: 1, maximum: 15 };
    assert_eq!(register.write_constraint(), Some(range));
    let field = |name| register.field(name).expect("it exists");
    assert_eq!(field("F").read_action(), Some(ReadAction::Clear));
    assert_eq!(field("G").write_constraint(), Some(WriteConstraint::WriteAsRead));
}

#[test]
fn what_no_level_gives_is_not_made_up() {
    let svd = "<device><name>T</name><width>16</width><peripherals><peripheral><name>P</name>
        <baseAddress>0</baseAddress><registers><register><name>R</name>
        <addressOffset>0</addressOffset></register></registers></peripheral></peripherals></device>";
    let (chip, warnings) = Chip::from_svd(svd.as_bytes()).expect("it has a device");
    assert!(warnings.is_empty(), "{warnings:?}");
    let register = chip.register("P.R").expect("it exists");
    assert_eq!(register.size_bits(), 16, "the bus width");
    assert_eq!((register.reset_value(), register.access()), (None, None));
    assert_eq!(register.reset_mask(), 0xffff);
    assert_eq!(register.fields().count(), 0);
    assert_eq!(chip.device().cpu, None);
}

#[test]
fn a_reset_value_outside_of_its_mask_is_kept() {
    let reset = "<resetValue>0xff</resetValue><resetMask>0x0f</resetMask>";
    let chip = plain(&register("R", 0, reset));
    let register = chip.register("P.R").expect("it exists");
    assert_eq!((register.reset_value(), register.reset_mask()), (Some(0xff), 0x0f));
}

#[test]
fn sizes_run_from_one_bit_to_64_and_bases_past_32() {
    let (chip, warnings) = crate::chip_of(
        "<peripheral><name>P</name><baseAddress>0x1_0000_0000</baseAddress></peripheral>
         <peripheral><name>Q</name><baseAddress>0x8000000000</baseAddress><registers>
         <register><name>BIT</name><addressOffset>0</addressOffset><size>1</size>
           <resetValue>1</resetValue></register>
         <register><name>LONG</name><addressOffset>8</addressOffset><size>64</size>
           <resetValue>0x8000000000000001</resetValue><fields><field><name>F</name>
           <bitRange>[63:0]</bitRange></field></fields></register></registers></peripheral>",
    );
    assert_eq!(warnings.len(), 2, "a number has no `_`: {warnings:?}");
    assert!(warnings[1].left_out);
    let bit = chip.register("Q.BIT").expect("it exists");
    assert_eq!((bit.size_bits(), bit.size_bytes(), bit.reset_value()), (1, 1, Some(1)));
    let long = chip.register("Q.LONG").expect("it exists");
    assert_eq!(long.address(), 0x80_0000_0008);
    assert_eq!(chip.registers_at(0x80_0000_000f), [long]);
    assert_eq!(long.field("F").expect("it exists").mask(), u64::MAX);
}

#[test]
fn names_and_places_may_stand_twice() {
    let twice =
        fields(&[field("F", "3:0", ""), field("F", "7:4", ""), field("G", "5:2", "")].concat());
    let chip = plain(
        &[
            register("R", 0, &twice),
            register("ALT", 0, "<alternateRegister>R</alternateRegister>"),
            register("R", 4, "<alternateGroup>MODE_B</alternateGroup>"),
            register("HALF", 6, "<size>16</size>"),
        ]
        .concat(),
    );
    let at = |address| -> Vec<String> {
        chip.registers_at(address).iter().map(|register| register.path()).collect()
    };
    assert_eq!(at(0x4000_0000), ["P.R", "P.ALT"]);
    assert_eq!(at(0x4000_0004), ["P.R"]);
    assert_eq!(at(0x4000_0006), ["P.R", "P.HALF"], "declared nowhere, and so");
    let alternate = chip.register("P.ALT").expect("it exists");
    assert_eq!(alternate.alternate_register(), Some("R"));
    let first = chip.registers_at(0x4000_0000)[0];
    let raw: Vec<u64> = first.decode(0x6c).iter().map(|field| field.raw).collect();
    assert_eq!(raw, [0xc, 6, 0xb]);
}

#[test]
fn clusters_nest_and_are_derived() {
    let inner = register("R", 4, "<resetValue>5</resetValue>");
    let cluster = |name: &str, offset: u32, content: &str| {
        format!(
            "<cluster><name>{name}</name><addressOffset>{offset}</addressOffset>{content}</cluster>"
        )
    };
    let deep = ["D", "C", "B", "A"].iter().fold(inner, |inner, name| cluster(name, 16, &inner));
    let derived = "<cluster derivedFrom=\"A\"><name>Z</name><addressOffset>256</addressOffset>\
                   </cluster>";
    let chip = plain(&(deep + derived));
    assert_eq!(crate::paths(&chip), ["P.A.B.C.D.R", "P.Z.B.C.D.R"]);
    let register = chip.register("P.Z.B.C.D.R").expect("it exists");
    assert_eq!((register.address(), register.reset_value()), (0x4000_0134, Some(5)));
}

#[test]
fn peripherals_and_fields_may_be_arrays() {
    let (chip, warnings) = crate::chip_of(&format!(
        "<peripheral><dim>3</dim><dimIncrement>0x100</dimIncrement><dimIndex>1-3</dimIndex>
         <name>T%s</name><baseAddress>0x1000</baseAddress><registers>{}</registers></peripheral>",
        register(
            "R",
            0,
            &fields(
                "<field><dim>4</dim><dimIncrement>8</dimIncrement><dimIndex>A-D</dimIndex>
                 <name>CH%s</name><bitRange>[1:0]</bitRange></field>"
            )
        ),
    ));
    assert!(warnings.is_empty(), "{warnings:?}");
    let register = chip.register("T2.R").expect("it exists");
    assert_eq!(register.address(), 0x1100);
    let places: Vec<_> = register.fields().map(|field| (field.name(), field.lsb())).collect();
    assert_eq!(places, [("CHA", 0), ("CHB", 8), ("CHC", 16), ("CHD", 24)]);
}

#[test]
fn a_derived_peripherals_own_registers_replace_the_inherited() {
    let (chip, warnings) = crate::chip_of(&format!(
        "<peripheral><name>A</name><baseAddress>0x1000</baseAddress>
           <registers>{}</registers></peripheral>
         <peripheral derivedFrom=\"A\"><name>B</name><baseAddress>0x2000</baseAddress>
           <registers>{}</registers></peripheral>
         <peripheral derivedFrom=\"A\"><name>C</name><baseAddress>0x3000</baseAddress>
           </peripheral>",
        register("R", 0, ""),
        register("S", 4, ""),
    ));
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(crate::paths(&chip), ["A.R", "B.S", "C.R"]);
}

#[test]
fn prefixes_are_other_names_and_conditions_are_passed_over() {
    let (chip, warnings) = crate::chip_of(&format!(
        "<peripheral><name>P</name><prependToName>PRE_</prependToName>
           <disableCondition>(1 == 0)</disableCondition><baseAddress>0</baseAddress>
           <registers>{}</registers></peripheral>",
        register(
            "R",
            0,
            "<vendorExtensions><register><name>X</name></register></vendorExtensions>"
        ),
    ));
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(crate::paths(&chip), ["P.R"]);
    assert_eq!(chip.register("P.R").expect("it exists").aliases(), ["P.PRE_R"]);
}

/// Bits are numbered from the lowest in CMSIS-SVD, whatever the order of bytes in memory.
#[test]
fn a_big_endian_device_says_so_and_its_bits_stay() {
    let svd = format!(
        "<device><name>T</name><cpu><name>other</name><endian>big</endian></cpu><peripherals>
         <peripheral><name>P</name><baseAddress>0</baseAddress><registers>{}</registers>
         </peripheral></peripherals></device>",
        register("R", 0, &fields(&field("F", "7:0", ""))),
    );
    let (chip, warnings) = Chip::from_svd(svd.as_bytes()).expect("it has a device");
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(chip.device().cpu.map(|cpu| cpu.endian), Some("big"));
    let register = chip.register("P.R").expect("it exists");
    assert_eq!(register.decode(0x1122_3344)[0].raw, 0x44);
}
