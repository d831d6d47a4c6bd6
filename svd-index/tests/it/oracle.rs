//! Registers as svd-parser and its `expand` see them, to compare ours with.

use std::collections::BTreeMap;

use svd_index::{Chip, EnumUsage, FieldRef, RegisterRef};
use svd_parser::svd;

/// Everything that the two are compared in, by path.
pub(crate) type Facts = BTreeMap<String, Vec<String>>;

/// What svd-parser reads, validation off; an error where it refuses the file.
pub(crate) fn theirs(text: &str) -> Result<Facts, String> {
    let config = svd_parser::Config::default()
        .validate_level(svd_parser::ValidateLevel::Disabled)
        .expand(true)
        .expand_properties(true);
    let device =
        svd_parser::parse_with_config(text, &config).map_err(|error| format!("{error:#}"))?;
    let mut facts = Facts::new();
    for peripheral in &device.peripherals {
        for register in peripheral.registers() {
            let path = format!("{}.{}", peripheral.name, register.name);
            let address = peripheral.base_address + u64::from(register.address_offset);
            let size = register.properties.size.or(device.width.into()).unwrap_or(32);
            let all = u64::MAX >> (64 - size.clamp(1, 64));
            let mut line = format!(
                "{address:#x} {size} {:?} {:x?} {:x} {:?} {:?}",
                register.properties.access.map(|access| access.as_str()),
                register.properties.reset_value.map(|value| value & all),
                register.properties.reset_mask.unwrap_or(u64::MAX) & all,
                register.read_action.map(|action| action.as_str()),
                register.modified_write_values.map(|values| values.as_str()),
            );
            for field in register.fields() {
                line += &their_field(field, register);
            }
            facts.entry(path).or_default().push(line);
        }
    }
    sort(&mut facts);
    Ok(facts)
}

/// The text with everything mended that svd-parser refuses a whole file for, and that leaves the
/// meaning of registers as it is.
pub(crate) fn mended(text: &str) -> String {
    const WORDS: [(&str, &str); 10] = [
        ("<access>read-writeonce</access>", "<access>read-writeOnce</access>"),
        ("<access>writeonce</access>", "<access>writeOnce</access>"),
        ("<access>read</access>", "<access>read-only</access>"),
        ("<access>write</access>", "<access>write-only</access>"),
        ("<resetValue>0x</resetValue>", ""),
        // Musca_S1, the wrong way round.
        ("<bitRange>[0:1]</bitRange>", "<bitRange>[1:0]</bitRange>"),
        ("<bitRange>[5:6]</bitRange>", "<bitRange>[6:5]</bitRange>"),
        ("<bitRange>[7:8]</bitRange>", "<bitRange>[8:7]</bitRange>"),
        // TLE98xx: bits that do not matter, which svd-parser knows in the other spelling only.
        ("<value>0b", "<value>#"),
        // MAX32670: an array whose name says nothing of it.
        ("</dimIncrement>\n          <name>DATA<", "</dimIncrement>\n          <name>DATA[%s]<"),
    ];
    let mut text =
        WORDS.iter().fold(text.to_owned(), |text, (wrong, right)| text.replace(wrong, right));
    // Address blocks are not compared, and some have no usage, or one of their own.
    while let Some(start) = text.find("<addressBlock>") {
        let Some(len) = text[start..].find("</addressBlock>") else {
            break;
        };
        text.replace_range(start..start + len + "</addressBlock>".len(), "");
    }
    text
}

fn their_field(field: &svd::Field, register: &svd::Register) -> String {
    let access = field.access.or(register.properties.access);
    let all = u64::MAX >> (64 - field.bit_width().clamp(1, 64));
    let mut line = format!(
        "\n  {} {}+{} {:?}",
        field.name.replace(['[', ']'], ""),
        field.bit_offset(),
        field.bit_width(),
        access.map(|access| access.as_str()),
    );
    for set in &field.enumerated_values {
        let usage = set.usage.map_or("read-write", |usage| usage.as_str());
        for value in &set.values {
            if value.value.is_none() && value.is_default != Some(true) {
                continue;
            }
            line += &format!(
                " {}={:x?}/{usage}/{}",
                value.name,
                value.value.map(|value| value & all),
                value.is_default == Some(true),
            );
        }
    }
    line
}

/// The same from our index, what is built in left out.
pub(crate) fn ours(chip: &Chip) -> Facts {
    let mut facts = Facts::new();
    let declared = chip.registers().filter(|register| !register.is_builtin());
    for register in declared.flat_map(|register| register.elements()) {
        let path = register.path();
        let (peripheral, name) = path.split_once('.').expect("a path has a register");
        // svd-parser joins `A[0].B` as `A0_B`.
        let name = name.replace('.', "_");
        let path = format!("{peripheral}.{name}").replace(['[', ']'], "");
        facts.entry(path).or_default().push(our_register(&register));
    }
    sort(&mut facts);
    facts
}

fn our_register(register: &RegisterRef<'_>) -> String {
    let mut line = format!(
        "{:#x} {} {:?} {:x?} {:x} {:?} {:?}",
        register.address(),
        register.size_bits(),
        register.access().map(|access| access.as_str()),
        register.reset_value(),
        register.reset_mask(),
        register.read_action().map(|action| action.as_str()),
        register.modified_write_values().map(|values| values.as_str()),
    );
    for field in register.fields() {
        line += &our_field(&field);
    }
    line
}

fn our_field(field: &FieldRef<'_>) -> String {
    let all = field.mask() >> field.lsb();
    let mut line = format!(
        "\n  {} {}+{} {:?}",
        field.name().replace(['[', ']'], ""),
        field.lsb(),
        field.width(),
        field.access().map(|access| access.as_str()),
    );
    for value in field.enums() {
        let usage: EnumUsage = value.usage;
        line += &format!(
            " {}={:x?}/{usage}/{}",
            value.name,
            value.value.map(|value| value & all),
            value.is_default,
        );
    }
    line
}

/// Names that stand twice in a peripheral (alternate registers) are compared as a set.
fn sort(facts: &mut Facts) {
    for lines in facts.values_mut() {
        lines.sort();
    }
}

/// What differs, one text per register.
pub(crate) fn differences(theirs: &Facts, ours: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    for (path, lines) in theirs {
        match ours.get(path) {
            None => found.push(format!("{path}: ours has none")),
            Some(own) if own != lines => {
                found.push(format!("{path}:\n theirs {lines:#?}\n ours   {own:#?}"));
            }
            Some(_) => {}
        }
    }
    let extra = ours.keys().filter(|path| !theirs.contains_key(*path));
    found.extend(extra.map(|path| format!("{path}: theirs has none")));
    found
}
