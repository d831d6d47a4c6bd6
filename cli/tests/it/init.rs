//! `silk init`: finds what a project already says, and names where.

use crate::silk::{Silk, example};

/// A project as `cargo generate` and a debugger configuration leave it.
fn project() -> Silk {
    let silk = Silk::new();
    silk.write("nrf51.svd", std::fs::read(example("nrf51.svd")).unwrap());
    silk.write("build/app.elf", std::fs::read(example("faulty.elf")).unwrap());
    silk.write(
        ".cargo/config.toml",
        "[target.thumbv6m-none-eabi]\nrunner = \"probe-rs run --chip nRF51822_xxAA\"\n",
    );
    silk
}

#[test]
fn what_is_found_is_written_with_its_origin_and_works_at_once() {
    let silk = project();
    silk.run(["init"]).expect(0);
    let text = std::fs::read_to_string(silk.home.path().join("silk.toml")).unwrap();
    assert!(text.contains("name = \"nRF51822_xxAA\"  # .cargo/config.toml:2"), "{text}");
    assert!(text.contains("svd = \"nrf51.svd\""), "{text}");
    assert!(text.contains("elf = \"build/app.elf\""), "{text}");
    let finding = silk.run(["triage", "--json"]).expect(0);
    assert_eq!(finding.json()[0]["register"], "UART0.BAUDRATE");
}

#[test]
fn a_dry_run_writes_nothing() {
    let silk = project();
    let run = silk.run(["init", "--dry-run"]).expect(0);
    assert!(run.stdout.contains("[chip]"), "{}", run.stdout);
    assert!(!silk.home.path().join("silk.toml").exists());
}

#[test]
fn an_existing_file_is_kept_unless_forced() {
    let silk = project();
    silk.write("silk.toml", "[chip]\nname = \"mine\"\n");
    let run = silk.run(["init"]).expect(2);
    assert!(run.stderr.contains("--force"), "{}", run.stderr);
    let kept = std::fs::read_to_string(silk.home.path().join("silk.toml")).unwrap();
    assert_eq!(kept, "[chip]\nname = \"mine\"\n");
    silk.run(["init", "--force"]).expect(0);
    let replaced = std::fs::read_to_string(silk.home.path().join("silk.toml")).unwrap();
    assert!(replaced.contains("nRF51822_xxAA"), "{replaced}");
}

#[test]
fn an_empty_folder_says_what_was_searched() {
    let run = Silk::new().run(["init"]).expect(4);
    assert!(run.stderr.contains(".cargo/config.toml"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
}

#[test]
fn the_editors_configuration_is_read_with_its_comments() {
    let silk = Silk::new();
    silk.write("chip.svd", std::fs::read(example("nrf51.svd")).unwrap());
    silk.write(
        ".vscode/launch.json",
        r#"{
  // how we debug
  "configurations": [{
    "type": "cortex-debug",
    "device": "nRF51822_xxAA",
    "svdFile": "${workspaceFolder}/chip.svd", /* trailing commas too */
  }],
}"#,
    );
    let run = silk.run(["init", "--json", "--dry-run"]).expect(0);
    let lines = run.json();
    let value = |key: &str| lines.iter().find(|line| line["key"] == key).unwrap();
    assert_eq!(value("chip.name")["value"], "nRF51822_xxAA");
    assert_eq!(value("chip.svd")["value"], "chip.svd");
    let source = &value("chip.svd")["source"];
    assert_eq!(source["file"], ".vscode/launch.json");
    assert_eq!(source["line"], 6);
}
