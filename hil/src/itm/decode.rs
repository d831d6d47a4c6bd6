//! The packets of the trace pin, byte by byte.
//!
//! Source: ARMv7-M ARM, DDI 0403E, appendix D4.2. Armv8-M's are the same (DDI 0553, appendix
//! "ITM and DWT packet protocol").
//!
//! | first byte  | packet | then |
//! |-------------|--------|------|
//! | `0000_0000` | synchronization: 47 zeros or more and a one, as bytes 5 or more of 0x00 and 0x80 | |
//! | `0111_0000` | overflow | |
//! | `0ttt_0000` | local timestamp, of 1 to 6 ticks | |
//! | `11tt_0000` | local timestamp | 1 to 4 bytes |
//! | `10w1_0100` | global timestamp | up to 6 bytes |
//! | `cxxx_1s00` | extension: the page of stimulus ports, if `s` is 0 | up to 4 bytes if `c` |
//! | `pppp_p0zz` | written to stimulus port `p` | 1, 2, or 4 bytes: `zz` is 1, 2, or 3 |
//! | `dddd_d1zz` | from the DWT | the same |

/// Takes packets apart. What is neither packet nor synchronization is skipped, up to the next of these.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    state: State,
    /// Zeros in a row up to now. Only a synchronization packet has five: a payload has four at most.
    zeros: usize,
    /// The page that the next stimulus port is in.
    page: u8,
    /// Overflow packets so far.
    pub(super) overflows: u64,
    /// Bytes that were not understood.
    pub(super) skipped: u64,
}

#[derive(Debug, Default)]
enum State {
    /// A packet begins. At first that is taken on trust.
    #[default]
    Header,
    /// Zeros, which must end in a one.
    Sync,
    /// More bytes of a number, as long as bit 7 is set, and so many at most.
    Number { left: u8 },
    /// Bytes of a write; `port`: `None` is the DWT's.
    Payload { port: Option<u8>, bytes: [u8; 4], has: usize, of: usize },
    /// Not understood.
    Lost,
}

/// Zero bytes in front of the 0x80 of a synchronization packet, at least. Source: D4.2.1.
const SYNC_ZEROS: usize = 5;

/// Stimulus ports of a page. Source: D4.2.5.
const PAGE_PORTS: u8 = 32;

impl Decoder {
    /// Takes bytes in. `text` is told what was written to stimulus ports, in order.
    pub(super) fn push(&mut self, bytes: &[u8], mut text: impl FnMut(u8, &[u8])) {
        for &byte in bytes {
            self.byte(byte, &mut text);
        }
    }

    fn byte(&mut self, byte: u8, text: &mut impl FnMut(u8, &[u8])) {
        let is_sync_end = byte == 0x80 && self.zeros >= SYNC_ZEROS;
        self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
        if is_sync_end {
            self.synchronize();
            return;
        }
        match &mut self.state {
            State::Header => self.header(byte),
            State::Sync if byte == 0 => {}
            State::Sync => {
                self.skipped += 1;
                self.state = State::Lost;
            }
            State::Number { left } => {
                *left -= 1;
                if byte & 0x80 == 0 || *left == 0 {
                    self.state = State::Header;
                }
            }
            State::Payload { port, bytes, has, of } => {
                bytes[*has] = byte;
                *has += 1;
                if *has == *of {
                    if let Some(port) = port {
                        text(*port, &bytes[..*of]);
                    }
                    self.state = State::Header;
                }
            }
            // Zeros may belong to the synchronization that ends this.
            State::Lost => self.skipped += u64::from(byte != 0),
        }
    }

    /// A packet begins after this, whatever seemed to be going on.
    fn synchronize(&mut self) {
        if let State::Payload { has, .. } = self.state {
            self.skipped += 1 + has as u64;
        }
        self.state = State::Header;
        self.page = 0;
    }

    fn header(&mut self, byte: u8) {
        self.state = match byte {
            0x00 => State::Sync,
            0x70 => {
                self.overflows += 1;
                State::Header
            }
            0x94 => State::Number { left: 4 },
            0xb4 => State::Number { left: 6 },
            _ if byte & 0x03 != 0 => self.source(byte),
            _ if byte & 0x0b == 0x08 => {
                if byte & 0x04 == 0 {
                    self.page = byte >> 4 & 0x07;
                }
                match byte & 0x80 {
                    0 => State::Header,
                    _ => State::Number { left: 4 },
                }
            }
            _ if byte & 0x8f == 0 => State::Header,
            _ if byte & 0xcf == 0xc0 => State::Number { left: 4 },
            _ => {
                self.skipped += 1;
                State::Lost
            }
        };
    }

