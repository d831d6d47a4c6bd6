//! Walks XML element by element, in one pass, and survives its breaking off.
//!
//! Reading an SVD is going through a few megabytes of tags around a few bytes each, so this is
//! no general XML reader: it checks that elements nest and nothing more, resolves no entity but
//! XML's own five, and gives texts as they stand in the source wherever they can stay as they
//! are.

use bumpalo::Bump;
use memchr::{memchr, memchr3};

use self::bytes::{line_breaks, open_angle, plain_name, text_run};
use super::bounds::MAX_DEPTH;

/// Bytes of a reference after its `&`: the longest, `#x10FFFF;`, and some zeros.
const MAX_REFERENCE: usize = 16;

/// A position in the document.
///
/// [`Self::child`] gives one child after the other; each is to be used up by reading its
/// children, its [`Self::text`], or [`Self::skip`]. Where the document ends early or is ill-formed,
/// every element open there simply ends, and [`Self::broken`] tells.
pub(super) struct Xml<'a> {
    source: &'a str,
    /// Where texts live that are not in the source as they should be read.
    texts: &'a Bump,
    /// The first byte that is not read yet.
    at: usize,
    /// Names of the elements around `at`, with prefixes.
    open: Vec<&'a str>,
    /// The innermost of them is an empty-element tag, `<a/>`: it has no end tag of its own.
    is_empty_element: bool,
    line: u32,
    counted_to: usize,
    broken: Option<Broken>,
}

/// Where and why reading ended early.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    pub(super) line: u32,
    pub(super) why: String,
}

/// The beginning of an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'a> {
    name: &'a str,
    attributes: &'a str,
    texts: &'a Bump,
}

enum Tag<'a> {
    Start(Start<'a>),
    End,
}

impl<'a> Xml<'a> {
    pub(super) fn new(source: &'a str, texts: &'a Bump) -> Self {
        Self {
            source,
            texts,
            at: 0,
            open: Vec::new(),
            is_empty_element: false,
            line: 1,
            counted_to: 0,
            broken: None,
        }
    }

    /// Set once the document has broken off.
    pub(super) fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// The line read last, from 1.
    pub(super) fn line(&mut self) -> u32 {
        let passed = &self.source.as_bytes()[self.counted_to..self.at];
        let lines = line_breaks(passed);
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.counted_to = self.at;
        self.line
    }

