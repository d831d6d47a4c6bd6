//! Stack pointers and masks that QEMU before 9.0 keeps to itself.
//!
//! A program can read them, by `MRS`. So, while the core is halted, a few such instructions are put
//! into RAM and stepped through with interrupts held back; then RAM, registers and program counter
//! are what they were. The program cannot notice: no time passes for it.

use super::CortexM;
use super::registers::{CPUID, CPUID_ARCHITECTURE, CPUID_ARMV6M, MPU_CTRL, MPU_CTRL_ENABLE};
use crate::BenchError;
use crate::qtest::Width;

/// The registers that `MRS` and `MSR` reach, as far as a debugger asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Specials {
    /// `None`: unprivileged code may not see the stack pointer that it does not use.
    pub(super) msp: Option<u32>,
    pub(super) psp: Option<u32>,
    pub(super) control: u32,
    /// PRIMASK, BASEPRI, FAULTMASK. `None`: unprivileged code may not see them.
    pub(super) masks: Option<[u32; 3]>,
}

/// SYSm of the special registers. Source: ARMv7-M ARM, DDI 0403E, B5.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    Msp = 8,
    Psp = 9,
    Primask = 16,
    Basepri = 17,
    Faultmask = 19,
    Control = 20,
}

const CONTROL_NPRIV: u32 = 1 << 0;
const CONTROL_SPSEL: u32 = 1 << 1;
const XPSR_IPSR: u32 = 0x1ff;
const XPSR_T: u32 = 1 << 24;
/// ICI and IT of xPSR: an instruction inside an IT block might be skipped.
const XPSR_ICI_IT: u32 = 0x0600_fc00;

/// What the instructions may change: as many low registers as there are special ones.
const SCRATCH: [&str; 6] = ["r0", "r1", "r2", "r3", "r4", "r5"];

impl CortexM {
    /// All special registers of a halted core. `None`: the core cannot be made to tell them.
    pub(super) fn specials(&mut self) -> Result<Option<Specials>, BenchError> {
        if self.specials.is_none() {
            self.specials = match self.told_specials()? {
                Some(told) => Some(told),
                None => self.executed_specials()?,
            };
        }
        Ok(self.specials)
    }

    /// As QEMU's gdb stub tells them.
    fn told_specials(&mut self) -> Result<Option<Specials>, BenchError> {
        let (Some(msp), Some(psp)) = (self.register("msp")?, self.register("psp")?) else {
            return Ok(None);
        };
        let Some(control) = self.register("control")? else { return Ok(None) };
        let mut masks = [0; 3];
        for (mask, name) in masks.iter_mut().zip(["primask", "basepri", "faultmask"]) {
            *mask = self.register(name)?.unwrap_or(0);
        }
        Ok(Some(Specials { msp: Some(msp), psp: Some(psp), control, masks: Some(masks) }))
    }

    /// As the core tells them to instructions.
    fn executed_specials(&mut self) -> Result<Option<Specials>, BenchError> {
        use Special::{Basepri, Control, Faultmask, Msp, Primask, Psp};
        let all = [Msp, Psp, Control, Primask, Basepri, Faultmask];
        let count = if self.is_armv6m()? { 4 } else { all.len() };
        let code: Vec<[u16; 2]> =
            all[..count].iter().zip(0..).map(|(of, to)| mrs(to, *of)).collect();
        let Some(read) = self.execute(&code, &[])? else { return Ok(None) };
        let [msp, psp, control, primask, ..] = read;
        let handler = self.register("xpsr")?.unwrap_or(0) & XPSR_IPSR != 0;
        if handler || control & CONTROL_NPRIV == 0 {
            let [basepri, faultmask] = if count == 4 { [0, 0] } else { [read[4], read[5]] };
            let masks = Some([primask, basepri, faultmask]);
            return Ok(Some(Specials { msp: Some(msp), psp: Some(psp), control, masks }));
        }
        let sp = self.register("sp")?;
        let (msp, psp) = if control & CONTROL_SPSEL == 0 { (sp, None) } else { (None, sp) };
        Ok(Some(Specials { msp, psp, control, masks: None }))
    }

