//! Memory as the core's bus sees it, through QEMU's test protocol.
//!
//! Works while the core runs, keeps the width of each access, and reaches the private peripheral
//! bus. It reports no bus errors: an unmapped address reads 0, so [`crate::regions`] is asked
//! first. Writes to flash go to the emulated flash controller, which may ignore them.

use std::fmt::Write;

use crate::BenchError;
use crate::channel::Channel;

/// Width of one bus access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Byte,
    Half,
    Word,
}

impl Width {
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Width::Byte => 1,
            Width::Half => 2,
            Width::Word => 4,
        }
    }

    fn letter(self) -> char {
        match self {
            Width::Byte => 'b',
            Width::Half => 'w',
            Width::Word => 'l',
        }
    }
}

/// Commands sent before their answers are read. Bounded so that neither side's socket buffer can
/// fill up while the other waits.
const BATCH: usize = 256;

/// Bytes per bulk command.
const BULK: usize = 16 * 1024;

pub(crate) struct Qtest {
    channel: Channel,
}

impl Qtest {
    pub(crate) fn new(channel: Channel) -> Qtest {
        Qtest { channel }
    }

    pub(crate) fn read(&mut self, address: u64, width: Width) -> Result<u32, BenchError> {
        Ok(self.read_each(&[address], width)?[0])
    }

    /// One access per address, in order.
    pub(crate) fn read_each(
        &mut self,
        addresses: &[u64],
        width: Width,
    ) -> Result<Vec<u32>, BenchError> {
        let mut values = Vec::with_capacity(addresses.len());
        for batch in addresses.chunks(BATCH) {
            let mut commands = String::new();
            for address in batch {
                let _ = writeln!(commands, "read{} {address:#x}", width.letter());
            }
            self.channel.send(commands.as_bytes())?;
            for _ in batch {
                let answer = self.answer()?;
                let value = answer.strip_prefix("0x").and_then(|t| u64::from_str_radix(t, 16).ok());
                // QEMU prints every width as 64 bits.
                let value = value.ok_or_else(|| self.channel.protocol(answer.as_str()))?;
                values.push(value as u32);
            }
        }
        Ok(values)
    }

    pub(crate) fn write(
        &mut self,
        address: u64,
        width: Width,
        value: u32,
    ) -> Result<(), BenchError> {
        self.write_each(&[(address, value)], width)
    }

    /// One access per pair of address and value, in order.
    pub(crate) fn write_each(
        &mut self,
        writes: &[(u64, u32)],
        width: Width,
    ) -> Result<(), BenchError> {
        for batch in writes.chunks(BATCH) {
            let mut commands = String::new();
            for (address, value) in batch {
                let _ = writeln!(commands, "write{} {address:#x} {value:#x}", width.letter());
            }
            self.channel.send(commands.as_bytes())?;
            for _ in batch {
                self.answer()?;
            }
        }
        Ok(())
    }

    /// Copies memory that is plain storage; width and number of accesses are QEMU's choice.
    pub(crate) fn read_bulk(&mut self, address: u64, size: usize) -> Result<Vec<u8>, BenchError> {
        let mut bytes = Vec::with_capacity(size);
        while bytes.len() < size {
            let at = address + bytes.len() as u64;
            let count = BULK.min(size - bytes.len());
            self.channel.send(format!("b64read {at:#x} {count:#x}\n").as_bytes())?;
            let answer = self.answer()?;
            let before = bytes.len();
            if decode_base64(&answer, &mut bytes).is_none() || bytes.len() - before != count {
                return Err(self.channel.protocol(format!("{} letters of base64", answer.len())));
            }
        }
        Ok(bytes)
    }

    /// Writes bytes with accesses of QEMU's choice.
    pub(crate) fn write_bulk(&mut self, address: u64, bytes: &[u8]) -> Result<(), BenchError> {
        for (i, chunk) in bytes.chunks(BULK).enumerate() {
            let at = address + (i * BULK) as u64;
            let mut command = format!("write {at:#x} {:#x} 0x", chunk.len());
            for byte in chunk {
                let _ = write!(command, "{byte:02x}");
            }
            command.push('\n');
            self.channel.send(command.as_bytes())?;
            self.answer()?;
        }
        Ok(())
    }

    /// Drives an input line of a device. QEMU ends if there is no such device or line.
    pub(crate) fn set_input(
        &mut self,
        path: &str,
        name: &str,
        line: u32,
        high: bool,
    ) -> Result<(), BenchError> {
        let level = u8::from(high);
        self.channel.send(format!("set_irq_in {path} {name} {line} {level}\n").as_bytes())?;
        self.answer().map(|_| ())
    }

    /// What follows `OK` in the next answer.
    fn answer(&mut self) -> Result<String, BenchError> {
        let line = self.channel.take_until(b'\n')?;
        let line = String::from_utf8_lossy(&line);
        match line.trim_end().strip_prefix("OK") {
            Some(rest) => Ok(rest.trim_start().to_owned()),
            None => Err(self.channel.protocol(line.trim_end())),
        }
    }
}

/// Appends what `text` stands for. `None`: not base64. Source: RFC 4648, section 4.
fn decode_base64(text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    let letters = text.trim_end_matches('=').as_bytes();
    for four in letters.chunks(4) {
        let mut bits = 0u32;
        for &letter in four {
            let value = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        bits <<= 6 * (4 - four.len());
        let whole = match four.len() {
            4 => 3,
            3 => 2,
            2 => 1,
            _ => return None,
        };
        bytes.extend(&bits.to_be_bytes()[1..=whole]);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648, section 10, and one with both odd letters.
    #[test]
    fn base64() {
        let check = |text: &str, expected: Option<&[u8]>| {
            let mut bytes = Vec::new();
            let found = decode_base64(text, &mut bytes).map(|()| bytes.as_slice());
            assert_eq!(found, expected, "{text}");
        };
        check("", Some(b""));
        check("Zg==", Some(b"f"));
        check("Zm8=", Some(b"fo"));
        check("Zm9v", Some(b"foo"));
        check("Zm9vYg==", Some(b"foob"));
        check("Zm9vYmFy", Some(b"foobar"));
        check("+/8=", Some(b"\xfb\xff"));
        check("Z", None);
        check("Zm9*", None);
    }
}
