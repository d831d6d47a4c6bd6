//! What a user is told of a locked chip: by what, and how he may unlock it himself.

use hil::{HilError, Protection, Selector};

use crate::exit::{Exit, Failure};

/// The failure for [`HilError::Locked`].
pub(super) fn failure(error: &HilError) -> Failure {
    let failure = Failure::to(Exit::Bench, error)
        .detail("nothing was written; silk never unlocks a chip, for that erases all of it");
    let HilError::Locked { chip, protection, probe, .. } = error else { return failure };
    failure.hint(advice(*protection, chip, probe))
}

fn advice(protection: Protection, chip: &str, probe: &str) -> String {
    let probe = of_probe_rs(probe);
    let erases = "if everything on the chip, its settings included, may be erased";
    match protection {
        Protection::Approtect => {
            format!("{erases}: `probe-rs erase --chip {chip}{probe} --allow-erase-all`")
        }
        Protection::SecurityBit => format!(
            "{erases}: `probe-rs erase --chip {chip}{probe} --allow-erase-all --connect-under-reset`"
        ),
        Protection::ChipEraseLock => {
            "only the firmware on the chip can unlock its erasing (CEULCK)".to_owned()
        }
        Protection::Rdp(2) => "level 2 is final: no tool takes it back".to_owned(),
        Protection::Rdp(_) => format!(
            "{erases}: `STM32_Programmer_CLI -c port=SWD -rdu` (ST's STM32CubeProgrammer), then power it off and on"
        ),
        Protection::Unknown => format!("{erases}: the vendor's own tool unlocks it"),
    }
}

/// The option with which the program probe-rs takes the same probe, if it can.
fn of_probe_rs(probe: &str) -> String {
    match probe.parse() {
        Ok(Selector::Probe { .. }) => {
            let without_port = probe.split_once('@').map_or(probe, |(probe, _)| probe);
            format!(" --probe {without_port}")
        }
        _ => String::new(),
    }
}
