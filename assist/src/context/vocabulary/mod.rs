//! How people speak of what registers are called: what each kind of peripheral is called by whom,
//! what goes wrong with it, and which registers explain that.
//!
//! General embedded knowledge only: nothing here is about one chip or one bug. A phrase is
//! compared with the question by word stems; a `*` at the end of a word takes any ending; a phrase
//! with a capital letter is compared as it stands, so that `CAN` is not "can". One area has one
//! file, for whoever knows the area to review.

mod analog;
mod core;
mod network;
mod serial;
mod symptoms;
mod system;
mod timing;

pub(crate) use symptoms::SYMPTOMS;

use crate::words;

/// A kind of peripheral.
pub(crate) struct Class {
    /// What people call it, and what drivers for it are called: phrases between commas.
    pub(crate) says: &'static str,
    /// Starts of the names that vendors give its peripherals and those that serve it, between
    /// spaces.
    pub(crate) peripherals: &'static str,
    /// What is asked about it.
    pub(crate) topics: &'static [Topic],
}

/// What is asked about one kind of peripheral, and where the answer stands.
pub(crate) struct Topic {
    /// Any of these phrases in the question, between commas.
    pub(crate) says: &'static str,
    /// Parts that registers play whose names tell it.
    pub(crate) roles: &'static [Role],
    /// Words of names and descriptions of its registers and fields, between spaces.
    pub(crate) words: &'static str,
}

const fn topic(says: &'static str, roles: &'static [Role], words: &'static str) -> Topic {
    Topic { says, roles, words }
}

/// The part that a register plays in its peripheral.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Switches on, starts, stops.
    Control,
    /// Says how.
    Mode,
    /// Says what happened.
    Status,
    /// Lets events interrupt.
    Interrupt,
    /// Takes flags back.
    Clear,
    /// Divides a clock, counts a period.
    Rate,
    /// Holds what is transferred or counted.
    Data,
}

impl Class {
    /// Starts of peripheral names, see [`names`].
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.peripherals.split(' ')
    }
}

/// Whether a peripheral's name starts as `start` says: with its letters, then anything; after two
/// letters or fewer, or where it ends in `$`, nothing but the number or letter of an instance.
/// Gives what follows the letters.
pub(crate) fn names<'n>(start: &str, name: &'n str) -> Option<&'n str> {
    let letters = start.trim_end_matches('$');
    let rest = name.strip_prefix(letters)?;
    let whole = letters.len() < start.len() || letters.len() <= 2;
    (!whole || is_instance(rest)).then_some(rest)
}

/// Whether what follows the letters of a peripheral's name only tells it from its siblings.
pub(crate) fn is_instance(rest: &str) -> bool {
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    after.is_empty() || after.len() == 1 || (after.starts_with('_') && !rest.is_empty())
}

/// Every kind of peripheral.
pub(crate) fn classes() -> impl Iterator<Item = &'static Class> {
    let outside = [serial::CLASSES, network::CLASSES, analog::CLASSES];
    let inside = [timing::CLASSES, system::CLASSES, core::CLASSES];
    outside.into_iter().chain(inside).flatten()
}

/// The words of a question as phrases are compared with them.
pub(crate) struct Heard {
    raw: Vec<String>,
    lower: Vec<String>,
    stems: Vec<String>,
}

impl Heard {
    /// Words as the text has them, and as the names of drivers are made of them.
    pub(crate) fn of(text: &str) -> Self {
        let raw: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        let lower: Vec<String> = raw.iter().map(|word| word.to_lowercase()).collect();
        let stems = lower.iter().map(|word| words::stem(word)).collect();
        Self { raw, lower, stems }
    }

    /// Words, lower-case.
    pub(crate) fn words(&self) -> &[String] {
        &self.lower
    }

    /// Whether one of the phrases stands in the text.
    pub(crate) fn says(&self, phrases: &str) -> bool {
        phrases.split(", ").any(|phrase| self.has(phrase))
    }

    fn has(&self, phrase: &str) -> bool {
        if phrase.bytes().any(|b| b.is_ascii_uppercase()) {
            return self.raw.iter().any(|word| word == phrase);
        }
        let parts = || phrase.split([' ', '\'']);
        let fits = |at: usize, part: &str| match part.strip_suffix('*') {
            Some(start) => self.lower[at].starts_with(start),
            // A stem keeps the first letter, which tells most words apart.
            None if self.lower[at].as_bytes().first() != part.as_bytes().first() => false,
            None => self.lower[at] == part || self.stems[at] == words::stem(part),
        };
        let length = parts().count();
        (0..(self.lower.len() + 1).saturating_sub(length))
            .any(|start| parts().enumerate().all(|(nth, part)| fits(start + nth, part)))
    }
}

/// Whether a name is that of a kind of peripheral, with or without a number: `USART1`, `RCC`.
pub(crate) fn is_kind_of_peripheral(name: &str) -> bool {
    let kind = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_uppercase();
    classes().any(|class| class.names().any(|name| name == kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_heard_whatever_its_ending_and_not_in_another_word() {
        let check = |text: &str, phrase: &str, heard: bool| {
            assert_eq!(Heard::of(text).says(phrase), heard, "{text}: {phrase}");
        };
        check("it stopped receiving", "stop", true);
        check("overruns occur", "overrun*", true);
        check("HAL_UART_Receive_IT fails", "uart*", true);
        check("the clock trees", "clock tree", true);
        check("the tree of clocks", "clock tree", false);
        check("it is spiky", "spi", false);
        check("how can I read it", "CAN", false);
        check("CAN frames are lost", "CAN", true);
        check("", "clock tree", false);
    }

    #[test]
    fn phrases_and_words_are_spelled_as_they_are_compared() {
        for class in classes() {
            assert!(!class.says.is_empty() && !class.peripherals.is_empty());
            for name in class.names() {
                assert_eq!(name, name.to_ascii_uppercase());
                assert!(!name.trim_end_matches('$').is_empty());
            }
            for word in class.topics.iter().flat_map(|topic| topic.words.split(' ')) {
                let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
                assert!(word.len() > 1 && word.bytes().all(plain), "{word}");
                assert!(!words::is_stop(word), "{word} stands in too many texts");
            }
        }
    }
}
