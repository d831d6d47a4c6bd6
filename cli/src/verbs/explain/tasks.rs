//! Names of the tasks that a dump has instead of cores.

use bundle::Snapshot;
use svd_index::Index;

/// Puts names on the tasks, where a handle is the address of a control block of FreeRTOS and the dump
/// holds it. Where in the block the name is, the firmware's debug information tells.
pub(super) fn name(index: &Index, snapshot: &mut Snapshot) {
    let Some((offset, size)) = freertos_name(index) else { return };
    for core in &mut snapshot.cores {
        let Some(thread) = &mut core.thread else { continue };
        let at = thread.handle.wrapping_add(offset);
        let text = snapshot.memory.iter().find_map(|range| {
            let from = usize::try_from(at.checked_sub(range.address)?).ok()?;
            range.bytes.get(from..)?.get(..size)
        });
        let text = text.and_then(|text| text.split(|byte| *byte == 0).next());
        thread.name = text
            .filter(|text| !text.is_empty())
            .map(|text| String::from_utf8_lossy(text).into_owned());
    }
}

/// Offset and size of a task's name in its control block. Source: FreeRTOS, `tasks.c`,
/// `tskTaskControlBlock`.
fn freertos_name(index: &Index) -> Option<(u64, usize)> {
    let blocks = ["tskTaskControlBlock", "TCB_t", "tskTCB"];
    let types = blocks.iter().flat_map(|name| index.find_types(name));
    let mut members = types.flat_map(|(_, block)| block.members());
    let name = members.find(|member| member.name == "pcTaskName" && member.bit_offset % 8 == 0)?;
    Some((name.bit_offset / 8, usize::try_from(name.size).ok()?))
}
