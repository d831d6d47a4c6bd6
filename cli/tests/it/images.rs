//! Several ELFs of one project: each is asked, and answers say which one they are from.

use serde_json::{Value, json};

use crate::silk::{Silk, example};

/// A project with the faulty and the fixed firmware of the example, which share their addresses,
/// as `boot.elf` and `app.elf`.
fn project() -> Silk {
    let silk = Silk::new();
    for (name, elf) in [("boot.elf", "faulty.elf"), ("app.elf", "fixed.elf")] {
        silk.write(name, std::fs::read(example(elf)).unwrap());
    }
    let (svd, elf) = (example("nrf51.svd"), r#"["boot.elf", "app.elf"]"#);
    silk.write("silk.toml", format!("[chip]\nsvd = '{svd}'\n[firmware]\nelf = {elf}\n"));
    silk
}

fn json(silk: &Silk, arguments: &[&str], code: i32) -> Vec<Value> {
    silk.run([arguments, &["--json"]].concat()).expect(code).json()
}

/// Names of the ELFs that lines are from.
fn elfs(lines: &[Value]) -> Vec<String> {
    let name = |line: &Value| line["elf"].as_str().unwrap_or("-").to_owned();
    lines.iter().map(|line| name(line).rsplit('/').next().unwrap().to_owned()).collect()
}

#[test]
fn an_address_that_two_images_have_is_told_as_such() {
    let silk = project();
    let main = json(&silk, &["sym", "main"], 0);
    assert_eq!(elfs(&main), ["boot.elf", "app.elf"]);
    let address = main[0]["address"].as_str().unwrap();
    let both = json(&silk, &["addr", address], 0);
    assert_eq!(elfs(&both), ["boot.elf", "app.elf"]);
    assert_eq!(both[0]["also_in"], json!([both[1]["elf"]]));
    assert_eq!(both[0]["function"], "main");
    let out = silk.run(["addr", address]).expect(0).stdout;
    assert!(out.contains("  in boot.elf\n") && out.contains("  in app.elf\n"), "{out}");
    assert!(out.contains("2 of the ELF files have this address"), "{out}");
    // A register is the chip's, and of no ELF.
    let register = json(&silk, &["addr", "0x40002524"], 0);
    assert_eq!(register.len(), 1);
    assert_eq!(register[0]["registers"], json!(["UART0.BAUDRATE"]));
    assert_eq!(register[0].get("elf"), None);

    let lines = json(&silk, &["size"], 0);
    let overlap = lines.last().unwrap();
    assert_eq!(elfs(std::slice::from_ref(overlap)), ["boot.elf"]);
    assert_eq!(overlap["overlap"]["address"], "0x00000000");
    let out = silk.run(["size"]).expect(0).stdout;
    assert!(out.contains("boot.elf and app.elf program the same"), "{out}");
}

#[test]
fn one_elf_needs_no_name() {
    let silk = Silk::new();
    let elf = example("faulty.elf");
    for verb in [&["sym", "main"][..], &["addr", "0x20000000"], &["vectors"]] {
        let lines = json(&silk, &[verb, &["--elf", &elf]].concat(), 0);
        assert!(lines.iter().all(|line| line.get("elf").is_none()), "{lines:?}");
    }
}

#[test]
fn registers_vectors_and_claims_are_of_an_image() {
    let silk = project();
    let uses = json(&silk, &["uses", "UART0.BAUDRATE"], 0);
    let written = uses.iter().map(|one| one["value"].as_str().unwrap());
    let told: Vec<_> = elfs(&uses).into_iter().zip(written).collect();
    let expected = [("boot.elf".to_owned(), "0x0001c200"), ("app.elf".to_owned(), "0x01d7e000")];
    assert_eq!(told, expected);

    let vectors = json(&silk, &["vectors"], 0);
    assert_eq!(vectors.iter().filter(|line| line.get("summary").is_some()).count(), 2);
    assert!(!elfs(&vectors).contains(&"-".to_owned()));

    let claims = json(&silk, &["check"], 100);
    let wrong: Vec<Value> = claims.into_iter().filter(|line| line["verdict"] == "wrong").collect();
    assert_eq!(elfs(&wrong), ["boot.elf"]);
    let out = silk.run(["check"]).expect(100).stdout;
    assert!(out.contains("of boot.elf)"), "{out}");

    let explained = silk.run(["explain", "uart_init"]).expect(0).stdout;
    assert!(explained.contains("in boot.elf") && explained.contains("in app.elf"), "{explained}");
}

#[test]
fn what_is_true_in_one_image_is_true() {
    let silk = Silk::new();
    let other = example("../register-use/nrf51.elf");
    let fixed = example("fixed.elf");
    // A function that only one of the two has.
    let functions = json(&silk, &["sym", "*_init", "--elf", &other], 0);
    let known = json(&silk, &["sym", "*", "--limit", "999", "--elf", &fixed], 0);
    let is_new = |name: &str| known.iter().all(|symbol| symbol["name"] != name);
    let mut names = functions.iter().map(|symbol| symbol["name"].as_str().unwrap());
    let name = names.find(|name| is_new(name)).unwrap();
    silk.write("notes.md", format!("The board starts in `{name}()`.\n"));
    let svd = example("nrf51.svd");
    let check = |elfs: &[&str]| {
        let lines = json(&silk, &[&["check", "notes.md", "--svd", &svd], elfs].concat(), 0);
        let symbol = lines.into_iter().find(|line| line["kind"] == "symbol").unwrap();
        symbol["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(check(&["--elf", &other]), "ok");
    assert_eq!(check(&["--elf", &fixed, "--elf", &other]), "ok");
}

#[test]
fn types_that_images_have_alike_are_told_once() {
    let silk = Silk::new();
    let data = |name: &str| example(&format!("../../svd-index/tests/data/elf/{name}"));
    let (m0, m4) = (data("m0-O0-dwarf4.elf"), data("m4-O2-dwarf5.elf"));
    let arguments = ["type", "struct config", "--elf", &m0, "--elf", &m4];
    let out = silk.run(arguments).expect(0).stdout;
    assert_eq!(out.matches("struct config").count(), 1, "{out}");
    assert!(out.contains("in m0-O0-dwarf4.elf, m4-O2-dwarf5.elf"), "{out}");
    assert!(out.contains("(padding)"), "{out}");
    let lines = json(&silk, &arguments, 0);
    assert_eq!(elfs(&lines), ["m0-O0-dwarf4.elf", "m4-O2-dwarf5.elf"]);
}
