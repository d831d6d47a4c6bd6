//! QEMU never outlives whoever started it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vbench::{Bench, BenchOptions};

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
