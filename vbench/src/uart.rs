//! A bench's UART on the network: raw bytes both ways, as a terminal server has it.
//!
//! A debugger on another machine reaches the board by the bench's first port; what the board says on its
//! UART it reads here. Several may listen at once. A listener hears what is sent from then on, as at the
//! end of a cable.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::{Bench, SerialText};

/// How often a thread looks whether it is to end, in milliseconds.
const LOOK_MS: u16 = 50;

/// How long one who listens may take to fetch what was sent; then it is cut off.
const FETCH: Duration = Duration::from_secs(10);

/// Those who listen at once; further ones are turned away.
const MOST: usize = 16;

/// Serves the UART of `bench` until `ended`. At once over for a board that has none.
pub(crate) fn serve(bench: &Mutex<Bench>, listener: &TcpListener, ended: &AtomicBool) {
    let Some(text) = bench.lock().unwrap_or_else(PoisonError::into_inner).serial() else { return };
    if listener.set_nonblocking(true).is_err() {
        return;
    }
    let listening = AtomicUsize::new(0);
    thread::scope(|scope| {
        while !ended.load(Ordering::SeqCst) {
            // Woken by the connection itself: what is sent right after it is not to be missed.
            let mut ready = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut ready, PollTimeout::from(LOOK_MS));
            let Ok((stream, _)) = listener.accept() else { continue };
            let from = text.end();
            if listening.fetch_add(1, Ordering::SeqCst) >= MOST {
                listening.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let (text, listening) = (&text, &listening);
            scope.spawn(move || {
                // One that went away, or does not fetch, is no concern of the others.
                let _ = attend(bench, text, from, stream, ended);
                listening.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
}

/// Carries bytes both ways until the other end hangs up.
fn attend(
    bench: &Mutex<Bench>,
    text: &SerialText,
    mut position: u64,
    mut stream: TcpStream,
    ended: &AtomicBool,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(FETCH))?;
    let mut buffer = [0; 4096];
    while !ended.load(Ordering::SeqCst) {
        let (chunks, end) = text.chunks_from(position);
        position = end;
        stream.set_nonblocking(false)?;
        for chunk in chunks {
            stream.write_all(&chunk.bytes)?;
        }
        stream.set_nonblocking(true)?;
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                let mut bench = bench.lock().unwrap_or_else(PoisonError::into_inner);
                bench.send_serial(&buffer[..count]).map_err(io::Error::other)?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                text.wait_past(position, Duration::from_millis(20));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
