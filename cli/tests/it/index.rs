//! `silk index`: the dump of a whole register map, and the cache of indexes.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::silk::{Run, Silk, example};

/// Two peripherals, the second below the first; a cluster array whose registers alternate; an
/// array too long to list; a register that cannot be placed.
const SVD: &str = r#"<?xml version="1.0"?>
<device><name>TINY</name><width>32</width>
<cpu><name>CM4</name><revision>r0p1</revision><endian>little</endian></cpu><peripherals>
<peripheral><name>B</name><baseAddress>0x50000000</baseAddress><registers>
  <register><name>LATE</name><addressOffset>0x100</addressOffset></register>
  <cluster><dim>2</dim><dimIncrement>8</dimIncrement><name>CH[%s]</name><addressOffset>0</addressOffset>
    <register><name>LEFT</name><addressOffset>0</addressOffset></register>
    <register><name>RIGHT</name><addressOffset>4</addressOffset></register>
  </cluster>
  <register><dim>4097</dim><dimIncrement>4</dimIncrement><name>LONG[%s]</name><addressOffset>0x1000</addressOffset>
    <fields><field><name>F</name><bitOffset>0</bitOffset><bitWidth>1</bitWidth></field></fields>
  </register>
  <register><addressOffset>0x200</addressOffset></register>
</registers></peripheral>
<peripheral><name>A</name><baseAddress>0x40000000</baseAddress><registers>
  <cluster><dim>2</dim><dimIncrement>4</dimIncrement><name>X[%s]</name><addressOffset>0</addressOffset>
    <register><dim>2</dim><dimIncrement>8</dimIncrement><name>Y[%s]</name><addressOffset>0</addressOffset></register>
  </cluster>
</registers></peripheral>
</peripherals></device>"#;

fn dump(silk: &Silk) -> Vec<Value> {
    let svd = silk.write("tiny.svd", SVD);
    silk.run(["index", "dump", svd.to_str().unwrap(), "--json"]).expect(0).json()
}

