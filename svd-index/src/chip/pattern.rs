//! Compares what a person wrote with a name that may hold array placeholders.
//!
//! Names are compared in any case. [`Glue::Strict`] takes separators as they are;
//! [`Glue::Loose`] sees past `_`, `.`, `-` and brackets on both sides, so that
//! `UART0_BAUDRATE`, `uart0.baudrate` and `PIN_CNF3` find what they mean. `*` and `?` stand for
//! any run and any one character; strictly they do not cross a `.`.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use super::Chip;
use super::array::{MAX_DIMS, index_names, placeholder};
use super::records::DimRecord;

/// How separators count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glue {
    Strict,
    Loose,
}

/// Index chosen in each array; `None` leaves it open.
pub(super) type Chosen = [Option<u32>; MAX_DIMS];

/// Lengths of what is left of a query and of a template where they were found not to fit. With
/// several `*` the same two ends meet in more ways than can be tried.
///
/// A query with `*` is compared with every name of a chip, and nearly all lengths are short: those
/// are bits of a table, not worth an allocation for each name.
#[derive(Default)]
struct Misfits {
    short: [Cell<u32>; SHORT],
    long: RefCell<HashSet<(usize, usize)>>,
}

/// Lengths below this are short: the bits of a number.
const SHORT: usize = 32;

impl Misfits {
    fn has(&self, (query, template): (usize, usize)) -> bool {
        match self.short.get(query).filter(|_| template < SHORT) {
            Some(templates) => templates.get() & (1 << template) != 0,
            None => self.long.borrow().contains(&(query, template)),
        }
    }

    fn insert(&self, (query, template): (usize, usize)) {
        match self.short.get(query).filter(|_| template < SHORT) {
            Some(templates) => templates.set(templates.get() | 1 << template),
            None => drop(self.long.borrow_mut().insert((query, template))),
        }
    }
}

/// What to compare with.
#[derive(Clone, Copy)]
pub(super) struct Matcher<'a> {
    pub(super) chip: &'a Chip,
    pub(super) dims: &'a [DimRecord],
    pub(super) glue: Glue,
}

