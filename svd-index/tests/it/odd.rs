//! What vendors get wrong costs its own element and says so.

use svd_index::svd::SvdError;
use svd_index::{Access, Chip};

const GOOD: &str = "<register><name>GOOD</name><addressOffset>0</addressOffset></register>";

/// One bad element beside a good one: the warning, and what is left.
fn check(bad: &str, path: &str, what: &str, left: &[&str]) {
    let (chip, warnings) = crate::chip_with(&format!("{bad}\n{GOOD}"));
    assert_eq!(crate::paths(&chip), left, "for `{bad}`");
    assert_eq!(warnings.len(), 1, "for `{bad}`: {warnings:?}");
    assert_eq!(warnings[0].path, path, "for `{bad}`");
    assert!(warnings[0].what.contains(what), "for `{bad}`: {}", warnings[0]);
    assert!(warnings[0].line >= 3, "for `{bad}`: line {}", warnings[0].line);
}

fn register(content: &str) -> String {
    format!("<register><name>BAD</name><addressOffset>4</addressOffset>{content}</register>")
}

#[test]
fn a_bad_attribute_costs_at_most_its_element() {
    let both = &["P.BAD", "P.GOOD"];
    let field = |content: &str| {
        register(&format!("<fields><field><name>F</name>{content}</field></fields>"))
    };
    check(&register("<access>sometimes</access>"), "P.BAD", "unknown access", both);
    check(&register("<resetValue>zero</resetValue>"), "P.BAD", "is no number", both);
    check(&register("<size>96</size>"), "P.BAD", "1 to 64", both);
    check(&register("<readAction>x</readAction>"), "P.BAD", "unknown read action", both);
    check(&register("<size>8</size><resetValue>0x1ff</resetValue>"), "P.BAD", "wider", both);
    check(&field("<bitRange>oops</bitRange>"), "P.BAD.F", "bit", both);
    check(&field("<lsb>70</lsb><msb>71</msb>"), "P.BAD.F", "outside", both);
    check(&field("<bitOffset>1</bitOffset><bitWidth>0</bitWidth>"), "P.BAD.F", "bits", both);
    check(
        &field(
            "<bitRange>[0:0]</bitRange><enumeratedValues><enumeratedValue><name>A</name>\
             <value>one</value></enumeratedValue></enumeratedValues>",
        ),
        "P.BAD.F.A",
        "enumerated value `one`",
        both,
    );
    check("<register><name>BAD</name></register>", "P.BAD", "address offset", &["P.GOOD"]);
    check(
        "<register><addressOffset>8</addressOffset></register>",
        "P",
        "without name",
        &["P.GOOD"],
    );
    check(
        "<register derivedFrom=\"NOPE\"><name>BAD</name><addressOffset>8</addressOffset></register>",
        "P.BAD",
        "derived from `NOPE`",
        both,
    );
    check(
        "<register><dim>4</dim><dimIncrement>4</dimIncrement><name>BAD</name>\
         <addressOffset>8</addressOffset></register>",
        "P.BAD",
        "without `%s`",
        &["P.BAD[0..4)", "P.GOOD"],
    );
}

#[test]
fn vendors_spellings_are_read() {
    for (text, access) in [
        ("read-writeonce", Access::ReadWriteOnce),
        ("writeonce", Access::WriteOnce),
        ("Read-Only", Access::ReadOnly),
    ] {
        let (chip, warnings) = crate::chip_with(&register(&format!("<access>{text}</access>")));
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(chip.register("P.BAD").expect("it exists").access(), Some(access));
    }
}

