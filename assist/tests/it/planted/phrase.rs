//! True statements as people write them: in sentences, lists, tables and comments, with the parts in
//! any order.
//!
//! In a template stand `%r` for the register with its peripheral, spelled in one of the ways that are
//! usual, `%n` for the register alone, `%p` for the peripheral, `%f` for the field, `%o` for an interrupt or value, `%b` for "bit" or
//! "bits", and `@` for what is spoilt.

use assist::check::Language;
use svd_index::Access;

use super::score::{Plant, Rng};
use super::statement::{
    Facts, Subject, base_texts, bits_of, offset_of, other_address, reset_texts, slip_field,
    slip_register, value_of,
};

/// What is said, and in which language.
struct Phrases {
    kind: &'static str,
    language: Language,
    templates: &'static [&'static str],
    spoil: fn(&Facts<'_>, &mut Rng, &Subject<'_>) -> Option<Spoilt>,
}

/// The right word or number, a wrong one, and what a correction has to contain.
struct Spoilt {
    right: String,
    wrong: String,
    expected: Vec<String>,
    /// The interrupt or enumerated value that it is said of.
    of: String,
}

impl Spoilt {
    fn new(
        right: impl Into<String>,
        wrong: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let (right, wrong, of) = (right.into(), wrong.into(), String::new());
        Self { right, wrong, expected: vec![expected.into()], of }
    }
}

const BITS: &[&str] = &[
    "%r %b @ is %f.",
    "Set %b @ (%f) in %r.",
    "Set %b @ of %r (`%f`) first.",
    "%f, %b @ of %r, has to be set.",
    "%f is %b @ in the %r register.",
    "`%f`, which is %b @ of `%r`, decides that.",
    "Wait for %f, %b @ of %r, before going on.",
    "In %r, %f sits at %b @.",
    "In %r the %f field occupies %b @.",
    "The %f field lives in %b @ of %r.",
    "`%r[@]` is %f.",
    "That is what `%f` (`%r[@]`) is for.",
    "The %f field in %r is located at %b @.",
    "Write to %b @ of `%r` to change `%f`.",
    "The manual puts %f at %b @ of %r.",
    "%r: %b @ = %f",
    "## `%r`\n\n- %b @: `%f`",
    "## %r\n\n* `%f` - %b @",
    "The fields of `%r`:\n\n| Bits | Field |\n|---|---|\n| @ | %f |",
    "### %r\n\n| Field | Bits | Use |\n|---|---|---|\n| `%f` | @ | see there |",
    "`%r` matters here. Its `%f` field is at %b @.",
    "`%f` spans %b @ of `%r`.",
    "We clear %b @ in `%r`, that is `%f`.",
];

const BITS_IN_C: &[&str] = &[
    "/* %f is %b @ of %r */\nint x;",
    "// %r %b @: %f\nint x;",
    "/*\n * %r:\n *   %b @  %f\n */\nint x;",
    "/** Sets %f (%b @ of %r). */\nvoid f(void);",
];

const BITS_IN_RUST: &[&str] = &[
    "//! %f is %b @ of %r.\n",
    "/// Set %b @ (%f) in `%r`.\nfn f() {}\n",
    "fn f() {\n    // %r %b @: %f\n}\n",
];

const ONE_BIT: &[&str] = &[
    "`%r |= (1 << @)` sets %f.",
    "`%r |= 1u << @;` turns %f on.",
    "To set %f, write 1 to bit @ of %r.",
    "%r bit @ (%f) is the flag.",
    "Poll %f (bit @) in %r.",
    "The %f flag is bit number @ in %r.",
    "`%f` in `%r` is at bit position @.",
    "Check bit @ in `%r` (`%f`).",
    "Setting bit @ of `%r` sets `%f`.",
];

const OFFSETS: &[&str] = &[
    "%r (offset @) is used.",
    "The %n register of %p is at offset @.",
    "`%r` has the offset @.",
    "`%n` lies at offset @ from the base of `%p`.",
    "## %p\n\n| Offset | Register |\n|---|---|\n| @ | %n |",
    "Registers of `%p`:\n\n- `%n`: offset @",
    "The offset of %r is @.",
    "%r sits @ bytes from the start of %p.",
];

const OFFSETS_IN_C: &[&str] = &[
    "/* %r is at offset @ */\nint x;",
    "typedef struct {\n    volatile uint32_t %n; /* @ */\n} %p_Type;",
];

const ADDRESSES: &[&str] = &[
    "%r lives at @.",
    "%r is located at address @.",
    "Read @ (%r) in the debugger.",
    "The address of %r is @.",
    "%r @@ @ is what counts.",
    "The %r register can be found at @.",
    "`%r` (@) is read first.",
    "At @ there is `%r`.",
    "| Register | Address |\n|---|---|\n| %r | @ |",
];

const ADDRESSES_IN_C: &[&str] = &[
    "/* %r is at @ */\nint x;",
    "// %r: @\nint x;",
    "void f(void)\n{\n    (void)*(volatile uint32_t *)@; /* %u */\n}",
];

