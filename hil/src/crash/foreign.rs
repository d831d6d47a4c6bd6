//! Dumps that probe-rs wrote, as snapshots.

use std::collections::HashMap;

use bundle::{BoardId, CoreRegister, CoreState, CoreStatus, MemoryRange, Snapshot};
use probe_rs::{CoreDump, RegisterId, RegisterValue};

use crate::{Cause, HilError, snapshot};

/// Reads a dump as probe-rs's debugger writes it.
///
/// # Errors
/// [`HilError::Dump`] if it is none.
pub fn read_probe_rs_dump(bytes: &[u8]) -> Result<Snapshot, HilError> {
    let dump =
        CoreDump::load_raw(bytes).map_err(|error| HilError::Dump { source: Cause::from(error) })?;
    let memory = dump
        .data
        .iter()
        .map(|(range, bytes)| MemoryRange { address: range.start, bytes: bytes.clone() })
        .collect();
    let status = CoreStatus::Halted { reason: "dump".to_owned() };
    Ok(Snapshot {
        board: BoardId {
            selector: "probe-rs dump".to_owned(),
            chip: format!("{:?}", dump.core_type()),
            virtual_board: None,
        },
        taken_at_unix_ms: 0,
        cores: vec![CoreState {
            index: 0,
            status,
            registers: registers(&dump, &dump.registers),
            thread: None,
        }],
        registers: Vec::new(),
        memory,
        logs: Vec::new(),
    })
}

fn registers(dump: &CoreDump, values: &HashMap<RegisterId, RegisterValue>) -> Vec<CoreRegister> {
    let known = dump.registers().core_registers();
    known
        .map(|register| CoreRegister {
            name: snapshot::manual_name(register.name()).to_owned(),
            value: values.get(&register.id()).copied().and_then(snapshot::bits),
        })
        .collect()
}
