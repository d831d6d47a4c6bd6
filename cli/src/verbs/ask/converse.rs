//! The conversation behind one answer: turns of the model, the tools it calls between them, and
//! one more try where something in its answer is wrong.

use std::sync::Arc;

use assist::{Claim, Context, Prompt, Verdict, Verifier};
use futures::StreamExt;
use gateway::{Ask, AskError, Attempt, Event, Gateway, Outcome as Tried};
use gateway_client::{Message, ToolCall};

use super::calls::Calls;
use super::failure;
use super::show::{End, Show};
use super::toolbox::{Told, Toolbox};
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::{self, Deferred};
use crate::verbs::tools::Known;

/// Who answers, from what, and what the answer is checked against.
pub(super) struct Conversation<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) known: &'a Arc<Known>,
    /// The evidence and the prompt made of it.
    pub(super) evidence: &'a Context,
    pub(super) prompt: &'a Prompt,
    /// Whether an answer with wrong claims is sent back, once.
    pub(super) repairs: bool,
    pub(super) toolbox: Option<Toolbox>,
    /// What tools told.
    pub(super) told: Vec<String>,
}

/// How following an answer ended.
enum Followed<T> {
    Whole(T),
    Cancelled(Exit),
}

/// An answer, checked.
struct Answer {
    /// All that the model said, whatever it looked up between.
    text: String,
    claims: Vec<Claim>,
    /// Why, where and by which model of which tier it ended.
    end: End,
}

/// What a model said in one go.
struct Turn {
    text: String,
    calls: Vec<ToolCall>,
    end: End,
}

/// Why a turn came to nothing.
enum Broken {
    /// Nobody answered, or not to the end.
    Asking {
        error: AskError,
        /// Whether some of it was shown.
        has_begun: bool,
    },
    /// An endpoint fails where tools are offered, and would again.
    Tools {
        why: String,
    },
    Showing(Failure),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Showing(failure)
    }
}

impl Broken {
    /// In words.
    fn why(&self) -> String {
        match self {
            Self::Asking { error, .. } => error.to_string(),
            Self::Tools { why } => why.clone(),
            Self::Showing(failure) => failure.message().to_owned(),
        }
    }
}

impl Answer {
    fn wrong(&self) -> Vec<&Claim> {
        self.claims.iter().filter(|claim| claim.verdict == Verdict::Wrong).collect()
    }
}