#[test]
fn derivation_follows_chains_forward_and_refuses_circles() {
    let (chip, warnings) = crate::chip_of(
        "<peripheral derivedFrom=\"U1\"><name>U0</name><baseAddress>0x1000</baseAddress></peripheral>
         <peripheral derivedFrom=\"U2\"><name>U1</name><baseAddress>0x2000</baseAddress></peripheral>
         <peripheral><name>U2</name><baseAddress>0x3000</baseAddress><access>read-only</access>
           <registers>
             <register derivedFrom=\"B\"><name>A</name><addressOffset>0</addressOffset></register>
             <register derivedFrom=\"C\"><name>B</name><addressOffset>4</addressOffset></register>
             <register><name>C</name><addressOffset>8</addressOffset><resetValue>7</resetValue>
               <fields><field><name>F</name><bitRange>[2:0]</bitRange></field></fields></register>
             <register derivedFrom=\"Y\"><name>X</name><addressOffset>12</addressOffset></register>
             <register derivedFrom=\"X\"><name>Y</name><addressOffset>16</addressOffset></register>
           </registers></peripheral>",
    );
    let register = chip.register("U0.A").expect("it exists");
    assert_eq!((register.address(), register.reset_value()), (0x1000, Some(7)));
    assert_eq!(register.access(), Some(Access::ReadOnly));
    assert_eq!(register.fields().count(), 1);
    let paths: Vec<&str> = warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(paths, ["U0.X", "U0.Y"], "each circle told once");
}

#[test]
fn enumerated_values_are_derived_by_name_and_path() {
    let (chip, warnings) = crate::chip_with(
        "<register><name>A</name><addressOffset>0</addressOffset><fields>
           <field><name>F</name><bitRange>[0:0]</bitRange><enumeratedValues><name>OnOff</name>
             <enumeratedValue><name>On</name><value>1</value></enumeratedValue>
           </enumeratedValues></field>
           <field><name>G</name><bitRange>[1:1]</bitRange>
             <enumeratedValues derivedFrom=\"OnOff\"/></field></fields></register>
         <register><name>B</name><addressOffset>4</addressOffset><fields>
           <field><name>H</name><bitRange>[1:1]</bitRange>
             <enumeratedValues derivedFrom=\"P.A.F.OnOff\"/></field>
           <field derivedFrom=\"P.A.F\"><name>I</name><bitRange>[2:2]</bitRange></field>
         </fields></register>",
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    for (register, field, value) in [("P.A", "G", 2), ("P.B", "H", 2), ("P.B", "I", 4)] {
        let register = chip.register(register).expect("it exists");
        let decoded = register.field(field).expect("it exists").decode(value);
        assert_eq!(decoded.decoded.map(|value| value.name), Some("On"), "{field}");
    }
}

#[test]
fn a_name_of_its_own_comes_before_an_array_that_has_such_an_element() {
    let register = |name: &str, offset: u32, more: &str| {
        format!("<register{more}<name>{name}</name><addressOffset>{offset}</addressOffset>")
    };
    let array = "><dim>4</dim><dimIncrement>4</dimIncrement>";
    let field = |name: &str| {
        format!("<fields><field><name>{name}</name><bitRange>[0:0]</bitRange></field></fields>")
    };
    let (chip, warnings) = crate::chip_with(
        &[
            register("P40%s", 0, array) + &field("OF_ARRAY") + "</register>",
            register("P407", 16, ">") + &field("OWN") + "</register>",
            register("A", 20, " derivedFrom=\"P407\">") + "</register>",
            register("B", 24, " derivedFrom=\"P403\">") + "</register>",
            register("C", 28, " derivedFrom=\"P404\">") + "</register>",
        ]
        .concat(),
    );
    let fields = |path: &str| -> Vec<&str> {
        let register = chip.register(path).expect("it exists");
        register.fields().map(|field| field.name()).collect()
    };
    assert_eq!(fields("P.A"), ["OWN"]);
    assert_eq!(fields("P.B"), ["OF_ARRAY"]);
    assert!(fields("P.C").is_empty());
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].what.contains("derived from `P404`"), "the array ends at P403");
}

