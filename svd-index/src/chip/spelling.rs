//! Other spellings of a name, each closer to what an SVD would have.
//!
//! A rule takes one spelling and gives those that it could stand for; the rules run in order, each
//! on all that came before, and the first spelling that finds anything stands (see
//! [`Chip::find`]). What a rule goes by is read off the SVD where it can be: a peripheral's kind,
//! its registers' names. The rest is data, in [`super::conventions`].

use super::conventions::{
    CHANNEL_TYPES, CLOCK_MACROS, ELEMENTS, HANDLES, NAME_ENDINGS, NOISE, PERIPHERAL_ENDINGS,
    VENDOR_PREFIXES,
};
use super::pattern::{Glue, Matcher};
use super::scan::{Lead, Reading, families};
use super::{Chip, PeripheralRef, array};

/// Parts before a peripheral's name that may be dropped: `cx.device.USART2`.
const MAX_RECEIVERS: usize = 3;

/// What a spelling may find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    Anything,
    Registers,
    Fields,
    /// One register or one field.
    One,
    /// Fields that at least three registers of each peripheral have.
    FieldsOfArrays,
}

/// How far a spelling may be from a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Any,
    /// It names the peripheral or its kind.
    HasLead,
    /// It is a path, but for its wildcards.
    Path,
}

/// One way to write what a query may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spelling {
    /// Braces are sets.
    pub(super) text: String,
    pub(super) form: Form,
    pub(super) only: Only,
}

impl Spelling {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), form: Form::Any, only: Only::Anything }
    }

    fn with(&self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self.clone() }
    }

    /// The part before the first `.`, and what follows.
    fn split(&self) -> Option<(&str, &str)> {
        self.text.split_once('.')
    }
}

/// A rule: what else `spelling` could be.
pub(super) type Rule = fn(&Chip, &Spelling) -> Vec<Spelling>;

/// In the order in which they are tried.
pub(super) const RULES: [Rule; 11] = [
    without_endings,
    without_noise,
    without_prefix,
    of_handle,
    of_clock_macro,
    of_channel_type,
    without_repeated_kind,
    with_shared_prefix,
    from_array,
    with_whole_cluster,
    with_any_number,
];

/// `UART_UARTIBRD_BITS`, `uart0_hw.ibrd`, `UART0_BASE.UART_UARTIBRD_OFFSET`.
fn without_endings(_: &Chip, spelling: &Spelling) -> Vec<Spelling> {
    let Some((first, rest)) = spelling.split() else {
        let name = without_ending(&spelling.text, &NAME_ENDINGS, true);
        let peripheral = without_ending(&spelling.text, &PERIPHERAL_ENDINGS, true);
        return [name, peripheral].into_iter().flatten().map(|text| spelling.with(text)).collect();
    };
    let bare_first = without_ending(first, &PERIPHERAL_ENDINGS, false);
    let bare_rest = without_ending(rest, &NAME_ENDINGS, false);
    let texts = [
        bare_first.map(|first| format!("{first}.{rest}")),
        bare_rest.map(|rest| format!("{first}.{rest}")),
        bare_first.zip(bare_rest).map(|(first, rest)| format!("{first}.{rest}")),
    ];
    texts.into_iter().flatten().map(|text| spelling.with(text)).collect()
}

fn without_ending<'t>(text: &'t str, endings: &[&str], is_macro: bool) -> Option<&'t str> {
    endings.iter().find_map(|ending| {
        let place = text.len().checked_sub(ending.len()).filter(|place| *place > 0)?;
        let (stem, end) = text.split_at_checked(place)?;
        let is_short = ending.len() == 2;
        let is_it =
            if is_short { is_macro && end == *ending } else { end.eq_ignore_ascii_case(ending) };
        is_it.then_some(stem)
    })
}

/// `PORT.GROUP[0].DIRSET.reg`, `pac.USART2.ptr`.
fn without_noise(_: &Chip, spelling: &Spelling) -> Vec<Spelling> {
    let segments: Vec<&str> = spelling.text.split('.').collect();
    let last = segments.len() - 1;
    let without = |keep_last: bool| -> Spelling {
        let kept = segments.iter().enumerate().filter(|(place, segment)| {
            *place == 0 || (keep_last && *place == last) || !NOISE.contains(segment)
        });
        spelling.with(kept.map(|(_, segment)| *segment).collect::<Vec<_>>().join("."))
    };
    if segments.len() < 2 { Vec::new() } else { vec![without(true), without(false)] }
}

