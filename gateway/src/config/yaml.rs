//! On which line of a YAML file something stands, for messages.

use saphyr_parser::{Event, Parser};

/// Values in each other; deeper ones have no line.
const MAX_DEPTH: usize = 32;

/// The line of every value of a file, by the way to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    known: Vec<(Vec<String>, usize)>,
}

/// A map or list that has not ended yet.
struct Open {
    /// `None`: a list.
    key: Option<Option<(String, usize)>>,
    items: usize,
}

impl Lines {
    /// Reads where things stand in the first document of `text`. What cannot
    /// be read has no line.
    pub(super) fn of(text: &str) -> Self {
        let (mut lines, mut path, mut open) = (Self::default(), Vec::new(), Vec::<Open>::new());
        for event in Parser::new_from_str(text) {
            let Ok((event, span)) = event else { break };
            let line = span.start.line();
            match event {
                Event::Scalar(word, ..) => lines.scalar(&word, line, &mut open, &mut path),
                Event::Alias(_) => lines.value(line, &mut open, &mut path, |_, path| {
                    path.pop();
                }),
                Event::SequenceStart(..) | Event::MappingStart(..) => {
                    if open.len() >= MAX_DEPTH {
                        break;
                    }
                    let key = matches!(event, Event::MappingStart(..)).then_some(None);
                    lines.value(line, &mut open, &mut path, |open, _| {
                        open.push(Open { key, items: 0 });
                    });
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    open.pop();
                    path.pop();
                }
                Event::DocumentEnd => break,
                _ => {}
            }
        }
        lines
    }

    /// The line, from 1, on which the key or item at the end of `path` stands.
    pub(super) fn line(&self, path: &[&str]) -> Option<usize> {
        let same = |(known, _): &&(Vec<String>, usize)| {
            known.len() == path.len() && known.iter().zip(path).all(|(one, other)| one == other)
        };
        self.known.iter().find(same).map(|(_, line)| *line)
    }

    fn scalar(&mut self, word: &str, line: usize, open: &mut [Open], path: &mut Vec<String>) {
        // The scalars of a map are keys and values by turns.
        if let Some(Open { key: Some(key @ None), .. }) = open.last_mut() {
            *key = Some((word.to_owned(), line));
            return;
        }
        if let Some(found) = enter(open, path, line) {
            self.known.push(found);
            path.pop();
        }
    }

    fn value(
        &mut self,
        line: usize,
        open: &mut Vec<Open>,
        path: &mut Vec<String>,
        then: impl FnOnce(&mut Vec<Open>, &mut Vec<String>),
    ) {
        // The document itself has no name; it is given an empty one to leave.
        match enter(open, path, line) {
            Some(found) => self.known.push(found),
            None => path.push(String::new()),
        }
        then(open, path);
    }
}

/// Goes into the next value of the innermost map or list.
fn enter(open: &mut [Open], path: &mut Vec<String>, line: usize) -> Option<(Vec<String>, usize)> {
    let innermost = open.last_mut()?;
    let (name, line) = match &mut innermost.key {
        Some(key) => key.take()?,
        None => {
            innermost.items += 1;
            ((innermost.items - 1).to_string(), line)
        }
    };
    path.push(name);
    // Without the document's empty name.
    Some((path[1..].to_vec(), line))
}
