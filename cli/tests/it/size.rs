//! `silk size`: what takes flash and RAM, and what grew.

use serde_json::{Value, json};

use crate::silk::{Silk, example};

fn registers(name: &str) -> String {
    example(&format!("../../svd-index/tests/data/elf/{name}"))
}

/// Sum of a member over the lines of one table.
fn sum(lines: &[Value], by: &str, member: &str) -> u64 {
    lines.iter().filter(|line| line["by"] == by).map(|line| line[member].as_u64().unwrap()).sum()
}

#[test]
fn all_tables_of_size_add_up_to_its_summary() {
    let elf = registers("m4-O2-dwarf5.elf");
    let by = ["--by", "section", "--by", "crate", "--by", "file", "--by", "symbol"];
    let run = Silk::new().run(["size", "--json", &elf].into_iter().chain(by));
    let lines = run.expect(0).json();
    let [rows @ .., last] = lines.as_slice() else { panic!("no lines") };
    let summary = &last["summary"];
    assert_eq!((&summary["flash_bytes"], &summary["ram_bytes"]), (&json!(536), &json!(92)));
    assert_eq!(summary["loaded_into_ram_bytes"], 36);
    assert_eq!(summary["regions_told_by"], json!(null));
    for by in ["section", "crate", "file", "symbol"] {
        assert_eq!(sum(rows, by, "flash_bytes"), 536, "{by}");
        assert_eq!(sum(rows, by, "ram_bytes"), 92, "{by}");
    }
    let config = rows.iter().find(|row| row["name"] == "config").unwrap();
    let expected = json!({
        "version": 1, "elf": elf, "by": "symbol", "name": "config", "kind": "symbol",
        "flash_bytes": 52, "ram_bytes": 52, "count": 1, "address": "0x20000024",
        "section": ".data", "file": "registers.c", "crate": null, "instantiated_in": null,
    });
    assert_eq!(config, &expected);
}

#[test]
fn size_is_set_against_the_chips_memories() {
    let (silk, elf) = (Silk::new(), registers("m4-O2-dwarf5.elf"));
    let run = silk.run(["size", &elf]).expect(0);
    assert!(run.stderr.contains("how much memory the chip has is not known"), "{}", run.stderr);
    let out = silk.run(["size", &elf, "--chip", "STM32F405RG"]).expect(0).stdout;
    assert!(out.contains("536 of   1,048,576    0.1 %  flash at 0x08000000"), "{out}");
    assert!(out.contains("memories as chip STM32F405RG has them; "), "{out}");
    let script = "MEMORY { FLASH : ORIGIN = 0x08000000, LENGTH = 0x21A\n RAM : ORIGIN = 0x20000024, LENGTH = 64K }";
    silk.write("memory.x", script);
    silk.write("silk.toml", "[chip]\nname = \"STM32F405RG\"\n");
    let out = silk.run(["size", &elf]).expect(0).stdout;
    assert!(out.contains("FLASH          536 of         538   99.6 %"), "{out}");
    assert!(
        out.contains(".note.gnu.build-id at 0x20000000, 36 bytes, is in none of them"),
        "{out}"
    );
    let run = silk.run(["size", &elf, "--chip", "nonesuch", "--config", "/dev/null"]).expect(0);
    assert!(run.stderr.contains("the chip's memories are not known"), "{}", run.stderr);
    let missing = silk.run(["size", &elf, "--memory", "silk.toml"]).expect(2).stderr;
    assert!(missing.contains("names no memory"), "{missing}");
}

#[test]
fn size_of_two_programs_is_what_changed() {
    let (old, new) = (registers("m0-Os-dwarf5.elf"), registers("m0-O0-dwarf4.elf"));
    let silk = Silk::new();
    let lines = silk.run(["size", &old, &new, "--by", "symbol", "--json"]).expect(0).json();
    let [changes @ .., last] = lines.as_slice() else { panic!("no lines") };
    let growth = |side: &str, member: &str| -> u64 {
        changes.iter().filter_map(|change| change[side][member].as_u64()).sum()
    };
    let summary = &last["summary"];
    let total = |side: &str| summary[side]["flash_bytes"].as_u64().unwrap();
    assert_eq!(
        growth("new", "flash_bytes") - growth("old", "flash_bytes"),
        total("new") - total("old")
    );
    let grew = changes.iter().find(|change| change["name"] == "clock_init").unwrap();
    assert_eq!(grew["change"], "grew");
    let same = silk.run(["size", &new, "--diff", &new]).expect(0).stdout;
    assert!(same.contains("nothing changed its size"), "{same}");
    let run = silk.run(["size", &old, &new, "--diff", &new]).expect(2);
    assert!(run.stderr.contains("three ELF files"), "{}", run.stderr);
}

#[test]
fn size_of_a_person_is_short() {
    let out = Silk::new().run(["size", &example("faulty.elf"), "--top", "3"]).expect(0).stdout;
    assert!(out.lines().next().unwrap().ends_with("faulty.elf  flash 692  RAM 8"), "{out}");
    assert!(out.contains(" more; --all shows them"), "{out}");
    let run = Silk::new().run(["size"]).expect(2);
    assert!(run.stderr.contains("no firmware is known"), "{}", run.stderr);
}

#[test]
fn stack_of_functions_is_told_with_its_source() {
    let (silk, elf) = (Silk::new(), registers("m4-O2-dwarf5.elf"));
    let lines = silk.run(["size", "--stack", "--json", &elf]).expect(0).json();
    let start = lines.iter().find(|line| line["name"] == "start").unwrap();
    let expected = json!([8, "static", "cfi"]);
    assert_eq!(json!([start["stack_bytes"], start["kind"], start["source"]]), expected);
    let out = silk.run(["size", "--stack", &elf, "--top", "1"]).expect(0).stdout;
    assert!(out.contains("  CFI           "), "{out}");
    assert!(out.contains(" more; --all shows them"), "{out}");
    let run = silk.run(["size", "--stack", &elf, &elf]).expect(2);
    assert!(run.stderr.contains("is not compared"), "{}", run.stderr);
}
