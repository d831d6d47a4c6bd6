//! Names as small numbers, so that what is kept for each is cheap to find.

use std::collections::HashMap;

/// More names than this share the last one: a client that makes up a new one
/// each time must not fill the memory.
const MOST: usize = 10_000;

/// What the names beyond [`MOST`] are called.
const OTHERS: &str = "(others)";

/// Names in the order of their first mention.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    known: HashMap<String, usize>,
    names: Vec<String>,
}

impl Names {
    /// The number of `name`, a new one if need be.
    pub(super) fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.known.get(name) {
            return *number;
        }
        if self.names.len() > MOST {
            return self.names.len() - 1;
        }
        let name = if self.names.len() == MOST { OTHERS } else { name };
        let number = self.names.len();
        self.names.push(name.to_owned());
        self.known.insert(name.to_owned(), number);
        number
    }

    /// The name with this number.
    pub(super) fn name(&self, number: usize) -> &str {
        self.names.get(number).map_or("", String::as_str)
    }
}
