//! ITM: text that firmware writes to stimulus ports, which leaves the chip on its trace pin (SWO).
//!
//! ```text
//! stimulus port ─▶ ITM ─▶ TPIU or SWO ─▶ trace pin ─▶ probe ─▶ ItmReader ─▶ Decoder ─▶ itm:PORT
//! ```
//!
//! The target waits for nobody: what comes faster than the pin takes it is lost. It says that
//! something was, not how much.

mod decode;
mod options;
mod reader;

pub use options::{ItmLoss, ItmOptions, ItmPorts, ItmPortsError};
pub(crate) use reader::{ItmReader, check};
