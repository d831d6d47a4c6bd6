//! The body of a streamed response: bytes of the endpoint, passed on as soon as
//! they are there, watched on the way.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::time::{Instant, Sleep};

use super::attempt::Source;
use super::job::Job;
use super::reader::Reader;
use super::resume::{Resumed, resume};
use crate::access::End;
use crate::face::Refused;

/// So many looks in vain at the endpoint's connection say that it has no more for
/// now. hyper looks twice in one turn of the scheduler, in which nothing can
/// come: the third look is in the next turn.
const LOOKS: u8 = 3;

/// No more than this is gathered before it is passed on.
const GATHER_BYTES: usize = 16 * 1024;

/// A streamed answer on its way to the client. Dropping it, as is done when the
/// client goes, ends the request at the endpoint.
pub(crate) struct Relay {
    phase: Phase,
    out: Vec<u8>,
    /// Looks in vain since something came.
    looks: u8,
    /// What is in `out` is to leave at once.
    eager: bool,
    idle: Idle,
}

enum Phase {
    Flow(Box<Flow>),
    Resume(Pin<Box<dyn Future<Output = Resumed> + Send>>),
    Over,
}

struct Flow {
    job: Job,
    reader: Box<Reader>,
    source: Source,
}

/// The bound between two pieces. The timer is moved only when it fires, not with
/// every piece.
struct Idle {
    bound: Duration,
    last: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Idle {
    /// Until the first content the bound on the first event holds: an engine may
    /// say who it is before it has read the prompt.
    fn of(source: &Source, reader: &Reader) -> Self {
        Self::new(if reader.begun { source.bounds.idle } else { source.bounds.first_event })
    }

    fn new(bound: Duration) -> Self {
        let last = Instant::now();
        Self { bound, last, timer: Box::pin(tokio::time::sleep_until(last + bound)) }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let due = self.last + self.bound;
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }
}

impl Relay {
    /// Passes `source` on, `first` before all else.
    pub(crate) fn new(job: Job, reader: Box<Reader>, source: Source, first: Vec<u8>) -> Self {
        let idle = Idle::of(&source, &reader);
        let mut relay = Self { phase: Phase::Over, out: first, looks: 0, eager: true, idle };
        let flow = Box::new(Flow { job, reader, source });
        if flow.reader.is_done() {
            relay.whole(flow);
        } else {
            relay.phase = Phase::Flow(flow);
        }
        relay
    }

    /// The client has all of it.
    fn whole(&mut self, mut flow: Box<Flow>) {
        flow.job.access.dropped_events = flow.reader.broken_events();
        flow.job.settle(flow.source.reservation, flow.reader.told.usage);
        flow.job.end(End::Whole);
        self.phase = Phase::Over;
    }

    /// The endpoint broke off.
    fn broke(&mut self, mut flow: Box<Flow>) {
        // Nothing is missing but the mark of the end.
        if flow.reader.told.finish.is_some() && flow.reader.end(&mut self.out).is_ok() {
            return self.whole(flow);
        }
        flow.job.broken(flow.source.reservation, &flow.source.deployment);
        let Flow { job, reader, .. } = *flow;
        self.phase = Phase::Resume(Box::pin(resume(job, reader)));
    }

    fn resumed(&mut self, resumed: Resumed) {
        let Resumed { mut job, reader, result } = resumed;
        match result {
            Ok((source, first)) => {
                self.idle = Idle::of(&source, &reader);
                self.out.extend_from_slice(&first);
                let flow = Box::new(Flow { job, reader, source });
                if flow.reader.is_done() {
                    self.whole(flow);
                } else {
                    self.phase = Phase::Flow(flow);
                }
            }
            Err(refused) => {
                self.tell(&job, &refused);
                job.access.dropped_events = reader.broken_events();
                job.end(End::Broken);
                self.phase = Phase::Over;
            }
        }
    }

    /// An error in the stream, and no mark of an end after it.
    fn tell(&mut self, job: &Job, refused: &Refused) {
        let event = refused.event(job.request.face.dialect());
        self.out.extend_from_slice(event.as_bytes());
    }

    fn take_out(&mut self) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        (self.looks, self.eager) = (0, false);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(std::mem::take(&mut self.out))))))
    }

    /// Reads what is there. Ready: something changed.
    fn flow(&mut self, mut flow: Box<Flow>, cx: &mut Context<'_>) -> Poll<()> {
        match Pin::new(&mut flow.source.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.idle.last = Instant::now();
                let had_begun = flow.reader.begun;
                let fed = match frame.data_ref() {
                    Some(data) => flow.reader.feed(data, &mut self.out),
                    None => Ok(()),
                };
                if flow.reader.begun && !had_begun {
                    self.idle = Idle::of(&flow.source, &flow.reader);
                }
                match fed {
                    Err(_) => self.broke(flow),
                    Ok(()) if flow.reader.is_done() => self.whole(flow),
                    Ok(()) => self.phase = Phase::Flow(flow),
                }
                Poll::Ready(())
            }
            Poll::Ready(Some(Err(_))) => {
                self.broke(flow);
                Poll::Ready(())
            }
            Poll::Ready(None) => {
                match flow.reader.end(&mut self.out) {
                    Ok(()) => self.whole(flow),
                    Err(_) => self.broke(flow),
                }
                Poll::Ready(())
            }
            Poll::Pending if self.idle.poll(cx).is_ready() => {
                self.broke(flow);
                Poll::Ready(())
            }
            Poll::Pending => {
                self.phase = Phase::Flow(flow);
                Poll::Pending
            }
        }
    }
}

impl Body for Relay {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            if self.out.len() >= GATHER_BYTES || (self.eager && !self.out.is_empty()) {
                return self.take_out();
            }
            match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Over if self.out.is_empty() => return Poll::Ready(None),
                Phase::Over => return self.take_out(),
                Phase::Flow(flow) => {
                    if self.flow(flow, cx).is_ready() {
                        self.looks = 0;
                        continue;
                    }
                    if self.out.is_empty() {
                        return Poll::Pending;
                    }
                    self.looks += 1;
                    if self.looks >= LOOKS {
                        return self.take_out();
                    }
                    // The endpoint's connection hands over one event at a time.
                    // One turn of the scheduler shows whether more were read
                    // with it: then they leave in one piece, not in one each.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Phase::Resume(mut found) => match found.as_mut().poll(cx) {
                    Poll::Ready(resumed) => self.resumed(resumed),
                    Poll::Pending => {
                        self.phase = Phase::Resume(found);
                        if self.out.is_empty() {
                            return Poll::Pending;
                        }
                        return self.take_out();
                    }
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.phase, Phase::Over) && self.out.is_empty()
    }
}
