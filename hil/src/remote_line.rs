//! The connection to a probe on the network, packet by packet.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use probe_rs::architecture::arm::{ArmError, DapError};
use probe_rs::probe::{BoxedProbeError, ProbeError, WireProtocol};
use vbench::wire::{self, BoardWord, Packets, Target, WireError};

/// What keeps a remote probe from answering.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum RemoteFault {
    /// It cannot be reached.
    #[error("connect to {address}")]
    Connect {
        /// Host and port.
        address: String,
        /// Why not.
        #[source]
        source: Arc<io::Error>,
    },
    /// The connection broke, now or earlier.
    #[error("talk to the probe at {address}: the connection is lost")]
    Lost {
        /// Host and port.
        address: String,
    },
    /// It says nothing.
    #[error("hear from the probe at {address} within {} ms", limit.as_millis())]
    Silent {
        /// Host and port.
        address: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// What it says makes no sense.
    #[error("understand the probe at {address}: {what}")]
    Garbled {
        /// Host and port.
        address: String,
        /// What is odd.
        what: String,
    },
}

impl ProbeError for RemoteFault {}

/// The remote probe's own trouble inside one of probe-rs's errors, if that is what it comes from.
pub(crate) fn remote_fault(error: &(dyn std::error::Error + 'static)) -> Option<RemoteFault> {
    let mut next = Some(error);
    while let Some(error) = next {
        let boxed = error.downcast_ref::<BoxedProbeError>();
        if let Some(fault) = boxed.and_then(|boxed| boxed.downcast_ref::<RemoteFault>()) {
            return Some(fault.clone());
        }
        next = error.source();
    }
    None
}

/// How long connecting and each answer may take: longer than a bench waits for its QEMU. Erasing
/// happens between answers, not in one.
const LIMIT: Duration = Duration::from_secs(6);

/// The connection. Once broken it stays broken: what comes later may answer an earlier question.
pub(crate) struct Line {
    pub(crate) address: String,
    stream: Option<TcpStream>,
    /// What broke it, which is told ever after.
    broken: Option<RemoteFault>,
    packets: Packets,
    root: Vec<u8>,
    swd: Vec<u8>,
}

impl Line {
    pub(crate) fn connect(address: &str) -> Result<Line, RemoteFault> {
        let failed = |source: io::Error| RemoteFault::Connect {
            address: address.to_owned(),
            source: Arc::new(source),
        };
        let found = address.to_socket_addrs().map_err(failed)?;
        let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
        for one in found {
            match TcpStream::connect_timeout(&one, LIMIT) {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(failed)?;
                    stream.set_write_timeout(Some(LIMIT)).map_err(failed)?;
                    return Ok(Line {
                        address: address.to_owned(),
                        stream: Some(stream),
                        broken: None,
                        packets: Packets::default(),
                        root: Vec::new(),
                        swd: Vec::new(),
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    /// Sends one packet.
    pub(crate) fn send(&mut self, target: Target, data: &[u8]) -> Result<(), RemoteFault> {
        let Some(stream) = self.stream.as_mut() else { return Err(self.lost()) };
        stream.write_all(&wire::packet(target, data)).map_err(|_| self.lost())
    }

    /// Waits until `count` bytes of `target` are there, and takes them.
    fn receive(&mut self, target: Target, count: usize) -> Result<Vec<u8>, RemoteFault> {
        let give_up = Instant::now() + LIMIT;
        let mut buffer = [0; 16 * 1024];
        while self.inbox(target).len() < count {
            let left = give_up.saturating_duration_since(Instant::now());
            let Some(stream) = self.stream.as_mut() else { return Err(self.lost()) };
            if left.is_zero() {
                return Err(self.silent());
            }
            let read = stream.set_read_timeout(Some(left)).and_then(|()| stream.read(&mut buffer));
            match read {
                Ok(0) => return Err(self.lost()),
                Ok(count) => self.sort(&buffer[..count])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Err(self.silent());
                }
                Err(_) => return Err(self.lost()),
            }
        }
        Ok(self.inbox(target).drain(..count).collect())
    }

    /// Sends one packet and waits for `count` bytes of its answer.
    pub(crate) fn ask(
        &mut self,
        target: Target,
        data: &[u8],
        count: usize,
    ) -> Result<Vec<u8>, RemoteFault> {
        self.send(target, data)?;
        self.receive(target, count)
    }

    fn sort(&mut self, bytes: &[u8]) -> Result<(), RemoteFault> {
        let packets = self.packets.take(bytes);
        let packets = packets.map_err(|error: WireError| self.garbled(error.to_string()))?;
        for (target, data) in packets {
            self.inbox(target).extend(data);
        }
        Ok(())
    }

    fn inbox(&mut self, target: Target) -> &mut Vec<u8> {
        match target {
            Target::Root => &mut self.root,
            Target::Swd => &mut self.swd,
        }
    }

    /// What a bench says of itself.
    pub(crate) fn board_word(&mut self) -> Result<BoardWord, RemoteFault> {
        let length = self.ask(Target::Root, &[wire::ROOT_BOARD], 2)?;
        let length = u16::from_le_bytes([length[0], length[1]]);
        let text = self.receive(Target::Root, length.into())?;
        serde_json::from_slice(&text).map_err(|error| self.garbled(error.to_string()))
    }

    /// Acknowledge of a transfer, and the value if it was a read.
    fn answer(&mut self) -> Result<Option<u32>, ArmError> {
        let head = self.receive(Target::Swd, 1).map_err(arm_error)?[0];
        match (head & wire::ANSWER_TYPE, head & wire::ANSWER_ACK) {
            (wire::ANSWER_DATA, _) => {
                let four = self.receive(Target::Swd, 4).map_err(arm_error)?;
                Ok(Some(u32::from_le_bytes([four[0], four[1], four[2], four[3]])))
            }
            (wire::ANSWER_NO_DATA, wire::ACK_OK) => Ok(None),
            (wire::ANSWER_NO_DATA, wire::ACK_WAIT) => Err(DapError::WaitResponse.into()),
            (wire::ANSWER_NO_DATA, wire::ACK_FAULT) => Err(DapError::FaultResponse.into()),
            (wire::ANSWER_ERROR, _) => Err(DapError::Protocol(WireProtocol::Swd).into()),
            _ => Err(arm_error(self.garbled(format!("a transfer was answered by {head:#04x}")))),
        }
    }

    /// The answer to a read.
    pub(crate) fn value(&mut self) -> Result<u32, ArmError> {
        match self.answer()? {
            Some(value) => Ok(value),
            None => Err(arm_error(self.garbled("a read was answered without a value".to_owned()))),
        }
    }

    /// The answer to a write.
    pub(crate) fn done(&mut self) -> Result<(), ArmError> {
        match self.answer()? {
            None => Ok(()),
            Some(_) => Err(arm_error(self.garbled("a write was answered with a value".to_owned()))),
        }
    }

    fn lost(&mut self) -> RemoteFault {
        self.break_off(RemoteFault::Lost { address: self.address.clone() })
    }

    fn silent(&mut self) -> RemoteFault {
        self.break_off(RemoteFault::Silent { address: self.address.clone(), limit: LIMIT })
    }

    fn break_off(&mut self, fault: RemoteFault) -> RemoteFault {
        self.stream = None;
        self.broken.get_or_insert(fault).clone()
    }

    /// An answer that makes no sense; the connection is given up.
    pub(crate) fn garbled(&mut self, what: String) -> RemoteFault {
        self.break_off(RemoteFault::Garbled { address: self.address.clone(), what })
    }
}

pub(crate) fn arm_error(fault: RemoteFault) -> ArmError {
    ArmError::Probe(fault.into())
}