impl Conversation<'_> {
    /// Asks, and asks once more where something in the answer is wrong. The exit is
    /// [`Exit::Wrong`] if something still is.
    pub(super) async fn hold(&mut self, show: &mut Show<'_>, ask: Ask) -> Outcome {
        let _deferred = Deferred::begin();
        let mut answer = match self.follow(show, ask.clone()).await {
            Ok(Followed::Whole(answer)) => answer,
            Ok(Followed::Cancelled(exit)) => return Ok(exit),
            Err(failure) => {
                show.failed(&failure)?;
                return Err(failure);
            }
        };
        if self.repairs && !answer.wrong().is_empty() {
            show.repairing(&answer.wrong())?;
            let mut again = ask;
            let told = Prompt::repair(&answer.wrong());
            again.prompt.messages.push(Message::assistant(&answer.text));
            again.prompt.messages.push(Message::user(told));
            match self.follow(show, again).await {
                Ok(Followed::Whole(repaired)) => answer = repaired,
                Ok(Followed::Cancelled(exit)) => return Ok(exit),
                Err(failure) => show.not_repaired(&failure)?,
            }
        }
        let mut facts = self.evidence.rests_on(&answer.text);
        facts.extend(Context::rests_on_told(&self.told, &answer.text));
        show.done(&answer.end, &answer.claims, &facts)?;
        Ok(if answer.wrong().is_empty() { Exit::Ok } else { Exit::Wrong })
    }

    /// Follows one answer through the turns that it takes.
    async fn follow(
        &mut self,
        show: &mut Show<'_>,
        mut ask: Ask,
    ) -> Result<Followed<Answer>, Failure> {
        let known = Arc::clone(self.known);
        let mut verifier = Verifier::new(&known.index, known.bundle.as_ref());
        let (mut text, mut claims) = (String::new(), Vec::new());
        let asked = ask.prompt.messages.len();
        loop {
            self.offer(&mut ask, asked);
            let turn = match self.turn(show, &ask, &mut verifier, &mut claims).await {
                Ok(Followed::Whole(turn)) => turn,
                Ok(Followed::Cancelled(exit)) => return Ok(Followed::Cancelled(exit)),
                Err(broken) if self.may_do_without(&ask, &broken) => {
                    show.without_tools(&broken.why())?;
                    self.toolbox = None;
                    ask.prompt.messages.truncate(asked);
                    continue;
                }
                Err(Broken::Asking { error, .. }) => return Err(failure(error)),
                Err(Broken::Tools { why }) => return Err(Failure::new(Exit::NoModel, why)),
                Err(Broken::Showing(failure)) => return Err(failure),
            };
            text.push_str(&turn.text);
            let calls = !ask.prompt.tools.is_empty() && !turn.calls.is_empty();
            if let Some(toolbox) = self.toolbox.as_mut().filter(|_| calls) {
                let told = tokio::select! {
                    told = toolbox.answer(&turn.calls) => told,
                    exit = interrupt::arrived() => {
                        show.cancelled()?;
                        return Ok(Followed::Cancelled(exit));
                    }
                };
                self.told.extend(told.iter().map(|told| told.text.clone()));
                show.told(&told)?;
                remember(&mut ask, turn, &told);
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                    say("\n", show, &mut verifier, &mut claims)?;
                }
                continue;
            }
            let found = verifier.finish();
            show.claims(&found)?;
            claims.extend(found);
            if text.trim().is_empty() {
                return Err(silent(&turn.end));
            }
            return Ok(Followed::Whole(Answer { text, claims, end: turn.end }));
        }
    }

    /// Offers what tools there still are; where there are none any more, says so once.
    fn offer(&self, ask: &mut Ask, asked: usize) {
        ask.prompt.tools = self.toolbox.as_ref().map(Toolbox::offered).unwrap_or_default();
        if let Some(system) = ask.prompt.messages.first_mut() {
            system.content = match &self.toolbox {
                Some(_) => self.prompt.system_with_tools(),
                None => self.prompt.system.clone(),
            };
        }
        if ask.prompt.tools.is_empty() && ask.prompt.messages.len() > asked {
            ask.prompt.messages.push(Message::user(Prompt::no_more_tools()));
        }
    }

    /// Whether the same may be asked without tools: nothing was shown of this turn, and somebody
    /// refused the request as it is, or found it too long.
    fn may_do_without(&self, ask: &Ask, broken: &Broken) -> bool {
        let had_tools = !ask.prompt.tools.is_empty() || !self.told.is_empty();
        let may = match broken {
            Broken::Tools { .. } => true,
            Broken::Asking { error: AskError::ContextTooLong { .. }, has_begun } => !has_begun,
            Broken::Asking { error, has_begun } => {
                let refused = |attempt: &Attempt| matches!(attempt.outcome, Tried::Rejected { .. });
                !has_begun && error.attempts().iter().any(refused)
            }
            Broken::Showing(_) => false,
        };
        self.toolbox.is_some() && had_tools && may
    }

    /// Shows each event of a turn as it comes, and checks the text while it grows.
    async fn turn(
        &self,
        show: &mut Show<'_>,
        ask: &Ask,
        verifier: &mut Verifier<'_>,
        claims: &mut Vec<Claim>,
    ) -> Result<Followed<Turn>, Broken> {
        let mut events = self.gateway.ask(ask.clone());
        let (mut text, mut calls) = (String::new(), Calls::default());
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                exit = interrupt::arrived() => {
                    show.claims(&verifier.finish())?;
                    show.cancelled()?;
                    return Ok(Followed::Cancelled(exit));
                }
            };
            match event {
                Some(Ok(Event::Delta { text: more })) => {
                    say(&more, show, verifier, claims)?;
                    text.push_str(&more);
                }
                Some(Ok(Event::ToolCall(piece))) => calls.take(&piece),
                Some(Ok(Event::Done { finish_reason, endpoint, model, tier })) => {
                    let end = End { finish_reason, endpoint, model, tier };
                    return Ok(Followed::Whole(Turn { text, calls: calls.finish(), end }));
                }
                Some(Ok(event)) => {
                    show.event(&event)?;
                    if let (Event::Attempt(attempt), false) = (&event, ask.prompt.tools.is_empty())
                        && let Some(why) = fails_for_tools(attempt)
                    {
                        return Err(Broken::Tools { why });
                    }
                }
                Some(Err(error)) => {
                    let has_begun = !text.is_empty();
                    if has_begun {
                        show.claims(&verifier.finish())?;
                    }
                    return Err(Broken::Asking { error, has_begun });
                }
                None => {
                    let what = "the answer ended without an end";
                    return Err(Failure::new(Exit::Internal, what).into());
                }
            }
        }
    }
}

/// What an endpoint says that fails, as a server's fault, because tools are offered. It would be
/// asked again and again.
fn fails_for_tools(attempt: &Attempt) -> Option<String> {
    let detail = attempt.detail.as_deref()?;
    let is_fault = matches!(attempt.outcome, Tried::ServerError { .. });
    let names_tools = detail.to_ascii_lowercase().contains("tool");
    (is_fault && names_tools).then(|| detail.to_owned())
}

/// Shows a piece of the answer and checks it; line by line, so that a claim is shown under the
/// line it stands on.
fn say(
    text: &str,
    show: &mut Show<'_>,
    verifier: &mut Verifier<'_>,
    claims: &mut Vec<Claim>,
) -> Result<(), Failure> {
    for piece in text.split_inclusive('\n') {
        show.delta(piece)?;
        let found = verifier.feed(piece);
        show.claims(&found)?;
        claims.extend(found);
    }
    Ok(())
}

/// Puts a turn and what its calls brought into the history, with the arguments as they were
/// understood: engines refuse a history whose arguments are no JSON.
fn remember(ask: &mut Ask, turn: Turn, told: &[Told]) {
    let mut said = Message::assistant(turn.text);
    said.tool_calls = turn.calls;
    let answers: Vec<Message> = said
        .tool_calls
        .iter_mut()
        .zip(told)
        .map(|(call, told)| {
            call.arguments = told.arguments.to_string();
            Message::tool(&call.id, told.message())
        })
        .collect();
    ask.prompt.messages.push(said);
    ask.prompt.messages.extend(answers);
}

/// A model that says nothing at all.
fn silent(end: &End) -> Failure {
    let End { endpoint, model, .. } = end;
    Failure::new(Exit::NoModel, format!("no answer in words from `{model}` at {endpoint}"))
        .hint("ask again, with --no-tools, or choose another model with --model")
}
