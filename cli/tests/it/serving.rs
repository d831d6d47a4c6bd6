//! `silk bench serve`, and the board verbs on a board that stays while commands come and go.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::parts;
use crate::proxy::{Fault, Line};
use crate::silk::{Run, Silk, example};

/// A served board, ended when this is dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) first: Value,
}

impl Served {
    pub(crate) fn start(silk: &Silk, arguments: &[&str]) -> Option<Served> {
        if !parts::has_qemu() {
            return None;
        }
        let mut child = silk
            .command()
            .args(["bench"])
            .args(arguments)
            .arg("--json")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        let probe = first["probe"].as_str().unwrap();
        let address = probe.strip_prefix("tcp:").unwrap().parse().unwrap();
        Some(Served { child, address, first })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
        let status = self.child.wait().unwrap();
        assert!(matches!(status.code(), Some(143)), "{status}");
    }
}

fn firmware(board: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../vbench/firmware");
    format!("{folder}/{board}.elf")
}

/// `silk VERB… --probe tcp:ADDRESS --elf FIRMWARE`
fn on(silk: &Silk, address: SocketAddr, board: &str, verb: &[&str]) -> Run {
    let (probe, elf) = (format!("tcp:{address}"), firmware(board));
    silk.run([verb, &["--probe", &probe, "--elf", &elf]].concat())
}

#[test]
fn a_served_board_keeps_its_flash_and_runs_between_commands() {
    let silk = Silk::new();
    let Some(served) = Served::start(&silk, &["serve", "netduinoplus2"]) else { return };
    assert_eq!(served.first["board"], "netduinoplus2");
    assert_eq!(served.first["probe_rs_chip"], "netduinoplus2-virtual");
    let on = |verb: &[&str]| on(&silk, served.address, "netduinoplus2", verb);

    let flashed = on(&["flash", "--json"]).expect(0).json();
    assert_eq!((&flashed[0]["verb"], &flashed[0]["unchanged"]), (&"flash".into(), &false.into()));
    assert_eq!(flashed[0]["board"]["virtual"]["machine"], "netduinoplus2");
    let again = on(&["flash", "--json"]).expect(0).json();
    assert_eq!(again[0]["unchanged"], true);
    let forced = on(&["flash", "--force", "--halt", "--json"]).expect(0).json();
    assert_eq!(
        (&forced[0]["unchanged"], &forced[0]["status"]["state"]),
        (&false.into(), &"halted".into())
    );
    on(&["run"]).expect(0);

    // RAM 64 KiB up, which the firmware does not use.
    let wrote = on(&["write", "0x20010000=0x5", "--json"]).expect(0).json();
    assert_eq!(
        (&wrote[0]["value"], &wrote[0]["reads"]),
        (&"0x00000005".into(), &"0x00000005".into())
    );
    let read = on(&["read", "0x20010000", "--json"]).expect(0).json();
    assert_eq!(read[0]["value"], "0x00000005", "what one command wrote the next one reads");

    let part = on(&["erase", "0x08004000+0x100", "--json"]).expect(0).json();
    assert_eq!(part[0]["erased"], "0x08004000..0x08004100");
    assert_eq!(on(&["flash", "--json"]).expect(0).json()[0]["unchanged"], true, "another sector");
    on(&["erase", "--all"]).expect(0);
    let blank = on(&["read", "0x08000000", "--json"]).expect(0).json();
    assert_eq!(blank[0]["value"], "0xffffffff");
}

#[test]
fn what_may_not_be_erased_or_written_is_refused_before_it_happens() {
    let silk = Silk::new();
    let Some(served) = Served::start(&silk, &["serve", "microbit"]) else { return };
    let svd = example("nrf51.svd");
    let check = |verb: &[&str], words: &str| {
        let arguments = [verb, &["--svd", &svd]].concat();
        let run = on(&silk, served.address, "microbit", &arguments).expect(2);
        assert!(run.stderr.contains(words), "{verb:?}: {}", run.stderr);
    };
    check(&["erase"], "--all");
    check(&["erase", "0x20000000+0x100"], "is not in a flash");
    check(&["erase", "soon"], "is no memory range");
    check(&["write", "0x00000100=1"], "is in flash");
    check(&["write", "FICR.CODESIZE=1"], "is read-only");
    check(&["write", "UART0.BAUDRATE"], "says no value to write");
    check(&["write", "UART0.BAUDRATE=fast"], "is not a number");
    check(&["write", "0x20000001=1"], "not aligned");
    check(&["write", "0x20000000=0x100", "--size", "8"], "does not fit");
}

