//! How a virtual board is reached over a network: the protocol of the Glasgow's `probe-rs` applet.
//!
//! Glasgow is an open probe that probe-rs reaches over TCP as well as over USB. A bench that speaks
//! its protocol is a probe to every program that is built on probe-rs, unchanged.
//!
//! ```text
//! packet  COBS(target, bytes…) 0
//! Root    0x00 who are you       ▶ 12 letters
//!         0x10 reference clock   ▶ u32      0x11 divisor ▶ u16      0x12 u16: set divisor
//!         0x20 pull reset low    0x21 let go of it
//!         0x7e which board       ▶ u16 length, JSON           (a bench's own, see `BENCH_CLOCK`)
//! Swd     0b00aa_aarp            a transfer: p = AP, r = read, aaaa = A[3:2] << 2; u32 to write
//!         0b001l_llll u32        a sequence of l bits on the line, 0 for 32
//! answer  0x0? u32               read    0x1k  done, k = acknowledge    0x20  no answer at all
//! ```
//!
//! Numbers are little-endian. A read of the access port answers with what the read before it gave,
//! as on the wire. After a refused transfer the rest of its packet is dropped, and the sticky error
//! is cleared.
//!
//! Source: probe-rs 0.32.0, `src/probe/glasgow/`; Glasgow, `software/glasgow/applet/interface/
//! probe_rs/`.

use std::fmt;

/// Who answers [`ROOT_IDENTIFY`]; the end is the protocol's version.
pub const IDENTIFIER: &[u8; 12] = b"probe-rs,v01";

/// Reference clock in Hz that only a bench tells. It knows [`ROOT_BOARD`]; a Glasgow does not.
pub const BENCH_CLOCK: u32 = 51_264_203;

/// Asks for [`IDENTIFIER`].
pub const ROOT_IDENTIFY: u8 = 0x00;
/// Asks for the reference clock.
pub const ROOT_REF_CLOCK: u8 = 0x10;
/// Asks for the divisor of that clock.
pub const ROOT_GET_DIVISOR: u8 = 0x11;
/// Sets it.
pub const ROOT_SET_DIVISOR: u8 = 0x12;
/// Pulls the reset pin low.
pub const ROOT_ASSERT_RESET: u8 = 0x20;
/// Lets go of it.
pub const ROOT_CLEAR_RESET: u8 = 0x21;
/// Asks a bench for its [`BoardWord`].
pub const ROOT_BOARD: u8 = 0x7e;

/// A transfer; its low four bits say which.
pub const SWD_TRANSFER: u8 = 0x00;
/// Of a transfer: to the access port.
pub const TRANSFER_AP: u8 = 1 << 0;
/// Of a transfer: a read.
pub const TRANSFER_READ: u8 = 1 << 1;
/// Of a transfer: the register's address bits.
pub const TRANSFER_ADDRESS: u8 = 0xc;
/// A sequence on the line; its low five bits are the length.
pub const SWD_SEQUENCE: u8 = 0x20;

/// The answer to a read; the value follows.
pub const ANSWER_DATA: u8 = 0x00;
/// The answer to what gives no value; the acknowledge is in its low bits.
pub const ANSWER_NO_DATA: u8 = 0x10;
/// The target did not answer as the protocol of the wire has it.
pub const ANSWER_ERROR: u8 = 0x20;
/// Bits of an answer that tell which of the three it is.
pub const ANSWER_TYPE: u8 = 0x30;
/// Bits of an answer that are the acknowledge.
pub const ANSWER_ACK: u8 = 0x07;
/// Acknowledge: done. Source: ADIv5.2, IHI 0031E, B4.2.3.
pub const ACK_OK: u8 = 0b001;
/// Acknowledge: try again.
pub const ACK_WAIT: u8 = 0b010;
/// Acknowledge: refused until the sticky error is cleared.
pub const ACK_FAULT: u8 = 0b100;

/// What a bench says of itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BoardWord {
    /// Name of the board, such as `microbit`.
    pub board: String,
    /// Version of the QEMU under it.
    pub qemu: String,
    /// Port of the same host where its UART is served, raw bytes both ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uart: Option<u16>,
}

/// Whom a packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The probe itself.
    Root,
    /// The debug port.
    Swd,
}

/// Why bytes are not packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The zeros do not stand where COBS puts them.
    #[error("take a packet apart: it is not framed as COBS has it")]
    Framing,
    /// The packet is for a target that there is not.
    #[error("take a packet apart: it is for target {0:#04x}, which there is not")]
    Target(u8),
    /// There is nothing in it.
    #[error("take a packet apart: it is empty")]
    Empty,
    /// No packet is as long as this.
    #[error("take a packet apart: it does not end")]
    Endless,
}

/// Bytes that no packet exceeds: a debugger sends a few pages of flash at a time.
const PACKET_MAX: usize = 4 << 20;

/// One packet, ready to be sent.
pub fn packet(target: Target, data: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(data.len() + 1);
    plain.push(target as u8);
    plain.extend_from_slice(data);
    let mut framed = cobs::encode_vec(&plain);
    framed.push(0);
    framed
}

/// Packets out of bytes, however these arrive.
#[derive(Default)]
pub struct Packets {
    pending: Vec<u8>,
}

impl fmt::Debug for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packets").field("pending", &self.pending.len()).finish()
    }
}

impl Packets {
    /// Takes bytes in and gives every packet that is complete with them.
    ///
    /// # Errors
    /// [`WireError`] for the first that is none. What follows it cannot be trusted.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<(Target, Vec<u8>)>, WireError> {
        let mut complete = Vec::new();
        for part in bytes.split_inclusive(|&byte| byte == 0) {
            match part.split_last() {
                Some((0, rest)) => {
                    self.pending.extend_from_slice(rest);
                    complete.push(open(&std::mem::take(&mut self.pending))?);
                }
                _ => self.pending.extend_from_slice(part),
            }
        }
        match self.pending.len() > PACKET_MAX {
            true => Err(WireError::Endless),
            false => Ok(complete),
        }
    }
}

fn open(framed: &[u8]) -> Result<(Target, Vec<u8>), WireError> {
    let plain = cobs::decode_vec(framed).map_err(|_| WireError::Framing)?;
    match plain.split_first() {
        Some((0, data)) => Ok((Target::Root, data.to_vec())),
        Some((1, data)) => Ok((Target::Swd, data.to_vec())),
        Some((&other, _)) => Err(WireError::Target(other)),
        None => Err(WireError::Empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_as_they_went_in_however_they_arrive() {
        let sent = [(Target::Swd, vec![0, 1, 0, 0xff]), (Target::Root, vec![ROOT_IDENTIFY])];
        let bytes: Vec<u8> = sent.iter().flat_map(|(to, data)| packet(*to, data)).collect();
        for step in [1, 2, 3, bytes.len()] {
            let mut packets = Packets::default();
            let found: Vec<_> =
                bytes.chunks(step).flat_map(|part| packets.take(part).expect("packets")).collect();
            assert_eq!(found, sent, "{step} bytes at a time");
        }
    }

    #[test]
    fn what_is_no_packet_is_named() {
        let check = |bytes: &[u8], expected| {
            assert_eq!(Packets::default().take(bytes), Err(expected), "{bytes:x?}");
        };
        check(&[9, 1, 0], WireError::Framing);
        check(&[2, 7, 0], WireError::Target(7));
        check(&[1, 0], WireError::Empty);
        check(&vec![1; PACKET_MAX + 1], WireError::Endless);
    }
}
