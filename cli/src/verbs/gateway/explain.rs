//! `silk gateway explain`: where a request would go, and why.

use std::io::Write;

use gateway::policy::{Because, Candidate, Explanation, Need, Policy, Refusal, Shape};
use gateway::{Moment, Tier};
use serde::Serialize;

use super::settings;
use crate::args::{GatewayExplainArgs, Global};
use crate::exit::{Exit, Failure, Outcome};
use crate::ui::{GOOD, QUIET, Ui, printable};

/// The deadline makes no difference to a plan; this is that of a request.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(300);

#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    #[serde(flatten)]
    explanation: &'a Explanation,
}

/// Explains. Contacts nobody, and knows of no cooldown that another process has.
pub(super) fn run(flags: Global, args: &GatewayExplainArgs) -> Outcome {
    let (settings, mut ui) = settings::load(&flags)?;
    let now = Moment::default();
    let shape = Shape {
        fim: args.fim,
        tools: args.tools,
        whole: false,
        prompt_tokens: args.tokens,
        max_output_tokens: args.max_tokens,
    };
    let need = Need {
        model: args.model.as_deref(),
        task: args.task,
        tags: &args.tags,
        user_agent: args.user_agent.as_deref(),
        shape,
        escalate: args.escalate,
        ..Need::new(now.after(DEADLINE))
    };
    let has_words = !args.tags.is_empty() || args.user_agent.is_some();
    if has_words && settings.table.config().routing.tag_filtering.is_none() {
        ui.note(
            "tags are not heeded: `tag_filtering` (LiteLLM: `enable_tag_filtering`) is not set",
        );
    }
    // The lots of weighted choices are drawn anew for each request; here always the same.
    let policy = Policy::new(settings.table, 1);
    let explanation = policy.explain(&need, now).map_err(|refusal| refused(&refusal))?;
    if ui.json {
        ui.json_line(&Line { version: 1, explanation: &explanation })?;
    } else {
        show(&mut ui, &explanation, args)?;
    }
    match explanation.candidates.iter().any(|candidate| candidate.first) {
        true => Ok(Exit::Ok),
        false => Err(Failure::new(Exit::NoModel, "nobody could serve such a request")
            .hint("`silk gateway check` shows what is configured")),
    }
}

fn refused(refusal: &Refusal) -> Failure {
    let exit = match refusal {
        Refusal::UnknownModel { .. } => Exit::NothingFound,
        _ => Exit::NoModel,
    };
    Failure::new(exit, refusal).hint("`silk gateway check` shows the models there are")
}

fn show(ui: &mut Ui, explanation: &Explanation, args: &GatewayExplainArgs) -> Outcome {
    let why = match (explanation.because, explanation.task) {
        (Because::Model, _) => "the request names the model".to_owned(),
        (Because::Tier, _) => "the request names the tier".to_owned(),
        (Because::Task, Some(task)) => format!("the task is {task}"),
        (Because::Task, None) => "the request names a task".to_owned(),
        (Because::Fim, _) => "it has a gap to be filled in".to_owned(),
        (Because::Tools, _) => "it offers tools".to_owned(),
        (Because::Long, _) => "it is long".to_owned(),
        (Because::Default, _) => "nothing tells more".to_owned(),
    };
    let what = match (explanation.tier, &args.model) {
        (Some(tier), _) => format!("tier {tier}"),
        (None, Some(model)) => format!("model {}", printable(model)),
        (None, None) => "a model".to_owned(),
    };
    let up = if args.escalate { ", one up after a failed check" } else { "" };
    let (input, output) = explanation.tokens;
    writeln!(ui.out, "{what}: {why}{up}")?;
    writeln!(ui.out, "{QUIET}{input} tokens of request, at most {output} of answer{QUIET:#}")?;
    for candidate in &explanation.candidates {
        let (mark, style) = if candidate.first { ("→", GOOD) } else { (" ", QUIET) };
        let Candidate { endpoint, model, why, .. } = candidate;
        let tier = candidate.tier.map(|tier: Tier| format!(" ({tier})")).unwrap_or_default();
        let price = candidate.dollars.map(|d| format!(", at most ${d:.4}")).unwrap_or_default();
        let (name, model) = (printable(endpoint), printable(model));
        let why = printable(&why.join("; "));
        writeln!(
            ui.out,
            "{style}{mark} {name}{style:#}  {model}{tier}  {QUIET}{why}{price}{QUIET:#}"
        )?;
    }
    Ok(Exit::Ok)
}
