//! Starting a bench, and every way in which it cannot be started.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use vbench::{Ack, Bench, BenchError, BenchOptions, DapRegister, Version};

use crate::parts;

fn start_with(script: &str) -> BenchError {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("qemu");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let options =
        BenchOptions { program: Some(program), answer_within: Duration::from_millis(300) };
    loop {
        match Bench::start(vbench::machine("microbit").unwrap(), &options).unwrap_err() {
            // Another test's fork still holds the script open for writing.
            BenchError::Spawn { source, .. } if source.kind() == ErrorKind::ExecutableFileBusy => {}
            error => return error,
        }
    }
}

#[test]
fn answers_as_a_debug_port() {
    let Some(machine) = parts::microbit() else { return };
    let mut bench = Bench::start(machine, &BenchOptions::default()).unwrap();
    assert!(bench.qemu_version() >= machine.qemu.minimum);
    assert_eq!(bench.read(DapRegister::Dp(0)).unwrap(), Ack::Ok(machine.debug_port.dpidr));
    // SELECT bank 0xF of access port 0, then IDR.
    bench.write(DapRegister::Dp(8), 0xf0).unwrap();
    assert_eq!(bench.read(DapRegister::Ap(0xc)).unwrap(), Ack::Ok(machine.debug_port.ahb_ap_idr));
    bench.write(DapRegister::Dp(8), 0x0100_00f0).unwrap();
    assert_eq!(bench.read(DapRegister::Ap(0xc)).unwrap(), Ack::Ok(0), "there is no second port");
}

#[test]
fn a_fault_sticks_until_it_is_cleared() {
    let Some(machine) = parts::microbit() else { return };
    let mut bench = Bench::start(machine, &BenchOptions::default()).unwrap();
    let (tar, drw) = (DapRegister::Ap(4), DapRegister::Ap(0xc));
    bench.write(tar, 0x3000_0000).unwrap();
    assert_eq!(bench.read(drw).unwrap(), Ack::Fault, "nothing is mapped there");
    assert_eq!(bench.write(tar, 0x2000_0000).unwrap(), Ack::Fault, "STICKYERR holds all up");
    let Ack::Ok(ctrl_stat) = bench.read(DapRegister::Dp(4)).unwrap() else { panic!("DP access") };
    assert_ne!(ctrl_stat & 1 << 5, 0, "STICKYERR");
    bench.write(DapRegister::Dp(0), 1 << 2).unwrap();
    assert_eq!(bench.write(tar, 0x2000_0000).unwrap(), Ack::Ok(()));
    assert_eq!(bench.write(drw, 0x1122_3344).unwrap(), Ack::Ok(()));
}

#[test]
fn tar_wraps_in_its_block_as_on_the_wire() {
    let Some(machine) = parts::microbit() else { return };
    let mut bench = Bench::start(machine, &BenchOptions::default()).unwrap();
    let (csw, tar, drw) = (DapRegister::Ap(0), DapRegister::Ap(4), DapRegister::Ap(0xc));
    bench.write(csw, 0x12).unwrap();
    bench.write(tar, 0x2000_03f8).unwrap();
    bench.write_block(drw, &[1, 2, 3]).unwrap();
    assert_eq!(bench.read(tar).unwrap(), Ack::Ok(0x2000_0004), "wrapped at 1 KiB");
    bench.write(tar, 0x2000_03f8).unwrap();
    let mut words = [0; 3];
    bench.read_block(drw, &mut words).unwrap();
    assert_eq!(words, [1, 2, 3]);
    bench.write(csw, 0x10).unwrap();
    bench.write(tar, 0x2000_03fd).unwrap();
    bench.write(drw, 0x0000_ab00).unwrap();
    bench.write(csw, 0x12).unwrap();
    bench.write(tar, 0x2000_03fc).unwrap();
    assert_eq!(bench.read(drw).unwrap(), Ack::Ok(0xab02), "a byte travels on its own lane");
}

#[test]
fn qemu_missing_says_what_and_where() {
    let program = PathBuf::from("qemu-system-arm-that-is-not-there");
    let options = BenchOptions { program: Some(program), ..BenchOptions::default() };
    let error = Bench::start(vbench::machine("microbit").unwrap(), &options).unwrap_err();
    assert!(matches!(error, BenchError::QemuMissing { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("qemu-system-arm-that-is-not-there") && text.contains("PATH"), "{text}");
}

#[test]
fn qemu_too_old_says_both_versions() {
    let error = start_with(concat!(
        "case \"$1\" in --version) echo 'QEMU emulator version 5.2.0 (Debian)'; exit;; esac\n",
        "echo 'unsupported machine type' >&2; exit 1"
    ));
    let BenchError::QemuTooOld { found, needed, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*found, *needed), (Version::parse("5.2").unwrap(), Version::parse("7.2").unwrap()));
}

#[test]
fn machine_unknown_to_this_qemu() {
    let error = start_with(concat!(
        "case \"$1\" in --version) echo 'QEMU emulator version 9.0.0'; exit;; esac\n",
        "echo 'qemu: unsupported machine type' >&2; exit 1"
    ));
    assert_eq!(error.to_string(), "find machine `microbit` in QEMU 9.0.0");
}

#[test]
fn qemu_that_ends_is_quoted() {
    let error = start_with("echo 'qemu: cannot do this' >&2; exit 1");
    assert!(error.to_string().contains("qemu: cannot do this"), "{error}");
}

#[test]
fn qemu_that_says_nothing_costs_the_deadline_only() {
    let begun = std::time::Instant::now();
    let error = start_with("exec /bin/sleep 60");
    assert!(matches!(error, BenchError::Deadline { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
