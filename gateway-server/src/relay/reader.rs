//! Reads an answer's stream as it passes: what the client has been told, whether
//! the answer is whole, and which bytes go on to the client.

use gateway_client::Dialect;

use crate::echo::Echo;
use crate::face::Face;
use crate::wire::anthropic::{self, Position};
use crate::wire::encode::Encoder;
use crate::wire::openai::{self, DONE, Identity};
use crate::wire::sse::{self, Cutter};
use crate::wire::{Finish, Piece, Usage, Wrong};

/// The most text that is remembered to go on with elsewhere.
const TEXT_BYTES: usize = 1024 * 1024;

/// An endpoint that sends more broken events than this sends nothing else.
const BROKEN_EVENTS: u32 = 32;

/// What the client was told of an answer, over all endpoints that gave it.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) reasoning: bool,
    /// A tool call has begun: from here the answer cannot go on elsewhere.
    pub(crate) tool: bool,
    /// More than one answer, or more text than is remembered.
    pub(crate) beyond: bool,
    pub(crate) finish: Option<Finish>,
    pub(crate) usage: Usage,
}

/// How the bytes to the client come about.
#[derive(Debug)]
enum Mode {
    /// As they came.
    Pass,
    /// Written anew; the encoder is made with the first event, which says who
    /// the stream is.
    Encode(Option<Encoder>),
}

/// One stream from one endpoint, on its way to one client.
#[derive(Debug)]
pub(crate) struct Reader {
    cutter: Cutter,
    dialect: Dialect,
    face: Face,
    mode: Mode,
    wants_usage: bool,
    identity: Option<Identity>,
    position: Position,
    echo: Echo,
    /// Reasoning was told before the answer broke, and is not told again.
    skip_reasoning: bool,
    broken_events: u32,
    /// Some event has come, if only to say who answers.
    pub(crate) heard: bool,
    /// Something new has come from this endpoint: text, a call, or the end.
    pub(crate) begun: bool,
    done: bool,
    pub(crate) told: Told,
}

impl Reader {
    /// For the first stream of an answer.
    pub(crate) fn new(face: Face, dialect: Dialect, wants_usage: bool) -> Self {
        let mode = if face.dialect() == dialect { Mode::Pass } else { Mode::Encode(None) };
        Self {
            cutter: Cutter::default(),
            dialect,
            face,
            mode,
            wants_usage,
            identity: None,
            position: Position::default(),
            echo: Echo::new(""),
            skip_reasoning: false,
            broken_events: 0,
            heard: false,
            begun: false,
            done: false,
            told: Told::default(),
        }
    }

    /// For a stream of `dialect` that goes on where this one broke.
    pub(crate) fn go_on(&mut self, dialect: Dialect) {
        if matches!(self.mode, Mode::Pass) {
            let identity = self.identity.clone().unwrap_or_default();
            let encoder = Encoder::new(self.face, identity, self.wants_usage);
            self.mode = Mode::Encode(Some(encoder.going_on(self.position)));
        }
        self.cutter = Cutter::default();
        self.dialect = dialect;
        self.position = Position::default();
        self.echo = Echo::new(&self.told.text);
        self.skip_reasoning = self.told.reasoning;
        (self.heard, self.begun) = (false, false);
    }

    /// The text to go on with, as the endpoint is told it.
    pub(crate) fn prefix(&self) -> String {
        Echo::new(&self.told.text).prefix().to_owned()
    }

    /// True if the answer could go on at another endpoint.
    pub(crate) fn can_go_on(&self) -> bool {
        !self.told.tool && !self.told.beyond && self.face != Face::Embeddings
    }

    /// True once the client has the whole answer, its end included.
    pub(crate) const fn is_done(&self) -> bool {
        self.done
    }

    /// Events that were dropped because nothing could be made of them.
    pub(crate) const fn broken_events(&self) -> u32 {
        self.broken_events
    }

    /// Takes bytes of the stream; what goes to the client is added to `out`.
    pub(crate) fn feed(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
        let mut cutter = std::mem::take(&mut self.cutter);
        let mut result = Ok(());
        let fed = cutter.feed(data, |event| {
            if result.is_ok() && !self.done {
                result = self.event(event, out);
            }
        });
        self.cutter = cutter;
        result?;
        fed.map_err(|sse::TooLong| Wrong::Malformed)
    }

