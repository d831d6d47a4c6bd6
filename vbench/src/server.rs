//! A bench as a probe on the network. The protocol is in [`crate::wire`].
//!
//! One debugger is served at a time, as by a probe on a cable; the next one waits until the first
//! has hung up. Whoever can connect can do everything with the board, and nothing else.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::wire::{self, BoardWord, Packets, Target, WireError};
use crate::{Ack, Bench, BenchError, DapRegister, uart};

/// What happens at a served bench.
#[derive(Debug)]
pub enum Served {
    /// A debugger has connected.
    Connected(SocketAddr),
    /// It has hung up.
    Gone(SocketAddr),
    /// It was cut off, for what it sent or because the board is lost.
    CutOff(SocketAddr, CutOff),
}

/// Why a debugger was cut off.
#[derive(Debug, thiserror::Error)]
pub enum CutOff {
    /// What it sent is not the protocol.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// It sent a command that there is not.
    #[error("carry out command {0:#04x}, which there is not")]
    Command(u8),
    /// The board cannot be talked to.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The connection broke.
    #[error("talk to the debugger")]
    Connection(#[from] io::Error),
}

/// How often the server looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// How long a debugger may take to fetch an answer. One that is stopped in its own debugger must not
/// keep the server from ending.
const FETCH: Duration = Duration::from_secs(10);

/// Serves `bench` on `listener`, and its UART on `uart`, until `ended`.
///
/// # Errors
/// Only if the listener itself breaks; a debugger that misbehaves is cut off, and told to `note`.
pub fn serve(
    bench: &Mutex<Bench>,
    listener: &TcpListener,
    uart: Option<&TcpListener>,
    ended: &dyn Fn() -> bool,
    note: &mut dyn FnMut(Served),
) -> io::Result<()> {
    let port = uart.map(TcpListener::local_addr).transpose()?.map(|address| address.port());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let over = &over;
        if let Some(uart) = uart {
            scope.spawn(move || uart::serve(bench, uart, over));
        }
        let served = debuggers(bench, listener, port, ended, note);
        over.store(true, Ordering::SeqCst);
        served
    })
}

/// Serves one debugger after another. `uart`: the port where the UART is.
fn debuggers(
    bench: &Mutex<Bench>,
    listener: &TcpListener,
    uart: Option<u16>,
    ended: &dyn Fn() -> bool,
    note: &mut dyn FnMut(Served),
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    while !ended() {
        match listener.accept() {
            Ok((stream, peer)) => {
                note(Served::Connected(peer));
                note(match attend(bench, uart, stream, ended) {
                    Ok(()) => Served::Gone(peer),
                    Err(why) => Served::CutOff(peer, why),
                });
                // A reset pin that nobody holds any more goes high.
                let _ = lock(bench).set_reset_pin(false);
            }
            Err(error) if waits(&error) => std::thread::sleep(LOOK),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn lock(bench: &Mutex<Bench>) -> MutexGuard<'_, Bench> {
    bench.lock().unwrap_or_else(PoisonError::into_inner)
}

fn waits(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted | ConnectionAborted)
}

/// Answers one debugger until it hangs up.
fn attend(
    bench: &Mutex<Bench>,
    uart: Option<u16>,
    mut stream: TcpStream,
    ended: &dyn Fn() -> bool,
) -> Result<(), CutOff> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(FETCH))?;
    let mut packets = Packets::default();
    let mut probe = Probe { bench, uart, divisor: 0, root: Vec::new(), swd: Vec::new() };
    let mut buffer = vec![0; 64 * 1024];
    while !ended() {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                for (target, data) in packets.take(&buffer[..count])? {
                    let answer = match target {
                        Target::Root => probe.root(&data)?,
                        Target::Swd => probe.swd(&data)?,
                    };
                    if !answer.is_empty() {
                        stream.write_all(&wire::packet(target, &answer))?;
                    }
                }
            }
            Err(error) if waits(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

struct Probe<'a> {
    bench: &'a Mutex<Bench>,
    uart: Option<u16>,
    divisor: u16,
    /// Bytes of a command that is not complete yet: packets may cut it.
    root: Vec<u8>,
    swd: Vec<u8>,
}

/// A command to the debug port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Swd {
    Read(DapRegister),
    Write(DapRegister, u32),
    /// A line reset or a switch of protocol: the debug port is always ready.
    Sequence,
}

