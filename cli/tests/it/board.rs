//! The board verbs on the virtual micro:bit, and the recordings of it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::parts;
use crate::silk::{Run, Silk, example, faulty};

fn on_microbit(silk: &Silk, verb: &[&str]) -> Run {
    let faulty = faulty();
    let board = ["--probe", "virtual:microbit"];
    silk.run([verb, &board[..], &faulty.each_ref().map(|s| &**s)].concat())
}

#[test]
fn flash_reset_halt_run_and_read_work_on_a_virtual_board() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let flashed = on_microbit(&silk, &["flash", "--json"]).expect(0).json();
    assert_eq!(flashed[0]["board"]["virtual"]["machine"], "microbit");
    assert_eq!(flashed[0]["board"]["chip"], "nRF51822_xxAA");

    let reset = on_microbit(&silk, &["reset", "--halt", "--json"]).expect(0).json();
    assert_eq!(reset[0]["status"]["state"], "halted");

    let halted = on_microbit(&silk, &["halt", "--json"]).expect(0).json();
    let registers = halted[0]["core_registers"].as_array().unwrap();
    let pc = registers.iter().find(|register| register["name"] == "PC").unwrap();
    assert!(pc["value"].as_str().unwrap().starts_with("0x000"), "{pc}");

    let run = on_microbit(&silk, &["run", "--for", "1.5", "--json"]).expect(0);
    let lines: Vec<String> =
        run.json().iter().map(|event| event["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(&lines[..2], ["uart-baud: boot ok", "tick 00000001"]);

    let read = on_microbit(&silk, &["read", "UART0.BAUDRATE", "--json"]).expect(0).json();
    assert_eq!(read[0]["value"], "0x0001c200");
    assert_eq!(read[0]["fields"][0]["decoded"], Value::Null);
    let words = on_microbit(&silk, &["read", "0x20000000", "--count", "2", "--json"]).expect(0);
    assert_ne!(words.json()[0]["value"], "0x00000000", "the ticks have begun");
}

#[test]
fn a_register_whose_reading_changes_the_hardware_is_not_read_to_be_helpful() {
    let run = on_microbit(&Silk::new(), &["read", "UART0.RXD"]).expect(2);
    assert!(run.stderr.contains("reading UART0.RXD changes the hardware"), "{}", run.stderr);
    assert!(run.stderr.contains("--allow-side-effects"), "{}", run.stderr);
}

#[test]
fn an_unmapped_address_is_an_error_and_not_a_zero() {
    if !parts::has_qemu() {
        return;
    }
    let run = on_microbit(&Silk::new(), &["read", "0x30000000"]).expect(105);
    assert!(run.stderr.contains("0x30000000"), "{}", run.stderr);
}

#[test]
fn a_snapshot_of_the_faulty_run_holds_the_finding_and_that_of_the_fixed_run_does_not() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let snap = |elf: &str, file: &str| {
        let arguments = ["snap", "--probe", "virtual:microbit", "-o", file, "--json"];
        let sources = ["--svd", &example("nrf51.svd"), "--elf", &example(elf)];
        let mut objects = silk.run([&arguments[..], &sources].concat()).expect(0).json();
        objects.remove(0)
    };
    let faulty = snap("faulty.elf", "faulty.silk");
    assert_eq!(faulty["registers_failed"], 0);
    assert_eq!(faulty["findings"][0]["register"], "UART0.BAUDRATE");
    assert_eq!(faulty["findings"][0]["meant"], "0x01d7e000");
    assert_eq!(faulty["findings"][0]["writes"][0]["line"], 29);
    let fixed = snap("fixed.elf", "fixed.silk");
    assert_eq!(fixed["findings"], serde_json::json!([]));
}

#[test]
fn the_recorded_bundles_are_explained_without_qemu_svd_or_elf() {
    let silk = Silk::new().with("PATH", "/nonexistent");
    let explain = |file: &str| silk.run(["explain", &example(file), "--json"]).expect(0).json();
    let faulty = explain("faulty.silk");
    let finding = &faulty[0]["facts"]["findings"][0];
    assert_eq!(finding["register"], "UART0.BAUDRATE");
    assert_eq!(finding["found"], "0x0001c200");
    assert_eq!(finding["meant_name"], "Baud115200");
    assert_eq!(finding["writes"][0]["function"], "uart_init");
    let fixed = explain("fixed.silk");
    assert_eq!(fixed[0]["facts"]["findings"], serde_json::json!([]));

    let text = silk.run(["explain", &example("faulty.silk")]).expect(0).stdout;
    assert!(text.contains("nothing here was measured"), "{text}");
    assert!(text.contains("uart.c:29 in uart_init"), "{text}");
    assert!(text.contains("uart-baud: boot ok"), "{text}");
}

#[test]
fn a_firmware_without_a_board_has_the_same_finding() {
    let faulty = faulty();
    let arguments = [&["triage", "--json"][..], &faulty.each_ref().map(|s| &**s)].concat();
    let findings = Silk::new().run(arguments).expect(0).json();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0]["register"], "UART0.BAUDRATE");
    let fixed =
        ["triage", "--json", "--svd", &example("nrf51.svd"), "--elf", &example("fixed.elf")];
    assert!(Silk::new().run(fixed).expect(0).json().is_empty());
}

/// QEMU processes whose command line names this silk's child, by parent process id.
fn qemu_children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name stands in parentheses; after it come the state and the parent.
        let Some((name, rest)) = stat.rsplit_once(')') else { continue };
        let is_child = rest.split_whitespace().nth(1) == Some(&parent.to_string());
        if is_child && name.contains("qemu") {
            found.push(pid);
        }
    }
    found
}

#[test]
fn qemu_never_outlives_silk_not_even_after_sigkill() {
    if !parts::has_qemu() {
        return;
    }
    for signal in ["KILL", "INT", "TERM"] {
        let silk = Silk::new();
        let mut child = silk
            .command()
            .args(["run", "--for", "60", "--probe", "virtual:microbit"])
            .args(faulty())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let qemu = loop {
            if let [qemu] = qemu_children(child.id()).as_slice() {
                break *qemu;
            }
            assert!(Instant::now() < until, "QEMU never started");
            std::thread::sleep(Duration::from_millis(20));
        };
        std::thread::sleep(Duration::from_millis(500));
        let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
        let signal: nix::sys::signal::Signal = format!("SIG{signal}").parse().unwrap();
        nix::sys::signal::kill(pid, signal).unwrap();
        let status = child.wait().unwrap();
        match signal {
            nix::sys::signal::Signal::SIGINT => assert_eq!(status.code(), Some(130)),
            nix::sys::signal::Signal::SIGTERM => assert_eq!(status.code(), Some(143)),
            _ => assert_eq!(status.code(), None, "killed"),
        }
        let until = Instant::now() + Duration::from_secs(5);
        while std::path::Path::new(&format!("/proc/{qemu}")).exists() {
            assert!(Instant::now() < until, "QEMU {qemu} outlived silk after {signal}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
