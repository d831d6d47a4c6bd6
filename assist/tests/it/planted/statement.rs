//! True statements about a chip, of every kind that is checked, and one error in each.

use assist::check::Language;
use svd_index::{Chip, EnumValueRef, FieldRef, RegisterRef};

use super::score::{Plant, Rng};

/// What statements are made from: names that are identifiers, long enough that a slip in one has
/// one right answer, and numbers.
pub(super) struct Facts<'a> {
    chip: &'a Chip,
    registers: Vec<RegisterRef<'a>>,
    interrupts: Vec<(&'a str, u32)>,
}

/// Shortest name that is spoilt.
const SHORTEST: usize = 4;

type Made = (String, String, Vec<String>);
type Maker = fn(&Facts<'_>, &mut Rng, &Subject<'_>) -> Option<Made>;

/// Kind, language, maker.
const MAKERS: &[(&str, Language, Maker)] = &[
    ("register in C", Language::C, register_c),
    ("register in Rust", Language::Rust, register_rust),
    ("register in prose", Language::Markdown, register_prose),
    ("peripheral's number", Language::C, other_instance),
    ("field in Rust", Language::Rust, field_rust),
    ("field in prose", Language::Markdown, field_prose),
    ("field's mask, by name", Language::C, mask_name),
    ("bit set in C", Language::C, bit_c),
    ("reserved bit in C", Language::C, reserved_c),
    ("bits in prose", Language::Markdown, bits_prose),
    ("bits as a constant", Language::C, position),
    ("mask as a constant", Language::C, mask_c),
    ("mask as a constant", Language::Rust, mask_rust),
    ("mask in prose", Language::Markdown, mask_prose),
    ("base as a constant", Language::C, base_c),
    ("base as a constant", Language::Rust, base_rust),
    ("base in prose", Language::Markdown, base_prose),
    ("address as a constant", Language::C, address_c),
    ("address in prose", Language::Markdown, address_prose),
    ("offset as a constant", Language::C, offset_c),
    ("offset in a structure", Language::C, offset_struct),
    ("offset in prose", Language::Markdown, offset_prose),
    ("reset as a constant", Language::C, reset_c),
    ("reset in prose", Language::Markdown, reset_prose),
    ("enum in Rust", Language::Rust, enum_rust),
    ("enum as a constant", Language::C, enum_c),
    ("enum in prose", Language::Markdown, enum_prose),
    ("value in C", Language::C, value_c),
    ("interrupt's number", Language::C, interrupt_c),
    ("interrupt in prose", Language::Markdown, interrupt_prose),
    ("interrupt's handler", Language::C, handler_c),
];

/// What one statement is about.
pub(super) struct Subject<'a> {
    pub(super) register: RegisterRef<'a>,
    pub(super) peripheral: &'a str,
    pub(super) name: String,
    pub(super) field: Option<FieldRef<'a>>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(chip: &'a Chip) -> Self {
        let usable = |register: &RegisterRef<'a>| {
            !register.is_array()
                && !register.is_builtin()
                && is_identifier(register.peripheral().name())
                && register.peripheral().name().len() > 2
                && is_identifier(&register.name())
                && chip.registers_at(register.address()).len() == 1
        };
        let registers = chip.registers().filter(usable).collect();
        let interrupts = chip.interrupts().map(|known| (known.name, known.number)).collect();
        Self { chip, registers, interrupts }
    }

    /// A register, and a field of it if it has any.
    pub(super) fn subject(&self, rng: &mut Rng) -> Option<Subject<'a>> {
        let register = *rng.pick(&self.registers)?;
        let fields: Vec<FieldRef<'a>> =
            register.fields().filter(|field| is_identifier(field.name())).collect();
        let field = rng.pick(&fields).copied();
        let peripheral = register.peripheral().name();
        Some(Subject { register, peripheral, name: register.name(), field })
    }

    /// An interrupt whose name no other has.
    pub(super) fn interrupt(&self, rng: &mut Rng) -> Option<(&'a str, u32)> {
        let (name, number) = *rng.pick(&self.interrupts)?;
        unique(self, name)?;
        Some((name, number))
    }

    pub(super) fn make(&self, rng: &mut Rng) -> Option<Plant> {
        let (kind, language, maker) = *rng.pick(MAKERS)?;
        let subject = self.subject(rng)?;
        let (truth, wrong, right) = maker(self, rng, &subject)?;
        let differs = |(a, b): (&str, &str)| a != b;
        let line = truth.lines().zip(wrong.lines()).position(differs)? as u32 + 1;
        // A shifted structure is seen at the member behind the gap.
        let line = if kind == "offset in a structure" { line + 1 } else { line };
        Some(Plant { kind, language, truth, wrong, line, right })
    }

    /// Whether the chip has a register of this name in a peripheral.
    fn has_register(&self, peripheral: &str, name: &str) -> bool {
        self.chip.register(&format!("{peripheral}.{name}")).is_some()
    }
}

