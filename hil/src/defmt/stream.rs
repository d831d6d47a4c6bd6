//! Frames out of a stream of bytes, and records out of frames.

use bundle::{LogDetail, LogRecord};

use super::{DefmtTable, Encoding};

/// A frame longer than this is taken for noise.
const MOST_BYTES: usize = 1 << 20;

/// Decodes one channel as its bytes arrive.
#[derive(Debug)]
pub struct DefmtStream<'t> {
    table: &'t DefmtTable,
    pending: Vec<u8>,
    /// The frame that is being decoded, without its stuffing.
    frame: Vec<u8>,
    malformed: u64,
}

impl<'t> DefmtStream<'t> {
    /// Begins before the first byte.
    pub fn new(table: &'t DefmtTable) -> Self {
        Self { table, pending: Vec::new(), frame: Vec::new(), malformed: 0 }
    }

    /// Frames that could not be decoded so far: noise, or an ELF that is not what runs.
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Takes bytes, and gives the records that became whole. `at_ms` is when they arrived.
    pub fn push(&mut self, bytes: &[u8], at_ms: u64) -> Vec<LogRecord> {
        self.pending.extend_from_slice(bytes);
        let records = match self.table.encoding {
            Encoding::Rzcobs => self.framed(at_ms),
            Encoding::Raw => self.unframed(at_ms),
        };
        if self.pending.len() > MOST_BYTES {
            self.pending.clear();
            self.malformed += 1;
        }
        records
    }

    fn framed(&mut self, at_ms: u64) -> Vec<LogRecord> {
        let mut records = Vec::new();
        let mut start = 0;
        while let Some(length) = memchr(&self.pending[start..]) {
            let stuffed = &self.pending[start..start + length];
            start += length + 1;
            if stuffed.is_empty() {
                continue;
            }
            let record = unstuff(stuffed, &mut self.frame)
                .and_then(|()| Some(self.table.record(&self.frame, at_ms)?.0));
            match record {
                Some(record) => records.push(record),
                None => self.malformed += 1,
            }
        }
        self.pending.drain(..start);
        records
    }

    /// Without framing there is no way back after a bad frame: all that is pending goes.
    fn unframed(&mut self, at_ms: u64) -> Vec<LogRecord> {
        let mut records = Vec::new();
        while let Some((record, used)) = self.table.record(&self.pending, at_ms) {
            records.push(record);
            self.pending.drain(..used);
        }
        records
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == 0)
}

/// Undoes reverse zero-compressing COBS: control bytes stand behind what they describe, so it is
/// read from the end. Source: the rzCOBS encoding, github.com/Dirbaio/rzcobs, README.
fn unstuff(stuffed: &[u8], frame: &mut Vec<u8>) -> Option<()> {
    frame.clear();
    let mut rest = stuffed.iter().rev().copied();
    while let Some(control) = rest.next() {
        match control {
            0 => return None,
            0x01..=0x7f => {
                for bit in (0..7).rev() {
                    match control & (1 << bit) {
                        0 => frame.push(rest.next()?),
                        _ => frame.push(0),
                    }
                }
            }
            0x80..=0xfe => {
                frame.push(0);
                for _ in 0..(control & 0x7f) + 7 {
                    frame.push(rest.next()?);
                }
            }
            0xff => {
                for _ in 0..134 {
                    frame.push(rest.next()?);
                }
            }
        }
    }
    frame.reverse();
    Some(())
}

impl DefmtTable {
    /// The record in `frame`, and how many bytes it took.
    fn record(&self, frame: &[u8], at_ms: u64) -> Option<(LogRecord, usize)> {
        let mut reader = super::decode::Reader::new(self, frame);
        let index = reader.u16()?;
        let mut target_time = None;
        if let Some(format) = &self.timestamp {
            let values = reader.values(format)?;
            target_time = Some(super::render::text(format, &values));
        }
        let entry = self.entry(index).filter(|entry| entry.is_statement)?;
        let values = reader.values(&entry.format)?;
        let text = super::render::text(&entry.format, &values);
        let detail = LogDetail {
            level: entry.level.clone(),
            module: entry.place.module.clone(),
            file: entry.place.file.clone(),
            line: entry.place.line,
            format: Some(entry.format.text.clone()),
            args: values.iter().map(super::render::plain).collect(),
            target_time,
        };
        Some((LogRecord { at_ms, text, detail: Some(Box::new(detail)) }, reader.used()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_come_back_where_they_were() {
        let check = |stuffed: &[u8], expected: Option<&[u8]>| {
            let mut frame = vec![9; 3];
            let done = unstuff(stuffed, &mut frame);
            assert_eq!(done.map(|()| frame.as_slice()), expected, "{stuffed:x?}");
        };
        // `0x7e` before its byte: six zeros, and one byte that is none, the first of the seven.
        check(&[0x05, 0x7e], Some(&[0x05, 0, 0, 0, 0, 0, 0]));
        check(&[1, 2, 3, 4, 5, 6, 7, 0x80], Some(&[1, 2, 3, 4, 5, 6, 7, 0]));
        // Seven bytes are promised.
        check(&[1, 0x80], None);
    }
}
