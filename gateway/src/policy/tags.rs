//! Whom a request's tags lead to, model by model.
//!
//! | request | of one model are asked |
//! |---|---|
//! | with tags | those that carry them; if none does, those tagged `default`; else none |
//! | without | those tagged `default`; if there is none, those without tags; else all |
//!
//! Source: LiteLLM, "Tag Based Routing" (docs.litellm.ai, read in November 2026).
//! There a request without tags may go to any where none is tagged `default`;
//! here those without tags go before those that are kept for somebody.

use std::collections::HashMap;

use crate::config::TagFiltering;
use crate::ladder::Ladder;
use crate::outcome::Outcome;
use crate::table::{Deployment, Route, Table};

/// The tag of those that are asked where no others suit.
const DEFAULT: &str = "default";

/// Leaves on `ladder` whom a request with these `tags` may go to.
pub(crate) fn keep_to(ladder: &mut Ladder, table: &Table, tags: &[String]) {
    let Some(filtering) = table.config().routing.tag_filtering else { return };
    let of = |route: &Route| Some(&*table.deployments()[route.deployment?]);
    let suits = |deployment: &Deployment| suits(&deployment.tags, tags, filtering);
    let mut best: HashMap<&str, u8> = HashMap::new();
    for deployment in ladder.routes().iter().filter_map(of) {
        let best = best.entry(&deployment.group).or_default();
        *best = suits(deployment).max(*best);
    }
    ladder.exclude(|route| {
        let deployment = of(route)?;
        let suits = suits(deployment);
        let is_kept = suits > 0 && suits == best[deployment.group.as_str()];
        (!is_kept).then_some(Outcome::Unusable)
    });
}

/// Why [`keep_to`] passed a deployment over.
pub(super) fn why(tags: &[String]) -> &'static str {
    match tags {
        [] => "passed over: a request without tags goes to others",
        _ => "passed over: its tags are not those of the request",
    }
}

/// How well a deployment that carries `own` suits a request with the tags
/// `wanted`: the best of one model are asked, and nobody at 0.
fn suits(own: &[String], wanted: &[String], filtering: TagFiltering) -> u8 {
    let is_default = own.iter().any(|tag| tag == DEFAULT);
    if wanted.is_empty() {
        return match (is_default, own.is_empty()) {
            (true, _) => 3,
            (false, true) => 2,
            (false, false) => 1,
        };
    }
    let carries = |tag: &String| own.contains(tag);
    let carries_them = match filtering {
        TagFiltering::Any => wanted.iter().any(carries),
        TagFiltering::All => wanted.iter().all(carries),
    };
    if carries_them { 2 } else { u8::from(is_default) }
}
