//! A line to a served board that goes wrong as told: the faults of cables, hubs and networks.
//!
//! The tests of the command line include this file as well, and use other parts of it.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to the answers of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The probe is gone: the connection ends.
    Unplug,
    /// The probe hangs: nothing comes any more.
    Stall,
    /// Bits fall over.
    Garbage,
    /// The target refuses the transfer (FAULT), once.
    Refuse,
    /// The target has no time for the transfer (WAIT), once.
    Busy,
    /// Each answer takes so many milliseconds.
    Slow(u64),
}

/// A line between whoever connects to [`Line::address`] and the probe. Dropping it cuts it.
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    ended: AtomicBool,
    /// What goes wrong, and after how many more packets of the probe.
    next: Mutex<(Fault, usize)>,
    /// Packets of the probe so far.
    packets: AtomicUsize,
    /// Everything that was sent to the probe.
    sent: Mutex<Vec<u8>>,
}

impl Line {
    pub(crate) fn to(probe: SocketAddr) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            ended: AtomicBool::new(false),
            next: Mutex::new((Fault::None, 0)),
            packets: AtomicUsize::new(0),
            sent: Mutex::default(),
        });
        let line = Line { address, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for client in listener.incoming() {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (client, probe) = (client.unwrap(), TcpStream::connect(probe).unwrap());
                let (from, to) = (client.try_clone().unwrap(), probe.try_clone().unwrap());
                let noted = Arc::clone(&shared);
                thread::spawn(move || forth(from, to, &noted));
                let shared = Arc::clone(&shared);
                thread::spawn(move || back(probe, client, &shared));
            }
        });
        line
    }

    /// Lets `fault` happen after so many more packets of the probe.
    pub(crate) fn fault(&self, fault: Fault, after: usize) {
        *self.shared.next.lock().unwrap() = (fault, after);
    }

    /// Packets of the probe so far.
    pub(crate) fn packets(&self) -> usize {
        self.shared.packets.load(Ordering::SeqCst)
    }

    /// Takes everything that was sent to the probe so far.
    pub(crate) fn take_sent(&self) -> Vec<u8> {
        std::mem::take(&mut self.shared.sent.lock().unwrap())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

fn forth(mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        shared.sent.lock().unwrap().extend_from_slice(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn back(mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let mut buffer = [0; 16 * 1024];
    let mut packet = Vec::new();
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        for &byte in &buffer[..count] {
            packet.push(byte);
            if byte == 0 && !pass(&mut std::mem::take(&mut packet), &mut to, shared) {
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// One packet of the probe. False: the line is cut.
fn pass(packet: &mut Vec<u8>, to: &mut TcpStream, shared: &Shared) -> bool {
    shared.packets.fetch_add(1, Ordering::SeqCst);
    let fault = {
        let mut next = shared.next.lock().unwrap();
        match *next {
            (Fault::Slow(_) | Fault::None, _) => next.0,
            (fault, 0) => {
                if fault != Fault::Stall {
                    next.0 = Fault::None;
                }
                fault
            }
            (_, ref mut left) => {
                *left -= 1;
                Fault::None
            }
        }
    };
    match fault {
        Fault::None => {}
        Fault::Unplug => return false,
        Fault::Stall => return true,
        Fault::Garbage => {
            let framed = packet.len() - 1;
            packet[..framed].iter_mut().for_each(|byte| *byte = (*byte ^ 0x5a).max(1));
        }
        // COBS of target 1 (Swd) and 0x14: no data, FAULT.
        Fault::Refuse => *packet = vec![3, 1, 0x14, 0],
        // The same with WAIT.
        Fault::Busy => *packet = vec![3, 1, 0x12, 0],
        Fault::Slow(ms) => thread::sleep(Duration::from_millis(ms)),
    }
    to.write_all(packet).is_ok()
}