const ADDRESSES_IN_RUST: &[&str] = &["//! %r is at @.\n", "fn f() {\n    // %r lives at @\n}\n"];

const RESETS: &[&str] = &[
    "After reset, %r reads @.",
    "%r is @ after reset.",
    "Out of reset `%r` holds @.",
    "%r (reset value @) is written once.",
    "The %r register has a reset value of @.",
    "`%r` defaults to @ after reset.",
    "%r comes out of reset as @.",
    "## %r\n\nReset value: @",
    "Its reset value tells: %r resets to @.",
];

const BASES: &[&str] = &[
    "%p lives at @.",
    "%p is mapped at @.",
    "The registers of %p start at @.",
    "The %p base address is @.",
    "`%p` sits at base address @.",
    "%p (@) is clocked.",
    "| Peripheral | Base |\n|---|---|\n| %p | @ |",
];

const BASES_IN_C: &[&str] = &["/* %p is at @ */\nint x;", "// The base of %p is @\nint x;"];

const FIELDS: &[&str] = &[
    "Set the `@` bit in `%r`.",
    "The `@` field of `%r` has to be right.",
    "`%r.@` is what to look at.",
    "`%r` has a field `@`.",
    "Clear `@` in `%r` before that.",
    "The @ bit of %r is set.",
    "`%p->%n & %p_%n_@` is not 0.",
];

const REGISTERS: &[&str] = &[
    "The `@` register of `%p` is the one.",
    "Write `%p->@` before that.",
    "`%p`'s `@` register tells.",
    "Look at `%p_@`, the register for it.",
    "Read the %p.@ register.",
];

const WIDTHS: &[&str] = &[
    "`%f` in `%r` is @ bits wide.",
    "`%r.%f` is a @-bit field.",
    "The `%f` field of `%r` is @ bits wide.",
    "`%r.%f` has a width of @ bits.",
];

const ACCESS: &[&str] = &[
    "`%r` is @.",
    "`%r` is a @ register.",
    "The `%r` register is @.",
    "`%r` is a @ register of 32 bits.",
];

const INTERRUPTS: &[&str] = &[
    "The %o interrupt is number @.",
    "%o is IRQ @.",
    "`%o` has interrupt number @.",
    "`%o` (IRQ @) fires.",
    "IRQ @ is `%o`.",
    "| Interrupt | Number |\n|---|---|\n| `%o` | @ |",
];

const ENUMS: &[&str] = &[
    "`%o` in `%r.%f` is @.",
    "Setting `%r.%f` to @ (`%o`) does it.",
    "`%r.%f` = @ selects `%o`.",
    "`%r.%f` knows `%o` (@).",
    "Write @ to `%r.%f` for `%o`.",
];

const PHRASES: &[Phrases] = &[
    said("bits as said", Language::Markdown, BITS, bits),
    said("bits as said", Language::Markdown, ONE_BIT, one_bit),
    said("bits in a comment", Language::C, BITS_IN_C, bits),
    said("bits in a comment", Language::Rust, BITS_IN_RUST, bits),
    said("offset as said", Language::Markdown, OFFSETS, offset),
    said("offset in a comment", Language::C, OFFSETS_IN_C, offset),
    said("address as said", Language::Markdown, ADDRESSES, address),
    said("address in a comment", Language::C, ADDRESSES_IN_C, address),
    said("address in a comment", Language::Rust, ADDRESSES_IN_RUST, address),
    said("reset as said", Language::Markdown, RESETS, reset),
    said("base as said", Language::Markdown, BASES, base),
    said("base in a comment", Language::C, BASES_IN_C, base),
    said("field as said", Language::Markdown, FIELDS, field),
    said("register as said", Language::Markdown, REGISTERS, register),
    said("width as said", Language::Markdown, WIDTHS, width),
    said("access as said", Language::Markdown, ACCESS, access),
    said("interrupt as said", Language::Markdown, INTERRUPTS, interrupt),
    said("enum as said", Language::Markdown, ENUMS, value),
];

const fn said(
    kind: &'static str,
    language: Language,
    templates: &'static [&'static str],
    spoil: fn(&Facts<'_>, &mut Rng, &Subject<'_>) -> Option<Spoilt>,
) -> Phrases {
    Phrases { kind, language, templates, spoil }
}

