//! A clock that jumps and a transport that plays a script: the driver without
//! time and sockets.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use gateway::{Clock, Moment};
use gateway_client::{
    Answered, ChatRequest, ClientError, Deadlines, Endpoint, Failed, FinishReason, ModelList,
    Observed, StreamEvent, Transport, Usage,
};

/// Sleeping takes no time and moves the clock.
#[derive(Default)]
pub(crate) struct FakeClock {
    now: Mutex<Moment>,
}

impl FakeClock {
    pub(crate) fn pass(&self, time: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = now.after(time);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Moment {
        *self.now.lock().unwrap()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.now().since(Moment::default())
    }

    fn sleep_until(&self, until: Moment) -> BoxFuture<'static, ()> {
        let mut now = self.now.lock().unwrap();
        *now = until.max(*now);
        Box::pin(async {})
    }
}

/// What an endpoint does with one request.
pub(crate) type Play = Result<Vec<Result<StreamEvent, ClientError>>, ClientError>;

/// A line of a script: made anew each time, since errors cannot be copied.
pub(crate) type Line = Box<dyn Fn() -> Play + Send>;

/// Plays each endpoint's script, its last line again and again.
pub(crate) struct FakeTransport {
    clock: Arc<FakeClock>,
    scripts: Mutex<HashMap<String, VecDeque<Line>>>,
    asked: Mutex<Vec<(u64, String, String)>>,
    deadlines: Mutex<Vec<Deadlines>>,
}

impl FakeTransport {
    pub(crate) fn new(clock: Arc<FakeClock>) -> Self {
        let (scripts, asked, deadlines) = Default::default();
        Self { clock, scripts, asked, deadlines }
    }

    pub(crate) fn script(self, endpoint: &str, plays: Vec<Line>) -> Self {
        self.scripts.lock().unwrap().insert(endpoint.to_owned(), plays.into());
        self
    }

    /// Who was asked: at what second (rounded down), endpoint, model.
    pub(crate) fn asked(&self) -> Vec<(u64, String, String)> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn deadlines(&self) -> Vec<Deadlines> {
        self.deadlines.lock().unwrap().clone()
    }
}

impl Transport for FakeTransport {
    fn chat(
        &self,
        endpoint: &Endpoint,
        request: &ChatRequest,
        deadlines: Deadlines,
    ) -> BoxFuture<'static, Result<Answered, Failed>> {
        let second = self.clock.now().since(Moment::default()).as_secs();
        let name = endpoint.name().to_owned();
        self.asked.lock().unwrap().push((second, name.clone(), request.model.clone()));
        self.deadlines.lock().unwrap().push(deadlines);
        let mut scripts = self.scripts.lock().unwrap();
        let script = scripts.get_mut(&name).expect("every endpoint that is asked has a script");
        let play = script.front().expect("a script has at least one line")();
        if script.len() > 1 {
            script.pop_front();
        }
        Box::pin(async {
            let events = stream::iter(play?).boxed();
            Ok(Answered { events, observed: Observed::none() })
        })
    }

    fn fetch_models(
        &self,
        _: &Endpoint,
        _: Duration,
    ) -> BoxFuture<'static, Result<ModelList, ClientError>> {
        Box::pin(async { Ok(ModelList::default()) })
    }
}

/// An answer of one piece.
pub(crate) fn answers(text: &'static str) -> Line {
    Box::new(move || {
        let usage = Usage { input_tokens: 3, output_tokens: 1, cached_input_tokens: None };
        Ok(vec![
            Ok(StreamEvent::Delta(text.to_owned())),
            Ok(StreamEvent::Usage(usage)),
            Ok(StreamEvent::Finish(FinishReason::Stop)),
        ])
    })
}

/// A refusal with this status, and perhaps a `Retry-After`.
pub(crate) fn says(code: u16, retry_after: Option<Duration>) -> Line {
    Box::new(move || {
        let (host, message) = ("host".to_owned(), "no".to_owned());
        Err(ClientError::Status { host, code, retry_after, message })
    })
}

/// Any other failure.
pub(crate) fn fails(error: impl Fn(String) -> ClientError + Send + 'static) -> Line {
    Box::new(move || Err(error("host".to_owned())))
}

/// An answer that breaks off after these pieces.
pub(crate) fn breaks_after(pieces: Vec<StreamEvent>) -> Line {
    Box::new(move || {
        let (host, message) = ("host".to_owned(), String::new());
        let mut events: Vec<_> = pieces.iter().cloned().map(Ok).collect();
        events.push(Err(ClientError::BrokenStream { host, message, source: None }));
        Ok(events)
    })
}