fn is_identifier(name: &str) -> bool {
    let capitals = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(capitals)
}

fn long(name: &str) -> Option<&str> {
    (name.len() >= SHORTEST && name.chars().filter(char::is_ascii_alphabetic).count() >= SHORTEST)
        .then_some(name)
}

/// Both texts from one template with the right and the wrong word at `@`.
fn both(template: &str, right: &str, wrong: &str) -> (String, String) {
    (template.replace('@', right), template.replace('@', wrong))
}

fn made(template: &str, right: &str, wrong: &str, expected: &[&str]) -> Option<Made> {
    let (truth, spoilt) = both(template, right, wrong);
    Some((truth, spoilt, expected.iter().map(|text| (*text).to_owned()).collect()))
}

pub(super) fn slip_register(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<String> {
    rng.slip(long(&of.name)?, &|name| facts.has_register(of.peripheral, name))
}

fn register_c(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let wrong = slip_register(facts, rng, of)?;
    let template = format!("uint32_t f(void)\n{{\n    return {}->@;\n}}\n", of.peripheral);
    made(&template, &of.name, &wrong, &[&of.name])
}

fn register_rust(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let wrong = slip_register(facts, rng, of)?.to_ascii_lowercase();
    let template =
        format!("fn f(p: &Peripherals) -> u32 {{\n    p.{}.@.read().bits()\n}}\n", of.peripheral);
    made(&template, &of.name.to_ascii_lowercase(), &wrong, &[&of.name])
}

fn register_prose(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let wrong = slip_register(facts, rng, of)?;
    let template =
        *rng.pick(&["Look at `%p.@` first.", "`%p->@` tells more.", "The %p.@ register counts."])?;
    made(&template.replace("%p", of.peripheral), &of.name, &wrong, &[&of.name])
}

fn other_instance(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let kind = of.peripheral.trim_end_matches(|c: char| c.is_ascii_digit());
    let siblings: Vec<&str> = facts
        .chip
        .peripherals()
        .map(|peripheral| peripheral.name())
        .filter(|name| name.trim_end_matches(|c: char| c.is_ascii_digit()) == kind)
        .collect();
    let other = format!("{kind}{}", 2 + rng.below(8));
    if siblings.len() < 2 || kind == of.peripheral || facts.chip.peripheral(&other).is_some() {
        return None;
    }
    let rights: Vec<String> = siblings.iter().map(|name| format!("{name}.{}", of.name)).collect();
    let rights: Vec<&str> = rights.iter().map(String::as_str).collect();
    made(&format!("x = @->{};\n", of.name), of.peripheral, &other, &rights)
}

pub(super) fn slip_field(rng: &mut Rng, field: FieldRef<'_>) -> Option<String> {
    let register = field.register();
    rng.slip(long(field.name())?, &|name| register.field(name).is_some())
}

fn field_rust(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field.filter(|field| field.width() == 1)?;
    let wrong = slip_field(rng, field)?.to_ascii_lowercase();
    let right = field.name().to_ascii_lowercase();
    let register = of.name.to_ascii_lowercase();
    let template = format!(
        "fn f(p: &Peripherals) {{\n    p.{}.{register}.modify(|_, w| w.@().set_bit());\n}}\n",
        of.peripheral
    );
    made(&template, &right, &wrong, &[&right])
}

fn field_prose(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field?;
    let wrong = slip_field(rng, field)?;
    let template = format!("Set `{}.{}.@` before.\n", of.peripheral, of.name);
    made(&template, field.name(), &wrong, &[field.name()])
}

fn mask_name(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field?;
    let wrong = slip_field(rng, field)?;
    let template =
        format!("void f(void)\n{{\n    {0}->{1} |= {0}_{1}_@_Msk;\n}}\n", of.peripheral, of.name);
    writable(of)?;
    made(&template, field.name(), &wrong, &[field.name()])
}

/// Registers that can be written, and whose written ones mean what they say.
fn writable(of: &Subject<'_>) -> Option<()> {
    use svd_index::Access;
    let plain = of.register.access() == Some(Access::ReadWrite)
        && of.register.modified_write_values().is_none()
        && of.register.fields().all(|field| {
            field.modified_write_values().is_none() && field.access() == Some(Access::ReadWrite)
        });
    let clears = ["ICR", "FCR", "CLR", "CLEAR"].iter().any(|end| of.name.ends_with(end));
    (plain && !clears).then_some(())
}

fn bit_c(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field.filter(|field| field.width() == 1 && field.name().len() > 1)?;
    writable(of)?;
    let wrong = rng.below(of.register.size_bits() as usize) as u32;
    if wrong == field.lsb() {
        return None;
    }
    let template = format!(
        "void f(void)\n{{\n    {}->{} |= (1u << @); /* {} */\n}}\n",
        of.peripheral,
        of.name,
        field.name()
    );
    let right = format!("1 << {}", field.lsb());
    made(&template, &field.lsb().to_string(), &wrong.to_string(), &[&right])
}

fn reserved_c(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field.filter(|field| field.width() == 1)?;
    writable(of)?;
    let reserved = of.register.reserved_mask() & !of.register.reset_value().unwrap_or(0);
    let free: Vec<u32> =
        (0..of.register.size_bits()).filter(|bit| reserved >> bit & 1 == 1).collect();
    let wrong = *rng.pick(&free)?;
    let template =
        format!("void f(void)\n{{\n    {}->{} |= (1u << @);\n}}\n", of.peripheral, of.name);
    made(&template, &field.lsb().to_string(), &wrong.to_string(), &[])
}

pub(super) fn bits_of(lsb: u32, width: u32) -> String {
    if width == 1 { lsb.to_string() } else { format!("{}:{lsb}", lsb + width - 1) }
}

fn bits_prose(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field.filter(|field| field.name().len() > 1)?;
    let moved = (field.lsb() + 1 + rng.below(7) as u32) % 32;
    let word = if field.width() == 1 { "bit" } else { "bits" };
    let template = *rng.pick(&[
        "`%r.%f` is %b @.",
        "`%r.%f` (%b @) is set.",
        "In `%r`, %b @ (`%f`) does it.",
    ])?;
    let template = template
        .replace("%b", word)
        .replace("%r", &format!("{}.{}", of.peripheral, of.name))
        .replace("%f", field.name());
    let right = bits_of(field.lsb(), field.width());
    let bracket = format!("[{right}]");
    made(&template, &right, &bits_of(moved, field.width()), &[&bracket])
        .filter(|_| moved != field.lsb())
}

fn mask_text(field: FieldRef<'_>) -> String {
    format!("0x{:08X}", field.mask())
}

/// Another mask of the same width.
fn other_mask(rng: &mut Rng, field: FieldRef<'_>) -> Option<String> {
    let ones = field.mask() >> field.lsb();
    let to = rng.below(field.register().size_bits() as usize) as u32;
    let moved = (ones << to) & 0xffff_ffff;
    (to != field.lsb() && (to != 0 || field.width() == 1) && moved.count_ones() == field.width())
        .then(|| format!("0x{moved:08X}"))
}

fn position(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field?;
    let wrong = rng.below(32) as u32;
    let template = format!("#define {}_{}_{}_Pos (@UL)\n", of.peripheral, of.name, field.name());
    let right = field.lsb().to_string();
    made(&template, &right, &wrong.to_string(), &[&right]).filter(|_| wrong != field.lsb())
}

fn mask_c(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field?;
    if field.width() == 1 && rng.below(2) == 0 {
        let wrong = rng.below(of.register.size_bits() as usize) as u32;
        let template =
            format!("#define {}_{}_{} (1UL << @)\n", of.peripheral, of.name, field.name());
        let right = format!("1 << {}", field.lsb());
        return made(&template, &field.lsb().to_string(), &wrong.to_string(), &[&right])
            .filter(|_| wrong != field.lsb());
    }
    let wrong = other_mask(rng, field)?;
    let template = format!("#define {}_{}_{}_Msk (@UL)\n", of.peripheral, of.name, field.name());
    made(&template, &mask_text(field), &wrong, &[&mask_text(field)])
}

fn mask_rust(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field?;
    let wrong = other_mask(rng, field)?;
    let template =
        format!("pub const {}_{}_{}_MASK: u32 = @;\n", of.peripheral, of.name, field.name());
    made(&template, &mask_text(field), &wrong, &[&mask_text(field)])
}

fn mask_prose(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field?;
    let wrong = other_mask(rng, field)?;
    let template = format!("`{}.{}.{}` has the mask @.\n", of.peripheral, of.name, field.name());
    made(&template, &mask_text(field), &wrong, &[&mask_text(field)])
}

/// The base of a peripheral that is no memory, and another.
pub(super) fn base_texts(
    facts: &Facts<'_>,
    rng: &mut Rng,
    of: &Subject<'_>,
) -> Option<(String, String)> {
    let memory =
        ["FLASH", "ROM", "RAM", "SRAM", "QSPI", "OTP", "FMC", "FSMC", "SDRAM", "OCTOSPI", "EEPROM"];
    let base = of.register.peripheral().base_address();
    let wrong = rng.other_digit(base, 5);
    let taken = facts.chip.peripherals().any(|p| p.base_address() == wrong);
    if base < 0x4000_0000
        || taken
        || memory.contains(&of.peripheral)
        || of.peripheral.contains("_BASE")
    {
        return None;
    }
    Some((format!("0x{base:08X}"), format!("0x{wrong:08X}")))
}

fn base(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>, template: &str) -> Option<Made> {
    let (right, wrong) = base_texts(facts, rng, of)?;
    made(&template.replace("%p", of.peripheral), &right, &wrong, &[&right])
}

fn base_c(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    base(facts, rng, of, "#define %p_BASE (@UL)\n")
}

fn base_rust(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    base(facts, rng, of, "const %p_BASE: usize = @;\n")
}

fn base_prose(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    of.peripheral.ends_with(|c: char| c.is_ascii_digit()).then_some(())?;
    let template = *rng.pick(&["The base address of `%p` is @.\n", "`%p` (base @) is used.\n"])?;
    base(facts, rng, of, template)
}

pub(super) fn other_address(
    facts: &Facts<'_>,
    rng: &mut Rng,
    of: &Subject<'_>,
) -> Option<(String, String)> {
    let address = of.register.address();
    let wrong = rng.other_digit(address, 3);
    (address >= 0x1000_0000 && wrong != address && facts.chip.device().width_bits > 0)
        .then(|| (format!("0x{address:08X}"), format!("0x{wrong:08X}")))
}

fn address_c(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let (right, wrong) = other_address(facts, rng, of)?;
    let template = format!("#define {}_{} (*(volatile uint32_t *)@)\n", of.peripheral, of.name);
    made(&template, &right, &wrong, &[&right])
}

fn address_prose(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let (right, wrong) = other_address(facts, rng, of)?;
    let template = *rng.pick(&["`%r` is at @.\n", "The %r register (address @) is it.\n"])?;
    let template = template.replace("%r", &format!("{}.{}", of.peripheral, of.name));
    made(&template, &right, &wrong, &[&right])
}

pub(super) fn offset_of(of: &Subject<'_>) -> u64 {
    of.register.address().wrapping_sub(of.register.peripheral().base_address())
}

fn offset_c(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let (offset, wrong) = (offset_of(of), offset_of(of) + 4 * (1 + rng.below(6) as u64));
    let template = format!("#define {}_{}_OFFSET @\n", of.peripheral, of.name);
    let right = format!("{offset:#04x}");
    made(&template, &right, &format!("{wrong:#04x}"), &[&right])
}

fn offset_prose(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let (offset, wrong) = (offset_of(of), offset_of(of) + 4 * (1 + rng.below(6) as u64));
    let template = format!("`{}.{}` is at offset @.\n", of.peripheral, of.name);
    let right = format!("{offset:#04x}");
    made(&template, &right, &format!("{wrong:#04x}"), &[&right])
}

/// A structure of the peripheral's first registers, with one gap that is wrong.
fn offset_struct(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let peripheral = of.register.peripheral();
    let base = peripheral.base_address();
    let mut words: Vec<(u64, String)> = peripheral
        .registers()
        .filter(|r| !r.is_array() && r.size_bits() == 32 && is_identifier(&r.name()))
        .map(|r| (r.address().wrapping_sub(base), r.name()))
        .filter(|(offset, _)| offset % 4 == 0 && *offset < 0x4000)
        .collect();
    words.sort();
    words.dedup_by_key(|(offset, _)| *offset);
    words.truncate(8);
    if words.len() < 4 {
        return None;
    }
    let spoilt = 1 + rng.below(words.len() - 2);
    let text = |extra: u64| {
        let mut text = String::from("typedef struct {\n");
        let mut at = 0;
        for (number, (offset, name)) in words.iter().enumerate() {
            let gap = (offset - at) / 4 + if number == spoilt { extra } else { 0 };
            let reserved =
                if gap > 0 { format!("uint32_t RESERVED{number}[{gap}];") } else { String::new() };
            text += &format!("    {reserved}\n    volatile uint32_t {name};\n");
            at = offset + 4;
        }
        text + &format!("}} {}_Type;\n", of.peripheral)
    };
    let right = format!("offset {:#x}", words[spoilt].0);
    Some((text(0), text(1 + rng.below(3) as u64), vec![right]))
}

pub(super) fn reset_texts(rng: &mut Rng, of: &Subject<'_>) -> Option<(String, String)> {
    let digits = of.register.size_bits().div_ceil(4) as usize;
    let reset = of.register.reset_value()?;
    let wrong = rng.other_digit(reset, digits.min(8) as u32);
    Some((format!("0x{reset:0digits$X}"), format!("0x{wrong:0digits$X}")))
}

fn reset_c(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let (right, wrong) = reset_texts(rng, of)?;
    of.register.field("RESET").is_none().then_some(())?;
    made(&format!("#define {}_{}_RESET @\n", of.peripheral, of.name), &right, &wrong, &[&right])
}

fn reset_prose(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let (right, wrong) = reset_texts(rng, of)?;
    let template = *rng.pick(&["The reset value of `%r` is @.\n", "`%r` resets to @.\n"])?;
    let template = template.replace("%r", &format!("{}.{}", of.peripheral, of.name));
    made(&template, &right, &wrong, &[&right])
}

/// A named value with a number of its own, among several of the field.
pub(super) fn value_of<'a>(rng: &mut Rng, field: FieldRef<'a>) -> Option<EnumValueRef<'a>> {
    let all: Vec<EnumValueRef<'a>> = field.enums().collect();
    let value = *rng.pick(&all)?;
    let alone = all.iter().filter(|other| other.name.eq_ignore_ascii_case(value.name)).count() == 1;
    let word = value.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (alone && word && value.name.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(value)
}

