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
    malformed: u64,
}

impl<'t> DefmtStream<'t> {
    /// Begins before the first byte.
    pub fn new(table: &'t DefmtTable) -> Self {
        Self { table, pending: Vec::new(), malformed: 0 }
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
            let frame = &self.pending[start..start + length];
            start += length + 1;
            if frame.is_empty() {
                continue;
            }
            let record = unstuff(frame).and_then(|frame| Some(self.table.record(&frame, at_ms)?.0));
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
fn unstuff(frame: &[u8]) -> Option<Vec<u8>> {
    let mut rest = frame.iter().rev().copied();
    let mut reversed = Vec::with_capacity(frame.len() + frame.len() / 4);
    while let Some(control) = rest.next() {
        match control {
            0 => return None,
            0x01..=0x7f => {
                for bit in (0..7).rev() {
                    match control & (1 << bit) {
                        0 => reversed.push(rest.next()?),
                        _ => reversed.push(0),
                    }
                }
            }
            0x80..=0xfe => {
                reversed.push(0);
                for _ in 0..(control & 0x7f) + 7 {
                    reversed.push(rest.next()?);
                }
            }
            0xff => {
                for _ in 0..134 {
                    reversed.push(rest.next()?);
                }
            }
        }
    }
    reversed.reverse();
    Some(reversed)
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
        let entry = self.entries.get(&index).filter(|entry| entry.is_statement)?;
        let values = reader.values(&entry.format)?;
        let text = super::render::text(&entry.format, &values);
        let detail = LogDetail {
            level: entry.level.map(str::to_owned),
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
        // `0x7e` before its byte: six zeros, and one byte that is none, the first of the seven.
        assert_eq!(unstuff(&[0x05, 0x7e]), Some(vec![0x05, 0, 0, 0, 0, 0, 0]));
        assert_eq!(unstuff(&[1, 2, 3, 4, 5, 6, 7, 0x80]), Some(vec![1, 2, 3, 4, 5, 6, 7, 0]));
        assert_eq!(unstuff(&[1, 0x80]), None, "seven bytes are promised");
    }
}
