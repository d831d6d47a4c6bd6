//! `silk ask`: evidence, prompt, gateway, answer, and the check of each claim as it arrives.

mod show;

use assist::{Claim, Context, Prepared, Prompt, Verdict, Verifier};
use futures::StreamExt;
use gateway::{Ask, AskError, Event, Gateway};
use gateway_client::{ChatRequest, Endpoint, Message};

use crate::args::{AskArgs, ModelArgs};
use crate::consent;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::{self, Deferred};
use crate::session::Session;
use crate::verbs::evidence::{Sources, budget};
use crate::verbs::model::{self, ask_of};
use show::{End, Show};

/// Asks.
pub(crate) fn run(session: &mut Session, args: &AskArgs) -> Outcome {
    let sources = Sources::open(session, args.evidence.bundle.as_deref())?;
    let prepared = sources.prepare(&args.question, budget(session, &args.evidence))?;
    let runtime = runtime()?;
    if args.dry_run {
        return runtime.block_on(dry_run(session, &prepared, &args.model));
    }
    runtime.block_on(answer(session, &sources, &prepared, &args.model))
}

/// One thread is enough for one question.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Prints what would be sent. Contacts nobody, not even engines on this machine.
pub(crate) async fn dry_run(
    session: &mut Session,
    prepared: &Prepared,
    args: &ModelArgs,
) -> Outcome {
    let gathered = model::gather(session, args, false).await?;
    for note in &gathered.notes {
        session.ui.note(note);
    }
    let ask = ask_of(&prepared.prompt, args);
    let gateway = &gathered.gateway;
    let routes = gateway.routes(&ask);
    let permitted = routes.iter().find(|route| gateway.permits(route));
    let Some(route) = permitted.or(routes.first()) else {
        session.ui.note("no endpoint is configured; this would go to an engine on this machine");
        let local = Endpoint::parse("local", "http://127.0.0.1", None).map_err(|error| {
            Failure::new(Exit::Internal, "no request can be shown").caused_by(&error)
        })?;
        // What an engine on this machine serves is not asked here.
        let model = args.model.clone().unwrap_or_else(|| "(as the engine names it)".to_owned());
        let request = ChatRequest { model, prompt: ask.prompt };
        return show::request(session, None, &request.to_json(&local));
    };
    let endpoint = gateway.endpoint(route);
    if permitted.is_none() {
        session.ui.note(format!("{} needs a yes first", endpoint.origin()));
    }
    let request = ChatRequest { model: route.model.clone(), prompt: ask.prompt };
    show::request(session, Some(endpoint.chat_url().as_str()), &request.to_json(endpoint))
}

/// Sends the question and follows the answer to its end. The exit is [`Exit::Wrong`] if the
/// answer holds a wrong claim.
pub(crate) async fn answer(
    session: &mut Session,
    sources: &Sources,
    prepared: &Prepared,
    args: &ModelArgs,
) -> Outcome {
    let gathered = model::gather(session, args, true).await?;
    for note in &gathered.notes {
        session.ui.note(note);
    }
    let ask = ask_of(&prepared.prompt, args);
    let gateway = consented(session, gathered.gateway, &ask, prepared, args).await?;
    let routes = gateway.routes(&ask);
    let first = routes.into_iter().find(|route| gateway.permits(route));
    let mut show = Show::new(session);
    show.evidence(prepared)?;
    show.asking(first.as_ref());
    let conversation = Conversation { gateway: &gateway, sources, repairs: !args.no_repair };
    let outcome = conversation.hold(&mut show, ask, &prepared.context).await;
    model::save_cooldowns(&session.config.folders, &gateway);
    outcome
}

/// Asks for a yes where nothing but remote endpoints is left.
async fn consented(
    session: &Session,
    gateway: Gateway,
    ask: &Ask,
    prepared: &Prepared,
    args: &ModelArgs,
) -> Result<Gateway, Failure> {
    let routes = gateway.routes(ask);
    let Some(first) = routes.first() else { return Ok(gateway) };
    if routes.iter().any(|route| gateway.permits(route)) {
        return Ok(gateway);
    }
    let origin = gateway.endpoint(first).origin();
    if consent::ask(&session.config.folders, &origin, prepared.prompt.tokens())? {
        return Ok(model::gather(session, args, true).await?.gateway);
    }
    Ok(gateway)
}