#[test]
fn a_started_board_runs_its_firmware_before_anybody_connects() {
    let silk = Silk::new();
    let elf = firmware("microbit");
    let Some(served) = Served::start(&silk, &["start", "microbit", "--elf", &elf]) else { return };
    let status = on(&silk, served.address, "microbit", &["flash", "--json"]).expect(0).json();
    assert_eq!(status[0]["unchanged"], true);
    let terminal = served.first["terminal"].as_str().unwrap();
    let mut text = String::new();
    BufReader::new(std::fs::File::open(terminal).unwrap()).read_line(&mut text).unwrap();
    assert_eq!(text, "check: boot ok\r\n");
}

/// The firmware's control block has no name that says so: it is searched for.
#[test]
fn rtt_is_read_from_a_board_that_runs() {
    let silk = Silk::new();
    for board in ["microbit", "netduinoplus2", "mps2-an385"] {
        let elf = firmware(board);
        let Some(served) = Served::start(&silk, &["start", board, "--elf", &elf]) else { return };
        let log = on(&silk, served.address, board, &["log", "--for", "2", "--json"]).expect(0);
        let ticks: Vec<u64> = log
            .json()
            .iter()
            .filter(|line| line["channel"] == "rtt:0")
            .filter_map(|line| line["text"].as_str()?.strip_prefix("tick ").map(str::to_owned))
            .filter_map(|tick| u64::from_str_radix(&tick, 16).ok())
            .collect();
        assert!(ticks.len() > 2, "{board}: {}", log.stdout);
        assert!(ticks.is_sorted(), "{board}: {ticks:x?}");
    }
}

#[test]
fn a_board_that_fails_is_told_by_its_exit_code_and_the_flash_is_named() {
    let silk = Silk::new();
    let Some(served) = Served::start(&silk, &["serve", "microbit"]) else { return };
    let line = Line::to(served.address);
    let flash = ["flash", "--force"];
    on(&silk, line.address, "microbit", &flash).expect(0);
    for fault in [Fault::Unplug, Fault::Stall, Fault::Garbage, Fault::Refuse] {
        // Attaching is some sixty packets, and flashing several hundred.
        line.fault(fault, 150);
        let run = on(&silk, line.address, "microbit", &flash).expect(105);
        assert!(run.stderr.contains("contents are not known now"), "{fault:?}: {}", run.stderr);
        assert!(run.stderr.contains("hint: flash again"), "{fault:?}: {}", run.stderr);
        line.fault(Fault::None, 0);
        on(&silk, line.address, "microbit", &["flash"]).expect(0);
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = on(&silk, nobody, "microbit", &flash).expect(103);
    assert!(run.stderr.contains("silk bench serve"), "{}", run.stderr);
}

#[test]
fn ctrl_c_lets_a_flash_that_has_begun_come_to_its_end() {
    let silk = Silk::new();
    let Some(served) = Served::start(&silk, &["serve", "microbit"]) else { return };
    let line = Line::to(served.address);
    line.fault(Fault::Slow(2), 0);
    let child = silk
        .command()
        .args(["flash", "--force", "--probe", &format!("tcp:{}", line.address)])
        .args(["--elf", &firmware("microbit")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while line.packets() < 150 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} packets", line.packets());
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let run = Run::of(child.wait_with_output().unwrap()).expect(130);
    assert!(
        run.stderr.contains("cancelled after the firmware was written and verified"),
        "{}",
        run.stderr
    );
    line.fault(Fault::None, 0);
    let after = on(&silk, line.address, "microbit", &["flash", "--json"]).expect(0).json();
    assert_eq!(after[0]["unchanged"], true, "whole, as it said");
}
