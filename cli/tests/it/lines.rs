//! Serial lines: of a served board, and of an adapter that goes away and comes back.

use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::Pid;
use serde_json::Value;

use crate::serving::Served;
use crate::silk::{Silk, example};

/// A USB serial adapter that is plugged in: a pseudo-terminal behind a link that stays.
struct Adapter {
    board: PtyMaster,
    link: PathBuf,
    _held: File,
}

impl Adapter {
    fn plug_in(link: &Path) -> Self {
        let board = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&board).unwrap();
        unlockpt(&board).unwrap();
        let device = ptsname_r(&board).unwrap();
        // Until it is raw it would echo what the board says.
        let held = File::options().read(true).write(true).open(&device).unwrap();
        let mut settings = tcgetattr(&held).unwrap();
        cfmakeraw(&mut settings);
        tcsetattr(&held, SetArg::TCSANOW, &settings).unwrap();
        symlink(device, link).unwrap();
        Self { board, link: link.to_owned(), _held: held }
    }

    fn says(&mut self, text: &str) {
        self.board.write_all(text.as_bytes()).unwrap();
    }

    fn unplug(self) {
        std::fs::remove_file(self.link).unwrap();
    }
}

/// A command whose JSON lines are read as they come.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(silk: &Silk, arguments: &[&str]) -> Self {
        let mut command = silk.command();
        let mut child =
            command.args(arguments).arg("--json").stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    /// Ends it by Ctrl-C; gives its exit code.
    fn interrupt(mut self) -> Option<i32> {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGINT).unwrap();
        self.child.wait().unwrap().code()
    }
}

#[test]
fn a_line_that_enumerates_anew_is_followed_and_both_are_told() {
    let silk = Silk::new();
    let link = silk.home.path().join("by-id");
    let mut adapter = Adapter::plug_in(&link);
    let serial = link.to_str().unwrap();
    let mut log = Following::start(&silk, &["log", "--follow", "--serial", serial]);
    adapter.says("one\r\n");
    let heard = log.next();
    assert_eq!((&heard["channel"], &heard["text"]), (&"serial".into(), &"one".into()), "{heard}");
    for text in ["two", "three"] {
        adapter.unplug();
        let lost = log.next();
        assert_eq!((&lost["event"], &lost["serial"]), (&"serial-lost".into(), &serial.into()));
        assert!(lost["why"].is_string(), "{lost}");
        adapter = Adapter::plug_in(&link);
        assert_eq!(log.next()["event"], "serial-back");
        adapter.says(&format!("{text}\n"));
        let heard = log.next();
        assert_eq!((&heard["event"], &heard["text"]), (&"log".into(), &text.into()), "{heard}");
    }
    assert_eq!(log.interrupt(), Some(130));
}

#[test]
fn a_line_that_is_none_is_told_with_the_next_step() {
    let silk = Silk::new();
    let missing = silk.run(["log", "--serial", "/dev/nothing-here"]).expect(103);
    assert!(
        missing.stderr.contains("open the serial line /dev/nothing-here"),
        "{}",
        missing.stderr
    );
    assert!(missing.stderr.contains("plugged in"), "{}", missing.stderr);
    let odd = silk.run(["log", "--serial", "COM3"]).expect(2);
    assert!(odd.stderr.contains("tcp:HOST:PORT"), "{}", odd.stderr);
}

#[test]
fn the_uart_of_a_served_board_is_heard_with_and_without_its_probe() {
    let silk = Silk::new();
    let elf = example("faulty.elf");
    let Some(served) = Served::start(&silk, &["start", "microbit", "--elf", &elf]) else { return };
    let uart = served.first["uart"].as_str().unwrap();
    let probe = format!("tcp:{}", served.address);
    let ticks = |arguments: &[&str], channel: &str| {
        let log = silk.run([&["log", "--for", "1", "--json"], arguments].concat()).expect(0);
        let is_tick = |line: &&Value| {
            line["channel"] == channel && line["text"].as_str().unwrap().starts_with("tick ")
        };
        assert!(log.json().iter().filter(is_tick).count() > 1, "{}{}", log.stdout, log.stderr);
    };
    ticks(&["--serial", uart, "--record", "line.silk"], "serial");
    ticks(&["--probe", &probe, "--elf", &elf], "uart0");
    let again = silk.run(["log", "--replay", "line.silk", "--json"]).expect(0).json();
    assert!(!again.is_empty(), "a line without a firmware is recorded, too");

    silk.write(
        "hil.toml",
        format!(
            "[[target]]\nname = 'uart'\nelf = '{elf}'\nchip = 'nRF51822_xxAA'\n\
             [[test]]\nname = 'boots'\ntarget = 'uart'\nkind = 'image'\ntimeout = '20s'\n\
             expect = [{{ message = 'boot ok', channel = 'uart0' }}]\n"
        ),
    );
    let run = silk.run(["hil", "run", "--probe", &probe]).expect(0);
    assert!(run.stdout.contains("1 passed"), "what it says right after reset is heard");
}

#[test]
fn a_test_whose_serial_line_was_lost_is_no_verdict_on_the_firmware() {
    let silk = Silk::new();
    let Some(served) = Served::start(&silk, &["serve", "netduinoplus2"]) else { return };
    let link = silk.home.path().join("by-id");
    let mut adapter = Adapter::plug_in(&link);
    let probe = format!("tcp:{}", served.address);
    let bench = silk.write(
        "bench.toml",
        format!(
            "[[board]]\nname = 'desk'\nchip = 'STM32F405RGTx'\nprobe = '{probe}'\n\
             console = '{}@9600'\n",
            link.display()
        ),
    );
    let silk = silk.with("SILK_BENCH", bench.display());
    let elf = concat!(env!("CARGO_MANIFEST_DIR"), "/../vbench/firmware/netduinoplus2.elf");
    silk.write(
        "hil.toml",
        format!(
            "[[target]]\nname = 'check'\nelf = '{elf}'\nchip = 'STM32F405RGTx'\n\
             [[test]]\nname = 'greets'\ntarget = 'check'\nkind = 'image'\ntimeout = '3s'\n\
             expect = [{{ message = 'hello', channel = 'serial' }}, {{ message = 'bye', channel = 'serial' }}]\n\
             [[test]]\nname = 'talks'\ntarget = 'check'\nkind = 'script'\n\
             command = ['sh', '-c', 'echo ready > \"$SILK_SERIAL\"']\n"
        ),
    );
    let mut run = Following::start(&silk, &["hil", "run"]);
    while run.next()["event"] != "test-started" {}
    // Said until it is heard: before the test runs nobody listens.
    let lost = loop {
        adapter.says("hello\n");
        let event = run.next();
        if event["channel"] == "serial" {
            adapter.unplug();
            break loop {
                let event = run.next();
                if event["event"] == "test-finished" {
                    break event;
                }
            };
        }
    };
    assert_eq!(lost["verdict"], "infra", "{lost}");
    let message = lost["message"].as_str().unwrap();
    assert!(message.contains("the serial line was lost"), "{lost}");
    assert_eq!(run.interrupt(), Some(130));
}
