//! Boards end with whoever opened them, and do not meet each other.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::firmware::{self, SELF};
use crate::parts;

/// Set in the child processes that tests here start: this very test binary.
const CHILD: &str = "HIL_TEST_CHILD";

/// Ids of the processes that `parent` started and that have not ended.
fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        if let Some((state, of)) = state_and_parent(pid)
            && of == parent
            && !matches!(state.as_str(), "Z" | "X")
        {
            found.push(pid);
        }
    }
    found
}

fn state_and_parent(pid: u32) -> Option<(String, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit(") ").next()?.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn alive(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| !matches!(state.as_str(), "Z" | "X"))
}

fn wait_until_gone(pid: u32) {
    let begun = Instant::now();
    while alive(pid) {
        assert!(begun.elapsed() < Duration::from_secs(5), "QEMU {pid} lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// This binary again, running only [`child_that_holds_a_board`], with `scratch` as its temporary
/// folder. Returns once the board is open, with the rest of its output and QEMU's process id.
fn child_with_a_board(scratch: &Path) -> (Child, impl Read, u32) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lifetime::child_that_holds_a_board", "--nocapture"])
        .env(CHILD, "1")
        .env("TMPDIR", scratch)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    assert!(stdout.by_ref().lines().any(|line| line.unwrap().contains("board is open")));
    let qemu = children(child.id());
    assert_eq!(qemu.len(), 1, "one QEMU");
    (child, stdout, qemu[0])
}

/// Not a test of its own: the other half of the tests below.
#[test]
fn child_that_holds_a_board() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mut board = parts::microbit().unwrap();
    board.flash(&parts::faulty_elf(), &mut |_| ()).unwrap();
    board.reset().unwrap();
    println!("board is open");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    drop(board);
    assert_eq!(children(std::process::id()), [0u32; 0], "nothing runs on after the drop");
}

#[test]
fn dropping_a_board_leaves_no_process_and_no_file() {
    if !parts::qemu() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let (mut child, _stdout, qemu) = child_with_a_board(scratch.path());
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "while it runs");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(!alive(qemu));
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "afterwards");
}

#[test]
fn a_killed_process_leaves_no_qemu_and_no_file() {
    if !parts::qemu() {
        return;
    }
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT] {
        let scratch = tempfile::tempdir().unwrap();
        let (mut child, _stdout, qemu) = child_with_a_board(scratch.path());
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        child.wait().unwrap();
        wait_until_gone(qemu);
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    }
}

/// Callers hold boards on threads of their own.
#[test]
fn a_board_moves_between_threads() {
    let Some(mut board) = parts::microbit() else { return };
    let pc = std::thread::spawn(move || board.reset_and_halt().unwrap()).join().unwrap();
    assert_eq!(pc, 0xffff_fffe, "of a blank flash");
}

#[test]
fn two_boards_at_once_do_not_meet() {
    let Some(mut ticking) = parts::running(&parts::faulty_elf()) else { return };
    let spins = firmware::elf(&[SELF]);
    let mut spinning = parts::running(spins.path()).unwrap();
    assert_ne!(ticking.serial().unwrap().path(), spinning.serial().unwrap().path());
    assert!(ticking.serial().unwrap().wait(Duration::from_secs(5), |seen| !seen.is_empty()));
    assert!(spinning.serial().unwrap().bytes().is_empty());
    assert_eq!(spinning.halt().unwrap(), 0xc0);
    assert_eq!(spinning.read(0xc0, 16, 1).unwrap(), [u64::from(SELF)]);
    assert_ne!(ticking.read(0xc0, 16, 1).unwrap(), [u64::from(SELF)]);
    drop(spinning);
    ticking.halt().unwrap();
}
