//! `silk ask`: evidence, prompt, gateway, the tools that the model calls, answer, and the check of
//! each claim as it arrives.

mod calls;
mod converse;
mod show;
mod toolbox;

use std::sync::Arc;
use std::time::{Duration, Instant};

use assist::Prepared;
use gateway::{Ask, AskError, Gateway};
use gateway_client::{ChatRequest, Endpoint};

use crate::args::{AskArgs, ModelArgs};
use crate::consent;
use crate::exit::{Exit, Failure, Outcome};
use crate::session::Session;
use crate::verbs::evidence::{self, budget};
use crate::verbs::model::{self, ask_of};
use crate::verbs::tools::Known;
use converse::Conversation;
use show::Show;
use toolbox::Toolbox;

/// Asks.
pub(crate) fn run(session: &mut Session, args: &AskArgs) -> Outcome {
    let known = evidence::open(session, args.evidence.bundle.as_deref())?;
    let prepared = known.prepare(&args.question, budget(session, &args.evidence))?;
    let runtime = runtime()?;
    let outcome = match args.dry_run {
        true => runtime.block_on(dry_run(session, &known, &prepared, &args.model)),
        false => runtime.block_on(answer(session, &known, &prepared, &args.model)),
    };
    // A tool that nobody waits for any more must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// The tools that this ask may use: none if they are not wanted.
fn toolbox(known: &Arc<Known>, args: &ModelArgs) -> Option<Toolbox> {
    let until = Instant::now() + Duration::from_secs(args.deadline);
    (!args.no_tools).then(|| Toolbox::new(Arc::clone(known), until))
}

/// One thread is enough for one question.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Prints what would be sent. Contacts nobody, not even engines on this machine.
async fn dry_run(
    session: &mut Session,
    known: &Arc<Known>,
    prepared: &Prepared,
    args: &ModelArgs,
) -> Outcome {
    let gathered = model::gather(session, args, false).await?;
    for note in &gathered.notes {
        session.ui.note(note);
    }
    let ask = first_ask(prepared, toolbox(known, args).as_ref(), args);
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
    known: &Arc<Known>,
    prepared: &Prepared,
    args: &ModelArgs,
) -> Outcome {
    let gathered = model::gather(session, args, true).await?;
    for note in &gathered.notes {
        session.ui.note(note);
    }
    let toolbox = toolbox(known, args);
    let ask = first_ask(prepared, toolbox.as_ref(), args);
    let gateway = consented(session, gathered.gateway, &ask, prepared, args).await?;
    let routes = gateway.routes(&ask);
    let first = routes.into_iter().find(|route| gateway.permits(route));
    let mut show = Show::new(session);
    show.evidence(prepared, &ask.prompt.tools)?;
    show.asking(first.as_ref());
    let mut conversation = Conversation {
        gateway: &gateway,
        known,
        evidence: &prepared.context,
        prompt: &prepared.prompt,
        repairs: !args.no_repair,
        toolbox,
        told: Vec::new(),
    };
    let outcome = conversation.hold(&mut show, ask).await;
    model::save_cooldowns(&session.config.folders, &gateway);
    outcome
}

/// What is asked at first.
fn first_ask(prepared: &Prepared, toolbox: Option<&Toolbox>, args: &ModelArgs) -> Ask {
    let mut ask = ask_of(&prepared.prompt, args);
    if let (Some(toolbox), Some(system)) = (toolbox, ask.prompt.messages.first_mut()) {
        system.content = prepared.prompt.system_with_tools();
        ask.prompt.tools = toolbox.offered();
    }
    ask
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

/// Why there is no answer, and what to do.
pub(super) fn failure(error: AskError) -> Failure {
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
