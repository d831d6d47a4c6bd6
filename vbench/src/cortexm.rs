//! The debug half of a Cortex-M core, which QEMU does not have, in front of the half it has.
//!
//! ```text
//! MEM-AP access ─┬─ DHCSR, DCRSR, DCRDR, DEMCR, DFSR, AIRCR, breakpoint unit ─▶ here
//!                ├─ unmapped ─▶ bus fault
//!                └─ everything else (RAM, peripherals, NVIC, SCB) ─▶ QEMU, with the same width
//! ```
//!
//! Source for every register here: ARMv6-M ARM, DDI 0419E, C1.6 (debug control block) and C1.8
//! (breakpoint unit); ARMv7-M, DDI 0403E, C1.6 and C1.11, agree where both have a register.

use std::collections::BTreeSet;

use crate::breakpoints::BreakpointUnit;
use crate::link::{BenchOptions, Link};
use crate::qtest::Width;
use crate::regions::Kind;
use crate::serial::SerialPort;
use crate::{BenchError, Machine};

/// Interrupt control and state, used to wake a sleeping core for a step.
const ICSR: u64 = 0xE000_ED04;
const ICSR_PENDSVSET: u32 = 1 << 28;
const ICSR_PENDSVCLR: u32 = 1 << 27;
const VTOR: u64 = 0xE000_ED08;
const AIRCR: u64 = 0xE000_ED0C;
const AIRCR_KEY: u32 = 0x05FA;
const AIRCR_SYSRESETREQ: u32 = 1 << 2;
const DFSR: u64 = 0xE000_ED30;
const DFSR_HALTED: u32 = 1 << 0;
const DFSR_BKPT: u32 = 1 << 1;
const DFSR_VCATCH: u32 = 1 << 3;
const DHCSR: u64 = 0xE000_EDF0;
const DHCSR_KEY: u32 = 0xA05F;
const DHCSR_C_DEBUGEN: u32 = 1 << 0;
const DHCSR_C_HALT: u32 = 1 << 1;
const DHCSR_C_STEP: u32 = 1 << 2;
const DHCSR_C_MASKINTS: u32 = 1 << 3;
const DHCSR_S_REGRDY: u32 = 1 << 16;
const DHCSR_S_HALT: u32 = 1 << 17;
const DHCSR_S_LOCKUP: u32 = 1 << 19;
const DHCSR_S_RESET_ST: u32 = 1 << 25;
const DCRSR: u64 = 0xE000_EDF4;
const DCRSR_WRITE: u32 = 1 << 16;
const DCRDR: u64 = 0xE000_EDF8;
const DEMCR: u64 = 0xE000_EDFC;
const DEMCR_VC_CORERESET: u32 = 1 << 0;
const DEMCR_VC_HARDERR: u32 = 1 << 10;

/// Start of the private peripheral bus, which QEMU's map covers without a hole.
const HARDFAULT_VECTOR: u32 = 3 * 4;
/// EXC_RETURN values are no addresses. Source: DDI 0419E, B1.5.8.
const EXC_RETURN: u32 = 0xF000_0000;

/// `WFI` and `WFE`. Source: DDI 0419E, A6.7.85 and A6.7.84.
const SLEEP_INSTRUCTIONS: [u16; 2] = [0xBF30, 0xBF20];

/// What became of a bus access.
pub(crate) enum Access<T> {
    Done(T),
    /// The bus answered with an error.
    Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Halted,
    /// QEMU has ended, which is how it shows a lockup. Holds until the next reset.
    LockedUp,
}

pub(crate) struct CortexM {
    machine: &'static Machine,
    options: BenchOptions,
    link: Option<Link>,
    serial: Option<SerialPort>,
    state: State,
    /// C_DEBUGEN, C_MASKINTS as last written.
    control: u32,
    reset_seen: bool,
    dfsr: u32,
    demcr: u32,
    /// `None`: the register selected last is not known to this QEMU.
    dcrdr: Option<u32>,
    reset_pin_low: bool,
    unit: BreakpointUnit,
    /// Breakpoints that QEMU holds now.
    inserted: BTreeSet<u32>,
    /// The flash as of the last reset, to be put back after a lockup.
    image: Vec<u8>,
    /// `BKPT` instructions in `image`: QEMU takes them as faults, a debugged core halts.
    bkpts: Vec<u32>,
    post_mortem: Option<String>,
}

