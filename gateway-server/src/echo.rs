//! An answer that goes on at another endpoint: what of it was told already.
//!
//! The text so far is sent as the start of the assistant's turn. Some engines
//! go on right after it, others (llama.cpp) repeat it first. Either way the
//! client gets each word once.

/// Takes repeated text out of the pieces of an answer that goes on.
#[derive(Debug)]
pub(crate) struct Echo {
    /// All that the client has.
    told: String,
    /// How much of it was sent: all but white space at its end, which some
    /// providers refuse there.
    sent: usize,
    /// How much of it has come back.
    matched: usize,
    over: bool,
    /// White space at the end of what was told that the endpoint does not know
    /// of, and may begin with.
    owing: String,
}

impl Echo {
    /// For an answer of which the client has `told`.
    pub(crate) fn new(told: &str) -> Self {
        let sent = told.trim_end().len();
        Self {
            told: told.to_owned(),
            sent,
            matched: 0,
            over: told.is_empty(),
            owing: String::new(),
        }
    }

    /// What is sent as the start of the assistant's turn.
    pub(crate) fn prefix(&self) -> &str {
        &self.told[..self.sent]
    }

    /// What of `text`, and of what was held back before it, is new.
    pub(crate) fn filter(&mut self, text: &str) -> String {
        if self.over {
            return self.without_owed(text);
        }
        let expected = &self.told[self.matched..];
        let pairs = expected.chars().zip(text.chars());
        let same: usize = pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        self.matched += same;
        let rest = &text[same..];
        if rest.is_empty() && self.matched < self.told.len() {
            return String::new();
        }
        self.over = true;
        if self.matched >= self.sent {
            return rest.to_owned();
        }
        self.begun_anew(rest)
    }

    /// What was held back, if the answer ends now.
    pub(crate) fn finish(&mut self) -> String {
        if std::mem::replace(&mut self.over, true) || self.matched >= self.sent {
            return String::new();
        }
        self.begun_anew("")
    }

    /// The start of the answer looked like a repetition and was none: it goes
    /// on right after what was sent.
    fn begun_anew(&mut self, rest: &str) -> String {
        self.owing = self.told[self.sent..].to_owned();
        let text = format!("{}{rest}", &self.told[..self.matched]);
        self.without_owed(&text)
    }

    /// `text` without the white space that the client has already.
    fn without_owed(&mut self, text: &str) -> String {
        if self.owing.is_empty() {
            return text.to_owned();
        }
        let pairs = self.owing.chars().zip(text.chars());
        let same: usize = pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        if same == text.len() {
            self.owing.drain(..same);
        } else {
            self.owing.clear();
        }
        text[same..].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the continuation is cut up, `told` and what comes out is `whole`.
    fn check(told: &str, continuation: &str, whole: &str) {
        let chars: Vec<char> = continuation.chars().collect();
        for size in 1..=chars.len().max(1) {
            let mut echo = Echo::new(told);
            let mut all = told.to_owned();
            for piece in chars.chunks(size) {
                all += &echo.filter(&piece.iter().collect::<String>());
            }
            all += &echo.finish();
            assert_eq!(all, whole, "in pieces of {size}");
        }
    }

    #[test]
    fn each_word_comes_once_whether_or_not_the_start_is_repeated() {
        check("The clock ", "The clock is off.", "The clock is off.");
        check("The clock ", "is off.", "The clock is off.");
        check("The clock", " is off.", "The clock is off.");
        check("The clock", "The clock is off.", "The clock is off.");
        // It goes on with the words it began with.
        check("The clock and ", "The other clock.", "The clock and The other clock.");
        check("Größe ", "Größe größer", "Größe größer");
        check("", "Off.", "Off.");
        check("The clock", "The clock", "The clock");
        check("ab", "a", "aba");
    }

    #[test]
    fn white_space_at_the_end_is_not_sent() {
        assert_eq!(Echo::new("a b \n").prefix(), "a b");
        assert_eq!(Echo::new("").prefix(), "");
        // It comes back as a part of what goes on.
        check("The clock ", " is off.", "The clock is off.");
    }
}
