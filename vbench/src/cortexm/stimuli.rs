//! What happens to a board from outside: pins, bytes on its UART, cells that lose their content.

use super::{CortexM, State};
use crate::BenchError;
use crate::regions::Kind;

impl CortexM {
    /// Drives an input pin.
    pub(crate) fn set_pin(&mut self, pin: u32, high: bool) -> Result<(), BenchError> {
        let pins = self.machine.pins.as_ref().filter(|pins| pin < pins.count);
        let Some(pins) = pins else { return Err(self.not_there(format!("pin {pin}"))) };
        self.link()?.qtest.set_input(&pins.path, &pins.input, pin, high)
    }

    /// Sends bytes to the board's UART.
    pub(crate) fn send_serial(&mut self, bytes: &[u8]) -> Result<(), BenchError> {
        // A board that is gone has nobody to listen.
        self.link()?;
        match &mut self.serial {
            Some(port) => port.send(bytes),
            None => Err(self.not_there("a UART".to_owned())),
        }
    }

    /// Changes memory as a fault in it would: RAM or flash, whoever may write there.
    pub(crate) fn corrupt(&mut self, address: u64, bytes: &[u8]) -> Result<(), BenchError> {
        let size = bytes.len() as u64;
        if self.kind(address, size.max(1)) != Some(Kind::Storage) {
            return Err(self.not_there(format!("memory at {address:#010x}")));
        }
        let flash = self.machine.flash_range();
        if !flash.contains(&address) {
            return self.link()?.qtest.write_bulk(address, bytes);
        }
        self.poll()?;
        let was_running = self.state == State::Running;
        if was_running {
            let stop = self.link()?.gdb.interrupt()?;
            self.note_stop_between(stop)?;
        }
        self.link()?.gdb.write_memory(address, bytes)?;
        let offset = (address - flash.start) as usize;
        if let Some(kept) = self.image.get_mut(offset..offset + bytes.len()) {
            kept.copy_from_slice(bytes);
        }
        self.note_bkpts(offset as u64, bytes);
        match was_running && self.state == State::Running {
            true => self.resume(),
            false => Ok(()),
        }
    }

    fn not_there(&self, what: String) -> BenchError {
        BenchError::NotThere { board: self.machine.name.clone(), what }
    }
}