#[test]
fn a_placeholder_of_no_array_stays_as_written() {
    let (chip, warnings) = crate::chip_with(
        "<register><name>T%sCONFIG</name><addressOffset>0</addressOffset></register>",
    );
    assert_eq!(crate::paths(&chip), ["P.T%sCONFIG"]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let register = chip.register("P.T0CONFIG").expect("what the manual most likely says");
    assert_eq!(register.aliases(), ["P.T0CONFIG"]);
}

#[test]
fn registers_in_several_lists_are_all_read() {
    let (chip, warnings) = crate::chip_with(&format!(
        "{GOOD}</registers>\n<registers><register><name>MORE</name>\
         <addressOffset>4</addressOffset></register>"
    ));
    assert_eq!(crate::paths(&chip), ["P.GOOD", "P.MORE"]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(!warnings[0].left_out);
}

#[test]
fn what_is_left_out_is_marked_and_what_is_assumed_is_not() {
    let field = |content: &str| {
        register(&format!("<fields><field><name>F</name>{content}</field></fields>"))
    };
    let value = |content: &str| {
        field(&format!(
            "<bitRange>[0:0]</bitRange><enumeratedValues><enumeratedValue><name>V</name>{content}\
             </enumeratedValue></enumeratedValues>"
        ))
    };
    for (bad, path, left_out) in [
        (register("<access>sometimes</access>"), "P.BAD", false),
        (register("<size>8</size><resetValue>0x1ff</resetValue>"), "P.BAD", false),
        (field("<bitRange>[0:1]</bitRange>"), "P.BAD.F", false),
        (field("<access>x</access><bitRange>[0:0]</bitRange>"), "P.BAD.F", false),
        (field("<lsb>1</lsb><msb>x</msb>"), "P.BAD.F", false),
        (field(""), "P.BAD.F", true),
        (field("<lsb>x</lsb>"), "P.BAD.F", true),
        (field("<bitOffset>4294967295</bitOffset><bitWidth>0</bitWidth>"), "P.BAD.F", true),
        (value("<value>x</value>"), "P.BAD.F.V", true),
        (value(""), "P.BAD.F.V", true),
        ("<register><name>BAD</name></register>".into(), "P.BAD", true),
    ] {
        let (_, warnings) = crate::chip_with(&bad);
        let [warning] = warnings.as_slice() else {
            panic!("for `{bad}`: {warnings:?}");
        };
        assert_eq!(warning.path, path, "for `{bad}`");
        assert_eq!(warning.left_out, left_out, "for `{bad}`: {warning}");
    }
    let (_, warnings) = crate::chip_with(&field("<access>x</access>"));
    let marks: Vec<bool> = warnings.iter().map(|warning| warning.left_out).collect();
    assert_eq!(marks, [false, true], "the access is not what the field is left out for");
}

#[test]
fn a_break_tells_the_element_it_is_in() {
    let (chip, warnings) = crate::chip_with(&format!(
        "{GOOD}\n<register><name>R</name><addressOffset>4</addressOffset><fields><field>\
         <name>F</name></fields></field></register>"
    ));
    assert_eq!(crate::paths(&chip), ["P.GOOD"]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!((warnings[0].path.as_str(), warnings[0].line), ("P.R.F", 5));
    assert!(warnings[0].left_out);
}

#[test]
fn a_cut_file_gives_what_stands_before() {
    let text = std::fs::read_to_string(crate::nrf51_path()).expect("the example is there");
    let declared = |chip: &Chip| -> Vec<String> {
        let registers = chip.registers().filter(|register| !register.is_builtin());
        registers.map(|register| register.path()).collect()
    };
    let whole = declared(&crate::nrf51());
    let mut last = 0;
    for percent in [1, 10, 37, 50, 80, 99] {
        let mut end = text.len() * percent / 100;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let (chip, warnings) = Chip::from_svd(&text.as_bytes()[..end]).expect("it has a device");
        let paths = declared(&chip);
        assert!(whole.starts_with(&paths), "at {percent} %");
        assert!(paths.len() >= last, "at {percent} %");
        last = paths.len();
        let warning = warnings.last().expect("it is told");
        assert!(warning.what.contains("ends in the middle") || warning.what.contains("ill-formed"));
    }
    assert!(last > 300);
}

#[test]
fn ill_formed_xml_gives_what_stands_before() {
    let (chip, warnings) = crate::chip_with(&format!("{GOOD}<register></oops>"));
    assert_eq!(crate::paths(&chip), ["P.GOOD"]);
    assert!(warnings[0].what.starts_with("ill-formed XML"), "{warnings:?}");
}

#[test]
fn what_is_no_svd_says_what_it_is() {
    for (bytes, found) in [
        (&b""[..], "it is empty"),
        (b"  \n ", "it is empty"),
        (b"\x7fELF\x01\x01\x01", "it is an ELF file"),
        (b"PK\x03\x04", "it is a zip archive"),
        (b"<html></html>", "without a `<device>`"),
        (b"hello", "it is text"),
        (&[0xff, 0, 1, 2], "it is binary"),
    ] {
        let error = Chip::from_svd(bytes).expect_err("it is none");
        let SvdError::NotSvd { found: said } = &error else {
            panic!("{error}");
        };
        assert!(said.contains(found), "{said}");
    }
}

#[test]
fn gzip_and_other_encodings_are_read() {
    use std::io::Write;
    let text = "<device><name>T</name><peripherals><peripheral><name>P</name>\
                <description>für µs</description><baseAddress>16</baseAddress>\
                </peripheral></peripherals></device>";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).expect("it fits");
    let packed = packed.finish().expect("it fits");
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect();
    let utf16: Vec<u8> =
        [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let bom = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    for (bytes, warned) in [(&packed, 0), (&latin, 1), (&utf16, 0), (&bom, 0)] {
        let (chip, warnings) = Chip::from_svd(bytes).expect("it has a device");
        let peripheral = chip.peripherals().next().expect("there is one");
        assert_eq!(peripheral.description(), "für µs");
        assert_eq!(warnings.len(), warned, "{warnings:?}");
    }
}

#[test]
fn attacks_end_within_bounds() {
    let deep = format!("<device><name>D</name><peripherals>{}", "<a>".repeat(10_000));
    Chip::from_svd(deep.as_bytes()).expect("it has a device");
    let clusters = "<cluster><name>C</name><addressOffset>0</addressOffset>".repeat(10_000);
    let (_, warnings) = crate::chip_with(&clusters);
    assert!(warnings.iter().any(|warning| warning.what.contains("nest deeper")));
    let entities = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>\
                    <device><name>&b;</name></device>";
    let (chip, _) = Chip::from_svd(entities.as_bytes()).expect("it has a device");
    assert_eq!(chip.device().name, "&b;");
    let circle = "<cluster derivedFrom=\"C\"><name>C</name><addressOffset>0</addressOffset>\
                  <cluster derivedFrom=\"P.C\"><name>D</name><addressOffset>0</addressOffset>\
                  </cluster></cluster>";
    crate::chip_with(circle);
}

/// Each byte of a small file changed in turn: any answer, but an answer.
#[test]
fn no_changed_byte_panics() {
    let good = "<device><name>T</name><peripherals><peripheral><name>P%s</name><dim>2</dim>\
        <dimIncrement>0x100</dimIncrement><baseAddress>16</baseAddress><registers><cluster>\
        <dim>3</dim><dimIncrement>8</dimIncrement><name>C[%s]</name><addressOffset>4</addressOffset>\
        <register derivedFrom=\"R\"><dim>9</dim><dimIncrement>1</dimIncrement><name>R%s</name>\
        <addressOffset>8</addressOffset><fields><field><name>F</name><bitRange>[7:4]</bitRange>\
        <enumeratedValues><enumeratedValue><name>E</name><value>#1x</value></enumeratedValue>\
        </enumeratedValues></field></fields></register></cluster></registers></peripheral>\
        </peripherals></device>";
    for place in 0..good.len() {
        for byte in [b'0', b'9', b'<', b'>', b'%', b'/', 0xff] {
            let mut bytes = good.as_bytes().to_vec();
            bytes[place] = byte;
            let Ok((chip, _)) = Chip::from_svd(&bytes) else {
                continue;
            };
            for register in chip.registers() {
                let elements = register.elements().take(4);
                let _ = elements.map(|element| element.path()).collect::<Vec<_>>();
                let _ = chip.registers_at(register.address());
                let _ = chip.near(register.address() + 1);
                let _ = register.decode(u64::MAX);
            }
        }
    }
}