impl Matcher<'_> {
    /// Tries every way in which the start of `query` is `template`, and calls `then` with what
    /// remains of `query` and the indices chosen, until it says true.
    pub(super) fn starts_with(
        &self,
        query: &[u8],
        template: &[u8],
        chosen: Chosen,
        then: &mut dyn FnMut(&[u8], Chosen) -> bool,
    ) -> bool {
        let stars = query.iter().filter(|&&byte| byte == b'*').count();
        let misfits = (stars > 1).then(Misfits::default);
        self.walk(query, template, chosen, misfits.as_ref(), then)
    }

    /// As [`Self::starts_with`], not trying again what `misfits` knows.
    fn walk(
        &self,
        query: &[u8],
        template: &[u8],
        chosen: Chosen,
        misfits: Option<&Misfits>,
        then: &mut dyn FnMut(&[u8], Chosen) -> bool,
    ) -> bool {
        let ends = (query.len(), template.len());
        if misfits.is_some_and(|misfits| misfits.has(ends)) {
            return false;
        }
        let fits = self.step(query, template, chosen, misfits, then);
        if let Some(misfits) = misfits.filter(|_| !fits) {
            misfits.insert(ends);
        }
        fits
    }

    fn step(
        &self,
        query: &[u8],
        template: &[u8],
        chosen: Chosen,
        misfits: Option<&Misfits>,
        then: &mut dyn FnMut(&[u8], Chosen) -> bool,
    ) -> bool {
        let (query, template) = match self.glue {
            Glue::Strict => (query, template),
            Glue::Loose => (skip_glue(query), skip_glue(template)),
        };
        let Some((&name_byte, template_rest)) = template.split_first() else {
            return then(query, chosen);
        };
        if let Some(place) = placeholder(name_byte) {
            return self.index(query, (place, template_rest), chosen, misfits, then);
        }
        if self.glue == Glue::Strict
            && let Some(rest) = after_bracketed_placeholder(template)
            && query.first() != Some(&b'[')
            && self.walk(query, rest, chosen, misfits, then)
        {
            return true;
        }
        match query.split_first() {
            // A row of them is one.
            Some((b'*', query_rest @ [b'*', ..])) => {
                self.walk(query_rest, template, chosen, misfits, then)
            }
            Some((b'*', query_rest)) => {
                let crosses = self.glue == Glue::Loose || name_byte != b'.';
                self.walk(query_rest, template, chosen, misfits, then)
                    || crosses && self.walk(query, template_rest, chosen, misfits, then)
                    || template_rest.is_empty() && crosses && then(query_rest, chosen)
            }
            Some((b'?', query_rest)) if name_byte != b'.' => {
                self.walk(query_rest, template_rest, chosen, misfits, then)
            }
            Some((byte, query_rest)) if byte.eq_ignore_ascii_case(&name_byte) => {
                self.walk(query_rest, template_rest, chosen, misfits, then)
            }
            _ => false,
        }
    }

    /// True if all of `query` is all of `name`, which has no placeholders.
    pub(super) fn equals(&self, query: &[u8], name: &[u8]) -> bool {
        let chosen = [None; MAX_DIMS];
        self.starts_with(query, name, chosen, &mut |rest, _| self.is_end(rest))
    }

    /// True if nothing, or nothing that counts, is left.
    pub(super) fn is_end(&self, rest: &[u8]) -> bool {
        let rest = match self.glue {
            Glue::Strict => rest,
            Glue::Loose => skip_glue(rest),
        };
        rest.iter().all(|&byte| byte == b'*')
    }

    fn index(
        &self,
        query: &[u8],
        (place, template_rest): (usize, &[u8]),
        mut chosen: Chosen,
        misfits: Option<&Misfits>,
        then: &mut dyn FnMut(&[u8], Chosen) -> bool,
    ) -> bool {
        let Some(dim) = self.dims.get(place) else {
            return false;
        };
        if let Some((b'*', query_rest)) = query.split_first() {
            return self.walk(query_rest, template_rest, chosen, misfits, then);
        }
        let before = chosen;
        for (index, len) in self.index_prefixes(query, dim) {
            chosen[place] = Some(index);
            if self.walk(&query[len..], template_rest, chosen, misfits, then) {
                return true;
            }
        }
        let brackets_follow = template_rest.first() == Some(&b']');
        self.glue == Glue::Loose
            && brackets_follow
            && self.walk(query, template_rest, before, misfits, then)
    }

    /// Index texts that `query` starts with, longest first, and their lengths.
    fn index_prefixes(&self, query: &[u8], dim: &DimRecord) -> Vec<(u32, usize)> {
        if dim.names.count == 0 {
            let digits = query.iter().take_while(|byte| byte.is_ascii_digit()).count();
            return (1..=digits.min(10))
                .rev()
                .filter_map(|len| Some((number_index(&query[..len], dim)?, len)))
                .collect();
        }
        let mut found: Vec<(u32, usize)> = (0..)
            .zip(index_names(self.chip, dim))
            .filter_map(|(index, &name)| {
                let name = self.chip.text(name).as_bytes();
                let start = query.get(..name.len())?;
                (!name.is_empty() && start.eq_ignore_ascii_case(name))
                    .then_some((index, name.len()))
            })
            .collect();
        found.sort_by_key(|&(_, len)| std::cmp::Reverse(len));
        found
    }
}

/// Whether the start of `query` may be `template`, by the first character of each: nearly all names
/// of a chip are told apart by it. No name at all is the start of nothing.
pub(super) fn may_start(query: &[u8], template: &[u8], glue: Glue) -> bool {
    let (query, template) = match glue {
        Glue::Strict => (query, template),
        Glue::Loose => (skip_glue(query), skip_glue(template)),
    };
    let (Some(&asked), Some(&named)) = (query.first(), template.first()) else {
        return false;
    };
    let is_open = |byte: u8| matches!(byte, b'*' | b'?' | b'[') || placeholder(byte).is_some();
    is_open(asked) || is_open(named) || asked.eq_ignore_ascii_case(&named)
}

fn number_index(digits: &[u8], dim: &DimRecord) -> Option<u32> {
    let number: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let index = number.checked_sub(dim.start)?;
    (index < dim.count).then_some(index)
}

/// What follows `[placeholder]` at the start of `template`.
fn after_bracketed_placeholder(template: &[u8]) -> Option<&[u8]> {
    match template {
        [b'[', byte, b']', rest @ ..] if placeholder(*byte).is_some() => Some(rest),
        _ => None,
    }
}

fn skip_glue(mut text: &[u8]) -> &[u8] {
    while let Some((b'_' | b'.' | b'-' | b' ' | b'[' | b']', rest)) = text.split_first() {
        text = rest;
    }
    text
}
