//! `silk gateway check`: the effective table, or why there is none.

use std::io::Write;

use gateway::config::{Facts, Limits, Price, TagFiltering};
use gateway::table::{Deployment, Table};
use serde::Serialize;

use super::settings::{self, Settings};
use crate::args::Global;
use crate::exit::{Exit, Outcome};
use crate::ui::{CARE, QUIET, STRONG, Ui, printable};

/// One model at one endpoint.
#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    /// What clients ask for.
    model: &'a str,
    endpoint: &'a str,
    provider: Option<&'a str>,
    /// What the endpoint is asked for.
    upstream: &'a str,
    origin: String,
    local: bool,
    region: Option<&'a str>,
    /// False: outside the regions that may be used; never asked.
    in_residency: bool,
    tags: &'a [String],
    tag_regex: Vec<&'a str>,
    key: String,
    #[serde(flatten)]
    facts: &'a Facts,
    first_event_ms: u128,
    idle_gap_ms: u128,
    /// Models that stand in for it, in order.
    fallbacks: Vec<&'a str>,
}

/// Shows it. Contacts nobody.
pub(super) fn run(flags: Global) -> Outcome {
    let (settings, mut ui) = settings::load(&flags)?;
    for missing in &settings.missing {
        let (owner, variable) = (&missing.owner, &missing.variable);
        ui.warn(format!("{variable} is not set, which `{owner}` needs"));
    }
    for odd in &settings.odd {
        ui.warn(odd);
    }
    for key in &settings.expiring {
        ui.warn(key);
    }
    let table = &settings.table;
    if table.deployments().is_empty() {
        ui.note(format!("{} names no endpoints", settings.source));
        return Ok(Exit::Ok);
    }
    let mut models: Vec<&str> = Vec::new();
    for deployment in table.deployments() {
        if !models.contains(&deployment.group.as_str()) {
            models.push(&deployment.group);
        }
    }
    for model in models {
        let fallbacks = fallbacks(table, model);
        let own = table.deployments().iter().filter(|deployment| deployment.group == model);
        let lines = own.map(|deployment| line(&settings, deployment, fallbacks.clone()));
        show(&mut ui, model, lines.collect())?;
    }
    if !ui.json {
        let aliases = &table.config().routing.aliases;
        for (alias, model) in aliases {
            writeln!(ui.out, "{}{QUIET} is {QUIET:#}{}", printable(alias), printable(model))?;
        }
        let heeded = match table.config().routing.tag_filtering {
            None => None,
            Some(TagFiltering::Any) => Some("one of their tags"),
            Some(TagFiltering::All) => Some("all of their tags"),
        };
        if let Some(what) = heeded {
            writeln!(ui.out, "{QUIET}requests go to those that have {what}{QUIET:#}")?;
        }
    }
    Ok(Exit::Ok)
}

fn line<'a>(settings: &Settings, deployment: &'a Deployment, fallbacks: Vec<&'a str>) -> Line<'a> {
    let missing = settings.missing.iter().find(|missing| missing.owner == deployment.name());
    let key = match (deployment.endpoint.key(), missing) {
        (Some(_), _) => "set".to_owned(),
        (None, Some(missing)) => format!("missing {}", missing.variable),
        (None, None) => "none".to_owned(),
    };
    Line {
        version: 1,
        model: &deployment.group,
        endpoint: deployment.name(),
        provider: deployment.provider.as_deref(),
        upstream: &deployment.model,
        origin: deployment.endpoint.origin(),
        local: deployment.endpoint.is_local(),
        region: deployment.region.as_deref(),
        in_residency: deployment.in_residency,
        tags: &deployment.tags,
        tag_regex: deployment.patterns.texts().collect(),
        key,
        facts: &deployment.facts,
        first_event_ms: deployment.bounds.first_event.as_millis(),
        idle_gap_ms: deployment.bounds.idle.as_millis(),
        fallbacks,
    }
}

/// The other models on the ladder of `model`.
fn fallbacks<'a>(table: &'a Table, model: &str) -> Vec<&'a str> {
    let ladder = table.ladder(model);
    let places = ladder.iter().flat_map(|routes| routes.iter()).filter_map(|r| r.deployment);
    let mut fallbacks = Vec::new();
    for group in places.map(|place| table.deployments()[place].group.as_str()) {
        if group != model && !fallbacks.contains(&group) {
            fallbacks.push(group);
        }
    }
    fallbacks
}

fn show(ui: &mut Ui, model: &str, lines: Vec<Line<'_>>) -> Outcome {
    if ui.json {
        for line in &lines {
            ui.json_line(line)?;
        }
        return Ok(Exit::Ok);
    }
    writeln!(ui.out, "{STRONG}{}{STRONG:#}", printable(model))?;
    for line in &lines {
        let provider = line.provider.map(|p| format!("{p} ")).unwrap_or_default();
        let mut words = vec![format!("{provider}{} at {}", line.upstream, line.origin)];
        words.extend(line.region.map(|region| format!("region {region}")));
        words.extend(limits(&line.facts.limits));
        words.extend(line.facts.max_input_tokens.map(|most| format!("window {most}")));
        words.extend(price(&line.facts.price));
        if !line.tags.is_empty() {
            words.push(format!("tags {}", line.tags.join(" ")));
        }
        if !line.tag_regex.is_empty() {
            words.push(format!("clients {}", line.tag_regex.join(" or ")));
        }
        words.push(format!("key {}", line.key));
        let care = if line.in_residency { "" } else { "  never asked: outside the residency" };
        let (name, words) = (printable(line.endpoint), printable(&words.join(", ")));
        writeln!(ui.out, "  {name}  {QUIET}{words}{QUIET:#}{CARE}{care}{CARE:#}")?;
    }
    if let Some(Line { fallbacks, .. }) = lines.first().filter(|line| !line.fallbacks.is_empty()) {
        writeln!(ui.out, "  {QUIET}then{QUIET:#} {}", printable(&fallbacks.join(", ")))?;
    }
    Ok(Exit::Ok)
}

fn limits(limits: &Limits) -> Option<String> {
    let parts = [
        limits.rpm.map(|rpm| format!("{rpm} requests a minute")),
        limits.tpm.map(|tpm| format!("{tpm} tokens a minute")),
        limits.concurrency.map(|most| format!("{most} at a time")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn price(price: &Price) -> Option<String> {
    let dollars = |price: Option<f64>| price.map_or("?".to_owned(), |price| format!("${price}"));
    price
        .is_known()
        .then(|| format!("{} in, {} out a million", dollars(price.input), dollars(price.output)))
}
