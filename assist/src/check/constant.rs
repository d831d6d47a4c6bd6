//! Constants that say what the chip has: `#define GPIOA_BASE 0x40020000`,
//! `#define USART_CR1_UE_Pos 13`, `UART0_IRQn = 2`.

use std::collections::HashMap;

use super::ast::{Expr, Node};
use super::define::Defined;
use super::names::{Header, Suffix, mask};
use super::place::Place;
use super::reader::Reader;
use super::value::shifted;
use crate::catalog::hex;
use crate::verify::judge::Judged;
use crate::verify::known::Named;
use crate::verify::{ClaimKind, Verdict};
use crate::words;

/// Names that headers also give to memories.
const MEMORIES: &[&str] = &[
    "FLASH", "ROM", "RAM", "SRAM", "QSPI", "OTP", "XIP", "FMC", "FSMC", "SDRAM", "OCTOSPI", "NOR",
    "EEPROM", "UID", "USBRAM",
];

/// Ends of the names of base addresses.
const BASES: &[&str] = &["_BASE_ADDRESS", "_BASE_ADDR", "_BASEADDR", "_BASE"];

/// Ends of the names of interrupts.
const INTERRUPTS: &[&str] = &["_IRQn", "_IRQN", "_IRQ_NUM", "_IRQ_NUMBER", "_IRQ"];

/// How many registers of a family must have their offsets as constants before a plain name with a
/// small number is taken to be one, too.
const MOST_LIKELY: usize = 3;

