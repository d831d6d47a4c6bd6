//! Which board is meant, as people write it.

use std::fmt;
use std::str::FromStr;

use probe_rs::probe::DebugProbeSelector;

use crate::usb;

/// USB ids under which virtual boards are listed, so that any probe-rs selector can name one.
/// Not registered with the USB-IF: `f055` is the id that open hardware uses for itself.
pub(crate) const VIRTUAL_VENDOR_ID: u16 = 0xf055;
pub(crate) const VIRTUAL_PRODUCT_ID: u16 = 0x7e3a;

/// A Glasgow's USB ids, by which probe-rs selects probes on the network as well. Source: probe-rs
/// 0.32.0, `src/probe/glasgow/usb.rs`.
const GLASGOW_VENDOR_ID: u16 = 0x20b7;
const GLASGOW_PRODUCT_ID: u16 = 0x9db1;

/// A choice of board.
///
/// Written `virtual:microbit` for a virtual board, `tcp:HOST:PORT` for a probe on the network,
/// `VID:PID`, `VID:PID:SERIAL` or `VID:PID-INTERFACE:SERIAL` (ids in hexadecimal) for one on USB, with
/// `@PORT` behind it (`@1-2.3`) where it has to be plugged in there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Selector {
    /// The real probe, provided that there is exactly one. Virtual boards are never picked
    /// without being named.
    #[default]
    Only,
    /// The virtual board of that name.
    Virtual(String),
    /// A probe on the network, as `HOST:PORT`: a bench that is served, or a Glasgow.
    Remote(String),
    /// A probe by its USB ids.
    Probe {
        /// USB vendor id.
        vendor_id: u16,
        /// USB product id.
        product_id: u16,
        /// USB interface, for adapters with several.
        interface: Option<u8>,
        /// Serial number. `Some("")` is a probe that has none.
        serial: Option<String>,
        /// USB port at which it has to be plugged in, such as `1-2.3`.
        port: Option<String>,
    },
}

/// Why a text is not a [`Selector`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// It is none of the forms.
    #[error(
        "read `{text}` as a probe: expected `virtual:BOARD`, `tcp:HOST:PORT` or `VID:PID[:SERIAL][@USBPORT]`"
    )]
    Malformed {
        /// The text.
        text: String,
    },
    /// It is the address of a `probe-rs serve`. That protocol (probe-rs-tools 0.32, `rpc/functions.rs`) can
    /// neither halt a core nor read its registers or its status, and is private to one version of the program.
    #[error("use `{address}`: a `probe-rs serve` neither halts a core nor tells its registers")]
    ProbeRsServe {
        /// The address.
        address: String,
    },
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Selector, SelectorError> {
        let malformed = || SelectorError::Malformed { text: text.to_owned() };
        if text.starts_with("ws://") || text.starts_with("wss://") {
            return Err(SelectorError::ProbeRsServe { address: text.to_owned() });
        }
        if let Some(board) = text.strip_prefix("virtual:") {
            return match board {
                "" => Err(malformed()),
                _ => Ok(Selector::Virtual(board.to_owned())),
            };
        }
        if let Some(address) = text.strip_prefix("tcp:") {
            return remote(address).ok_or_else(malformed);
        }
        let (text, port) = match text.rsplit_once('@') {
            Some((text, port)) if usb::is_port(port) => (text, Some(port)),
            _ => (text, None),
        };
        let parsed = DebugProbeSelector::from_str(text).map_err(|_| malformed())?;
        Ok(Selector::from_probe_rs(parsed).at(port))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Only => write!(f, "any"),
            Selector::Virtual(board) => write!(f, "virtual:{board}"),
            Selector::Remote(address) => write!(f, "tcp:{address}"),
            Selector::Probe { port, .. } => {
                if let Some(selector) = self.to_probe_rs() {
                    write!(f, "{selector}")?;
                }
                port.iter().try_for_each(|port| write!(f, "@{port}"))
            }
        }
    }
}

impl Selector {
    pub(crate) fn from_probe_rs(selector: DebugProbeSelector) -> Selector {
        let DebugProbeSelector { vendor_id, product_id, interface, serial_number } = selector;
        match serial_number {
            Some(board)
                if (vendor_id, product_id) == (VIRTUAL_VENDOR_ID, VIRTUAL_PRODUCT_ID)
                    && !board.is_empty() =>
            {
                Selector::Virtual(board)
            }
            // As probe-rs writes it.
            Some(serial)
                if (vendor_id, product_id) == (GLASGOW_VENDOR_ID, GLASGOW_PRODUCT_ID)
                    && serial.starts_with("tcp:") =>
            {
                Selector::Remote(serial["tcp:".len()..].to_owned())
            }
            serial => Selector::Probe { vendor_id, product_id, interface, serial, port: None },
        }
    }

