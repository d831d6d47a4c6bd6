//! Bad input: a clear error with the next step, and the exit code that was promised.

use crate::parts;
use crate::silk::{Silk, example, faulty};

#[test]
fn a_truncated_svd_costs_only_what_is_missing() {
    let silk = Silk::new();
    let whole = std::fs::read(example("nrf51.svd")).unwrap();
    // The cut lies behind UART0, so that its registers still stand.
    let cut = silk.write("cut.svd", &whole[..whole.len() / 2]);
    let run = silk.run(["reg", "UART0.BAUDRATE", "--svd", cut.to_str().unwrap()]).expect(0);
    assert!(run.stdout.starts_with("UART0.BAUDRATE  0x40002524"), "{}", run.stdout);
    assert!(run.stderr.contains("warning: "), "{}", run.stderr);
    assert!(run.stderr.contains("cut.svd:"), "names file and line: {}", run.stderr);
}

#[test]
fn a_file_that_is_no_svd_is_named() {
    let silk = Silk::new();
    let run = silk.run(["reg", "UART0", "--svd", &example("faulty.elf")]).expect(2);
    assert!(run.stderr.contains("is not a CMSIS-SVD file"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
    let run = silk.run(["reg", "UART0", "--svd", "/nowhere/x.svd"]).expect(2);
    assert!(run.stderr.contains("/nowhere/x.svd"), "{}", run.stderr);
}

#[test]
fn nothing_configured_says_what_to_give() {
    let run = Silk::new().run(["reg", "UART0"]).expect(2);
    assert!(run.stderr.contains("no register map is known"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: name one with `--svd FILE`"), "{}", run.stderr);
}

#[test]
fn an_elf_without_debug_information_still_has_symbols() {
    if !parts::has("arm-none-eabi-objcopy", "strips the example") {
        return;
    }
    let silk = Silk::new();
    let stripped = silk.home.path().join("stripped.elf");
    let status = std::process::Command::new("arm-none-eabi-objcopy")
        .args(["--strip-debug", &example("faulty.elf"), stripped.to_str().unwrap()])
        .status()
        .unwrap();
    assert!(status.success());
    let run = silk.run(["addr", "0x1fc", "--json", "--elf", stripped.to_str().unwrap()]);
    let answers = run.expect(0).json();
    assert_eq!(answers[0]["function"], "uart_init");
    assert_eq!(answers[0]["line"], serde_json::Value::Null);
    // The finding still stands; only its line is not known.
    let arguments = ["triage", "--json", "--svd", &example("nrf51.svd"), "--elf"];
    let run = silk.run([&arguments[..], &[stripped.to_str().unwrap()]].concat()).expect(0);
    assert_eq!(run.json()[0]["register"], "UART0.BAUDRATE");
    assert_eq!(run.json()[0]["writes"][0]["line"], serde_json::Value::Null);
}

#[test]
fn an_elf_of_another_chip_is_noticed() {
    let silk = Silk::new();
    let svd = silk.write("other.svd", OTHER_CHIP);
    let arguments = ["triage", "--svd", svd.to_str().unwrap(), "--elf", &example("faulty.elf")];
    let run = silk.run(arguments).expect(0);
    assert!(run.stderr.contains("warning: "), "{}", run.stderr);
    assert!(run.stderr.contains("another chip"), "{}", run.stderr);
}

#[test]
fn unknown_options_are_named_with_their_line() {
    let silk = Silk::new();
    let text = format!("[chip]\nsvd = {:?}\nsvdd = \"x\"\n\n[gatewy]\n", example("nrf51.svd"));
    silk.write("silk.toml", text);
    let run = silk.run(["reg", "UART0.BAUDRATE"]).expect(0);
    assert!(run.stderr.contains("silk.toml:3: unknown option `chip.svdd`"), "{}", run.stderr);
    assert!(run.stderr.contains("silk.toml:5: unknown option `gatewy`"), "{}", run.stderr);
}

#[test]
fn a_broken_silk_toml_is_a_usage_error_with_its_line() {
    let silk = Silk::new();
    silk.write("silk.toml", "[chip]\nsvd = 3\n");
    let run = silk.run(["config"]).expect(2);
    assert!(run.stderr.contains("silk.toml"), "{}", run.stderr);
    assert!(run.stderr.contains("line 2"), "{}", run.stderr);
}

#[test]
fn an_unknown_verb_or_flag_is_a_usage_error() {
    Silk::new().run(["frobnicate"]).expect(2);
    Silk::new().run(["reg", "--frobnicate", "x"]).expect(2);
}

#[test]
fn a_missing_qemu_is_exit_103() {
    // The folder of the binary has no QEMU; nothing else is in PATH.
    let silk = Silk::new().with("PATH", "/nonexistent");
    let arguments = ["flash", "--probe", "virtual:microbit"];
    let run = silk.run([&arguments[..], &faulty().each_ref().map(|s| &**s)].concat()).expect(103);
    assert!(run.stderr.contains("qemu-system-arm"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: install"), "{}", run.stderr);
}

#[test]
fn an_old_qemu_is_exit_103() {
    let silk = Silk::new();
    let old = silk.write("bin/qemu-system-arm", "#!/bin/sh\necho 'QEMU emulator version 5.2.0'\n");
    let mut mode = std::fs::metadata(&old).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(&old, mode).unwrap();
    let silk = silk.with("PATH", format!("{}:/bin:/usr/bin", old.parent().unwrap().display()));
    let arguments = ["flash", "--probe", "virtual:microbit"];
    let run = silk.run([&arguments[..], &faulty().each_ref().map(|s| &**s)].concat()).expect(103);
    assert!(run.stderr.contains("5.2"), "{}", run.stderr);
    assert!(run.stderr.contains("7.2"), "{}", run.stderr);
}

#[test]
fn no_probe_is_exit_103_and_offers_the_virtual_board() {
    let silk = Silk::new();
    let run = silk.run(["halt", "--probe", "1234:5678:nobody"]).expect(103);
    assert!(run.stderr.contains("1234:5678"), "{}", run.stderr);
    assert!(run.stderr.contains("--probe virtual:microbit"), "{}", run.stderr);
}

#[test]
fn a_probe_rs_server_is_no_probe_and_what_to_do_instead_is_said() {
    let silk = Silk::new();
    for verb in [&["halt"][..], &["hil", "list"]] {
        silk.write("hil.toml", "");
        let elf = crate::hil::elf();
        let run =
            silk.run([verb, &["--probe", "ws://bench:3000", "--elf", &elf]].concat()).expect(2);
        assert!(run.stderr.contains("neither halts a core"), "{}", run.stderr);
        assert!(run.stderr.contains("bench serve"), "{}", run.stderr);
    }
}

#[test]
fn a_bundle_that_is_none_is_refused() {
    let silk = Silk::new();
    let path = silk.write("x.silk", "not a zip");
    let run = silk.run(["explain", path.to_str().unwrap()]).expect(2);
    assert!(run.stderr.contains("not a readable .silk file"), "{}", run.stderr);
}

const OTHER_CHIP: &str = r#"<device><name>OTHER</name><width>32</width><size>32</size>
<cpu><name>CM0</name></cpu>
<peripherals><peripheral><name>TIM1</name><baseAddress>0x40012C00</baseAddress>
<addressBlock><offset>0</offset><size>0x400</size><usage>registers</usage></addressBlock>
<registers><register><name>CR1</name><addressOffset>0</addressOffset></register></registers>
</peripheral></peripherals></device>"#;

#[test]
fn an_svd_cannot_talk_to_the_terminal() {
    let silk = Silk::new();
    let evil = OTHER_CHIP
        .replace(
            "<name>CR1</name>",
            "<name>CR1</name><description>a&#27;]0;owned&#7;b</description>",
        )
        .replace(
            "<addressOffset>0</addressOffset>",
            "<addressOffset>0</addressOffset><size>&#27;[2J</size>",
        );
    let svd = silk.write("evil.svd", evil);
    let run = silk.run(["reg", "TIM1.CR1", "--svd", svd.to_str().unwrap()]).expect(0);
    assert!(!run.stdout.contains('\u{1b}'), "{:?}", run.stdout);
    assert!(!run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
}