fn enum_rust(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field?;
    let value = value_of(rng, field)?;
    let name = long(value.name)?.to_ascii_lowercase();
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let wrong =
        rng.slip(&name, &|name| field.enums().any(|other| plain(other.name) == plain(name)))?;
    let template = format!(
        "fn f(p: &Peripherals) {{\n    p.{}.{}.write(|w| w.{}().@());\n}}\n",
        of.peripheral,
        of.name.to_ascii_lowercase(),
        field.name().to_ascii_lowercase()
    );
    let methods =
        ["set_bit", "clear_bit", "bits", "set", "bit", "variant", "modify", "reset", "field"];
    (!methods.contains(&name.as_str()) && !name.contains('_')).then_some(())?;
    made(&template, &name, &wrong, &[&name])
}

fn other_value(rng: &mut Rng, field: FieldRef<'_>, value: u64) -> Option<u64> {
    let most = field.mask() >> field.lsb();
    let wrong = (value + 1 + rng.below(6) as u64) & most;
    (wrong != value && field.lsb() == 0).then_some(wrong)
}

fn enum_c(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field?;
    let value = value_of(rng, field)?;
    let number = value.value?;
    let wrong = other_value(rng, field, number)?;
    let template =
        format!("#define {}_{}_{}_{} (@UL)\n", of.peripheral, of.name, field.name(), value.name);
    made(&template, &format!("{number:#x}"), &format!("{wrong:#x}"), &[&format!("{number:#x}")])
}

