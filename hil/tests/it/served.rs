//! Boards over the network: probe-rs's own driver and ours at the same server, and a line that goes
//! wrong.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hil::{Bench, Board, Deadlines, HilError, Selector};
use object::{Object, ObjectSymbol};
use probe_rs::config::Registry;
use probe_rs::flashing::{DownloadOptions, ElfLoader, ElfOptions, download_file_with_options};
use probe_rs::probe::list::Lister;
use probe_rs::{MemoryInterface, Permissions};

use crate::parts;
use crate::proxy::{Fault, Line};

/// A board that is served until this is dropped.
struct Server {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(board: &str) -> Option<Server> {
        if !parts::can_run(&Selector::Virtual(board.to_owned())) {
            return None;
        }
        let bench = Bench::start(vbench::machine(board).unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            bench.serve(&listener, None, &|| seen.load(Ordering::SeqCst), &mut |_| ()).unwrap();
        });
        Some(Server { address, ended, thread: Some(thread) })
    }

    fn open(&self) -> Board {
        open(self.address).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn open(address: SocketAddr) -> Result<Board, HilError> {
    Board::open(&Selector::Remote(address.to_string()), None, &Deadlines::default())
}

fn firmware(board: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../vbench/firmware");
    PathBuf::from(folder).join(format!("{board}.elf"))
}

fn symbol(board: &str, name: &str) -> u64 {
    let bytes = std::fs::read(firmware(board)).unwrap();
    let elf = object::File::parse(&*bytes).unwrap();
    elf.symbols().find(|symbol| symbol.name() == Ok(name)).unwrap().address()
}

#[test]
fn probe_rs_itself_attaches_flashes_verifies_and_reads_while_running() {
    for name in ["microbit", "netduinoplus2", "mps2-an385"] {
        let Some(server) = Server::start(name) else { return };
        let machine = vbench::machine(name).unwrap();
        let mut registry = Registry::from_builtin_families();
        if let Some(description) = hil::chip_description(machine) {
            registry.add_target_family_from_yaml(&description).unwrap();
        }
        let chip = hil::description_chip(machine);
        let selector: probe_rs::probe::DebugProbeSelector =
            format!("20b7:9db1:tcp:{}", server.address).parse().unwrap();
        let probe = Lister::new().open(selector).unwrap();
        let mut session = probe.attach_with_registry(chip, Permissions::new(), &registry).unwrap();
        let mut options = DownloadOptions::default();
        options.verify = true;
        let elf = ElfLoader(ElfOptions::default());
        download_file_with_options(&mut session, firmware(name), elf, options).unwrap();
        let mut core = session.core(0).unwrap();
        let info = core.reset_and_halt(Duration::from_secs(1)).unwrap();
        assert_eq!(info.pc, symbol(name, "Reset_Handler") & !1, "{name}");
        core.set_hw_breakpoint(symbol(name, "tick") & !1).unwrap();
        core.run().unwrap();
        core.wait_for_core_halted(Duration::from_secs(5)).unwrap();
        core.clear_all_hw_breakpoints().unwrap();
        core.run().unwrap();
        let ticks = symbol(name, "ticks");
        let begun = Instant::now();
        while core.read_word_32(ticks).unwrap() < 3 {
            assert!(begun.elapsed() < Duration::from_secs(5), "{name}: no ticks");
        }
        let unmapped = core.read_word_32(0x3000_0000).unwrap_err();
        assert!(format!("{unmapped:?}").contains("FaultResponse"), "{unmapped:?}");
        assert!(core.read_word_32(ticks).unwrap() >= 3, "a fault costs only itself");
    }
}

#[test]
fn a_remote_board_says_what_it_is_and_keeps_its_firmware() {
    for name in ["microbit", "netduinoplus2", "mps2-an385"] {
        let Some(server) = Server::start(name) else { return };
        let mut board = server.open();
        let emulator = board.identity().virtual_board.clone().unwrap();
        assert_eq!(emulator.machine, name);
        assert_eq!(board.identity().selector, format!("tcp:{}", server.address));
        assert!(!board.is_own_bench());
        assert!(board.fidelity(0xe000_ed00).is_some(), "its reads are labelled all the same");
        assert!(!board.flash(&firmware(name), &mut |_| ()).unwrap().unchanged);
        board.reset().unwrap();
        drop(board);
        let mut board = server.open();
        let flashed = board.flash(&firmware(name), &mut |_| ()).unwrap();
        assert!(flashed.unchanged && flashed.bytes > 500, "{flashed:?}");
        let ticks = symbol(name, "ticks");
        let first = board.read(ticks, 32, 1).unwrap()[0];
        std::thread::sleep(Duration::from_millis(100));
        assert!(board.read(ticks, 32, 1).unwrap()[0] > first, "it was never stopped");
    }
}

#[test]
fn a_board_that_nobody_serves_is_told_at_once() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let begun = Instant::now();
    let error = open(address).unwrap_err();
    assert!(matches!(error, HilError::Unreachable { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[test]
fn someone_else_at_that_address_is_not_taken_for_a_probe() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::Write;
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n\0");
        }
    });
    let error = open(address).unwrap_err();
    assert!(matches!(error, HilError::OpenProbe { .. }), "{error:?}");
}

