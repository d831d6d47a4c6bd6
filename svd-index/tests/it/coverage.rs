//! How much of many vendors' files is read, held against a committed table.
//!
//! `SILK_BLESS=1` writes the table anew: read its difference line by line.

use std::fmt::Write;
use std::path::PathBuf;

use svd_index::Chip;

const HEAD: &str = "\
# What is read of each file of the set that .ci/svds/fetch gets. Array elements are counted.
# Remade by the test `coverage` with SILK_BLESS=1.
#
# peripherals  registers    fields  warnings  left out  file
";

#[test]
fn every_file_of_the_set_is_read_as_far_as_written_down() {
    let files = crate::svds::files();
    if files.is_empty() {
        return;
    }
    let mut table = HEAD.to_owned();
    for (name, path) in files {
        let bytes = std::fs::read(&path).expect("it can be read");
        let (chip, warnings) = Chip::from_svd(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let device = chip.device();
        let left_out = warnings.iter().filter(|warning| warning.left_out).count();
        writeln!(
            table,
            "{:13} {:10} {:9} {:9} {left_out:9}  {name}",
            device.peripherals,
            device.registers,
            device.fields,
            warnings.len(),
        )
        .expect("a String takes all");
    }
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/coverage.txt");
    if std::env::var_os("SILK_BLESS").is_some() {
        std::fs::write(&place, &table).expect("the table can be written");
    }
    let written = std::fs::read_to_string(&place).expect("the table is committed");
    let only = |one: &str, other: &str| -> Vec<String> {
        let other: Vec<&str> = other.lines().collect();
        one.lines().filter(|line| !other.contains(line)).map(str::to_owned).collect()
    };
    let (found, expected) = (only(&table, &written), only(&written, &table));
    assert!(table == written, "expected\n{}\nread\n{}", expected.join("\n"), found.join("\n"));
}
