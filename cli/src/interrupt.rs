//! Ctrl-C and SIGTERM: the process ends at once, with the code for it, unless something is under
//! way that must end in order.
//!
//! Whoever does such a thing holds a [`Deferred`] and asks [`pending`]: a flash algorithm is not
//! left half-way, a partial answer is reported. The second signal ends at once in any case. QEMU
//! goes with its parent either way.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::exit::{Exit, Failure};

static SEEN: AtomicU8 = AtomicU8::new(Exit::Ok as u8);
static DEFERRED: AtomicUsize = AtomicUsize::new(0);
static ARRIVED: OnceLock<Notify> = OnceLock::new();

/// As long as one of these lives, the first signal only leaves a note.
pub(crate) struct Deferred(());

impl Deferred {
    /// Begins something that must end in order.
    pub(crate) fn begin() -> Self {
        DEFERRED.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        DEFERRED.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Begins to watch. Without it signals end the process as they always do.
pub(crate) fn watch() {
    let notify = ARRIVED.get_or_init(Notify::new);
    let (ready, watching) = std::sync::mpsc::channel();
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
            // Nobody listens any more if the wait below was given up.
            let _ = ready.send(());
            loop {
                let exit = tokio::select! {
                    _ = interrupt.recv() => Exit::Interrupted,
                    _ = terminate.recv() => Exit::Terminated,
                };
                let is_first = SEEN.swap(exit as u8, Ordering::SeqCst) == Exit::Ok as u8;
                if !is_first || DEFERRED.load(Ordering::SeqCst) == 0 {
                    std::process::exit(i32::from(exit as u8));
                }
                notify.notify_one();
            }
        });
    });
    // A signal must not find neither the old handling nor the new one. If the thread could not
    // set itself up the channel closes, and signals do what they always do.
    let _ = watching.recv();
}

/// The code to end with, if a signal came.
pub(crate) fn pending() -> Option<Exit> {
    match SEEN.load(Ordering::SeqCst) {
        code if code == Exit::Interrupted as u8 => Some(Exit::Interrupted),
        code if code == Exit::Terminated as u8 => Some(Exit::Terminated),
        _ => None,
    }
}

/// Fails if a signal came meanwhile.
pub(crate) fn check(what: &str) -> Result<(), Failure> {
    match pending() {
        Some(exit) => Err(Failure::new(exit, format!("cancelled after {what}"))),
        None => Ok(()),
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
