//! A virtual board that is served to others instead of being used here.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use vbench::{BenchOptions, Machine, SerialText, Served, Version};

use crate::HilError;
use crate::virtual_probe::{SharedBench, qemu_program};

/// A running virtual board without a debugger. Dropping it ends its QEMU.
#[derive(Debug)]
pub struct Bench(SharedBench);

impl Bench {
    /// Starts `machine` with a blank flash and a halted core.
    ///
    /// # Errors
    /// [`HilError::Bench`].
    pub fn start(machine: &'static Machine) -> Result<Bench, HilError> {
        let options = BenchOptions { program: qemu_program(), ..BenchOptions::default() };
        let bench = vbench::Bench::start(machine, &options).map_err(Arc::new)?;
        Ok(Bench(SharedBench::new(bench)))
    }

    pub(crate) fn of(shared: SharedBench) -> Bench {
        Bench(shared)
    }

    /// The QEMU it runs on.
    pub fn qemu_version(&self) -> Version {
        self.0.lock().qemu_version()
    }

    /// The board's UART, if it has one.
    pub fn serial(&self) -> Option<SerialText> {
        self.0.lock().serial()
    }

    /// Serves the board to one debugger after another, and its UART on `uart`, until `ended`. See [`vbench::serve`].
    ///
    /// # Errors
    /// Only if the listener breaks.
    pub fn serve(
        &self,
        listener: &TcpListener,
        uart: Option<&TcpListener>,
        ended: &dyn Fn() -> bool,
        note: &mut dyn FnMut(Served),
    ) -> io::Result<()> {
        vbench::serve(self.0.mutex(), listener, uart, ended, note)
    }
}