/// `dp.USART2.BRR`, `NRF_UART0.BAUDRATE`, `REG_SERCOM0_USART_BAUD`.
///
/// A peripheral's name is no prefix.
fn without_prefix(chip: &Chip, spelling: &Spelling) -> Vec<Spelling> {
    let mut found = Vec::new();
    let mut rest = spelling.text.as_str();
    for _ in 0..=MAX_RECEIVERS {
        let prefix = VENDOR_PREFIXES.iter().find_map(|prefix| {
            let (start, bare) = rest.split_at_checked(prefix.len())?;
            start.eq_ignore_ascii_case(prefix).then_some(bare)
        });
        found.extend(prefix.map(|bare| Spelling { form: Form::HasLead, ..spelling.with(bare) }));
        let Some((receiver, after)) = rest.split_once('.') else {
            break;
        };
        let bare = without_ending(receiver, &PERIPHERAL_ENDINGS, false).unwrap_or(receiver);
        if named(chip, bare).next().is_some() {
            break;
        }
        rest = after;
        if found.len() < 2 * MAX_RECEIVERS {
            found.push(Spelling { form: Form::HasLead, ..spelling.with(rest) });
        }
    }
    found
}

/// `huart2.Instance.BRR`.
fn of_handle(_: &Chip, spelling: &Spelling) -> Vec<Spelling> {
    let mut segments = spelling.text.splitn(3, '.');
    let (Some(handle), Some("Instance"), rest) =
        (segments.next(), segments.next(), segments.next())
    else {
        return Vec::new();
    };
    let bare = handle.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &handle[bare.len()..];
    let kinds = HANDLES.iter().find(|(name, _)| *name == bare).map(|(_, kinds)| *kinds);
    if number.is_empty() {
        return Vec::new();
    }
    let rest = rest.map(|rest| format!(".{rest}")).unwrap_or_default();
    let texts = kinds.unwrap_or_default().iter().map(|kind| format!("{kind}{number}{rest}"));
    texts.map(|text| Spelling { form: Form::HasLead, ..spelling.with(text) }).collect()
}

/// `__HAL_RCC_USART2_CLK_ENABLE`.
fn of_clock_macro(_: &Chip, spelling: &Spelling) -> Vec<Spelling> {
    let text = spelling.text.as_str();
    let fields = CLOCK_MACROS.iter().filter_map(|(start, before, after, bit)| {
        let (_, name) = text.starts_with(start).then(|| text.split_once(before))??;
        let name = name.strip_suffix(after)?;
        Some(format!("RCC.*.{name}{bit}"))
    });
    fields.map(|text| Spelling { text, form: Form::Path, only: Only::One }).collect()
}

/// `DMA1_Stream5.CR`, `GPIOA.AFR[1]`.
fn of_channel_type(_: &Chip, spelling: &Spelling) -> Vec<Spelling> {
    let Some((first, rest)) = spelling.split() else {
        return Vec::new();
    };
    let channel = |(kind, form): &(&str, &str)| {
        let (peripheral, number) = first.split_once(kind)?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let name = form.replace("{n}", number).replace("{r}", rest);
        is_number.then(|| spelling.with(format!("{peripheral}.{name}")))
    };
    let element = |(element, name): &(&str, &str)| {
        let after = rest.strip_prefix(element)?;
        Some(spelling.with(format!("{first}.{name}{after}")))
    };
    let channels = CHANNEL_TYPES.iter().filter_map(channel);
    channels.chain(ELEMENTS.iter().filter_map(element)).collect()
}

/// `USART2.USART_BRR`, `SERCOM0.USART_INT.SERCOM_BAUD`: the kind is said again.
fn without_repeated_kind(chip: &Chip, spelling: &Spelling) -> Vec<Spelling> {
    let mut found = Vec::new();
    let Some((first, rest)) = spelling.split() else {
        return found;
    };
    for peripheral in named(chip, first) {
        let mut kinds = families(&peripheral);
        kinds.push(peripheral.name());
        for kind in kinds {
            let bare = |segment: &str| {
                let (start, bare) = segment.split_at_checked(kind.len())?;
                let bare = bare.strip_prefix('_').filter(|bare| !bare.is_empty())?;
                start.eq_ignore_ascii_case(kind).then(|| bare.to_owned())
            };
            if rest.split('.').any(|segment| bare(segment).is_some()) {
                let rest = rest.split('.').map(|s| bare(s).unwrap_or_else(|| s.to_owned()));
                let rest: Vec<String> = rest.collect();
                found.push(spelling.with(format!("{first}.{}", rest.join("."))));
            }
        }
    }
    found
}