/// All words of an error and its causes.
fn chain(error: &HilError) -> String {
    let mut words = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        words += &format!(": {cause}");
        next = cause.source();
    }
    words
}

#[test]
fn a_line_that_breaks_while_flashing_is_told_as_what_it_is() {
    let Some(server) = Server::start("microbit") else { return };
    let line = Line::to(server.address);
    let whole = {
        let mut board = open(line.address).unwrap();
        let before = line.packets();
        board.flash_again(&firmware("microbit"), &mut |_| ()).unwrap();
        line.packets() - before
    };
    let cases = [
        (Fault::Unplug, "the connection is lost"),
        (Fault::Stall, "hear from the probe"),
        (Fault::Garbage, "understand the probe"),
        (Fault::Refuse, "FAULT"),
    ];
    for (fault, words) in cases {
        let mut board = open(line.address).unwrap();
        line.fault(fault, whole / 2);
        let begun = Instant::now();
        let error = board.flash_again(&firmware("microbit"), &mut |_| ()).unwrap_err();
        line.fault(Fault::None, 0);
        assert!(matches!(error, HilError::Flash { .. }), "{fault:?}: {error:?}");
        let said = chain(&error);
        assert!(said.contains(words) && said.contains("not known now"), "{fault:?}: {said}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{fault:?}: {:?}", begun.elapsed());
        if fault != Fault::Refuse {
            board.status().unwrap_err();
        }
        drop(board);

        // Plugged in again, it is a board like any other.
        let mut board = open(line.address).unwrap();
        board.flash(&firmware("microbit"), &mut |_| ()).unwrap();
        board.reset().unwrap();
    }
}

#[test]
fn a_line_that_breaks_while_attaching_is_told_as_what_it_is() {
    let Some(server) = Server::start("microbit") else { return };
    let line = Line::to(server.address);
    for (fault, after) in [(Fault::Unplug, 0), (Fault::Unplug, 5), (Fault::Garbage, 4)] {
        line.fault(fault, after);
        let error = open(line.address).unwrap_err();
        let at_probe = matches!(error, HilError::OpenProbe { .. } | HilError::Attach { .. });
        assert!(at_probe, "{fault:?} after {after}: {error:?}");
        line.fault(Fault::None, 0);
        open(line.address).unwrap();
    }
}

/// The core is left inside a flash algorithm, runs into its `BKPT` without a debugger, and waits in
/// the handler of that fault for what never comes.
#[test]
fn a_core_asleep_in_a_fault_handler_can_be_attached_to() {
    let Some(server) = Server::start("microbit") else { return };
    let mut board = server.open();
    board.flash(&parts::faulty_elf(), &mut |_| ()).unwrap();
    board.reset().unwrap();
    board.erase(0x3f000..0x3f100, &mut |_| ()).unwrap();
    drop(board);
    let mut board = server.open();
    board.halt().unwrap();
    let pc = board.step().unwrap();
    let registers = board.core_registers().unwrap();
    let value = |name: &str| registers.iter().find(|r| r.name == name).unwrap().value;
    assert_eq!((value("PC"), value("xPSR").map(|xpsr| xpsr & 0x1ff)), (Some(pc), Some(3)));
    assert_eq!(value("MSP"), value("SP"));
    board.reset().unwrap();
}

/// What was programmed is there after a lockup, although nobody reset the chip before it.
#[test]
fn a_lockup_right_after_flashing_loses_no_flash() {
    let Some(server) = Server::start("microbit") else { return };
    let mut board = server.open();
    board.flash(&firmware("microbit"), &mut |_| ()).unwrap();
    drop(board);
    let mut board = server.open();
    let flashed = board.flash(&firmware("microbit"), &mut |_| ()).unwrap();
    assert!(flashed.unchanged, "{flashed:?}");
}