    /// Takes the end of the stream. An answer that was not finished is wrong.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Wrong> {
        if self.done {
            return Ok(());
        }
        let rest = self.cutter.rest();
        if sse::data(&rest).is_some() {
            // The last event came without its blank line.
            let mut event = rest.to_vec();
            event.extend_from_slice(b"\n\n");
            self.event(&event, out)?;
        }
        if self.done {
            return Ok(());
        }
        if self.told.finish.is_none() {
            return Err(Wrong::Error { code: None, message: String::new() });
        }
        self.close(out);
        Ok(())
    }

    /// Writes the end that the endpoint left out.
    fn close(&mut self, out: &mut Vec<u8>) {
        self.done = true;
        match &mut self.mode {
            Mode::Encode(encoder) => {
                let identity = self.identity.clone().unwrap_or_default();
                let fresh = || Encoder::new(self.face, identity, self.wants_usage);
                let encoder = encoder.get_or_insert_with(fresh);
                let held = self.echo.finish();
                if !held.is_empty() {
                    encoder.write(&Piece::Text(held.into()), out);
                }
                encoder.close(out);
            }
            Mode::Pass if self.dialect == Dialect::Anthropic => {
                out.extend_from_slice(
                    b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
                );
            }
            Mode::Pass => out.extend_from_slice(DONE),
        }
    }

    fn event(&mut self, event: &[u8], out: &mut Vec<u8>) -> Result<(), Wrong> {
        let Some(data) = sse::data(event) else {
            // A comment: some providers keep a connection alive with them.
            if matches!(self.mode, Mode::Pass) {
                out.extend_from_slice(event);
            }
            return Ok(());
        };
        let mut pieces = Pieces::default();
        let read = match self.dialect {
            Dialect::Anthropic => {
                let position = &mut self.position;
                anthropic::read_event(&data, &mut self.identity, position, |p| pieces.add(p))
                    .map(|()| openai::Kind::default())
            }
            _ => openai::read_event(&data, &mut self.identity, |p| pieces.add(p)),
        };
        let kind = match read {
            Ok(kind) => kind,
            Err(Wrong::Malformed) if self.broken_events < BROKEN_EVENTS => {
                self.broken_events += 1;
                return Ok(());
            }
            Err(wrong) => return Err(wrong),
        };
        self.heard = true;
        self.told.beyond |= kind.several;
        let mut ended = false;
        for piece in pieces.into_iter() {
            ended |= matches!(piece, Piece::Done);
            self.take(piece, out);
        }
        if ended && self.told.finish.is_none() {
            return Err(Wrong::Error {
                code: None,
                message: "it ended without a finish reason".into(),
            });
        }
        if matches!(self.mode, Mode::Pass) {
            if !kind.only_usage || self.wants_usage {
                out.extend_from_slice(event);
            }
            self.done |= ended;
        } else if ended {
            self.close(out);
        }
        Ok(())
    }

    fn take(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        let piece = match piece {
            Piece::Text(text) if matches!(self.mode, Mode::Encode(_)) => {
                let text = self.echo.filter(&text);
                if text.is_empty() {
                    return;
                }
                Piece::Text(text.into())
            }
            Piece::Reasoning(_) if self.skip_reasoning => return,
            Piece::Finish(_) => {
                let held = self.echo.finish();
                if !held.is_empty() {
                    self.take_new(Piece::Text(held.into()), out);
                }
                piece
            }
            piece => piece,
        };
        self.take_new(piece, out);
    }

    fn take_new(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        let told = &mut self.told;
        match &piece {
            Piece::Text(text) => {
                self.begun = true;
                if told.text.len() + text.len() > TEXT_BYTES {
                    told.beyond = true;
                } else {
                    told.text.push_str(text);
                }
            }
            Piece::Reasoning(_) => {
                self.begun = true;
                told.reasoning = true;
            }
            Piece::Tool { .. } | Piece::Arguments { .. } => {
                self.begun = true;
                told.tool = true;
            }
            Piece::Finish(finish) => {
                self.begun = true;
                told.finish = Some(*finish);
            }
            Piece::Usage(usage) => told.usage.update(*usage),
            Piece::Done => {}
        }
        if let Mode::Encode(encoder) = &mut self.mode {
            let identity = || self.identity.clone().unwrap_or_default();
            let fresh = || Encoder::new(self.face, identity(), self.wants_usage);
            encoder.get_or_insert_with(fresh).write(&piece, out);
        }
    }
}

/// The pieces of one event: one as a rule, without a list for it.
#[derive(Default)]
struct Pieces<'a> {
    first: Option<Piece<'a>>,
    more: Vec<Piece<'a>>,
}

impl<'a> Pieces<'a> {
    fn add(&mut self, piece: Piece<'a>) {
        match &self.first {
            None => self.first = Some(piece),
            Some(_) => self.more.push(piece),
        }
    }

    fn into_iter(self) -> impl Iterator<Item = Piece<'a>> {
        self.first.into_iter().chain(self.more)
    }
}
