//! QEMU never outlives whoever started it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vbench::{Ack, Bench, BenchError, BenchOptions, DapRegister};

use crate::parts;

/// Set in the child that [`survives_no_sigkill`] starts: this very test binary.
const CHILD: &str = "VBENCH_TEST_CHILD";

#[test]
fn ends_on_drop() {
    let Some(machine) = parts::microbit() else { return };
    let mut bench = Bench::start(machine, &BenchOptions::default()).unwrap();
    let pid = bench.process_id().unwrap();
    assert!(alive(pid));
    drop(bench);
    assert!(!alive(pid), "drop waits for the end");
}

#[test]
fn ends_with_a_parent_that_is_killed() {
    if parts::microbit().is_none() {
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lifetime::child_that_waits_to_be_killed", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let pid = lines
        .map(|line| line.unwrap())
        .find_map(|line| line.split_once("qemu pid ").map(|(_, pid)| pid.parse::<u32>().unwrap()))
        .unwrap();
    assert!(alive(pid));
    kill(Pid::from_raw(child.id() as i32), Signal::SIGKILL).unwrap();
    child.wait().unwrap();
    let killed = Instant::now();
    while alive(pid) {
        assert!(killed.elapsed() < Duration::from_secs(5), "QEMU {pid} lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_qemu_that_stops_answering_is_given_up_and_comes_back_with_a_reset() {
    let Some(machine) = parts::microbit() else { return };
    let options = BenchOptions { answer_within: Duration::from_secs(1), ..Default::default() };
    let mut bench = Bench::start(machine, &options).unwrap();
    let pid = bench.process_id().unwrap();
    write(&mut bench, RAM, 7).unwrap();
    kill(Pid::from_raw(pid as i32), Signal::SIGSTOP).unwrap();
    let error = read(&mut bench, RAM).unwrap_err();
    assert!(matches!(error, BenchError::Deadline { .. }), "{error:?}");
    assert!(!alive(pid), "it would answer the next question with this one's answer");
    let error = read(&mut bench, RAM).unwrap_err();
    assert!(matches!(error, BenchError::QemuDied { .. }), "{error:?}");
    reset_and_halt(&mut bench);
    assert_eq!(read(&mut bench, RAM).unwrap(), 0, "a new machine");
}

#[test]
fn a_qemu_that_is_killed_is_no_lockup() {
    let Some(machine) = parts::microbit() else { return };
    let mut bench = Bench::start(machine, &BenchOptions::default()).unwrap();
    kill(Pid::from_raw(bench.process_id().unwrap() as i32), Signal::SIGKILL).unwrap();
    let error = read(&mut bench, DHCSR).and_then(|_| read(&mut bench, RAM)).unwrap_err();
    assert!(matches!(error, BenchError::QemuDied { .. }), "{error:?}");
    let error = read(&mut bench, DHCSR).unwrap_err();
    assert!(matches!(error, BenchError::QemuDied { .. }), "{error:?}");
    reset_and_halt(&mut bench);
    assert_eq!(read(&mut bench, RAM).unwrap(), 0);
}

const RAM: u64 = 0x2000_0000;
const DHCSR: u64 = 0xe000_edf0;

fn read(bench: &mut Bench, address: u64) -> Result<u32, BenchError> {
    bench.write(DapRegister::Ap(4), address as u32)?;
    match bench.read(DapRegister::Ap(12))? {
        Ack::Ok(value) => Ok(value),
        Ack::Fault => panic!("{address:#x} faults"),
    }
}

fn write(bench: &mut Bench, address: u64, value: u32) -> Result<(), BenchError> {
    bench.write(DapRegister::Ap(4), address as u32)?;
    assert_eq!(bench.write(DapRegister::Ap(12), value)?, Ack::Ok(()));
    Ok(())
}

/// As a debugger does it. The first reset brings a dead QEMU back, halted or not.
fn reset_and_halt(bench: &mut Bench) {
    write(bench, 0xe000_ed0c, 0x05fa_0004).unwrap(); // AIRCR.SYSRESETREQ
    write(bench, DHCSR, 0xa05f_0003).unwrap();
    write(bench, 0xe000_edfc, 1).unwrap(); // DEMCR.VC_CORERESET
    write(bench, 0xe000_ed0c, 0x05fa_0004).unwrap(); // AIRCR.SYSRESETREQ
}

/// Not a test of its own: the other half of [`ends_with_a_parent_that_is_killed`]. The bench is
/// started on a thread that ends, because the parent-death signal follows threads.
#[test]
fn child_that_waits_to_be_killed() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let started = std::thread::spawn(|| {
        Bench::start(vbench::machine("microbit").unwrap(), &BenchOptions::default()).unwrap()
    });
    let mut bench = started.join().unwrap();
    std::thread::sleep(Duration::from_millis(50));
    println!("qemu pid {}", bench.process_id().unwrap());
    std::thread::sleep(Duration::from_secs(60));
}

/// A process that exists and is not a zombie.
fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}