    fn source(&self, byte: u8) -> State {
        let of = match byte & 0x03 {
            1 => 1,
            2 => 2,
            _ => 4,
        };
        let is_software = byte & 0x04 == 0;
        let port = is_software.then_some(self.page * PAGE_PORTS + (byte >> 3));
        State::Payload { port, bytes: [0; 4], has: 0, of }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNC: [u8; 6] = [0, 0, 0, 0, 0, 0x80];

    /// What came out of a stream: writes to ports, overflows, bytes not understood.
    type Heard = (Vec<(u8, Vec<u8>)>, u64, u64);

    fn hear<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> Heard {
        let (mut decoder, mut said) = (Decoder::default(), Vec::new());
        for piece in pieces {
            decoder.push(piece, |port, bytes| said.push((port, bytes.to_vec())));
        }
        (said, decoder.overflows, decoder.skipped)
    }

    fn check(stream: &[u8], said: &[(u8, &[u8])], overflows: u64, skipped: u64) {
        let said = said.iter().map(|(port, bytes)| (*port, bytes.to_vec())).collect();
        let expected = (said, overflows, skipped);
        assert_eq!(hear([stream]), expected, "{stream:02x?}");
        for at in 0..=stream.len() {
            let (before, after) = stream.split_at(at);
            assert_eq!(hear([before, after]), expected, "{stream:02x?} cut at {at}");
        }
        assert_eq!(hear(stream.chunks(1)), expected, "{stream:02x?} byte by byte");
    }

    #[test]
    fn each_kind_of_packet_is_as_long_as_it_says() {
        let text: &[(u8, &[u8])] = &[(0, b"A"), (0, b"B")];
        for between in [
            &SYNC[..],
            &[0, 0, 0, 0, 0, 0, 0, 0, 0x80],
            &[0x10], // local timestamp, short: 1 to 6
            &[0x60],
            &[0xc0, 0x01], // local timestamp, long, each kind of delay
            &[0xf0, 0xff, 0xff, 0xff, 0x01],
            &[0xd0, 0x81, 0x01],
            &[0x94, 0x01], // global timestamp, lower bits
            &[0x94, 0x80, 0x80, 0x80, 0x61],
            &[0xb4, 0x80, 0x80, 0x80, 0x01], // upper bits, of 48 and of 64
            &[0xb4, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
            &[0x08], // extension: page 0
            &[0x0c], // of another source
            &[0x88, 0x80, 0x80, 0x80, 0x01],
            &[0x05, 0x01], // DWT: counters, exception, PC, data
            &[0x0e, 0x10, 0x20],
            &[0x17, 1, 2, 3, 4],
            &[0x8f, 0, 0, 0, 0],
        ] {
            check(&[&[0x01, b'A'], between, &[0x01, b'B']].concat(), text, 0, 0);
        }
    }

    #[test]
    fn a_write_comes_from_its_port_with_its_width() {
        check(b"\x01a\x02bc\x03defg", &[(0, b"a"), (0, b"bc"), (0, b"defg")], 0, 0);
        check(b"\x09x\xf9y", &[(1, b"x"), (31, b"y")], 0, 0);
        check(b"\x18\x01z\x08\x01z", &[(32, b"z"), (0, b"z")], 0, 0);
        check(&[0x03, 0, 0, 0, 0, 0x01, b'!'], &[(0, &[0; 4]), (0, b"!")], 0, 0);
    }

    #[test]
    fn an_overflow_is_counted_where_it_stands() {
        check(b"\x01a\x70\x01b\x70\x70\x01c", &[(0, b"a"), (0, b"b"), (0, b"c")], 3, 0);
    }

    #[test]
    fn garbage_is_skipped_up_to_the_next_synchronization() {
        let reserved = [0x04, 0x24, 0x80, 0x90, 0xa0, 0xb0, 0xa4];
        for byte in reserved {
            let stream = [&[0x01, b'A', byte, 0x01, b'?', 0xff], &SYNC[..], b"\x01B"].concat();
            check(&stream, &[(0, b"A"), (0, b"B")], 0, 4);
        }
        // Zeros that end in something else, and too few of them.
        for odd in [&[0, 0, 0, 0, 0, 0x81][..], &[0, 0x80], &[0, 0, 0, 0, 0x80]] {
            let stream = [odd, &SYNC, b"\x01B"].concat();
            check(&stream, &[(0, b"B")], 0, 1);
        }
    }

    #[test]
    fn a_stream_joined_in_the_middle_is_right_from_the_first_synchronization_on() {
        let whole = [b"\x03abcd\x03efgh", &SYNC[..], b"\x01!\xc0\x03\x03ijkl"].concat();
        let after = [(0, b"!".to_vec()), (0, b"ijkl".to_vec())];
        for from in 0..=10 {
            let (said, ..) = hear([&whole[from..]]);
            assert!(said.ends_with(&after), "from {from}: {said:?}");
        }
        // A packet whose end was lost.
        let cut = [b"\x03ab", &SYNC[..], b"\x01!"].concat();
        assert!(hear([&cut[..]]).0.ends_with(&[(0, b"!".to_vec())]));
    }

    #[test]
    fn no_bytes_whatever_are_too_much() {
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(100_000)
        .collect();
        let whole = hear([&noise[..]]);
        assert_eq!(hear(noise.chunks(7)), whole);
        let after = hear([&noise[..], &SYNC, b"\x01!"]);
        assert_eq!(after.0.last(), Some(&(0, b"!".to_vec())));
    }
}
