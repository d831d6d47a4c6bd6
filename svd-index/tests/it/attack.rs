//! SVDs that mean harm end in an answer or an error, soon and in little memory.

use svd_index::svd::SvdError;
use svd_index::{Chip, Query};

const HEAD: &str = "<device><name>T</name><size>32</size><peripherals>";
const TAIL: &str = "</peripherals></device>";

fn read(svd: &str) -> (Chip, Vec<svd_index::Warning>) {
    Chip::from_svd(svd.as_bytes()).expect("it has a device")
}

#[test]
fn entities_are_not_unfolded_and_nothing_is_fetched() {
    let laughs: String = (1..10)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let bomb = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE device SYSTEM \"file:///etc/passwd\" [<!ENTITY l0 \"lol\">\
         {laughs}<!ENTITY x SYSTEM \"file:///etc/passwd\">]><device><name>&l9;&x;</name></device>"
    );
    assert_eq!(read(&bomb).0.device().name, "&l9;&x;");
    let ampersands = format!("<device><name>{}</name></device>", "&".repeat(1_000_000));
    assert_eq!(read(&ampersands).0.device().name.len(), 1_000_000);
}

#[test]
fn a_million_elements_in_elements_break_the_document_off() {
    for element in ["<a>", "<cluster><name>C</name><addressOffset>0</addressOffset>"] {
        let (chip, warnings) = crate::chip_with(&element.repeat(1_000_000));
        assert_eq!(chip.registers().count(), 0);
        assert!(warnings.iter().any(|warning| warning.what.contains("nest deeper")), "{element}");
    }
}

#[test]
fn a_packed_file_of_blanks_is_refused() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(HEAD.as_bytes()).expect("memory takes all");
    let blanks = vec![b' '; 1 << 20];
    (0..300).for_each(|_| packed.write_all(&blanks).expect("memory takes all"));
    let packed = packed.finish().expect("memory takes all");
    let error = Chip::from_svd(&packed).expect_err("it is too large");
    assert!(matches!(error, SvdError::TooLarge { .. }), "{error}");
}

#[test]
fn encodings_are_told_by_mark_declaration_and_content() {
    let text = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><device><name>µ</name></device>";
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect();
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [&latin, &little, &big] {
        let (chip, warnings) = Chip::from_svd(bytes).expect("it has a device");
        assert_eq!(chip.device().name, "µ");
        assert!(warnings.is_empty(), "{warnings:?}");
    }
}

#[test]
fn a_list_of_four_billion_names_is_not_made() {
    let (chip, warnings) = crate::chip_with(
        "<register><dim>4000000000</dim><dimIncrement>4</dimIncrement>\
         <dimIndex>0-3999999998,x</dimIndex><name>R%s</name><addressOffset>0</addressOffset>\
         </register>",
    );
    assert_eq!(chip.device().registers, 4_000_000_000);
    assert!(warnings[0].what.contains("dimIndex"), "{warnings:?}");
}

/// Addresses used to wrap round to 0.
#[test]
fn what_reaches_beyond_64_bits_is_left_out() {
    for (base, dim) in [
        ("0xFFFFFFFFFFFFFFFE", ""),
        ("0", "<dim>3</dim><dimIncrement>0x8000000000000000</dimIncrement>"),
    ] {
        let (chip, warnings) = read(&format!(
            "{HEAD}<peripheral><name>P</name><baseAddress>{base}</baseAddress><registers><register>\
             {dim}<name>R[%s]</name><addressOffset>0</addressOffset></register></registers>\
             </peripheral>{TAIL}"
        ));
        assert_eq!(chip.registers().count(), 0);
        let told = warnings.iter().any(|w| w.left_out && w.what.contains("beyond 64 bits"));
        assert!(told, "{warnings:?}");
    }
}

#[test]
fn a_name_of_a_megabyte_costs_its_element() {
    let long = "N".repeat(1_000_000);
    let (chip, warnings) = crate::chip_with(&format!(
        "<register><name>{long}</name><addressOffset>0</addressOffset></register>\
         <register derivedFrom=\"{long}\"><name>R</name><addressOffset>4</addressOffset>\
         <access>{long}</access></register>"
    ));
    assert_eq!(crate::paths(&chip), ["P.R"]);
    assert!(warnings.iter().all(|w| w.what.len() + w.path.len() < 1000), "a warning drowns");
}

/// Each cluster holds two derived from the next, which makes a million million of them.
#[test]
fn derivation_that_doubles_comes_to_an_end() {
    let clusters: String = (0..40)
        .map(|n| {
            let inner = |name: &str| {
                let next = n + 1;
                format!(
                    "<cluster derivedFrom=\"P.C{next}\"><name>{name}</name>\
                     <addressOffset>0</addressOffset></cluster>"
                )
            };
            let (x, y) = (inner("X"), inner("Y"));
            format!("<cluster><name>C{n}</name><addressOffset>0</addressOffset>{x}{y}</cluster>")
        })
        .collect();
    let (_, warnings) = crate::chip_with(&clusters);
    let told = |what: &str| warnings.iter().any(|warning| warning.what.contains(what));
    assert!(told("takes too long") || told("more than"), "{:?}", warnings.last());
}

/// Fields that derive from one another in a long row were looked for in all of them each time.
#[test]
fn fields_derived_in_a_row_come_to_an_end() {
    let fields: String = (0..30_000)
        .map(|n| format!("<field derivedFrom=\"F{}\"><name>F{n}</name></field>", n + 1))
        .collect();
    let (_, warnings) = crate::chip_with(&format!(
        "<register><name>R</name><addressOffset>0</addressOffset><fields>{fields}</fields></register>"
    ));
    assert!(warnings.len() < 1100, "{} warnings", warnings.len());
}

/// Each `*` used to be tried at every place that the one before it left.
#[test]
fn a_row_of_wildcards_is_one() {
    let query =
        Query::parse("UART0.************************BAUD*************E").expect("it is one");
    assert!(!crate::nrf51().find(&query).is_empty());
    let query =
        Query::parse("UART0.************************BAUD*************0").expect("it is one");
    assert!(crate::nrf51().find(&query).is_empty());
}

/// The start of a pattern was cut off by bytes.
#[test]
fn a_query_beyond_ascii_is_read() {
    for text in ["éé", "\u{8c}*a", "u\u{fffd}art", "0µ", "=µ"] {
        if let Ok(query) = Query::parse(text) {
            assert!(crate::nrf51().find_hits(&query).is_empty(), "{text}");
        }
    }
}
