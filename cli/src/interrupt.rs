//! Ctrl-C and SIGTERM: noticed once, in one place, and asked about by whatever takes long.
//!
//! The first signal asks for an orderly end: a flash algorithm is not left half-way, a partial
//! answer is reported. The second ends at once. QEMU goes with its parent either way.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, Ordering},
};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::exit::Exit;

static SEEN: AtomicU8 = AtomicU8::new(Exit::Ok as u8);
static ARRIVED: OnceLock<Notify> = OnceLock::new();

/// Begins to watch. Without it signals end the process as they always do.
pub(crate) fn watch() {
    let notify = ARRIVED.get_or_init(Notify::new);
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
            return;
        };
        runtime.block_on(async move {
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            loop {
                let exit = tokio::select! {
                    _ = interrupt.recv() => Exit::Interrupted,
                    _ = terminate.recv() => Exit::Terminated,
                };
                if SEEN.swap(exit as u8, Ordering::SeqCst) != Exit::Ok as u8 {
                    std::process::exit(i32::from(exit as u8));
                }
                notify.notify_waiters();
                notify.notify_one();
            }
        });
    });
}

/// The code to end with, if a signal came.
pub(crate) fn pending() -> Option<Exit> {
    match SEEN.load(Ordering::SeqCst) {
        code if code == Exit::Interrupted as u8 => Some(Exit::Interrupted),
        code if code == Exit::Terminated as u8 => Some(Exit::Terminated),
        _ => None,
    }
}

/// Waits for a signal, and gives the code to end with. Never ends if nobody watches.
pub(crate) async fn arrived() -> Exit {
    loop {
        if let Some(exit) = pending() {
            return exit;
        }
        match ARRIVED.get() {
            Some(notify) => notify.notified().await,
            None => std::future::pending().await,
        }
    }
}