/// `uart0.ibrd`, where every register of UART0 begins with `UART`.
fn with_shared_prefix(chip: &Chip, spelling: &Spelling) -> Vec<Spelling> {
    let Some((first, rest)) = spelling.split() else {
        return Vec::new();
    };
    let texts = named(chip, first).filter_map(|peripheral| {
        Some(format!("{}.{}{rest}", peripheral.name(), shared_prefix(&peripheral)?))
    });
    texts.map(|text| spelling.with(text)).collect()
}

/// What the names of all registers of a peripheral begin with: at least two characters, of at
/// least three registers.
fn shared_prefix<'a>(peripheral: &PeripheralRef<'a>) -> Option<&'a str> {
    let mut names = peripheral.registers().map(|register| register.name_template());
    let mut prefix = names.next()?;
    let mut count = 1;
    for name in names {
        let same = prefix.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        prefix = prefix.get(..same)?;
        count += 1;
    }
    let is_plain = prefix.bytes().all(|byte| byte.is_ascii_graphic());
    Some(prefix).filter(|prefix| prefix.len() >= 2 && count >= 3 && is_plain)
}

/// C's arrays of structures, which the SVD has as single registers: `PIT.CHANNEL[0].LDVAL` is
/// `LDVAL0`, `FTM0.CONTROLS[2].CnSC` is `C2SC`, `IO_BANK0.io[25].ctrl` is `GPIO25_CTRL`; and
/// arrays whose elements have letters: `ADC0.SC1[0]` is `SC1A`.
fn from_array(chip: &Chip, spelling: &Spelling) -> Vec<Spelling> {
    let Some((lead, (array, index), rest)) = in_array(&spelling.text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let first = named(chip, lead).next().map_or(lead, |peripheral| peripheral.name());
    if let Some(rest) = rest {
        let (register, field) = rest.split_once('.').unwrap_or((rest, ""));
        let dot = if field.is_empty() { "" } else { "." };
        found.push(spelling.with(format!("{first}.{register}{index}{dot}{field}")));
        let numbered = register.replace(['n', 'x'], &index.to_string());
        found.push(spelling.with(format!("{first}.{numbered}{dot}{field}")));
    }
    let tail = rest.map(|rest| format!("_{rest}")).unwrap_or_default();
    let element = |index: u64| format!("{first}.*{array}{index}{tail}");
    let exists = |index: u64| {
        !chip.scan(&element(index), Reading::new(Lead::Peripheral, Glue::Strict)).is_empty()
    };
    if array.len() >= 2 && exists(index) && exists(0) && exists(1) {
        let only = Only::One;
        found.push(Spelling { form: Form::Path, only, ..spelling.with(element(index)) });
    }
    let rest = rest.map(|rest| format!(".{rest}")).unwrap_or_default();
    for name in named(chip, first).flat_map(|peripheral| lettered(&peripheral, array, index)) {
        found.push(spelling.with(format!("{first}.{name}{rest}")));
    }
    found
}

/// `P.X[3].R` as `P`, (`X`, 3) and `R`.
fn in_array(text: &str) -> Option<(&str, (&str, u64), Option<&str>)> {
    let (first, rest) = text.split_once('.')?;
    let (array, after) = rest.split_once('[')?;
    let (index, rest) = after.split_once(']')?;
    let rest = rest.strip_prefix('.').filter(|rest| !rest.is_empty());
    (!array.contains('.')).then_some((first, (array, index.parse().ok()?), rest))
}

/// The element of an array named `array` whose index texts are no numbers: `SC1A`.
fn lettered(peripheral: &PeripheralRef<'_>, array: &str, index: u64) -> Option<String> {
    peripheral.registers().find_map(|register| {
        let stem = register.name_template().strip_suffix(array::is_placeholder)?;
        let [dim] = register.dims() else {
            return None;
        };
        let is_it = stem.eq_ignore_ascii_case(array) && dim.names.count != 0;
        let index = u32::try_from(index).ok().filter(|index| *index < dim.count)?;
        is_it.then(|| format!("{stem}{}", array::index_name(register.chip, dim, index)))
    })
}

/// `SERCOM0.USART.BAUD` and `SERCOM_USART_CTRLA_ENABLE`, where the cluster is `USART_INT`.
fn with_whole_cluster(chip: &Chip, spelling: &Spelling) -> Vec<Spelling> {
    let segments: Vec<&str> = spelling.text.split('.').collect();
    match segments.as_slice() {
        [peripheral, cluster, rest @ ..] if !rest.is_empty() => {
            let text = format!("{peripheral}.{cluster}_*.{}", rest.join("."));
            vec![Spelling { form: Form::Path, ..spelling.with(text) }]
        }
        [name] => joined_cluster(chip, spelling, name),
        _ => Vec::new(),
    }
}

fn joined_cluster(chip: &Chip, spelling: &Spelling, name: &str) -> Vec<Spelling> {
    let Some((lead, (cluster, rest))) =
        name.split_once('_').and_then(|(lead, rest)| Some((lead, rest.split_once('_')?)))
    else {
        return Vec::new();
    };
    let is_of = |peripheral: &PeripheralRef<'_>| {
        let is = |kind: &&str| kind.eq_ignore_ascii_case(lead);
        is(&peripheral.name()) || families(peripheral).iter().any(is)
    };
    let peripherals: Vec<&str> =
        chip.peripherals().filter(is_of).map(|peripheral| peripheral.name()).collect();
    if peripherals.is_empty() {
        return Vec::new();
    }
    let peripherals = peripherals.join(",");
    let splits = rest.match_indices('_').map(|(place, _)| (&rest[..place], &rest[place + 1..]));
    let with_field = splits.map(|(register, field)| format!("{register}.{field}"));
    std::iter::once(rest.to_owned())
        .chain(with_field)
        .map(|rest| format!("{{{peripherals}}}.{cluster}_*.{rest}"))
        .map(|text| Spelling { form: Form::Path, ..spelling.with(text) })
        .collect()
}