impl CortexM {
    /// Starts the machine: blank flash, core halted.
    pub(crate) fn start(
        machine: &'static Machine,
        options: &BenchOptions,
    ) -> Result<CortexM, BenchError> {
        let mut serial = match &machine.serial {
            Some(spec) => Some(SerialPort::open(&spec.name)?),
            None => None,
        };
        let link = Link::start(machine, options, serial.as_mut())?;
        Ok(CortexM {
            machine,
            options: options.clone(),
            link: Some(link),
            serial,
            state: State::Halted,
            control: 0,
            reset_seen: true,
            dfsr: DFSR_HALTED,
            demcr: 0,
            dcrdr: Some(0),
            reset_pin_low: false,
            unit: BreakpointUnit::new(machine.debug_port.breakpoints),
            inserted: BTreeSet::new(),
            image: Vec::new(),
            bkpts: Vec::new(),
            post_mortem: None,
        })
    }

    pub(crate) fn machine(&self) -> &'static Machine {
        self.machine
    }

    pub(crate) fn link(&mut self) -> Result<&mut Link, BenchError> {
        self.link.as_mut().ok_or(BenchError::LockedUp)
    }

    pub(crate) fn serial(&self) -> Option<&SerialPort> {
        self.serial.as_ref()
    }

    /// What QEMU wrote when it ended by itself last, if it did.
    pub(crate) fn post_mortem(&self) -> Option<&str> {
        self.post_mortem.as_deref()
    }

    /// One read by the debugger.
    pub(crate) fn read(&mut self, address: u64, width: Width) -> Result<Access<u32>, BenchError> {
        let word = address & !3;
        match self.read_overlay(word)? {
            Some(access) => Ok(match access {
                Access::Done(value) => Access::Done(lane(value, address, width)),
                Access::Fault => Access::Fault,
            }),
            None => self.read_bus(address, width),
        }
    }

    /// Consecutive words, as many at once as the bus allows.
    pub(crate) fn read_words(
        &mut self,
        address: u64,
        words: &mut [u32],
    ) -> Result<Access<()>, BenchError> {
        let size = 4 * words.len() as u64;
        let own = |at: u64| is_overlay(at);
        let plain = !(address..address + size).step_by(4).any(own);
        match self.kind(address, size.max(4)) {
            Some(Kind::Storage) if plain => {
                let bytes =
                    self.with_link(|link| link.qtest.read_bulk(address, words.len() * 4))?;
                let Some(bytes) = bytes else { return Ok(Access::Fault) };
                for (word, four) in words.iter_mut().zip(bytes.chunks_exact(4)) {
                    *word = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                }
            }
            Some(_) if plain => {
                let each: Vec<u64> = (address..address + size).step_by(4).collect();
                let values = self.with_link(|link| link.qtest.read_each(&each, Width::Word))?;
                let Some(values) = values else { return Ok(Access::Fault) };
                words.copy_from_slice(&values);
            }
            _ => {
                for (word, at) in words.iter_mut().zip((address..).step_by(4)) {
                    match self.read(at, Width::Word)? {
                        Access::Done(value) => *word = value,
                        Access::Fault => return Ok(Access::Fault),
                    }
                }
            }
        }
        Ok(Access::Done(()))
    }

    /// One write by the debugger.
    pub(crate) fn write(
        &mut self,
        address: u64,
        width: Width,
        value: u32,
    ) -> Result<Access<()>, BenchError> {
        if width == Width::Word && self.write_overlay(address, value)? {
            return Ok(Access::Done(()));
        }
        if self.kind(address, width.bytes()).is_none() {
            return Ok(Access::Fault);
        }
        match self.with_link(|link| link.qtest.write(address, width, value))? {
            Some(()) => Ok(Access::Done(())),
            None => Ok(Access::Fault),
        }
    }

    /// Consecutive words, as many at once as the bus allows.
    pub(crate) fn write_words(
        &mut self,
        address: u64,
        words: &[u32],
    ) -> Result<Access<()>, BenchError> {
        let size = 4 * words.len() as u64;
        let plain = !(address..address + size).step_by(4).any(is_overlay);
        if !plain || self.kind(address, size.max(4)).is_none() {
            for (&word, at) in words.iter().zip((address..).step_by(4)) {
                if let Access::Fault = self.write(at, Width::Word, word)? {
                    return Ok(Access::Fault);
                }
            }
            return Ok(Access::Done(()));
        }
        let each: Vec<_> = (address..).step_by(4).zip(words.iter().copied()).collect();
        match self.with_link(|link| link.qtest.write_each(&each, Width::Word))? {
            Some(()) => Ok(Access::Done(())),
            None => Ok(Access::Fault),
        }
    }

    /// Drives the reset pin. The core is held while it is low, and starts when it goes high.
    pub(crate) fn set_reset_pin(&mut self, low: bool) -> Result<(), BenchError> {
        if low != self.reset_pin_low {
            self.reset_pin_low = low;
            self.reset()?;
        }
        Ok(())
    }

    fn read_overlay(&mut self, address: u64) -> Result<Option<Access<u32>>, BenchError> {
        let value = match address {
            DHCSR => self.read_dhcsr()?,
            DCRSR => 0,
            DCRDR => match self.dcrdr {
                Some(value) => value,
                None => return Ok(Some(Access::Fault)),
            },
            DEMCR => self.demcr,
            DFSR => self.dfsr,
            _ => match self.unit.read(address) {
                Some(value) => value,
                None => return Ok(None),
            },
        };
        Ok(Some(Access::Done(value)))
    }

    /// False: not one of ours.
    fn write_overlay(&mut self, address: u64, value: u32) -> Result<bool, BenchError> {
        match address {
            DHCSR => self.write_dhcsr(value)?,
            DCRSR => self.transfer_register(value)?,
            DCRDR => self.dcrdr = Some(value),
            DEMCR => self.demcr = value,
            // Bits are cleared by writing 1.
            DFSR => self.dfsr &= !value,
            AIRCR if value >> 16 == AIRCR_KEY && value & AIRCR_SYSRESETREQ != 0 => self.reset()?,
            _ => return Ok(self.unit.write(address, value)),
        }
        Ok(true)
    }

    fn read_dhcsr(&mut self) -> Result<u32, BenchError> {
        self.poll()?;
        let mut value = self.control;
        value |= match self.state {
            // A debugger modifies what it reads: C_HALT must show while the core is halted.
            State::Halted => DHCSR_S_HALT | DHCSR_C_HALT | DHCSR_S_REGRDY,
            State::Running => 0,
            State::LockedUp => DHCSR_S_LOCKUP,
        };
        if std::mem::take(&mut self.reset_seen) {
            value |= DHCSR_S_RESET_ST;
        }
        Ok(value)
    }

    fn write_dhcsr(&mut self, value: u32) -> Result<(), BenchError> {
        if value >> 16 != DHCSR_KEY {
            return Ok(());
        }
        self.poll()?;
        let was_debugging = self.control & DHCSR_C_DEBUGEN != 0;
        self.control = value & (DHCSR_C_DEBUGEN | DHCSR_C_MASKINTS);
        let debugging = value & DHCSR_C_DEBUGEN != 0;
        let halt = debugging && value & DHCSR_C_HALT != 0;
        match self.state {
            // A new bench is held until a debugger, once there, lets it run: its flash is blank,
            // and running that would be a lockup.
            State::Halted if halt || !was_debugging => Ok(()),
            State::Halted if debugging && value & DHCSR_C_STEP != 0 => {
                self.survive(|this| this.step(value & DHCSR_C_MASKINTS != 0))
            }
            State::Halted => self.survive(CortexM::resume),
            State::Running if halt => self.survive(|this| {
                this.link()?.gdb.interrupt()?;
                this.halted(DFSR_HALTED);
                Ok(())
            }),
            // A locked-up core can be halted on hardware; here there is no core left.
            State::Running | State::LockedUp => Ok(()),
        }
    }

    /// Notes what happened since the last look: a breakpoint, a reset by the firmware, a lockup.
    fn poll(&mut self) -> Result<(), BenchError> {
        if self.state != State::Running {
            return Ok(());
        }
        self.survive(|this| {
            if this.link()?.qmp.take_guest_reset()? {
                this.reset_seen = true;
            }
            if this.link()?.gdb.poll_stop()? {
                let pc = this.register("pc")?;
                let caught = this.caught_vector()? == pc;
                this.halted(if caught { DFSR_VCATCH } else { DFSR_BKPT });
            }
            Ok(())
        })
    }

    fn halted(&mut self, why: u32) {
        self.state = State::Halted;
        self.dfsr |= why;
    }

    fn resume(&mut self) -> Result<(), BenchError> {
        self.place_breakpoints()?;
        self.link()?.gdb.resume()?;
        self.state = State::Running;
        Ok(())
    }

    /// Executes one instruction.
    ///
    /// `BKPT` stays where it is and halts again, as on hardware. `WFI` and `WFE` are hints: the
    /// halt request that ends a step also ends the wait, so they act as `NOP`.
    fn step(&mut self, mask_interrupts: bool) -> Result<(), BenchError> {
        let pc = self.register("pc")?.unwrap_or(0);
        let instruction = self.halfword(pc)?;
        if instruction.is_some_and(is_bkpt) {
            self.halted(DFSR_BKPT);
            return Ok(());
        }
        if instruction.is_some_and(|code| SLEEP_INSTRUCTIONS.contains(&code)) {
            self.link()?.gdb.write_register("pc", pc.wrapping_add(2))?;
            self.halted(DFSR_HALTED);
            return Ok(());
        }
        self.remove_breakpoints()?;
        let before = self.halfword(pc.wrapping_sub(2))?;
        let asleep = before.is_some_and(|code| SLEEP_INSTRUCTIONS.contains(&code));
        match asleep {
            true => self.step_awake(mask_interrupts)?,
            false => self.link()?.gdb.step(mask_interrupts)?,
        }
        self.halted(DFSR_HALTED);
        Ok(())
    }

    /// Steps a core that was halted inside a wait. On hardware the halt ended the wait; QEMU's
    /// core sleeps on until an interrupt is pending. PendSV serves: it is pended for the one
    /// step, never taken, and cleared again unless the firmware had pended it.
    fn step_awake(&mut self, mask_interrupts: bool) -> Result<(), BenchError> {
        let link = self.link()?;
        let pending = link.qtest.read(ICSR, Width::Word)? & ICSR_PENDSVSET != 0;
        if !pending {
            link.qtest.write(ICSR, Width::Word, ICSR_PENDSVSET)?;
        }
        link.gdb.step(mask_interrupts || !pending)?;
        if !pending {
            link.qtest.write(ICSR, Width::Word, ICSR_PENDSVCLR)?;
        }
        Ok(())
    }

    /// Resets the chip as its SYSRESETREQ or reset pin would, after a lockup by a new QEMU.
    fn reset(&mut self) -> Result<(), BenchError> {
        if self.state == State::Running {
            self.survive(|this| {
                this.link()?.gdb.interrupt()?;
                this.halted(0);
                Ok(())
            })?;
        }
        match self.state {
            State::LockedUp => self.restart()?,
            State::Running | State::Halted => {
                self.save_flash()?;
                self.link()?.qmp.system_reset()?;
            }
        }
        self.state = State::Halted;
        self.reset_seen = true;
        let caught = self.control & DHCSR_C_DEBUGEN != 0 && self.demcr & DEMCR_VC_CORERESET != 0;
        if caught {
            self.dfsr |= DFSR_VCATCH;
        } else if !self.reset_pin_low {
            self.survive(CortexM::resume)?;
        }
        Ok(())
    }

    fn restart(&mut self) -> Result<(), BenchError> {
        self.link = None;
        self.inserted.clear();
        let mut link = Link::start(self.machine, &self.options, self.serial.as_mut())?;
        let flash = &self.machine.flash;
        if !self.image.is_empty() {
            link.qtest.write(flash.unlock.address, Width::Word, flash.unlock.open)?;
            link.qtest.write_bulk(flash.start, &self.image)?;
            link.qtest.write(flash.unlock.address, Width::Word, flash.unlock.closed)?;
            link.qmp.system_reset()?;
        }
        self.link = Some(link);
        Ok(())
    }

    fn save_flash(&mut self) -> Result<(), BenchError> {
        let flash = &self.machine.flash;
        let size = usize::try_from(flash.size).unwrap_or(0);
        let image = self.link()?.qtest.read_bulk(flash.start, size)?;
        if image != self.image {
            let halfwords = image.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
            let start = flash.start as u32;
            self.bkpts = (start..)
                .step_by(2)
                .zip(halfwords)
                .filter_map(|(at, code)| is_bkpt(code).then_some(at))
                .collect();
            self.image = image;
        }
        Ok(())
    }

    /// Makes QEMU hold the breakpoints that the debugger set, those that stand for `BKPT`
    /// instructions, and the vector that is to be caught.
    fn place_breakpoints(&mut self) -> Result<(), BenchError> {
        let mut wanted: BTreeSet<u32> = self.unit.addresses().collect();
        if self.control & DHCSR_C_DEBUGEN != 0 {
            wanted.extend(&self.bkpts);
            wanted.extend(self.caught_vector()?);
            wanted.extend(self.bkpt_to_return_to()?);
        }
        let link = self.link.as_mut().ok_or(BenchError::LockedUp)?;
        for &address in self.inserted.difference(&wanted) {
            link.gdb.remove_breakpoint(address)?;
        }
        for &address in wanted.difference(&self.inserted) {
            link.gdb.insert_breakpoint(address)?;
        }
        self.inserted = wanted;
        Ok(())
    }

    fn remove_breakpoints(&mut self) -> Result<(), BenchError> {
        for address in std::mem::take(&mut self.inserted) {
            self.link()?.gdb.remove_breakpoint(address)?;
        }
        Ok(())
    }

    /// Flash algorithms run in RAM and return to a `BKPT` there.
    fn bkpt_to_return_to(&mut self) -> Result<Option<u32>, BenchError> {
        match self.register("lr")? {
            Some(lr) if lr < EXC_RETURN => {
                let address = lr & !1;
                Ok(self.halfword(address)?.filter(|&code| is_bkpt(code)).map(|_| address))
            }
            _ => Ok(None),
        }
    }

    /// Entry of the HardFault handler while VC_HARDERR is set.
    fn caught_vector(&mut self) -> Result<Option<u32>, BenchError> {
        if self.demcr & DEMCR_VC_HARDERR == 0 {
            return Ok(None);
        }
        let table = self.link()?.qtest.read(VTOR, Width::Word)?;
        let vector = u64::from(table.wrapping_add(HARDFAULT_VECTOR));
        Ok(match self.kind(vector, 4) {
            Some(Kind::Storage) => Some(self.link()?.qtest.read(vector, Width::Word)? & !1),
            _ => None,
        })
    }

    /// DCRSR starts a transfer between DCRDR and a core register.
    fn transfer_register(&mut self, selector: u32) -> Result<(), BenchError> {
        if self.state != State::Halted {
            return Ok(());
        }
        let name = register_name(selector & 0x7f);
        if selector & DCRSR_WRITE != 0 {
            let value = self.dcrdr.unwrap_or(0);
            if let Some(name) = name {
                self.link()?.gdb.write_register(name, value)?;
            }
            return Ok(());
        }
        self.dcrdr = match (name, selector & 0x7f) {
            (_, SELECT_EXTRA) => self.special_registers()?,
            (Some("msp"), _) => self.main_stack_pointer()?,
            (Some(name), _) => self.register(name)?,
            (None, _) => None,
        };
        Ok(())
    }

    /// MSP, or SP where the two must be the same: handlers always use the main stack.
    fn main_stack_pointer(&mut self) -> Result<Option<u32>, BenchError> {
        if let Some(msp) = self.register("msp")? {
            return Ok(Some(msp));
        }
        let in_handler = self.register("xpsr")?.is_some_and(|xpsr| xpsr & 0x1ff != 0);
        if in_handler { self.register("sp") } else { Ok(None) }
    }

    /// CONTROL, FAULTMASK, BASEPRI, PRIMASK in one word, if QEMU tells at least the two that
    /// every core has.
    fn special_registers(&mut self) -> Result<Option<u32>, BenchError> {
        let (Some(control), Some(primask)) = (self.register("control")?, self.register("primask")?)
        else {
            return Ok(None);
        };
        let faultmask = self.register("faultmask")?.unwrap_or(0);
        let basepri = self.register("basepri")?.unwrap_or(0);
        Ok(Some(control << 24 | (faultmask & 0xff) << 16 | (basepri & 0xff) << 8 | primask & 0xff))
    }

    fn register(&mut self, name: &str) -> Result<Option<u32>, BenchError> {
        self.link()?.gdb.read_register(name)
    }

    /// The halfword at `address` if that is storage.
    fn halfword(&mut self, address: u32) -> Result<Option<u16>, BenchError> {
        let address = u64::from(address & !1);
        Ok(match self.kind(address, 2) {
            Some(Kind::Storage) => Some(self.link()?.qtest.read(address, Width::Half)? as u16),
            _ => None,
        })
    }

    fn read_bus(&mut self, address: u64, width: Width) -> Result<Access<u32>, BenchError> {
        if self.kind(address, width.bytes()).is_none() {
            return Ok(Access::Fault);
        }
        match self.with_link(|link| link.qtest.read(address, width))? {
            Some(value) => Ok(Access::Done(value)),
            None => Ok(Access::Fault),
        }
    }

    fn kind(&self, address: u64, size: u64) -> Option<Kind> {
        let link = self.link.as_ref()?;
        link.regions.at(address, size).map(|region| region.kind)
    }

    /// Runs `act` on the link. `None`: QEMU has ended, and the core counts as locked up.
    fn with_link<T>(
        &mut self,
        act: impl FnOnce(&mut Link) -> Result<T, BenchError>,
    ) -> Result<Option<T>, BenchError> {
        let Some(link) = self.link.as_mut() else {
            return Ok(None);
        };
        match act(link) {
            Ok(value) => Ok(Some(value)),
            Err(error) if Link::is_gone(&error) => {
                self.bury();
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Runs `act`; if QEMU ends meanwhile the core counts as locked up, which is no error.
    fn survive(
        &mut self,
        act: impl FnOnce(&mut CortexM) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        match act(self) {
            Err(error) if Link::is_gone(&error) => {
                self.bury();
                Ok(())
            }
            other => other,
        }
    }

    fn bury(&mut self) {
        self.post_mortem = self.link.take().map(|link| link.process.stderr());
        self.inserted.clear();
        self.state = State::LockedUp;
    }
}

/// REGSEL of the four special registers. Source: DDI 0419E, C1.6.4.
const SELECT_EXTRA: u32 = 20;

/// QEMU's name of a register by its REGSEL. Source: DDI 0403E, C1.6.3.
fn register_name(select: u32) -> Option<&'static str> {
    const NAMES: [&str; 19] = [
        "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp",
        "lr", "pc", "xpsr", "msp", "psp",
    ];
    NAMES.get(usize::try_from(select).ok()?).copied()
}

fn is_bkpt(code: u16) -> bool {
    code & 0xff00 == 0xbe00
}

fn is_overlay(address: u64) -> bool {
    matches!(address, AIRCR | DFSR | DHCSR | DCRSR | DCRDR | DEMCR)
        || BreakpointUnit::holds(address)
}

/// The bytes of a word that a narrower access sees.
fn lane(word: u32, address: u64, width: Width) -> u32 {
    let shifted = word >> (8 * (address & 3));
    match width {
        Width::Byte => shifted & 0xff,
        Width::Half => shifted & 0xffff,
        Width::Word => shifted,
    }
}