fn enum_prose(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    let field = of.field?;
    let value = value_of(rng, field)?;
    let number = value.value?;
    // A word such as `Enabled` alone is no claim; one with a number in it names something.
    let distinct = value.name.len() >= 4
        && value.name.contains(|c: char| c.is_ascii_digit())
        && value.name.contains(|c: char| c.is_ascii_alphabetic());
    let wrong = other_value(rng, field, number).filter(|_| distinct)?;
    let template = format!("In `{}.{}`, `{}` is @.\n", of.peripheral, of.name, value.name);
    made(&template, &format!("{number:#x}"), &format!("{wrong:#x}"), &[&format!("{number:#x}")])
}

/// A value just beyond a list that counts from 0.
fn value_c(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Made> {
    writable(of)?;
    let mut fields = of.register.fields();
    let (Some(field), None) = (fields.next(), fields.next()) else { return None };
    let mut values: Vec<u64> = field.enums().map(|value| value.value).collect::<Option<_>>()?;
    values.sort_unstable();
    values.dedup();
    let counts = values.iter().zip(0..).all(|(value, number)| *value == number) && values.len() > 2;
    let named = field.enums().all(|value| {
        let lower = value.name.to_ascii_lowercase();
        !["min", "max", "default", "reserved", "other"].iter().any(|word| lower.contains(word))
    });
    let beyond = values.len() as u64;
    let fits = field.width() <= 6 && beyond <= field.mask() >> field.lsb();
    if !(counts && named && fits) || of.register.reset_value() == Some(beyond << field.lsb()) {
        return None;
    }
    let right = values[rng.below(values.len())] << field.lsb();
    let wrong = beyond << field.lsb();
    let template = format!("void f(void)\n{{\n    {}->{} = @;\n}}\n", of.peripheral, of.name);
    made(&template, &right.to_string(), &wrong.to_string(), &[])
}

fn interrupt_c(facts: &Facts<'_>, rng: &mut Rng, _: &Subject<'_>) -> Option<Made> {
    let (name, number) = *rng.pick(&facts.interrupts)?;
    let wrong = number + 1 + rng.below(9) as u32;
    unique(facts, name)?;
    let template = format!("typedef enum {{\n    {name}_IRQn = @,\n}} IRQn_Type;\n");
    made(&template, &number.to_string(), &wrong.to_string(), &[&number.to_string()])
}

fn unique(facts: &Facts<'_>, name: &str) -> Option<()> {
    let same = facts.interrupts.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    (same.count() == 1 && is_identifier(name)).then_some(())
}

fn interrupt_prose(facts: &Facts<'_>, rng: &mut Rng, _: &Subject<'_>) -> Option<Made> {
    let (name, number) = *rng.pick(&facts.interrupts)?;
    let wrong = number + 1 + rng.below(9) as u32;
    unique(facts, name)?;
    let template = format!("`{name}_IRQn` is number @.\n");
    made(&template, &number.to_string(), &wrong.to_string(), &[&number.to_string()])
}

fn handler_c(facts: &Facts<'_>, rng: &mut Rng, _: &Subject<'_>) -> Option<Made> {
    let (name, _) = *rng.pick(&facts.interrupts)?;
    unique(facts, name)?;
    let wrong = rng.slip(long(name)?, &|slip| {
        facts.interrupts.iter().any(|(other, _)| other.eq_ignore_ascii_case(slip))
    })?;
    made("void @_IRQHandler(void)\n{\n}\n", name, &wrong, &[name])
}