/// `DMA_SxCR_EN`, `FTM_CnSC_CHIE`: a small letter for any number; `PORT_PCR_MUX`: the number of
/// an array's element left out.
fn with_any_number(_: &Chip, spelling: &Spelling) -> Vec<Spelling> {
    let text = spelling.text.as_str();
    if text.contains(['.', '[']) || !text.contains('_') {
        return Vec::new();
    }
    let digits = |one: String, two: String| spelling.with(format!("{{{one},{two}}}"));
    let capitals = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let placeholder = text.bytes().all(|b| !b.is_ascii_lowercase() || matches!(b, b'n' | b'x'));
    if placeholder && !capitals {
        return vec![digits(text.replace(['n', 'x'], "?"), text.replace(['n', 'x'], "??"))];
    }
    if !capitals {
        return Vec::new();
    }
    let places = text.match_indices('_').skip(1).map(|(place, _)| text.split_at(place));
    places
        .map(|(head, tail)| Spelling {
            only: Only::FieldsOfArrays,
            ..digits(format!("{head}?{tail}"), format!("{head}??{tail}"))
        })
        .collect()
}

/// What a call with one argument could be: `USART_BAUD(USART0)`, `UART_CLKDIV_REG(0)`,
/// `LPUART_BAUD_SBR(26)`; `pattern` has a number as its index.
pub(super) fn of_call(chip: &Chip, pattern: &str, argument: &str) -> Vec<Spelling> {
    if named(chip, argument).next().is_some() {
        return vec![Spelling::new(format!("{argument}.{pattern}"))];
    }
    let kind = argument.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_of_kind = |peripheral: PeripheralRef<'_>| families(&peripheral).contains(&kind);
    if kind != argument && chip.peripherals().any(is_of_kind) {
        // `USART_BAUD(USART9)`: an instance that the chip lacks.
        return Vec::new();
    }
    let mut found = vec![Spelling::new(pattern)];
    let Some((function, _)) = pattern.split_once('[') else {
        return found;
    };
    let is_instance = |peripheral: &PeripheralRef<'_>| {
        let kind = peripheral.name().strip_suffix(argument);
        kind.is_some_and(|kind| {
            !kind.ends_with(|c: char| c.is_ascii_digit())
                && function.get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind))
        })
    };
    let instances = chip.peripherals().filter(is_instance);
    found.extend(instances.map(|peripheral| Spelling {
        only: Only::Registers,
        ..Spelling::new(format!("{}.{function}", peripheral.name()))
    }));
    if without_ending(function, &["_REG"], true).is_none() {
        found.push(Spelling { only: Only::Fields, ..Spelling::new(function) });
    }
    found
}

/// The peripherals of this name, whatever its case and underscores (`iobank0` is IO_BANK0).
fn named<'a>(chip: &'a Chip, name: &str) -> impl Iterator<Item = PeripheralRef<'a>> {
    let matcher = Matcher { chip, dims: &[], glue: Glue::Loose };
    let is_plain = !name.is_empty() && !name.contains(['*', '?']);
    chip.peripherals().filter(move |peripheral| {
        is_plain && matcher.equals(name.as_bytes(), peripheral.name().as_bytes())
    })
}