#[test]
fn registers_come_by_peripheral_and_address() {
    let mut lines = dump(&Silk::new());
    lines.pop();
    let told = |line: &Value| {
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        format!("{} {}", text("path"), text("address"))
    };
    let told: Vec<String> = lines.iter().map(told).collect();
    let expected = [
        "B.CH[0].LEFT 0x50000000",
        "B.CH[0].RIGHT 0x50000004",
        "B.CH[1].LEFT 0x50000008",
        "B.CH[1].RIGHT 0x5000000c",
        "B.LATE 0x50000100",
        "B.LONG[0..4097) 0x50001000",
        "A.X[0].Y[0] 0x40000000",
        "A.X[1].Y[0] 0x40000004",
        "A.X[0].Y[1] 0x40000008",
        "A.X[1].Y[1] 0x4000000c",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_long_array_is_one_line_with_count_and_stride() {
    let lines = dump(&Silk::new());
    let long = lines.iter().find(|line| line["path"] == "B.LONG[0..4097)").unwrap();
    assert_eq!(long["count"], 4097);
    assert_eq!(long["stride"], 4);
    let short = lines.iter().find(|line| line["path"] == "B.LATE").unwrap();
    assert_eq!((&short["count"], &short["stride"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_last_line_counts_and_names_what_was_skipped() {
    let lines = dump(&Silk::new());
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!(summary["peripherals"], 2);
    assert_eq!(summary["registers"], 5 + 4097 + 4);
    assert_eq!(summary["fields"], 4097);
    assert_eq!(summary["warnings"], 1);
    let [skipped] = summary["skipped"].as_array().unwrap().as_slice() else { panic!("{summary}") };
    assert_eq!(skipped["line"], 13);
    assert!(skipped["path"].as_str().unwrap().starts_with('B'), "{skipped}");
    assert!(!skipped["why"].as_str().unwrap().is_empty());
}

#[test]
fn a_dumped_register_is_what_a_look_up_gives() {
    let silk = Silk::new();
    let svd = example("nrf51.svd");
    let lines = silk.run(["index", "dump", &svd, "--json"]).expect(0).json();
    for path in ["UART0.CONFIG", "GPIO.PIN_CNF[31]", "UART0.RXD"] {
        let dumped = lines.iter().find(|line| line["path"] == path).unwrap();
        let looked_up = silk.run(["reg", path, "--json", "--svd", &svd]).expect(0).json();
        assert_eq!(looked_up, std::slice::from_ref(dumped));
    }
}

#[test]
fn the_dump_reads_calmly_too() {
    let silk = Silk::new();
    let svd = silk.write("tiny.svd", SVD);
    let run = silk.run(["index", "dump", svd.to_str().unwrap()]).expect(0);
    assert!(run.stdout.contains("\nB.LONG[0..4097)  0x50001000  32 bit\n  4097 elements"));
    assert!(
        run.stdout.ends_with(
            "TINY: 2 peripherals, 4106 registers, 4097 fields; left out 1, warnings 1\n"
        )
    );
}

#[test]
fn a_dump_into_a_closed_pipe_is_a_clean_end() {
    let silk = Silk::new();
    let mut command = silk.command();
    command.args(["index", "dump", &example("nrf51.svd"), "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let run = Run::of(child.wait_with_output().unwrap()).expect(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn what_is_no_svd_is_told_so() {
    let run = Silk::new().run(["index", "dump", &example("faulty.elf")]).expect(2);
    assert!(run.stderr.contains("ELF"), "{}", run.stderr);
}

#[test]
fn the_list_names_what_the_cache_holds() {
    let silk = Silk::new();
    let empty = silk.run(["index", "list", "--json"]).expect(0).json();
    assert_eq!((&empty[0]["event"], &empty[0]["files"]), (&json!("summary"), &json!(0)));
    dump(&silk);
    let svd = example("nrf51.svd");
    silk.run(["reg", "UART0", "--svd", &svd]).expect(0);
    let listed = silk.run(["index", "list", "--json", "--svd", &svd]).expect(0).json();
    let of = |device: &str| listed.iter().find(|line| line["device"] == device).unwrap();
    assert_eq!(of("nrf51")["source"], svd);
    assert_eq!(of("nrf51")["kind"], "svd");
    assert!(of("TINY")["source"].as_str().unwrap().ends_with("tiny.svd"));
    let size = |line: &Value| line["size_bytes"].as_u64().unwrap();
    let total = listed.last().unwrap();
    assert_eq!(total["files"], 2);
    assert_eq!(size(total), size(of("nrf51")) + size(of("TINY")));
}

#[test]
fn beyond_the_bound_the_oldest_go_and_nothing_else_does() {
    let silk = Silk::new();
    dump(&silk);
    let listed = silk.run(["index", "list", "--json"]).expect(0).json();
    let old = std::path::PathBuf::from(listed[0]["file"].as_str().unwrap());
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    std::fs::File::open(&old).unwrap().set_modified(hour_ago).unwrap();
    silk.run(["reg", "UART0", "--svd", &example("nrf51.svd")]).expect(0);
    // Neither the name alone nor the first bytes alone make an index file.
    let folder = old.parent().unwrap();
    let stranger = folder.join(format!("{}-svd1.idx", "0".repeat(64)));
    std::fs::write(&stranger, "notes of mine").unwrap();
    let renamed = folder.join("backup.idx");
    std::fs::copy(&old, &renamed).unwrap();

    let shown =
        silk.run(["index", "gc", "--max-size", "0", "--dry-run", "--json"]).expect(0).json();
    assert_eq!(shown.iter().filter(|line| line["event"] == "would_remove").count(), 2);
    assert!(old.exists());

    let all = silk.run(["index", "gc", "--json"]).expect(0).json();
    assert_eq!((&all[0]["event"], &all[0]["files"]), (&json!("summary"), &json!(2)));

    // A bound between the newest alone and both: the padding makes the old one weigh.
    let bytes = std::fs::read(&old).unwrap();
    std::fs::write(&old, [bytes, vec![0; 2 << 20]].concat()).unwrap();
    std::fs::File::open(&old).unwrap().set_modified(hour_ago).unwrap();
    let pruned = silk.run(["index", "gc", "--max-size", "1", "--json"]).expect(0).json();
    let [removed, summary] = pruned.as_slice() else { panic!("{pruned:?}") };
    assert_eq!(removed["event"], "removed");
    assert_eq!(removed["file"], old.to_str().unwrap());
    assert_eq!(summary["files"], 1);
    assert_eq!(summary["freed_bytes"], removed["size_bytes"]);
    assert!(!old.exists() && stranger.exists() && renamed.exists());
    // What was removed is built again when it is needed.
    assert_eq!(dump(&silk).len(), 11);
}

#[test]
fn what_a_newer_version_replaced_goes_first() {
    let silk = Silk::new();
    dump(&silk);
    let listed = silk.run(["index", "list", "--json"]).expect(0).json();
    let current = std::path::PathBuf::from(listed[0]["file"].as_str().unwrap());
    let older =
        current.with_file_name(format!("{}-svd0.idx", listed[0]["content"].as_str().unwrap()));
    std::fs::copy(&current, &older).unwrap();
    let pruned = silk.run(["index", "gc", "--json"]).expect(0).json();
    assert_eq!(pruned[0]["file"], older.to_str().unwrap());
    assert_eq!(pruned[0]["reason"], "superseded by a newer version's");
    assert!(current.exists() && !older.exists());
    std::fs::write(&current, b"SILKIDX\0torn").unwrap();
    let shown = silk.run(["index", "list"]).expect(0);
    assert!(shown.stdout.contains("of another version, or damaged"), "{}", shown.stdout);
}
