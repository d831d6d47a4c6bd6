//! `silk bench start` and `serve`: a virtual board as a probe on the network.
//!
//! It stays while the command does. An unmodified probe-rs, and what is built on it, uses it as the
//! probe that the first line of output names.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};

use hil::{Bench, Selector};
use serde::Serialize;

use crate::args::ServeArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::{self, Deferred};
use crate::json;
use crate::session::Session;
use crate::ui::STRONG;
use crate::verbs::board::{bench_failure, failure};
use crate::verbs::flash::write_firmware;

#[derive(Serialize)]
struct Serving<'a> {
    version: u32,
    event: &'static str,
    board: &'a str,
    chip: &'a str,
    qemu: &'a str,
    /// For `silk --probe`.
    probe: String,
    /// For `probe-rs --probe`.
    probe_rs: String,
    /// Chip name for `probe-rs --chip`.
    probe_rs_chip: String,
    /// The pseudo-terminal of the board's UART.
    terminal: Option<String>,
    /// For `silk log --serial`, and raw for any terminal program.
    uart: Option<String>,
}

#[derive(Serialize)]
struct Event {
    version: u32,
    event: &'static str,
    peer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Starts the board, with the firmware running on it if `with_firmware`, and serves it until Ctrl-C.
pub(crate) fn run(session: &mut Session, args: &ServeArgs, with_firmware: bool) -> Outcome {
    let machine = vbench::machine(&args.board).map_err(bench_failure)?;
    if let Some(file) = &args.chip_description {
        write_description(session, machine, file)?;
    }
    let listener = listen(args.listen)?;
    let address = listener.local_addr()?;
    let uart = match &machine.serial {
        Some(_) => Some(listen(args.uart.unwrap_or(SocketAddr::new(args.listen.ip(), 0)))?),
        None => None,
    };
    let bench = match with_firmware {
        true => started(session, &args.board)?,
        false => Bench::start(machine).map_err(failure)?,
    };
    let uart_address = uart.as_ref().map(TcpListener::local_addr).transpose()?;
    announce(session, &bench, machine, address, uart_address)?;
    let _deferred = Deferred::begin();
    let mut broken = Ok(());
    let ended = || interrupt::pending().is_some();
    let served = bench.serve(&listener, uart.as_ref(), &ended, &mut |event| {
        if broken.is_ok() {
            broken = tell(session, event);
        }
    });
    served?;
    broken?;
    Ok(interrupt::pending().unwrap_or(Exit::Ok))
}

/// The board with the configured firmware running.
fn started(session: &Session, board: &str) -> Result<Bench, Failure> {
    session.elf()?;
    let selector = Selector::Virtual(board.to_owned());
    let mut board =
        hil::Board::open(&selector, None, &hil::Deadlines::default()).map_err(failure)?;
    write_firmware(session, &mut board, false)?;
    board.reset().map_err(failure)?;
    Ok(board.into_bench().expect("a virtual board that was opened here"))
}

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot listen on {address}"))
            .caused_by(&error)
            .hint("choose another with --listen; port 0 takes a free one")
    })
}

fn write_description(
    session: &Session,
    machine: &vbench::Machine,
    file: &std::path::Path,
) -> Result<(), Failure> {
    let Some(text) = hil::chip_description(machine) else {
        session
            .ui
            .note(format!("probe-rs knows {} itself: no description is needed", machine.chip));
        return Ok(());
    };
    std::fs::write(file, text).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot write {}", file.display())).caused_by(&error)
    })
}

fn announce(
    session: &mut Session,
    bench: &Bench,
    machine: &vbench::Machine,
    address: SocketAddr,
    uart: Option<SocketAddr>,
) -> Result<(), Failure> {
    let qemu = bench.qemu_version().to_string();
    let serving = Serving {
        version: json::VERSION,
        event: "serving",
        board: &machine.name,
        chip: &machine.chip,
        qemu: &qemu,
        probe: format!("tcp:{address}"),
        probe_rs: format!("20b7:9db1:tcp:{address}"),
        probe_rs_chip: hil::description_chip(machine),
        terminal: bench.serial().map(|text| text.path().display().to_string()),
        uart: uart.map(|address| format!("tcp:{address}")),
    };
    if session.ui.json {
        session.ui.json_line(&serving)?;
    } else {
        let out = &mut session.ui.out;
        writeln!(
            out,
            "{STRONG}{}{STRONG:#} in QEMU {qemu}: nothing here is measured",
            machine.name
        )?;
        writeln!(out, "  silk      --probe {}", serving.probe)?;
        let (probe, chip) = (&serving.probe_rs, &serving.probe_rs_chip);
        writeln!(out, "  probe-rs  --probe {probe} --chip {chip}")?;
        if let Some(terminal) = &serving.terminal {
            writeln!(out, "  UART      {terminal}")?;
        }
        if let Some(uart) = &serving.uart {
            writeln!(out, "            silk log --serial {uart}")?;
        }
    }
    session.ui.out.flush()?;
    if !address.ip().is_loopback() {
        session.ui.note("whoever can connect to that address controls the board");
    }
    session.ui.note("Ctrl-C ends");
    Ok(())
}

fn tell(session: &mut Session, event: vbench::Served) -> Result<(), Failure> {
    use vbench::Served::{Connected, CutOff, Gone};
    let (what, peer, why) = match event {
        Connected(peer) => ("connected", peer, None),
        Gone(peer) => ("gone", peer, None),
        CutOff(peer, why) => ("cut-off", peer, Some(format!("failed to {why}"))),
    };
    if session.ui.json {
        let peer = peer.to_string();
        session.ui.json_line(&Event { version: json::VERSION, event: what, peer, why })?;
        return Ok(session.ui.out.flush()?);
    }
    session.ui.note(match why {
        Some(why) => format!("{peer} cut off: {why}"),
        None => format!("{peer} {what}"),
    });
    Ok(())
}