    /// The next child of the element being read; `None` at its end, which is then used up.
    pub(super) fn child(&mut self) -> Option<Start<'a>> {
        match self.next_tag()? {
            Tag::Start(start) => Some(start),
            Tag::End => None,
        }
    }

    /// The element's text, blanks trimmed and runs with a line break made one blank; children
    /// are passed over.
    pub(super) fn text(&mut self) -> &'a str {
        if self.is_empty_element || self.broken.is_some() {
            self.next_tag();
            return "";
        }
        let from = self.at;
        let Some(run) = text_run(&self.source.as_bytes()[from..]) else {
            self.break_off_at_end();
            return "";
        };
        self.at += run.len;
        let raw = &self.source[from..self.at];
        let is_whole = self.source.as_bytes().get(self.at + 1) == Some(&b'/');
        if is_whole && !run.has_reference && !run.has_break {
            self.end_tag();
            return trim(raw);
        }
        let text = self.read(raw);
        if is_whole {
            self.end_tag();
            return self.tidy(text);
        }
        let mut parts = String::from(text);
        self.more_text(&mut parts);
        self.tidy(self.texts.alloc_str(&parts))
    }

    /// Passes over the rest of the element.
    pub(super) fn skip(&mut self) {
        let outside = self.open.len().saturating_sub(1);
        while self.open.len() > outside && self.next_tag().is_some() {}
    }

    /// Reads an element's text from where it is interrupted: by a child, a comment, a CDATA
    /// section.
    fn more_text(&mut self, text: &mut String) {
        loop {
            let rest = &self.source[self.at..];
            if let Some(data) = rest.strip_prefix("<![CDATA[") {
                let Some(len) = data.find("]]>") else {
                    return self.break_off_at_end();
                };
                text.push_str(&data[..len]);
                self.at = self.source.len() - data.len() + len + "]]>".len();
            } else if rest.starts_with("<!") || rest.starts_with("<?") {
                if self.pass_markup().is_none() {
                    return;
                }
            } else {
                match self.next_tag() {
                    Some(Tag::Start(_)) => self.skip(),
                    Some(Tag::End) | None => return,
                }
            }
            let rest = &self.source[self.at..];
            let len = memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
            text.push_str(self.read(&rest[..len]));
            self.at += len;
        }
    }

    fn next_tag(&mut self) -> Option<Tag<'a>> {
        if self.broken.is_some() {
            return None;
        }
        if self.is_empty_element {
            self.is_empty_element = false;
            self.open.pop();
            return Some(Tag::End);
        }
        loop {
            let bytes = self.source.as_bytes();
            let Some(len) = open_angle(&bytes[self.at..]) else {
                self.break_off_at_end();
                return None;
            };
            self.at += len;
            match bytes.get(self.at + 1) {
                Some(b'/') => return self.end_tag().map(|()| Tag::End),
                Some(b'!' | b'?') => self.pass_markup()?,
                _ => return self.start_tag().map(Tag::Start),
            }
        }
    }

    fn start_tag(&mut self) -> Option<Start<'a>> {
        let bytes = self.source.as_bytes();
        let from = self.at + 1;
        if let Some(len) = plain_name(&bytes[from..]) {
            let name = &self.source[from..from + len];
            return self.enter(name, name, "");
        }
        let name_len = bytes[from..].iter().position(|&byte| ends_name(byte));
        let name_end = from + name_len.unwrap_or(bytes.len() - from);
        let mut end = name_end;
        // A quoted value may hold a `>`.
        while let Some(len) = memchr3(b'>', b'"', b'\'', &bytes[end..]) {
            end += len;
            if bytes[end] == b'>' {
                break;
            }
            match memchr(bytes[end], &bytes[end + 1..]) {
                Some(len) => end += len + 2,
                None => end = bytes.len(),
            }
        }
        if bytes.get(end) != Some(&b'>') {
            self.break_off_at_end();
            return None;
        }
        let name = &self.source[from..name_end];
        if name.is_empty() {
            self.break_off("a tag without a name".into());
            return None;
        }
        let attributes = &self.source[name_end..end];
        self.enter(name, local_name(name), attributes)
    }

    /// Goes behind the start tag at `at`, which holds this and no more.
    fn enter(&mut self, name: &'a str, local: &'a str, attributes: &'a str) -> Option<Start<'a>> {
        if self.open.len() >= MAX_DEPTH {
            self.set_broken(format!("elements nest deeper than {MAX_DEPTH}"));
            return None;
        }
        self.is_empty_element = attributes.ends_with('/');
        self.open.push(name);
        self.at += "<>".len() + name.len() + attributes.len();
        Some(Start { name: local, attributes, texts: self.texts })
    }

    fn end_tag(&mut self) -> Option<()> {
        let from = self.at + "</".len();
        let rest = &self.source.as_bytes()[from..];
        let open = self.open.last().copied().unwrap_or_default();
        if rest.starts_with(open.as_bytes()) && rest.get(open.len()) == Some(&b'>') {
            self.at = from + open.len() + 1;
            self.open.pop();
            return Some(());
        }
        let Some(len) = memchr(b'>', rest) else {
            self.break_off_at_end();
            return None;
        };
        let found = self.source[from..from + len].trim_ascii_end();
        if found != open || open.is_empty() {
            let why = match self.open.last() {
                Some(open) => format!("`</{found}>` where `</{open}>` is due"),
                None => format!("`</{found}>` ends what did not begin"),
            };
            self.break_off(why);
            return None;
        }
        self.at = from + len + 1;
        self.open.pop();
        Some(())
    }

    /// Passes over a comment, a CDATA section, a processing instruction or a declaration.
    fn pass_markup(&mut self) -> Option<()> {
        let rest = &self.source[self.at..];
        let len = if let Some(comment) = rest.strip_prefix("<!--") {
            comment.find("-->").map(|len| "<!---->".len() + len)
        } else if rest.starts_with("<![CDATA[") {
            rest.find("]]>").map(|len| len + 3)
        } else if rest.starts_with("<?") {
            rest.find("?>").map(|len| len + 2)
        } else {
            declaration_len(rest.as_bytes())
        };
        match len {
            Some(len) => self.at += len,
            None => self.break_off_at_end(),
        }
        len.map(|_| ())
    }

    /// What `raw`, which stands between tags, means.
    fn read(&self, raw: &'a str) -> &'a str {
        match memchr(b'&', raw.as_bytes()) {
            None => raw,
            Some(_) => resolve(raw, self.texts),
        }
    }

    fn tidy(&self, text: &'a str) -> &'a str {
        let text = trim(text);
        if !text.contains(['\n', '\t']) {
            return text;
        }
        let mut words = bumpalo::collections::String::with_capacity_in(text.len(), self.texts);
        if text.is_ascii() {
            join(text.split_ascii_whitespace(), &mut words);
        } else {
            join(text.split_whitespace(), &mut words);
        }
        words.into_bump_str()
    }

    fn break_off(&mut self, why: String) {
        self.set_broken(format!("ill-formed XML: {why}"));
    }

    fn break_off_at_end(&mut self) {
        self.at = self.source.len();
        self.set_broken("the file ends in the middle of an element".into());
    }

    fn set_broken(&mut self, why: String) {
        let line = self.line();
        self.is_empty_element = false;
        self.broken = Some(Broken { line, why });
    }
}

impl<'a> Start<'a> {
    /// The element's name without a namespace prefix.
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// An attribute's value, blanks trimmed; `None` if it is not there or empty.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.attributes;
        while let Some((before, after)) = rest.split_once('=') {
            let after = after.trim_ascii_start();
            let quote = after.chars().next().filter(|first| matches!(first, '"' | '\''))?;
            let (value, after) = after[1..].split_once(quote)?;
            if before.trim_ascii() == name {
                let value = if value.contains('&') { resolve(value, self.texts) } else { value };
                return Some(value.trim()).filter(|value| !value.is_empty());
            }
            rest = after;
        }
        None
    }
}

/// As [`str::trim`], which takes its time even where nothing is to be trimmed.
fn trim(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if is_plain(bytes.first()) && is_plain(bytes.last()) { text } else { text.trim() }
}

fn join<'w>(words: impl Iterator<Item = &'w str>, text: &mut bumpalo::collections::String<'_>) {
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
}

