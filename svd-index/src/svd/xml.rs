//! Walks XML element by element, in one pass, and survives its breaking off.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// A position in the document.
///
/// [`Self::child`] gives one child after the other; each is to be used up by reading its
/// children, its [`Self::text`], or [`Self::skip`]. Where the document ends early or is ill-formed,
/// every element open there simply ends, and [`Self::broken`] tells.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    source: &'a str,
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

impl<'a> Xml<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let mut reader = Reader::from_str(source);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        Self { reader, source, line: 1, counted_to: 0, broken: None }
    }

    /// Set once the document has broken off.
    pub(super) fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// The line read last, from 1.
    pub(super) fn line(&mut self) -> u32 {
        let position = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
        let position = position.clamp(self.counted_to, self.source.len());
        let passed = &self.source.as_bytes()[self.counted_to..position];
        let lines = memchr::memchr_iter(b'\n', passed).count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.counted_to = position;
        self.line
    }

    /// The next child of the element being read; `None` at its end, which is then used up.
    pub(super) fn child(&mut self) -> Option<BytesStart<'a>> {
        loop {
            match self.next()? {
                Event::Start(start) => return Some(start),
                Event::End(_) => return None,
                _ => {}
            }
        }
    }

    /// The element's text, blanks trimmed and runs with a line break made one blank; children
    /// are passed over.
    pub(super) fn text(&mut self) -> Cow<'a, str> {
        let mut text = Cow::Borrowed("");
        while let Some(event) = self.next() {
            match event {
                Event::Text(part) => append(&mut text, part.into_inner()),
                Event::CData(part) => append(&mut text, part.into_inner()),
                Event::GeneralRef(reference) => {
                    let name = reference.borrow().into_inner();
                    let character = reference.resolve_char_ref().ok().flatten();
                    let character = character.or_else(|| named_entity(&name));
                    append(
                        &mut text,
                        Cow::Owned(character.map_or_else(|| format!("&{name};"), String::from)),
                    );
                }
                Event::Start(_) => self.skip(),
                Event::End(_) => break,
                _ => {}
            }
        }
        tidy(text)
    }

    /// Passes over the rest of the element.
    pub(super) fn skip(&mut self) {
        let mut depth = 0_u32;
        while let Some(event) = self.next() {
            match event {
                Event::Start(_) => depth += 1,
                Event::End(_) if depth == 0 => return,
                Event::End(_) => depth -= 1,
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Option<Event<'a>> {
        if self.broken.is_some() {
            return None;
        }
        let why = match self.reader.read_event() {
            Ok(Event::Eof) => "the file ends in the middle of an element".to_owned(),
            Ok(event) => return Some(event),
            Err(error) => format!("ill-formed XML: {error}"),
        };
        let line = self.line();
        self.broken = Some(Broken { line, why });
        None
    }
}

/// An attribute's value.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    if !start.attributes_raw().contains(name) {
        return None;
    }
    let attribute = start.try_get_attribute(name).ok()??;
    let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok()?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn append<'a>(text: &mut Cow<'a, str>, part: Cow<'a, str>) {
    if text.is_empty() {
        *text = part;
    } else {
        text.to_mut().push_str(&part);
    }
}

fn named_entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

fn tidy(text: Cow<'_, str>) -> Cow<'_, str> {
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    if memchr::memchr2(b'\n', b'\t', text.as_bytes()).is_none() {
        return text;
    }
    let mut words = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    Cow::Owned(words)
}
