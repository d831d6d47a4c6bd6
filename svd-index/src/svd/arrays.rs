//! Names and dimensions of arrays, kept symbolic.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::tree::{Dim, EnumValue};

/// Longer lists of names are not kept; those of a vendor have at most a few hundred.
const MAX_NAMES: usize = 1 << 16;

/// An array's declaration, resolved over a chain of derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Array {
    pub(super) count: u32,
    pub(super) increment: u64,
    pub(super) index: Index,
}

/// Texts that stand for `%s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Index {
    /// Numbers from this one on.
    From(u32),
    /// One text for each element.
    Names(Vec<String>),
}

impl Array {
    /// True if an element has this index text.
    pub(super) fn has_text(&self, text: &str) -> bool {
        match &self.index {
            Index::From(first) => {
                let number = text.parse::<u32>().ok().filter(|number| number.to_string() == text);
                let place = number.and_then(|number| number.checked_sub(*first));
                place.is_some_and(|place| place < self.count)
            }
            Index::Names(names) => names.iter().any(|name| name == text),
        }
    }

    /// The index text of element `n`.
    pub(super) fn text(&self, n: u32) -> String {
        match &self.index {
            Index::From(first) => (u64::from(*first) + u64::from(n)).to_string(),
            Index::Names(names) => names.get(n as usize).cloned().unwrap_or_default(),
        }
    }
}

/// The array that `dims` declare, the element's own first; an inherited one counts only where
/// the `name` has a placeholder. The text says what is odd.
pub(super) fn resolve<'d>(
    name: &str,
    dims: impl Iterator<Item = Option<&'d Dim<'d>>> + Clone,
) -> (Option<Array>, Option<String>) {
    let own = dims.clone().next().flatten().and_then(|dim| dim.count);
    let dims = dims.flatten();
    let inherited = || dims.clone().find_map(|dim| dim.count);
    let has_placeholder = has_placeholder(name);
    let Some(count) = own.or_else(|| has_placeholder.then(inherited).flatten()) else {
        let odd = has_placeholder.then(|| "`%s` in the name of no array".to_owned());
        return (None, odd);
    };
    let same = || dims.clone().filter(move |dim| dim.count.is_none_or(|other| other == count));
    let Some(increment) = same().find_map(|dim| dim.increment) else {
        return (None, Some("an array without `dimIncrement`".into()));
    };
    let mut odd = (!has_placeholder).then(|| "an array without `%s` in its name".to_owned());
    let written = same().find_map(|dim| dim.index);
    let named = same().map(|dim| dim.array_index).find(|names| !names.is_empty());
    let index = match written.map(|text| parse_index(text, count)) {
        None => named.and_then(|names| array_index(names, count)).unwrap_or(Index::From(0)),
        Some(Some(index)) => index,
        Some(None) => {
            odd = Some(format!(
                "`dimIndex` `{}` does not give {count} names",
                written.unwrap_or_default()
            ));
            Index::From(0)
        }
    };
    let array = Array { count, increment, index };
    (Some(array), odd)
}

/// Puts `placeholder` where the name has `%s`; an array's name without one gets `[…]`. What is no
/// array loses `[%s]` and keeps a bare `%s` as written: nobody knows what it stands for.
pub(super) fn template(name: &str, placeholder: Option<char>) -> Cow<'_, str> {
    match placeholder {
        None if !has_placeholder(name) => Cow::Borrowed(name),
        None => Cow::Owned(name.replace("[%s]", "")),
        Some(placeholder) if has_placeholder(name) => {
            Cow::Owned(name.replace("%s", placeholder.encode_utf8(&mut [0; 4])))
        }
        Some(placeholder) => Cow::Owned(format!("{name}[{placeholder}]")),
    }
}

/// True if an index stands in `name`.
pub(super) fn has_placeholder(name: &str) -> bool {
    memchr::memchr(b'%', name.as_bytes()).is_some_and(|place| name[place..].contains("%s"))
}

/// The numbers below `count`, those named in `names` by their name.
fn array_index(names: &[EnumValue<'_>], count: u32) -> Option<Index> {
    if count as usize > MAX_NAMES {
        return None;
    }
    let mut texts: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    for value in names {
        let number = value.value.and_then(|(number, _)| usize::try_from(number).ok());
        if let Some(text) = number.and_then(|number| texts.get_mut(number)) {
            *text = value.name.to_owned();
        }
    }
    Some(Index::Names(texts))
}

/// Reads `0-31`, `A-D`, `1,2,5`, `0-3,7`; `None` unless it gives exactly `count` names.
fn parse_index(text: &str, count: u32) -> Option<Index> {
    let mut names: Vec<String> = Vec::new();
    let mut parts = text.split(',').map(str::trim);
    if let (Some(only), None) = (parts.next(), parts.next())
        && let Some(range) = number_range(only)
    {
        let len = u64::from(*range.end()) - u64::from(*range.start()) + 1;
        return (len >= u64::from(count)).then_some(Index::From(*range.start()));
    }
    if count as usize > MAX_NAMES {
        return None;
    }
    for part in text.split(',').map(str::trim) {
        let room = count as usize - names.len().min(count as usize);
        if let Some(range) = number_range(part) {
            names.extend(range.take(room).map(|number| number.to_string()));
        } else if let Some(range) = letter_range(part) {
            names.extend(range.take(room).map(|letter| char::from(letter).to_string()));
        } else if room > 0 && !part.is_empty() {
            names.push(part.to_owned());
        }
    }
    (names.len() == count as usize).then(|| as_run(&names).unwrap_or(Index::Names(names)))
}

fn number_range(text: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = text.split_once('-')?;
    let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some(first..=last)
}

fn letter_range(text: &str) -> Option<RangeInclusive<u8>> {
    let (first, last) = text.split_once('-')?;
    let (&[first], &[last]) = (first.trim().as_bytes(), last.trim().as_bytes()) else {
        return None;
    };
    let same_case = first.is_ascii_uppercase() && last.is_ascii_uppercase()
        || first.is_ascii_lowercase() && last.is_ascii_lowercase();
    (same_case && first <= last).then_some(first..=last)
}

/// A list that just counts is a run of numbers.
fn as_run(names: &[String]) -> Option<Index> {
    let first: u32 = names.first()?.parse().ok()?;
    let counts = names
        .iter()
        .enumerate()
        .all(|(n, name)| *name == (u64::from(first) + n as u64).to_string());
    counts.then_some(Index::From(first))
}
