//! Expressions that select tests, in nextest's manner: `test(uart) & not target(boot)`.

use crate::exit::{Exit, Failure};

/// A parsed expression.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    All,
    Is(Subject, Pattern),
    Not(Box<Filter>),
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Subject {
    Test,
    Target,
    Tag,
}

#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Exactly(String),
    Part(String),
    Regex(regex::Regex),
}

impl Pattern {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Exactly(name) => text == name,
            Self::Part(part) => text.contains(part.as_str()),
            Self::Regex(pattern) => pattern.is_match(text),
        }
    }
}

impl Filter {
    /// # Errors
    /// Where the expression stops making sense.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let mut parser = Parser { rest: text };
        let filter = parser.either().and_then(|filter| match parser.rest.trim() {
            "" => Ok(filter),
            rest => Err(format!("`{rest}` is left over")),
        });
        filter.map_err(|why| {
            Failure::new(Exit::Usage, format!("`{text}` selects no tests: {why}"))
                .detail("there are test(…), target(…), tag(…), all(), not, &, | and parentheses")
                .hint("a pattern is a part of the name, `=name`, or `/regex/`")
        })
    }

    pub(super) fn selects(&self, test: &str, target: &str, tags: &[String]) -> bool {
        match self {
            Self::All => true,
            Self::Is(Subject::Test, pattern) => {
                // A test is known with and without its target.
                pattern.fits(test)
                    || test.split_once("::").is_some_and(|(_, own)| pattern.fits(own))
            }
            Self::Is(Subject::Target, pattern) => pattern.fits(target),
            Self::Is(Subject::Tag, pattern) => tags.iter().any(|tag| pattern.fits(tag)),
            Self::Not(inner) => !inner.selects(test, target, tags),
            Self::And(a, b) => a.selects(test, target, tags) && b.selects(test, target, tags),
            Self::Or(a, b) => a.selects(test, target, tags) || b.selects(test, target, tags),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        let Some(after) = rest.strip_prefix(token) else { return false };
        // A word ends where the next character is none of its own.
        let is_word = token.ends_with(|c: char| c.is_ascii_alphabetic());
        if is_word && after.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return false;
        }
        self.rest = after;
        true
    }

    fn either(&mut self) -> Result<Filter, String> {
        let mut left = self.both()?;
        while self.take("|") || self.take("or") || self.take("+") {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Filter, String> {
        let mut left = self.one()?;
        while self.take("&") || self.take("and") {
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Filter, String> {
        if self.take("not") || self.take("!") {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        if self.take("(") {
            let inner = self.either()?;
            return match self.take(")") {
                true => Ok(inner),
                false => Err("a `)` is missing".to_owned()),
            };
        }
        for (name, subject) in
            [("test", Subject::Test), ("target", Subject::Target), ("tag", Subject::Tag)]
        {
            if self.take(name) {
                return Ok(Filter::Is(subject, self.pattern()?));
            }
        }
        match self.take("all()") {
            true => Ok(Filter::All),
            false => Err(format!("`{}` is not known", self.rest.trim())),
        }
    }

    fn pattern(&mut self) -> Result<Pattern, String> {
        let missing = || "a pattern in parentheses is missing".to_owned();
        let inner = self.rest.trim_start().strip_prefix('(').ok_or_else(missing)?;
        if let Some(pattern) = inner.trim_start().strip_prefix('/') {
            let (pattern, rest) = pattern.split_once("/)").ok_or_else(missing)?;
            self.rest = rest;
            return regex::Regex::new(pattern).map(Pattern::Regex).map_err(|why| why.to_string());
        }
        let (text, rest) = inner.split_once(')').ok_or_else(missing)?;
        self.rest = rest;
        let text = text.trim();
        Ok(match (text.strip_prefix('='), text.strip_prefix('~')) {
            (Some(name), _) => Pattern::Exactly(name.to_owned()),
            (None, Some(part)) => Pattern::Part(part.to_owned()),
            (None, None) => Pattern::Part(text.to_owned()),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn expressions_select() {
        let check = |expression: &str, expected: bool| {
            let filter = Filter::parse(expression).unwrap();
            let tags = ["arm".to_owned()];
            assert_eq!(
                filter.selects("radio::tests::joins", "radio", &tags),
                expected,
                "{expression}"
            );
        };
        check("test(join)", true);
        check("test(=tests::joins)", true);
        check("test(=joins)", false);
        check("test(/^tests::j.*s$/)", true);
        check("target(=radio) & not tag(arm)", false);
        check("target(boot) | tag(arm)", true);
        check("not (target(boot) or test(x))", true);
        check("all()", true);
        for bad in ["", "test", "test(x", "tests(x)", "test(x) y", "test(/(/)", "(test(x)"] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }
}
