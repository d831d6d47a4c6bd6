//! Which memories the chip has: from a linker script, else from probe-rs's description of the chip.

use std::path::{Path, PathBuf};

use svd_index::elf::size::{MemoryKind, Region};

use crate::exit::{Exit, Failure};
use crate::linker_memory;
use crate::session::Session;

/// What cortex-m-rt and riscv-rt call the file with a program's memories.
const USUAL_SCRIPT: &str = "memory.x";

/// Memories, and who tells them.
#[derive(Default)]
pub(super) struct Memories {
    pub(super) regions: Vec<Region>,
    /// A file, or the name of a chip; `None` where nothing tells.
    pub(super) told_by: Option<String>,
}

/// `--memory` and `chip.memory`, then `memory.x` beside the project file, then `chip.name`.
pub(super) fn find(session: &Session, flag: Option<&Path>) -> Result<Memories, Failure> {
    let set = flag.map(Path::to_owned).or_else(|| session.config.memory.value.clone());
    if let Some(script) = set {
        return of_script(session, script, true);
    }
    let beside = session.config.project_file().and_then(Path::parent);
    let usual = beside.map(|folder| folder.join(USUAL_SCRIPT)).filter(|script| script.is_file());
    if let Some(script) = usual {
        let found = of_script(session, script, false)?;
        if !found.regions.is_empty() {
            return Ok(found);
        }
    }
    let Some(chip) = &session.config.chip.value else { return Ok(Memories::default()) };
    match hil::chip_memory(chip) {
        Ok(memories) => {
            let region = |memory: hil::ChipMemory| Region {
                name: memory.name,
                range: memory.range,
                kind: if memory.is_ram { MemoryKind::Ram } else { MemoryKind::Flash },
            };
            let regions = memories.into_iter().map(region).collect();
            Ok(Memories { regions, told_by: Some(format!("chip {chip}")) })
        }
        Err(error) => {
            session.ui.note(format!("the chip's memories are not known: failed to {error}"));
            Ok(Memories::default())
        }
    }
}

fn of_script(session: &Session, script: PathBuf, is_asked_for: bool) -> Result<Memories, Failure> {
    let name = script.display().to_string();
    let text = std::fs::read(&script).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read `{name}`")).caused_by(&error)
    })?;
    let (regions, left_out) = linker_memory::regions(&String::from_utf8_lossy(&text));
    for region in left_out {
        session
            .ui
            .warn(format!("{name}: region `{region}` is left out: its place is not a number"));
    }
    if regions.is_empty() && is_asked_for {
        return Err(Failure::new(Exit::Usage, format!("`{name}` names no memory"))
            .detail("searched: MEMORY { NAME : ORIGIN = …, LENGTH = … }")
            .hint("name the linker script or memory.x that has it"));
    }
    Ok(Memories { regions, told_by: Some(name) })
}
