//! What a request needs, and which models that means.
//!
//! An explicit model goes before a hint at the task, a hint before the shape
//! of the request.

use gateway_client::Usage;

use super::step::Refusal;
use crate::clock::Moment;
use crate::config::{Class, Task, Tier};
use crate::table::{Routes, Table};

/// Longer prompts ask for a large model where nothing else says how hard they
/// are.
const LONG: u64 = 16_000;

/// What a request looks like from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// It has a text before and a text after a gap.
    pub fim: bool,
    /// It offers tools.
    pub tools: bool,
    /// Its answer is to come in one piece, not as a stream.
    pub whole: bool,
    /// Its tokens, counted or estimated.
    pub prompt_tokens: u64,
    /// The bound on the answer that it names.
    pub max_output_tokens: Option<u64>,
}

/// A request, as far as routing is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need<'a> {
    /// Who asks; empty: nobody in particular.
    pub user: &'a str,
    /// Which of the user's editors or agents; a newer autocomplete of one
    /// takes the place of an older one that still waits.
    pub session: Option<&'a str>,
    /// What it is for, in the spend ledger.
    pub project: &'a str,
    /// How urgent it is.
    pub class: Class,
    /// The model asked for: a name, or `auto`, `small`, `medium`, `large`.
    pub model: Option<&'a str>,
    /// What the model is wanted for.
    pub task: Option<Task>,
    /// Its tags; heeded with [`RoutingConfig::tag_filtering`](crate::config::RoutingConfig).
    pub tags: &'a [String],
    /// What its client calls itself, heeded as its tags are: see
    /// [`EndpointConfig::tag_regex`](crate::config::EndpointConfig).
    pub user_agent: Option<&'a str>,
    /// What it looks like.
    pub shape: Shape,
    /// A hash of what it has in common with others: the same goes to the same
    /// deployment, whose prefix cache then helps.
    pub prefix_hash: Option<u64>,
    /// An answer of the usual tier failed its check: one tier up.
    pub escalate: bool,
    /// When an answer has to be under way.
    pub deadline: Moment,
}

impl Need<'_> {
    /// A need for anything at all.
    pub const fn new(deadline: Moment) -> Self {
        Self {
            user: "",
            session: None,
            project: "",
            class: Class::Interactive,
            model: None,
            task: None,
            tags: &[],
            user_agent: None,
            shape: Shape {
                fim: false,
                tools: false,
                whole: false,
                prompt_tokens: 0,
                max_output_tokens: None,
            },
            prefix_hash: None,
            escalate: false,
            deadline,
        }
    }
}

/// What decided which models are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The request names the model.
    Model,
    /// The request names the tier.
    Tier,
    /// The request names the task.
    Task,
    /// It has a gap to be filled.
    Fim,
    /// It offers tools.
    Tools,
    /// It is long.
    Long,
    /// Nothing tells more.
    Default,
}

/// Which models a request may go to.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Whom to ask, best first.
    pub routes: Routes,
    /// Why these.
    pub because: Because,
    /// The task, if one is known.
    pub task: Option<Task>,
    /// The tier asked for; `None`: a model was named.
    pub tier: Option<Tier>,
}

/// Finds the models for `need`.
///
/// # Errors
/// [`Refusal::UnknownModel`].
pub fn choose(table: &Table, need: &Need<'_>) -> Result<Choice, Refusal> {
    let task = need.task.or(need.shape.fim.then_some(Task::Autocomplete));
    let named = need.model.filter(|name| *name != "auto" || table.ladder(name).is_some());
    if let Some(routes) = named.and_then(|name| table.ladder(name)) {
        return Ok(Choice { routes, because: Because::Model, task, tier: None });
    }
    let (tier, because) = match named.map(str::parse::<Tier>) {
        Some(Ok(tier)) => (tier, Because::Tier),
        Some(Err(())) => return Err(unknown(table, named.unwrap_or_default())),
        None => by_shape(table, need),
    };
    let tier = if need.escalate { tier.up() } else { tier };
    Ok(Choice { routes: table.ladder_of_tier(tier), because, task, tier: Some(tier) })
}

fn by_shape(table: &Table, need: &Need<'_>) -> (Tier, Because) {
    let tier_of = |task| table.config().tier_of(task);
    match (need.task, need.shape) {
        (Some(task), _) => (tier_of(task), Because::Task),
        (None, Shape { fim: true, .. }) => (tier_of(Task::Autocomplete), Because::Fim),
        (None, Shape { prompt_tokens, .. }) if prompt_tokens > LONG => (Tier::Large, Because::Long),
        (None, Shape { tools: true, .. }) => (Tier::Medium, Because::Tools),
        (None, _) => (Tier::Medium, Because::Default),
    }
}

fn unknown(table: &Table, model: &str) -> Refusal {
    let mut near: Vec<(f64, &str)> =
        table.models().map(|name| (strsim::jaro_winkler(name, model), name)).collect();
    near.retain(|(likeness, _)| *likeness > 0.7);
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let nearest = near.into_iter().take(3).map(|(_, name)| name.to_owned()).collect();
    Refusal::UnknownModel { model: model.to_owned(), nearest }
}

/// The tokens of a request that its limits count.
pub(super) fn counted(usage: &Usage) -> u64 {
    usage.input_tokens.saturating_add(usage.output_tokens)
}
