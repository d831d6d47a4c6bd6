//! Faults out of made-up snapshots: which cause and which address each set of bits proves.

use bundle::*;
use hil::{Autopsy, FAULT_REGISTERS, autopsy};

const STACK: u32 = 0x2000_0f00;
const CODE: u32 = 0x0800_0100;

/// A core in a handler, with the frame of what it interrupted on its stack.
struct Case {
    exception: u32,
    exc_return: u32,
    /// R0 to R3, R12, LR, PC, xPSR.
    frame: [u32; 8],
    /// The stacked instruction.
    instruction: [u16; 2],
    /// CFSR, HFSR, DFSR, MMFAR, BFAR; none on ARMv6-M.
    status: Option<[u32; 5]>,
    psp: Option<u32>,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            exception: 3,
            exc_return: 0xffff_fff9,
            frame: [0, 0x3000_0000, 0, 0, 0, 0x0800_0051, CODE, 0x0100_0000],
            // LDR R0, [R1]
            instruction: [0x6808, 0xbf00],
            status: None,
            psp: None,
        }
    }
}

impl Case {
    fn look(&self) -> Autopsy {
        let mut registers: Vec<CoreRegister> =
            (4..=11).map(|number| register(&format!("R{number}"), Some(number))).collect();
        registers.push(register("SP", Some(STACK)));
        registers.push(register("LR", Some(self.exc_return)));
        registers.push(register("PC", Some(0x0800_0040)));
        registers.push(register("xPSR", Some(0x0100_0000 | self.exception)));
        registers.push(register("PSP", self.psp));
        let at = self.psp.unwrap_or(STACK);
        let code: Vec<u8> = self.instruction.iter().flat_map(|half| half.to_le_bytes()).collect();
        let frame: Vec<u8> = self.frame.iter().flat_map(|word| word.to_le_bytes()).collect();
        let status = self.status.into_iter().flatten().zip(FAULT_REGISTERS);
        let snapshot = Snapshot {
            board: BoardId { selector: "none".into(), chip: "any".into(), virtual_board: None },
            taken_at_unix_ms: 0,
            cores: vec![CoreState {
                index: 0,
                status: CoreStatus::Halted { reason: "vector catch".into() },
                thread: None,
                registers,
            }],
            registers: status
                .map(|(value, request)| RegisterRead {
                    address: request.address,
                    size_bits: 32,
                    outcome: ReadOutcome::Value { value: value.into() },
                    fidelity: None,
                })
                .collect(),
            memory: vec![
                MemoryRange { address: at.into(), bytes: frame },
                MemoryRange { address: CODE.into(), bytes: code },
            ],
            logs: Vec::new(),
        };
        autopsy(&snapshot, None)
    }

    fn fault(&self) -> Fault {
        self.look().fault.unwrap()
    }
}

fn register(name: &str, value: Option<u32>) -> CoreRegister {
    CoreRegister { name: name.to_owned(), value: value.map(u64::from) }
}

fn bits(fault: &Fault) -> Vec<&str> {
    fault.causes.iter().map(|cause| cause.bit.as_str()).collect()
}

const PRECISERR: u32 = 1 << 9;
const BFARVALID: u32 = 1 << 15;
const FORCED: u32 = 1 << 30;

#[test]
fn a_valid_bfar_that_the_instruction_confirms_is_the_address() {
    let status = Some([PRECISERR | BFARVALID, FORCED, 0, 0, 0x3000_0000]);
    let fault = Case { status, ..Case::default() }.fault();
    assert!(fault.escalated);
    assert_eq!(bits(&fault), ["CFSR.PRECISERR"]);
    let at = fault.address.clone().unwrap();
    assert_eq!((at.address, at.access.as_deref()), (0x3000_0000, Some("read of 4 bytes")));
    assert_eq!(at.proof, "BFAR is valid, and the instruction means the same");
    assert_eq!(fault.instruction, Some(CODE.into()));
    assert!(fault.doubts.is_empty(), "{:?}", fault.doubts);
    assert_eq!(
        fault.summary(),
        "HardFault (escalated): a load or store that the bus refused, by the stacked instruction; \
         read of 4 bytes at 0x30000000 by the instruction at 0x08000100"
    );
}

#[test]
fn a_bfar_that_is_not_valid_is_not_the_address() {
    let undefined = 1 << 16;
    let status = Some([undefined, FORCED, 0, 0, 0x3000_0000]);
    let fault = Case { status, instruction: [0xde00, 0], ..Case::default() }.fault();
    assert_eq!(bits(&fault), ["CFSR.UNDEFINSTR"]);
    assert_eq!(fault.address, None);
}

#[test]
fn a_bfar_of_an_earlier_fault_is_doubted() {
    let status = Some([PRECISERR | BFARVALID, FORCED, 0, 0, 0x6000_0000]);
    let fault = Case { status, ..Case::default() }.fault();
    assert!(fault.doubts[0].contains("one of them is of another fault"), "{:?}", fault.doubts);
}

#[test]
fn an_imprecise_error_has_no_instruction() {
    let status = Some([1 << 10, FORCED, 0, 0, 0]);
    let fault = Case { status, ..Case::default() }.fault();
    assert_eq!(fault.instruction, None);
    assert!(fault.doubts[0].contains("imprecise"), "{:?}", fault.doubts);
}

#[test]
fn armv6m_has_the_frame_alone() {
    let fault = Case::default().fault();
    assert_eq!(fault.address.unwrap().proof, "the instruction and its registers");
    let unaligned = Case {
        frame: [0, 0x2000_0001, 0, 0, 0, 0x0800_0051, CODE, 0x0100_0000],
        ..Case::default()
    };
    assert_eq!(
        unaligned.fault().causes[0].meaning,
        "an unaligned access, which ARMv6-M has none of"
    );
    let no_thumb = Case { frame: [0, 0, 0, 0, 0, 0x0800_0051, CODE, 0], ..Case::default() };
    assert_eq!(bits(&no_thumb.fault()), ["stacked xPSR"]);
}

#[test]
fn the_chain_goes_on_where_the_exception_struck_on_either_stack() {
    let on_main = Case::default().look();
    let frames = &on_main.backtraces[0].frames;
    assert_eq!(frames[1].kind, CallKind::Interrupted);
    assert_eq!((frames[1].pc, frames[1].sp), (CODE.into(), u64::from(STACK) + 0x20));
    let psp = Some(0x2000_0800);
    let on_process = Case { psp, exc_return: 0xffff_fffd, ..Case::default() }.look();
    assert_eq!(on_process.backtraces[0].frames[1].sp, 0x2000_0820);
    let with_fp = Case { exc_return: 0xffff_ffe9, ..Case::default() }.look();
    assert_eq!(with_fp.backtraces[0].frames[1].sp, u64::from(STACK) + 0x68);
    let unknown = Case { exc_return: 0xffff_fffd, ..Case::default() }.look();
    assert_eq!(unknown.backtraces[0].end, "the process stack pointer is not known");
}

#[test]
fn a_core_in_thread_mode_has_no_fault_whatever_bits_are_left() {
    let status = Some([PRECISERR | BFARVALID, 0, 0, 0, 0x3000_0000]);
    assert_eq!(Case { exception: 0, status, ..Case::default() }.look().fault, None);
}
