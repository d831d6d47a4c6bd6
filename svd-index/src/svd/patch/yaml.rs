//! YAML as patches use it: texts, lists and maps, each with the place where it stands.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Values in one file; anchors that repeat each other come to any number.
const MAX_NODES: usize = 1 << 20;

/// Values in each other. A field's enumerated value of a cluster's register is at seven.
const MAX_DEPTH: usize = 64;

/// Where something stands in the patches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Place {
    /// Number of the file, from 0, in the order read.
    pub(in super::super) file: u32,
    /// From 1.
    pub(in super::super) line: u32,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

/// See [`Node`].
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Nothing written, or `~`.
    Null,
    Text(String),
    List(Vec<Node>),
    Map(Map),
}

/// Keys and values in the order written.
pub(super) type Map = Vec<(Key, Node)>;

/// A key of a [`Map`].
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) place: Place,
    pub(super) text: String,
}

/// Why a file cannot be read as YAML.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) line: u32,
    pub(super) why: String,
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(list) => Some(list),
            _ => None,
        }
    }

    /// A number as svdtools reads it: decimal, `0x`, `0b` and `#` with `x` for 0, `_` anywhere.
    pub(super) fn number(&self) -> Option<i128> {
        let text = self.text()?.replace('_', "");
        let lower = text.to_ascii_lowercase();
        let bits = |digits: &str| i128::from_str_radix(&digits.replace('x', "0"), 2).ok();
        if let Some(digits) = lower.strip_prefix("0x") {
            return i128::from_str_radix(digits, 16).ok();
        }
        match lower.strip_prefix('#').or_else(|| lower.strip_prefix("0b")) {
            Some(digits) => bits(digits),
            None => lower.parse().ok(),
        }
    }
}

/// Reads the first document of `text`, the file with number `file`.
pub(super) fn parse(text: &str, file: u32) -> Result<Node, Broken> {
    let mut reading = Reading { file, open: Vec::new(), anchors: Vec::new(), nodes: 0, root: None };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Broken {
            line: line_of(error.marker().line()),
            why: error.info().to_owned(),
        })?;
        let place = Place { file, line: line_of(span.start.line()) };
        reading.take(event, place).map_err(|why| Broken { line: place.line, why })?;
        if reading.root.is_some() {
            break;
        }
    }
    let empty = Node { place: Place { file, line: 1 }, kind: Kind::Null };
    Ok(reading.root.unwrap_or(empty))
}

fn line_of(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

struct Reading {
    file: u32,
    /// Lists and maps that have not ended yet.
    open: Vec<Open>,
    anchors: Vec<(usize, Node)>,
    nodes: usize,
    root: Option<Node>,
}

struct Open {
    place: Place,
    anchor: usize,
    is_map: bool,
    list: Vec<Node>,
    map: Map,
    key: Option<Key>,
}

impl Reading {
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let is_plain = style == ScalarStyle::Plain;
                let kind = match text.as_ref() {
                    "" | "~" | "null" if is_plain => Kind::Null,
                    text => Kind::Text(text.to_owned()),
                };
                self.ended(Node { place, kind }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.start(place, anchor, false),
            Event::MappingStart(anchor, _) => self.start(place, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let kind = if open.is_map { Kind::Map(open.map) } else { Kind::List(open.list) };
                self.ended(Node { place: open.place, kind }, open.anchor)
            }
            Event::Alias(anchor) => {
                let known = self.anchors.iter().find(|(number, _)| *number == anchor);
                let node = known.ok_or("an alias of something that has not ended yet")?.1.clone();
                self.nodes += size(&node);
                self.ended(node, 0)
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, place: Place, anchor: usize, is_map: bool) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("values nest deeper than {MAX_DEPTH}"));
        }
        let (list, map, key) = (Vec::new(), Map::new(), None);
        self.open.push(Open { place, anchor, is_map, list, map, key });
        Ok(())
    }

    fn ended(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!("more than {MAX_NODES} values, anchors unfolded"));
        }
        if anchor != 0 {
            self.anchors.push((anchor, node.clone()));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        if !open.is_map {
            open.list.push(node);
        } else if let Some(key) = open.key.take() {
            open.map.push((key, node));
        } else {
            let Place { line, .. } = node.place;
            let text = match node.kind {
                Kind::Text(text) => text,
                Kind::Null => "~".to_owned(),
                _ => return Err("a key that is no text".into()),
            };
            if open.map.iter().any(|(key, _)| key.text == text) {
                return Err(format!("the key `{text}` stands twice in one map"));
            }
            open.key = Some(Key { place: Place { file: self.file, line }, text });
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::Null | Kind::Text(_) => 1,
        Kind::List(list) => 1 + list.iter().map(size).sum::<usize>(),
        Kind::Map(map) => 1 + map.iter().map(|(_, value)| 1 + size(value)).sum::<usize>(),
    }
}
