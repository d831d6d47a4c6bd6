//! Register maps from packs and folders, and their patches, as a person meets them.

use serde_json::json;

use crate::silk::Silk;

const DESCRIPTION: &str = r#"<package><devices><family Dfamily="F">
 <device Dname="CHIP100Ax"><debug svd="SVD/one.svd"/></device>
 <device Dname="CHIP200Ax"><debug svd="SVD/two.svd"/></device></family></devices></package>"#;

fn svd(device: &str) -> String {
    format!(
        "<device><name>{device}</name><width>32</width><peripherals><peripheral><name>P</name>\
         <baseAddress>0x40000000</baseAddress><registers><register><name>{device}</name>\
         <addressOffset>0</addressOffset></register></registers></peripheral></peripherals></device>"
    )
}

/// A folder with an unpacked pack, and its path.
fn pack(silk: &Silk) -> String {
    let description = silk.write("pack/v.pdsc", DESCRIPTION);
    silk.write("pack/SVD/one.svd", svd("ONE"));
    silk.write("pack/SVD/two.svd", svd("TWO"));
    description.parent().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn the_chip_chooses_in_a_pack() {
    let silk = Silk::new();
    let pack = pack(&silk);
    for (chip, register) in [("CHIP100A", "P.ONE"), ("chip200a1", "P.TWO")] {
        let found = silk.run(["reg", "P.*", "--svd", &pack, "--chip", chip, "--json"]).expect(0);
        assert_eq!(found.json()[0]["path"], register);
    }
}

#[test]
fn a_choice_that_is_not_clear_is_an_error_that_lists_and_helps() {
    let silk = Silk::new();
    let pack = pack(&silk);
    let unnamed = silk.run(["reg", "P.ONE", "--svd", &pack]).expect(2);
    assert!(unnamed.stderr.contains("found: CHIP100Ax in SVD/one.svd"), "{}", unnamed.stderr);
    assert!(unnamed.stderr.contains("hint: name the chip: `--chip NAME`"), "{}", unnamed.stderr);
    let other = silk.run(["reg", "P.ONE", "--svd", &pack, "--chip", "RP2040"]).expect(2);
    assert!(other.stderr.contains("nothing in it is for `RP2040`"), "{}", other.stderr);
}

#[test]
fn patches_of_the_project_correct_its_svd() {
    let silk = Silk::new();
    silk.write("chip.svd", svd("ONE"));
    silk.write("fix.yaml", "P:\n  _modify:\n    ONE: {addressOffset: 8}\n  NOPE: {}\n");
    silk.write("silk.toml", "[chip]\nsvd = \"chip.svd\"\npatches = [\"fix.yaml\"]\n");
    let found = silk.run(["reg", "P.ONE", "--json"]).expect(0);
    assert_eq!(found.json()[0]["address"], "0x40000008");
    assert_eq!(found.json()[0]["patch"]["line"], 3);
    let shown = silk.run(["reg", "P.ONE"]).expect(0);
    assert!(shown.stdout.contains("changed by a patch: "), "{}", shown.stdout);
    assert!(found.stderr.contains("fix.yaml:4: P: no register or cluster"), "{}", found.stderr);
    assert!(!found.stderr.contains("unknown option"), "{}", found.stderr);
    let settings = silk.run(["config", "--json"]).expect(0).json();
    let patches = settings.iter().find(|one| one["key"] == "chip.patches").unwrap();
    assert_ne!(patches["value"], json!([]));
    let checked = silk.run(["doctor"]);
    assert!(checked.stdout.contains("patched by"), "{}", checked.stdout);
    silk.write("fix.yaml", "P: [\n");
    let broken = silk.run(["reg", "P.ONE"]).expect(2);
    assert!(broken.stderr.contains("fix.yaml` is not valid YAML: line"), "{}", broken.stderr);
}

#[test]
fn without_an_svd_the_doctor_says_who_publishes_it() {
    let silk = Silk::new();
    let checked = silk.run(["doctor", "--chip", "nRF52840_xxAA"]);
    assert!(checked.stdout.contains("NordicSemiconductor/nrfx"), "{}", checked.stdout);
}

#[test]
fn an_index_whose_source_is_gone_is_named_and_removed() {
    let silk = Silk::new();
    let path = silk.write("gone.svd", svd("ONE"));
    silk.run(["index", "dump", path.to_str().unwrap()]).expect(0);
    std::fs::remove_file(&path).unwrap();
    let listed = silk.run(["index", "list", "--json"]).expect(0).json();
    assert_eq!(listed[0]["source"], path.to_str().unwrap());
    assert_eq!(listed[0]["source_gone"], true);
    let removed = silk.run(["index", "gc"]).expect(0);
    assert!(removed.stdout.contains("its source is gone"), "{}", removed.stdout);
    assert_eq!(silk.run(["index", "list", "--json"]).expect(0).json().len(), 1);
}