    /// Writes one special register. False: the core cannot be made to.
    pub(super) fn write_special(
        &mut self,
        register: Special,
        value: u32,
    ) -> Result<bool, BenchError> {
        self.specials = None;
        let name = match register {
            Special::Msp => "msp",
            Special::Psp => "psp",
            Special::Primask => "primask",
            Special::Basepri => "basepri",
            Special::Faultmask => "faultmask",
            Special::Control => "control",
        };
        if self.link()?.gdb.write_register(name, value)? {
            return Ok(true);
        }
        Ok(self.execute(&[msr(register)], &[value])?.is_some())
    }

    /// Whether the core lacks BASEPRI and FAULTMASK.
    pub(super) fn is_armv6m(&mut self) -> Result<bool, BenchError> {
        let cpuid = self.link()?.qtest.read(CPUID, Width::Word)?;
        Ok(cpuid & CPUID_ARCHITECTURE == CPUID_ARMV6M)
    }

    /// Runs `code` aside, with `inputs` in the first low registers, and gives these registers as
    /// it leaves them. `None`: an instruction did not lead to the next one.
    fn execute(
        &mut self,
        code: &[[u16; 2]],
        inputs: &[u32],
    ) -> Result<Option<[u32; 6]>, BenchError> {
        let Some(ram) = self.machine.ram.first() else { return Ok(None) };
        let at = ram.start as u32;
        let bytes: Vec<u8> =
            code.as_flattened().iter().flat_map(|half| half.to_le_bytes()).collect();
        let kept_ram = self.link()?.qtest.read_bulk(at.into(), bytes.len())?;
        let kept_mpu = self.link()?.qtest.read(MPU_CTRL, Width::Word)?;
        let mut kept = Vec::new();
        for name in SCRATCH.into_iter().chain(["xpsr", "pc"]) {
            kept.push((name, self.register(name)?.unwrap_or(0)));
        }
        let [.., (_, xpsr), (_, pc)] = kept[..] else { return Ok(None) };

        if kept_mpu & MPU_CTRL_ENABLE != 0 {
            self.link()?.qtest.write(MPU_CTRL, Width::Word, kept_mpu & !MPU_CTRL_ENABLE)?;
        }
        self.link()?.qtest.write_bulk(at.into(), &bytes)?;
        for (name, value) in SCRATCH.iter().zip(inputs) {
            self.link()?.gdb.write_register(name, *value)?;
        }
        // The first step starts where the program waits, if it does.
        let asleep = self.is_asleep(pc)?;
        let gdb = &mut self.link()?.gdb;
        gdb.write_register("xpsr", xpsr & !XPSR_ICI_IT | XPSR_T)?;
        gdb.write_register("pc", at)?;
        let arrived = self.walk(at, code.len(), asleep)?;
        let mut left = [0; 6];
        for (value, name) in left.iter_mut().zip(SCRATCH) {
            *value = self.register(name)?.unwrap_or(0);
        }

        for (name, value) in kept {
            self.link()?.gdb.write_register(name, value)?;
        }
        self.link()?.qtest.write_bulk(at.into(), &kept_ram)?;
        if kept_mpu & MPU_CTRL_ENABLE != 0 {
            self.link()?.qtest.write(MPU_CTRL, Width::Word, kept_mpu)?;
        }
        Ok(arrived.then_some(left))
    }

    /// Steps through `count` instructions of four bytes each from `at` on. False: one of them led
    /// elsewhere.
    fn walk(&mut self, at: u32, count: usize, asleep: bool) -> Result<bool, BenchError> {
        for number in 1..=count as u32 {
            match asleep && number == 1 {
                true => self.step_awake(true)?,
                false => self.link()?.gdb.step(true)?,
            };
            if self.register("pc")? != Some(at + 4 * number) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// `MRS R<to>, <of>`. Source: DDI 0403E, B5.2.2, encoding T1.
fn mrs(to: u16, of: Special) -> [u16; 2] {
    [0xf3ef, 0x8000 | to << 8 | of as u16]
}

/// `MSR <to>, R0`. Source: DDI 0403E, B5.2.3, encoding T1.
fn msr(to: Special) -> [u16; 2] {
    [0xf380, 0x8800 | to as u16]
}