impl<'t> Reader<'_, 't, '_> {
    /// Judges what a file defines.
    pub(super) fn constants(&mut self, defined: &[Defined<'t>]) {
        let mut offsets: HashMap<usize, Vec<(usize, Judged)>> = HashMap::new();
        for (at, constant) in defined.iter().enumerate() {
            if self.instance_of(constant) {
                continue;
            }
            let value = self.evaluator().value(&constant.body);
            let value = value.or_else(|| self.address_of(&constant.body));
            let Some(value) = value.map(|value| value.wrapping_add(constant.plus)) else {
                continue;
            };
            if self.base(constant, value) || self.interrupt(constant, value) {
                continue;
            }
            let Some(header) = self.names.header(constant.name) else { continue };
            match &*header {
                Header::Register { registers, suffix } => {
                    let peripheral = self.names.register(&registers[0]).peripheral;
                    if let Some(judged) = self.register(constant, registers, *suffix, value) {
                        offsets.entry(peripheral).or_default().push((at, judged));
                    }
                }
                Header::Field { places, suffix } => self.field(constant, places, *suffix, value),
                Header::Value { places, value: right, .. } => {
                    self.enumerated(constant, places, *right, value);
                }
                // A file may call what it defines as it likes.
                Header::Unknown { .. } => {}
            }
        }
        for (_, judged) in offsets {
            let right = judged.iter().filter(|(_, j)| j.verdict == Verdict::Ok).count();
            for (at, judged) in judged {
                if right >= MOST_LIKELY {
                    self.claim(ClaimKind::Offset, defined[at].span.clone(), judged);
                }
            }
        }
    }

    /// `#define NRF_UART0 ((NRF_UART_Type *) 0x40002000)`. True if it is one.
    fn instance_of(&mut self, constant: &Defined<'t>) -> bool {
        let Expr::Cast { pointer: true, of, ty } = &constant.body.expr else { return false };
        let Some(peripheral) = self.names.peripheral(constant.name) else { return false };
        let Some(value) = self.evaluator().value(of) else { return true };
        if !self.names.of_type(ty).is_empty() || self.definitions.struct_names.contains_key(ty) {
            self.claim_base(constant, peripheral, value);
        }
        true
    }

    fn base(&mut self, constant: &Defined<'t>, value: u64) -> bool {
        let Some(head) = BASES.iter().find_map(|end| constant.name.strip_suffix(end)) else {
            return false;
        };
        let Some(peripheral) = self.names.known.peripheral(head) else { return true };
        let memory = MEMORIES.contains(&head);
        if !(memory && value < 0x4000_0000 || constant.name == head) {
            self.claim_base(constant, peripheral, value);
        }
        true
    }

    fn claim_base(&mut self, constant: &Defined<'t>, peripheral: usize, value: u64) {
        // `GPIOA_BASE` for `GPIOA_BASE` proves nothing.
        if matches!(constant.body.expr, Expr::Name(name) if !self.definitions.constants.contains_key(name))
        {
            return;
        }
        let known = &self.names.known.catalog.peripherals[peripheral];
        let why = format!("{} is at {:#010x}", known.name, known.base_address);
        let judged = if value == known.base_address {
            Judged::ok(why)
        } else if value ^ known.base_address == 0x1000_0000 {
            Judged::unknown("the other security state's alias of it")
        } else {
            Judged::wrong(why, Some(format!("{:#010x}", known.base_address)))
        };
        self.claim(ClaimKind::Base, constant.span.clone(), judged);
    }

    fn interrupt(&mut self, constant: &Defined<'t>, value: u64) -> bool {
        let Some(name) = INTERRUPTS.iter().find_map(|end| constant.name.strip_suffix(end)) else {
            return false;
        };
        let Some(chip) = self.names.known.catalog.chip() else { return true };
        if matches!(constant.body.expr, Expr::Name(_)) {
            return true;
        }
        let is = |known: &svd_index::InterruptRef<'_>| known.name.eq_ignore_ascii_case(name);
        let found: Vec<_> = chip.interrupts().filter(is).collect();
        let judged = match &found[..] {
            [] => {
                let here = chip.interrupts().find(|known| u64::from(known.number) == value);
                let slip = here.filter(|known| is_slip(name, known.name));
                let Some(known) = slip else { return false };
                let end = &constant.name[name.len()..];
                let why = format!("interrupt {value} is {}", known.name);
                Judged::wrong(why, Some(format!("{}{end}", known.name)))
            }
            found if found.iter().any(|known| u64::from(known.number) == value) => {
                Judged::ok(format!("interrupt {value}"))
            }
            found => {
                let right = found[0].number;
                Judged::wrong(format!("{name} is interrupt {right}"), Some(right.to_string()))
            }
        };
        self.claim(ClaimKind::Interrupt, constant.span.clone(), judged);
        true
    }

    /// An address or an offset. A judgement comes back where the rest of the file must tell
    /// whether it is one.
    fn register(
        &mut self,
        constant: &Defined<'t>,
        registers: &[Named],
        suffix: Suffix,
        value: u64,
    ) -> Option<Judged> {
        let span = constant.span.clone();
        let plain = !matches!(constant.body.expr, Expr::Name(_));
        if suffix == Suffix::Reset && plain {
            let named = &registers[0];
            let reset = self.names.register(named).reset_value?;
            let right = hex(reset, self.names.register(named).size_bits);
            let why = format!("it is {right} after reset");
            let judged =
                if reset == value { Judged::ok(why) } else { Judged::wrong(why, Some(right)) };
            self.claim(ClaimKind::Reset, span, judged);
            return None;
        }
        // A mask may have a register's name; what is dereferenced or lies near is an address.
        let is_address = self.address_of(&constant.body).is_some()
            || registers.iter().any(|named| named.address >> 16 == value >> 16)
            || value < 0xe010_0000;
        if !plain || !is_address {
            return None;
        }
        if value >= 0x1000_0000 || suffix == Suffix::Address {
            let at = registers.iter().find(|named| named.address == value);
            let named = at.unwrap_or(&registers[0]);
            let why = format!("{} is at {:#010x}", named.path, named.address);
            let judged = match at {
                Some(_) => Judged::ok(why),
                None if named.address ^ value == 0x1000_0000 => Judged::unknown(why),
                None => Judged::wrong(why, Some(format!("{:#010x}", named.address))),
            };
            self.claim(ClaimKind::Address, span, judged);
            return None;
        }
        let offset = |named: &Named| {
            let peripheral = self.names.register(named).peripheral;
            named
                .address
                .wrapping_sub(self.names.known.catalog.peripherals[peripheral].base_address)
        };
        let at = registers.iter().find(|named| offset(named) == value);
        let named = at.unwrap_or(&registers[0]);
        let why = format!("{} is at offset {:#x}", named.path, offset(named));
        let judged = match at {
            Some(_) => Judged::ok(why),
            None => Judged::wrong(why, Some(format!("{:#04x}", offset(named)))),
        };
        if suffix == Suffix::Offset {
            self.claim(ClaimKind::Offset, span, judged);
            return None;
        }
        (suffix == Suffix::None && constant.plus == 0 && !constant.enumerator).then_some(judged)
    }

    fn field(
        &mut self,
        constant: &Defined<'t>,
        places: &[(Named, usize)],
        suffix: Suffix,
        value: u64,
    ) {
        let fields: Vec<(u32, u32)> = places
            .iter()
            .map(|place| {
                let field = self.names.field(place);
                (field.lsb, field.width.max(1))
            })
            .collect();
        let masks: Vec<u64> = places.iter().map(|place| mask(self.names.field(place))).collect();
        let size = self.names.register(&places[0].0).size_bits;
        let bare = matches!(constant.body.expr, Expr::Number(_));
        let (lsb, width) = fields[0];
        if suffix == Suffix::Reset {
            return self.field_reset(constant, &places[0], value);
        }
        let any = |is: &dyn Fn(u32, u32) -> u64| fields.iter().any(|(l, w)| is(*l, *w) == value);
        let unshifted = fields.iter().any(|(_, w)| *w > 1 && (1u64 << w.min(&63)) - 1 == value);
        let mask = masks[0];
        let (kind, ok, right) = match suffix {
            Suffix::Position => {
                let is_mask = masks.contains(&value) && !bare;
                let right = lsb.to_string();
                (ClaimKind::Bits, any(&|l, _| u64::from(l)) || is_mask, right)
            }
            Suffix::Top => {
                let right = (lsb + width - 1).to_string();
                (ClaimKind::Bits, any(&|l, w| u64::from(l + w - 1)), right)
            }
            Suffix::Width => (ClaimKind::Bits, any(&|_, w| u64::from(w)), width.to_string()),
            Suffix::Mask => (ClaimKind::Mask, masks.contains(&value), hex(mask, size)),
            Suffix::Bit(bit) => {
                let right = 1u64.checked_shl(lsb + bit).unwrap_or(0);
                let ok = any(&|l, _| 1u64.checked_shl(l + bit).unwrap_or(0));
                (ClaimKind::Mask, ok, shifted(right, size))
            }
            _ => {
                let position = bare && any(&|l, _| u64::from(l)) && value < 64;
                let flag = bare && value <= 1;
                if flag && !masks.contains(&value) {
                    return;
                }
                (ClaimKind::Mask, masks.contains(&value) || position, shifted(mask, size))
            }
        };
        let field = self.names.field(&places[0]);
        let why = format!("{}.{}{}", places[0].0.path, field.name, field.bits());
        let judged = if ok {
            Judged::ok(why)
        } else if unshifted && matches!(kind, ClaimKind::Mask) {
            Judged::unknown(format!("{why}, not shifted to its place"))
        } else {
            Judged::wrong(why, Some(right))
        };
        self.claim(kind, constant.span.clone(), judged);
    }

    /// `#define I2C_IC_TAR_SPECIAL_RESET 0x0`
    fn field_reset(&mut self, constant: &Defined<'t>, place: &(Named, usize), value: u64) {
        let field = self.names.field(place);
        let Some(reset) = self.names.register(&place.0).reset_value else { return };
        let (right, width) = (field.extract(reset), field.width);
        let why = format!("{}.{} is {} after reset", place.0.path, field.name, hex(right, width));
        let judged = match value == right {
            true => Judged::ok(why),
            false => Judged::wrong(why, Some(hex(right, width))),
        };
        self.claim(ClaimKind::Reset, constant.span.clone(), judged);
    }

    fn enumerated(
        &mut self,
        constant: &Defined<'t>,
        places: &[(Named, usize)],
        right: u64,
        value: u64,
    ) {
        let field = self.names.field(&places[0]);
        let placed = right.checked_shl(field.lsb).unwrap_or(0);
        let why = format!("{}.{}: it is {}", places[0].0.path, field.name, hex(right, field.width));
        let judged = if value == right || value == placed {
            Judged::ok(why)
        } else {
            // As it was written: in its place, or by itself.
            let in_place = value > mask(field) >> field.lsb;
            Judged::wrong(why, Some(hex(if in_place { placed } else { right }, field.width)))
        };
        self.claim(ClaimKind::Enum, constant.span.clone(), judged);
    }

    /// `offsetof(USART_TypeDef, BRR) == 0x08` in an assertion.
    pub(super) fn offset_of(&mut self, node: &Node<'t>) {
        if let Expr::Binary { op: "==", left, right } = &node.expr
            && let Expr::Call { of, args } = &left.expr
            && matches!(of.name(), Some("offsetof" | "__builtin_offsetof"))
            && let ([ty, member], Some(value)) = (&args[..], self.evaluator().value(right))
            && let (Some(ty), Some(member)) = (ty.name(), member.name())
        {
            let peripherals = self.fitting(ty);
            let found = self.names.registers(&peripherals, member);
            let offset = |named: &Named| {
                let at = self.names.register(named).peripheral;
                named.address - self.names.known.catalog.peripherals[at].base_address
            };
            let Some(first) = found.first() else { return };
            let why = format!("{} is at offset {:#x}", first.path, offset(first));
            let judged = match found.iter().any(|named| offset(named) == value) {
                true => Judged::ok(why),
                false => Judged::wrong(why, Some(format!("{:#04x}", offset(first)))),
            };
            self.claim(ClaimKind::Offset, node.start..node.end, judged);
        }
        node.each_child(|child| self.offset_of(child));
    }

    /// The peripherals that a structure is laid over, by its name or by a macro that does it.
    pub(super) fn fitting(&self, ty: &str) -> Vec<usize> {
        let by_name = self.names.of_type(ty);
        if !by_name.is_empty() {
            return by_name;
        }
        let mut found = Vec::new();
        for constant in self.definitions.constants.values() {
            let Some(body) = &constant.body else { continue };
            if matches!(&body.expr, Expr::Cast { ty: own, pointer: true, .. } if *own == ty)
                && let Place::Peripheral(instance) = self.place(body, 1)
            {
                let start = |at: &usize| {
                    let base = self.names.known.catalog.peripherals[*at].base_address;
                    instance.base.is_none_or(|own| own == base)
                };
                found.extend(instance.peripherals.iter().copied().filter(start));
            }
        }
        found.sort_unstable();
        found
    }
}

/// At most one slip in four letters, and no other number.
fn is_slip(name: &str, of: &str) -> bool {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    digits(name) == digits(of) && words::nearest(name, [of].into_iter()).is_some()
}