/// One statement about a part of the chip, and the same with an error.
pub(super) fn make(facts: &Facts<'_>, rng: &mut Rng) -> Option<Plant> {
    let phrases = rng.pick(PHRASES)?;
    let of = facts.subject(rng)?;
    let template = *rng.pick(phrases.templates)?;
    let spoilt = (phrases.spoil)(facts, rng, &of)?;
    let mut text = template.to_owned();
    let ways: &[&str] = match template.contains("%r[") || template.contains("%r |=") {
        true => &["%p->%n", "%p_%n"],
        false => &["%p.%n", "%p->%n", "%p_%n", "`%p->%n`", "`%p.%n`", "`%p_%n`"],
    };
    let way = rng.pick(ways)?;
    // Inside backticks a name has none of its own.
    let plain = way.trim_matches('`');
    for ticked in ["`%r`", "`%r.", "`%r[", "`%r |"] {
        text = text.replace(ticked, &ticked.replace("%r", plain));
    }
    let field = of.field;
    let word = if field.is_some_and(|field| field.width() > 1) { "bits" } else { "bit" };
    let text = text
        .replace("%u", &format!("{}_{}", of.peripheral, of.name))
        .replace("%r", way)
        .replace("%p", of.peripheral)
        .replace("%n", &of.name)
        .replace("%f", field.map_or("", |field| field.name()))
        .replace("%o", &spoilt.of)
        .replace("%b", word);
    let put = |what: &str| text.replace("@@", "\0").replace('@', what).replace('\0', "@") + "\n";
    let (truth, wrong) = (put(&spoilt.right), put(&spoilt.wrong));
    let line = truth.lines().zip(wrong.lines()).position(|(a, b)| a != b)? as u32 + 1;
    Some(Plant {
        kind: phrases.kind,
        language: phrases.language,
        truth,
        wrong,
        line,
        right: spoilt.expected,
    })
}

fn bits(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Spoilt> {
    let field = distinct_field(of)?;
    let to = (field.lsb() + 1 + rng.below(7) as u32) % of.register.size_bits();
    let fits = to != field.lsb() && to + field.width() <= of.register.size_bits();
    let right = bits_of(field.lsb(), field.width());
    let expected = format!("[{right}]");
    fits.then(|| Spoilt::new(right, bits_of(to, field.width()), expected))
}

fn one_bit(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Spoilt> {
    of.field.filter(|field| field.width() == 1)?;
    bits(facts, rng, of)
}

/// A field whose name stands for it alone.
fn distinct_field<'a>(of: &Subject<'a>) -> Option<svd_index::FieldRef<'a>> {
    let field = of.field.filter(|field| field.name().len() > 1)?;
    let same = |other: &svd_index::FieldRef<'_>| other.name().eq_ignore_ascii_case(field.name());
    let alone = of.register.fields().filter(same).count() == 1;
    (alone && field.name() != of.name && field.name() != of.peripheral).then_some(field)
}

fn offset(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Spoilt> {
    let (offset, wrong) = (offset_of(of), offset_of(of) + 4 * (1 + rng.below(6) as u64));
    let right = format!("{offset:#04x}");
    Some(Spoilt::new(right.clone(), format!("{wrong:#04x}"), right))
}

fn address(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Spoilt> {
    let (right, wrong) = other_address(facts, rng, of)?;
    Some(Spoilt::new(right.clone(), wrong, right))
}

fn reset(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Spoilt> {
    let (right, wrong) = reset_texts(rng, of)?;
    of.register.field("RESET").is_none().then_some(())?;
    Some(Spoilt::new(right.clone(), wrong, right))
}

fn base(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Spoilt> {
    of.peripheral.ends_with(|c: char| c.is_ascii_digit()).then_some(())?;
    let (right, wrong) = base_texts(facts, rng, of)?;
    Some(Spoilt::new(right.clone(), wrong, right))
}

fn field(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Spoilt> {
    let field = distinct_field(of)?;
    Some(Spoilt::new(field.name(), slip_field(rng, field)?, field.name()))
}

fn register(facts: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Spoilt> {
    Some(Spoilt::new(of.name.clone(), slip_register(facts, rng, of)?, of.name.clone()))
}

fn width(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Spoilt> {
    let field = distinct_field(of).filter(|field| field.width() > 1)?;
    let right = field.width().to_string();
    let wrong = field.width() + 1 + rng.below(3) as u32;
    Some(Spoilt::new(right.clone(), wrong.to_string(), right))
}

fn access(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Spoilt> {
    let words = ["read-only", "write-only", "read-write"];
    let own = match of.register.access()? {
        Access::ReadOnly => 0,
        Access::WriteOnly => 1,
        Access::ReadWrite => 2,
        _ => return None,
    };
    let same = of.register.fields().all(|field| field.access() == of.register.access());
    let wrong = words[(own + 1 + rng.below(2)) % 3];
    same.then(|| Spoilt::new(words[own], wrong, words[own]))
}

fn interrupt(facts: &Facts<'_>, rng: &mut Rng, _: &Subject<'_>) -> Option<Spoilt> {
    let (name, number) = facts.interrupt(rng)?;
    let wrong = number + 1 + rng.below(9) as u32;
    let right = number.to_string();
    let spoilt = Spoilt::new(right.clone(), wrong.to_string(), right);
    Some(Spoilt { of: name.to_owned(), ..spoilt })
}

fn value(_: &Facts<'_>, rng: &mut Rng, of: &Subject<'_>) -> Option<Spoilt> {
    let field = distinct_field(of)?;
    let value = value_of(rng, field)?;
    let most = field.mask() >> field.lsb();
    let wrong = (value.value? + 1 + rng.below(6) as u64) & most;
    let word =
        value.name.len() > 2 && field.enums().filter(|v| v.value == value.value).count() == 1;
    let right = value.value?.to_string();
    (word && wrong != value.value?).then(|| Spoilt {
        of: value.name.to_owned(),
        ..Spoilt::new(right.clone(), wrong.to_string(), "")
    })
}