impl Probe<'_> {
    fn root(&mut self, data: &[u8]) -> Result<Vec<u8>, CutOff> {
        self.root.extend_from_slice(data);
        let mut answer = Vec::new();
        while let Some(&command) = self.root.first() {
            let mut length = 1;
            match command {
                wire::ROOT_IDENTIFY => answer.extend(wire::IDENTIFIER),
                wire::ROOT_REF_CLOCK => answer.extend(wire::BENCH_CLOCK.to_le_bytes()),
                wire::ROOT_GET_DIVISOR => answer.extend(self.divisor.to_le_bytes()),
                wire::ROOT_SET_DIVISOR => {
                    let Some(&[low, high]) = self.root.get(1..3) else { break };
                    self.divisor = u16::from_le_bytes([low, high]);
                    length = 3;
                }
                wire::ROOT_ASSERT_RESET => lock(self.bench).set_reset_pin(true)?,
                wire::ROOT_CLEAR_RESET => lock(self.bench).set_reset_pin(false)?,
                wire::ROOT_BOARD => {
                    let word = self.board_word();
                    answer.extend((word.len() as u16).to_le_bytes());
                    answer.extend(word.into_bytes());
                }
                other => return Err(CutOff::Command(other)),
            }
            self.root.drain(..length);
        }
        Ok(answer)
    }

    fn board_word(&self) -> String {
        let bench = lock(self.bench);
        let board = bench.machine().name.clone();
        let uart = self.uart.filter(|_| bench.serial().is_some());
        let word = BoardWord { board, qemu: bench.qemu_version().to_string(), uart };
        serde_json::to_string(&word).expect("strings and a number are JSON")
    }

    fn swd(&mut self, data: &[u8]) -> Result<Vec<u8>, CutOff> {
        self.swd.extend_from_slice(data);
        let (commands, used) = parse(&self.swd)?;
        self.swd.drain(..used);
        let mut answer = Vec::new();
        let mut bench = lock(self.bench);
        for run in commands.chunk_by(|a, b| alike(*a, *b)) {
            let done = match carry_out(&mut bench, run, &mut answer) {
                // On a chip the rest would still answer. Here it is gone until the next reset.
                Err(BenchError::LockedUp) => refuse(&mut bench, &mut answer)?,
                done => done?,
            };
            if !done {
                self.swd.clear();
                break;
            }
        }
        Ok(answer)
    }
}

/// The whole commands at the start of `bytes`, and how many bytes they are.
fn parse(bytes: &[u8]) -> Result<(Vec<Swd>, usize), CutOff> {
    let mut commands = Vec::new();
    let mut at = 0;
    while let Some(&command) = bytes.get(at) {
        let word = bytes.get(at + 1..at + 5).and_then(|four| four.try_into().ok());
        let address = command & wire::TRANSFER_ADDRESS;
        let register = match command & wire::TRANSFER_AP {
            0 => DapRegister::Dp(address),
            _ => DapRegister::Ap(address),
        };
        let parsed = match command {
            0x20..=0x3f => word.map(|_: [u8; 4]| (Swd::Sequence, 5)),
            0x00..=0x0f if command & wire::TRANSFER_READ != 0 => Some((Swd::Read(register), 1)),
            0x00..=0x0f => word.map(|four| (Swd::Write(register, u32::from_le_bytes(four)), 5)),
            other => return Err(CutOff::Command(other)),
        };
        let Some((parsed, length)) = parsed else { break };
        commands.push(parsed);
        at += length;
    }
    Ok((commands, at))
}

/// Whether two transfers to the access port can go as one block.
fn alike(a: Swd, b: Swd) -> bool {
    match (a, b) {
        (Swd::Read(a @ DapRegister::Ap(_)), Swd::Read(b)) => a == b,
        (Swd::Write(a @ DapRegister::Ap(_), _), Swd::Write(b, _)) => a == b,
        _ => false,
    }
}

/// Source: ADIv5.2, IHI 0031E, B2.2.1 (ABORT) and B2.2.9 (RDBUFF).
const ABORT: DapRegister = DapRegister::Dp(0x0);
const ABORT_STKERRCLR: u32 = 1 << 2;
const RDBUFF: DapRegister = DapRegister::Dp(0xc);

/// Carries out transfers of one kind. False: one was refused, which is the last answer.
fn carry_out(bench: &mut Bench, run: &[Swd], answer: &mut Vec<u8>) -> Result<bool, BenchError> {
    let ack = match run[0] {
        Swd::Sequence => return Ok(true),
        Swd::Read(register @ DapRegister::Dp(_)) => {
            let Ack::Ok(value) = bench.read(register)? else { return refuse(bench, answer) };
            answer_data(answer, value);
            return Ok(true);
        }
        Swd::Read(register) => {
            let Ack::Ok(mut before) = bench.read(RDBUFF)? else { return refuse(bench, answer) };
            let mut values = vec![0; run.len()];
            let ack = bench.read_block(register, &mut values)?;
            if ack == Ack::Ok(()) {
                for value in values {
                    answer_data(answer, std::mem::replace(&mut before, value));
                }
            }
            ack
        }
        Swd::Write(register, _) => {
            let values = run.iter().filter_map(|write| match write {
                Swd::Write(_, value) => Some(*value),
                _ => None,
            });
            let ack = bench.write_block(register, &values.collect::<Vec<_>>())?;
            if ack == Ack::Ok(()) {
                answer.resize(answer.len() + run.len(), wire::ANSWER_NO_DATA | wire::ACK_OK);
            }
            ack
        }
    };
    if ack == Ack::Ok(()) { Ok(true) } else { refuse(bench, answer) }
}

fn answer_data(answer: &mut Vec<u8>, value: u32) {
    answer.push(wire::ANSWER_DATA | wire::ACK_OK);
    answer.extend(value.to_le_bytes());
}

fn refuse(bench: &mut Bench, answer: &mut Vec<u8>) -> Result<bool, BenchError> {
    answer.push(wire::ANSWER_NO_DATA | wire::ACK_FAULT);
    bench.write(ABORT, ABORT_STKERRCLR)?;
    Ok(false)
}