fn ends_name(byte: u8) -> bool {
    matches!(byte, b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n' | b'<')
}

fn local_name(name: &str) -> &str {
    match memchr(b':', name.as_bytes()) {
        Some(colon) => &name[colon + 1..],
        None => name,
    }
}

/// Length of a declaration such as `<!DOCTYPE device [ … ]>`, whose brackets hold others.
fn declaration_len(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_u32;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'<' if bytes[at..].starts_with(b"<!--") => {
                at += memchr::memmem::find(&bytes[at..], b"-->")? + 2;
            }
            b'<' => depth += 1,
            b'>' if depth == 1 => return Some(at + 1),
            b'>' => depth -= 1,
            b'"' | b'\'' => at += 1 + memchr(byte, &bytes[at + 1..])?,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Puts characters in the place of their references. What is no reference stays as it is.
fn resolve<'a>(raw: &str, texts: &'a Bump) -> &'a str {
    let mut text = bumpalo::collections::String::with_capacity_in(raw.len(), texts);
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        let end = memchr(b';', &after.as_bytes()[..after.len().min(MAX_REFERENCE)]);
        let known = end.and_then(|end| Some((character(&after[..end])?, &after[end + 1..])));
        match known {
            Some((character, after)) => {
                text.push(character);
                rest = after;
            }
            None => {
                text.push('&');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text.into_bump_str()
}

/// The character that a reference names. Source: XML 1.0, 4.1 and 4.6.
fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32).filter(|&character| character != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

mod bytes;
#[cfg(test)]
mod tests;
