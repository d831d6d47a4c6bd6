//! The trace pin as a probe hears it.

use probe_rs::architecture::arm::component::TraceSink;
use probe_rs::architecture::arm::{ArmError, SwoConfig};
use probe_rs::{CoreType, MemoryInterface, Session};

use super::decode::Decoder;
use super::options::ItmOptions;
use crate::HilError;
use crate::access::core;

/// Trace enable. Source: ARMv7-M ARM, DDI 0403E, C1.6.5, TRCENA.
const DEMCR: u64 = 0xE000_EDFC;
const DEMCR_TRCENA: u32 = 1 << 24;

/// Source: ARMv7-M ARM, DDI 0403E, C1.8.7, EXCTRCENA.
const DWT_CTRL: u64 = 0xE000_1000;
const DWT_CTRL_EXCTRCENA: u32 = 1 << 16;

/// A trace pin that is listened to, until [`ItmReader::stop`].
pub(crate) struct ItmReader {
    options: ItmOptions,
    decoder: Decoder,
    /// Trace was on before.
    was_on: bool,
}

/// Whether ITM text of this board can be heard at all. Nothing is written to the chip.
///
/// # Errors
/// [`HilError::NoTrace`].
pub(crate) fn check(session: &mut Session, board: &str) -> Result<(), HilError> {
    let none = |why| Err(HilError::NoTrace { board: board.to_owned(), why });
    match core(Some(&mut *session))?.core_type() {
        CoreType::Armv7m | CoreType::Armv7em | CoreType::Armv8m => {}
        CoreType::Armv6m => return none("Cortex-M0 and M0+ have no ITM"),
        _ => return none("only Cortex-M cores from M3 on have an ITM"),
    }
    let interface = session.get_arm_interface().map_err(failed("reach the debug port"))?;
    match interface.disable_swo() {
        Err(ArmError::ArchitectureRequired(_) | ArmError::NotImplemented(_)) => {
            none("its probe, or the driver for it, does not read the trace pin")
        }
        // What else is wrong with it, switching it on will tell.
        Ok(()) | Err(_) => Ok(()),
    }
}

fn failed<E: Into<probe_rs::Error>>(what: &'static str) -> impl Fn(E) -> HilError {
    move |error| HilError::core(what, error.into())
}

impl ItmReader {
    /// Switches trace on, in the chip and in the probe. probe-rs writes DEMCR, DWT, ITM, and TPIU or
    /// SWO for that, and what else the chip needs to have the pin.
    pub(crate) fn start(
        session: &mut Session,
        board: &str,
        options: &ItmOptions,
    ) -> Result<ItmReader, HilError> {
        options.check()?;
        check(session, board)?;
        let demcr = core(Some(&mut *session))?
            .read_word_32(DEMCR)
            .map_err(failed("ask whether trace is on"))?;
        let decoder = Decoder::default();
        let was_on = demcr & DEMCR_TRCENA != 0;
        let reader = ItmReader { options: options.clone(), decoder, was_on };
        match reader.switch_on(session) {
            Ok(()) => Ok(reader),
            Err(error) => {
                reader.stop(session);
                Err(error)
            }
        }
    }

    fn switch_on(&self, session: &mut Session) -> Result<(), HilError> {
        let what = "switch trace on";
        let config = SwoConfig::new(self.options.trace_clock_hz).set_baud(self.options.baud);
        session.setup_tracing(0, TraceSink::Swo(config)).map_err(failed(what))?;
        // probe-rs has each exception traced as well, which takes what the pin has for text.
        let mut core = core(Some(session))?;
        let control = core.read_word_32(DWT_CTRL).map_err(failed(what))?;
        core.write_word_32(DWT_CTRL, control & !DWT_CTRL_EXCTRCENA).map_err(failed(what))
    }

    /// Takes what came since the last call. `text` is told what was written to each wanted port.
    pub(crate) fn take(
        &mut self,
        session: &mut Session,
        mut text: impl FnMut(u8, &[u8]),
    ) -> Result<(), HilError> {
        let bytes = session.read_trace_data().map_err(failed("read the trace pin"))?;
        let ports = self.options.ports;
        self.decoder.push(&bytes, |port, bytes| {
            if ports.contains(port) {
                text(port, bytes);
            }
        });
        self.options.loss.set(self.decoder.overflows, self.decoder.skipped);
        Ok(())
    }

    /// Switches trace off again, unless it was on before. Whoever stops does so after a failure, too:
    /// what cannot be switched off is left.
    pub(crate) fn stop(&self, session: &mut Session) {
        if let Ok(interface) = session.get_arm_interface() {
            let _ = interface.disable_swo();
        }
        if !self.was_on {
            let _ = session.disable_swv(0);
        }
    }
}