/// Who answers, and what the answer is checked against.
struct Conversation<'a> {
    gateway: &'a Gateway,
    sources: &'a Sources,
    /// Whether an answer with wrong claims is sent back, once.
    repairs: bool,
}

/// How following an answer ended.
enum Followed {
    Whole(Answer),
    Cancelled(Exit),
}

/// An answer, checked.
struct Answer {
    text: String,
    claims: Vec<Claim>,
    /// Why, where and by which model of which tier it ended.
    end: End,
}

impl Answer {
    fn wrong(&self) -> Vec<&Claim> {
        self.claims.iter().filter(|claim| claim.verdict == Verdict::Wrong).collect()
    }
}

impl Conversation<'_> {
    /// Asks, and asks once more where something in the answer is wrong. The exit is
    /// [`Exit::Wrong`] if something still is.
    async fn hold(&self, show: &mut Show<'_>, ask: Ask, evidence: &Context) -> Outcome {
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
        show.done(&answer.end, &answer.claims, &evidence.rests_on(&answer.text))?;
        Ok(if answer.wrong().is_empty() { Exit::Ok } else { Exit::Wrong })
    }

    /// Shows each event as it comes, and checks the answer while it grows.
    async fn follow(&self, show: &mut Show<'_>, ask: Ask) -> Result<Followed, Failure> {
        let mut verifier = Verifier::new(&self.sources.index, self.sources.bundle.as_ref());
        let mut events = self.gateway.ask(ask);
        let (mut answer, mut claims) = (String::new(), Vec::new());
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
                Some(Ok(Event::Delta { text })) => {
                    // Line by line, so that a claim is shown under the line it stands on.
                    for piece in text.split_inclusive('\n') {
                        show.delta(piece)?;
                        let found = verifier.feed(piece);
                        show.claims(&found)?;
                        claims.extend(found);
                    }
                    answer.push_str(&text);
                }
                Some(Ok(Event::Done { finish_reason, endpoint, model, tier })) => {
                    let found = verifier.finish();
                    show.claims(&found)?;
                    claims.extend(found);
                    let end = End { finish_reason, endpoint, model, tier };
                    return Ok(Followed::Whole(Answer { text: answer, claims, end }));
                }
                Some(Ok(event)) => show.event(&event)?,
                Some(Err(error)) => {
                    show.claims(&verifier.finish())?;
                    return Err(failure(error));
                }
                None => {
                    return Err(Failure::new(Exit::Internal, "the answer ended without an end"));
                }
            }
        }
    }
}

/// Why there is no answer, and what to do.
fn failure(error: AskError) -> Failure {
    let (exit, hint) = match &error {
        AskError::CredentialsRefused { .. } => (
            Exit::Credentials,
            "check the key of that endpoint (OPENAI_API_KEY, or `api_key_env` in silk.toml)",
        ),
        AskError::ConsentNeeded { .. } => (
            Exit::NoModel,
            "say yes with --allow-remote (this time) or `allow_remote = true` under [gateway] in silk.toml; `--dry-run` shows what would be sent",
        ),
        AskError::ContextTooLong { .. } => {
            (Exit::NoModel, "a smaller --budget sends less evidence")
        }
        AskError::StreamBroken { .. } => (Exit::NoModel, "the text above is incomplete; ask again"),
        AskError::NoModel { attempts, .. } if attempts.is_empty() => {
            (Exit::NoModel, HOW_TO_GET_A_MODEL)
        }
        _ => (Exit::NoModel, "`silk doctor` shows which models can be reached"),
    };
    let mut failure = Failure::to(exit, &error);
    for attempt in error.attempts() {
        let outcome = show::words(&attempt.outcome);
        let detail = attempt.detail.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        let (endpoint, model) = (&attempt.endpoint, &attempt.model);
        failure = failure.detail(format!("tried: {endpoint}, {model}: {outcome}{detail}"));
    }
    failure.hint(hint)
}

/// The next step where no model is known at all.
pub(crate) const HOW_TO_GET_A_MODEL: &str = "start a local engine (llama.cpp's llama-server on port 8080, or Ollama), \
     or set OPENAI_BASE_URL, OPENAI_MODEL and OPENAI_API_KEY and pass --allow-remote";
