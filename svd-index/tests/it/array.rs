//! Arrays stay symbolic, however large, and their elements resolve both ways.

use svd_index::Query;

#[test]
fn a_bomb_costs_nothing() {
    let (chip, warnings) = crate::chip_with(
        "<cluster><dim>16</dim><dimIncrement>0x1000000</dimIncrement><name>BANK[%s]</name>
           <addressOffset>0x100</addressOffset>
           <register><dim>0x1000000</dim><dimIncrement>1</dimIncrement><name>BYTE[%s]</name>
             <addressOffset>0</addressOffset><size>8</size></register></cluster>",
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(chip.device().registers, 16 << 24);
    let all: Vec<_> = chip.registers().collect();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].path(), "P.BANK[0..16).BYTE[0..16777216)");
    assert_eq!(all[0].count(), 16 << 24);
    assert!(all[0].is_array());

    let register = chip.register("P.BANK[3].BYTE[12345678]").expect("it exists");
    let address = 0x4000_0100 + 3 * 0x100_0000 + 12_345_678;
    assert_eq!(register.address(), address);
    let at = chip.registers_at(address);
    assert_eq!(at, [register]);
    assert_eq!(at[0].path(), "P.BANK[3].BYTE[12345678]");
    assert!(chip.register("P.BANK[16].BYTE[0]").is_none());
}

#[test]
fn index_texts_are_the_vendors() {
    for (index, names) in [
        ("1-3", ["P.CCR1", "P.CCR2", "P.CCR3"]),
        ("A,B,C", ["P.CCRA", "P.CCRB", "P.CCRC"]),
        ("A-C", ["P.CCRA", "P.CCRB", "P.CCRC"]),
        ("1,2,5", ["P.CCR1", "P.CCR2", "P.CCR5"]),
        ("0-1,7", ["P.CCR0", "P.CCR1", "P.CCR7"]),
    ] {
        let (chip, warnings) = crate::chip_with(&format!(
            "<register><dim>3</dim><dimIncrement>8</dimIncrement><dimIndex>{index}</dimIndex>
             <name>CCR%s</name><addressOffset>8</addressOffset></register>"
        ));
        assert!(warnings.is_empty(), "{warnings:?}");
        let whole = chip.registers().next().expect("there is one");
        for (n, name) in names.iter().enumerate() {
            let element = whole.element(n as u64).expect("there are three");
            assert_eq!(element.path(), *name);
            assert_eq!(element.address(), 0x4000_0008 + 8 * n as u64);
            assert_eq!(chip.register(name), Some(element));
            assert_eq!(chip.registers_at(element.address() + 3), [element]);
            assert!(chip.registers_at(element.address() + 4).is_empty());
        }
    }
}

#[test]
fn a_list_that_does_not_fit_is_numbered() {
    let (chip, warnings) = crate::chip_with(
        "<register><dim>3</dim><dimIncrement>4</dimIncrement><dimIndex>A,B</dimIndex>
         <name>R%s</name><addressOffset>0</addressOffset></register>",
    );
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].path, "P.R%s");
    assert_eq!(warnings[0].assumed, "numbered from 0");
    assert!(chip.register("P.R2").is_some());
}

#[test]
fn holes_between_elements_tell_both_neighbours() {
    let (chip, _) = crate::chip_with(
        "<register><dim>4</dim><dimIncrement>16</dimIncrement><name>R[%s]</name>
         <addressOffset>0</addressOffset></register>",
    );
    let near = chip.near(0x4000_0018);
    assert_eq!(near.before.map(|register| register.path()).as_deref(), Some("P.R[1]"));
    assert_eq!(near.after.map(|register| register.path()).as_deref(), Some("P.R[2]"));
}

#[test]
fn one_index_of_two_lists_the_others() {
    let (chip, _) = crate::chip_with(
        "<cluster><dim>2</dim><dimIncrement>0x100</dimIncrement><name>CH[%s]</name>
           <addressOffset>0</addressOffset><register><dim>3</dim><dimIncrement>4</dimIncrement>
           <name>CC[%s]</name><addressOffset>0</addressOffset></register></cluster>",
    );
    let query = Query::parse("P.CH[1].CC").expect("it is a query");
    let found: Vec<String> = chip.find(&query).iter().map(|register| register.path()).collect();
    assert_eq!(found, ["P.CH[1].CC[0]", "P.CH[1].CC[1]", "P.CH[1].CC[2]"]);
}

#[test]
fn field_and_peripheral_arrays_are_written_out() {
    let (chip, warnings) = crate::chip_of(
        "<peripheral><dim>2</dim><dimIncrement>0x1000</dimIncrement><dimIndex>A,B</dimIndex>
           <name>GPIO%s</name><baseAddress>0x50000000</baseAddress><registers><register>
           <name>OUT</name><addressOffset>4</addressOffset><fields><field><dim>4</dim>
           <dimIncrement>2</dimIncrement><name>PIN%s</name><bitOffset>1</bitOffset>
           <bitWidth>2</bitWidth></field></fields></register></registers></peripheral>",
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    let register = chip.register("GPIOB.OUT").expect("it exists");
    assert_eq!(register.address(), 0x5000_1004);
    let fields: Vec<_> = register.fields().map(|field| (field.name(), field.lsb())).collect();
    assert_eq!(fields, [("PIN0", 1), ("PIN1", 3), ("PIN2", 5), ("PIN3", 7)]);
}

#[test]
fn numbers_of_an_index_may_have_names() {
    let (chip, warnings) = crate::chip_with(
        "<register><dim>3</dim><dimIncrement>4</dimIncrement><dimArrayIndex>
           <headerEnumName>Port</headerEnumName>
           <enumeratedValue><name>UART</name><value>0</value></enumeratedValue>
           <enumeratedValue><name>SPI</name><value>2</value></enumeratedValue>
         </dimArrayIndex><name>R[%s]</name><addressOffset>0</addressOffset></register>",
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    let whole = chip.registers().next().expect("there is one");
    let paths: Vec<String> = whole.elements().map(|element| element.path()).collect();
    assert_eq!(paths, ["P.R[UART]", "P.R[1]", "P.R[SPI]"]);
    for (name, n) in [("P.R[SPI]", 2), ("P.R[1]", 1)] {
        assert_eq!(chip.register(name), whole.element(n), "{name}");
    }
}

#[test]
fn elements_that_all_lie_at_one_place_are_all_found_there() {
    let (chip, _) = crate::chip_with(
        "<register><dim>3</dim><dimIncrement>0</dimIncrement><name>R[%s]</name>\
         <addressOffset>4</addressOffset></register>",
    );
    let found = chip.registers_at(0x4000_0004);
    let paths: Vec<String> = found.iter().map(|register| register.path()).collect();
    assert_eq!(paths, ["P.R[0]", "P.R[1]", "P.R[2]"]);
    assert!(chip.registers_at(0x4000_0008).is_empty());
}