    /// Whether `found` is what this asks for, wherever it is plugged in. Parts that are left open fit
    /// any.
    pub fn answers(&self, found: &Selector) -> bool {
        use Selector::{Only, Probe};
        match (self, found) {
            (Only, Probe { .. }) => true,
            (
                Probe { vendor_id: v, product_id: p, interface: i, serial: s, port: _ },
                Probe { vendor_id, product_id, interface, serial, port: _ },
            ) => {
                let number = |serial: &Option<String>| serial.clone().unwrap_or_default();
                (v, p) == (vendor_id, product_id)
                    && (i.is_none() || i == interface)
                    && (s.is_none() || number(s) == number(serial))
            }
            _ => self == found,
        }
    }

    /// The same, if it is a probe on USB, at a port.
    pub(crate) fn at(mut self, wanted: Option<&str>) -> Selector {
        if let Selector::Probe { port, .. } = &mut self {
            *port = wanted.map(str::to_owned);
        }
        self
    }

    /// The same in probe-rs's words, which have none for a port. `None` for [`Selector::Only`], which it
    /// has no word for either.
    pub(crate) fn to_probe_rs(&self) -> Option<DebugProbeSelector> {
        match self {
            Selector::Only => None,
            Selector::Virtual(board) => Some(DebugProbeSelector {
                vendor_id: VIRTUAL_VENDOR_ID,
                product_id: VIRTUAL_PRODUCT_ID,
                interface: None,
                serial_number: Some(board.clone()),
            }),
            Selector::Remote(address) => Some(DebugProbeSelector {
                vendor_id: GLASGOW_VENDOR_ID,
                product_id: GLASGOW_PRODUCT_ID,
                interface: None,
                serial_number: Some(format!("tcp:{address}")),
            }),
            Selector::Probe { vendor_id, product_id, interface, serial, port: _ } => {
                Some(DebugProbeSelector {
                    vendor_id: *vendor_id,
                    product_id: *product_id,
                    interface: *interface,
                    serial_number: serial.clone(),
                })
            }
        }
    }
}

/// `HOST:PORT`, with both there.
fn remote(address: &str) -> Option<Selector> {
    let (host, port) = address.rsplit_once(':')?;
    let complete = !host.is_empty() && port.parse::<u16>().is_ok();
    complete.then(|| Selector::Remote(address.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_shows_it_the_same() {
        let probe = |serial: Option<&str>, interface| Selector::Probe {
            vendor_id: 0x0483,
            product_id: 0x374b,
            interface,
            serial: serial.map(str::to_owned),
            port: None,
        };
        let cases = [
            ("virtual:microbit", Selector::Virtual("microbit".into()), "virtual:microbit"),
            ("f055:7e3a:microbit", Selector::Virtual("microbit".into()), "virtual:microbit"),
            ("tcp:bench:7821", Selector::Remote("bench:7821".into()), "tcp:bench:7821"),
            ("tcp:[::1]:7821", Selector::Remote("[::1]:7821".into()), "tcp:[::1]:7821"),
            ("20b7:9db1:tcp:bench:7821", Selector::Remote("bench:7821".into()), "tcp:bench:7821"),
            ("0483:374b", probe(None, None), "0483:374b"),
            ("0483:374B:0670FF49", probe(Some("0670FF49"), None), "0483:374b:0670FF49"),
            ("0483:374b-1:A:B", probe(Some("A:B"), Some(1)), "0483:374b-1:A:B"),
            ("0483:374b:A@1-2.3", probe(Some("A"), None).at(Some("1-2.3")), "0483:374b:A@1-2.3"),
            ("0483:374b@1-2", probe(None, None).at(Some("1-2")), "0483:374b@1-2"),
            ("0483:374b:A@home", probe(Some("A@home"), None), "0483:374b:A@home"),
        ];
        for (text, expected, shown) in cases {
            let selector: Selector = text.parse().expect(text);
            assert_eq!(selector, expected);
            assert_eq!(selector.to_string(), shown);
        }
    }

    #[test]
    fn refuses_what_is_neither() {
        for text in
            ["", "microbit", "virtual:", "0483", "xyz:1234", "tcp:bench", "tcp::1", "tcp:a:b"]
        {
            let error = text.parse::<Selector>().expect_err(text);
            assert!(error.to_string().contains("virtual:BOARD"), "{error}");
        }
        for text in ["ws://bench:3000", "wss://bench"] {
            let error = text.parse::<Selector>().expect_err(text);
            assert_eq!(error, SelectorError::ProbeRsServe { address: text.to_owned() });
        }
    }
}
