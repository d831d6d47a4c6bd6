//! Whom a request's tags lead to, model by model.
//!
//! | request | of one model are asked |
//! |---|---|
//! | with tags | those that carry them, or have a pattern for its client; if none does, those tagged `default`; else none |
//! | without | those with a pattern for its client; if there is none, those tagged `default`; then those without tags; else all |
//!
//! Whoever carries a `!tag` of the request, or lacks a `&tag`, is asked in no case.
//! Where a request has `&tag`s alone all the others are; where it has `!tag`s
//! alone, of those tagged `default`, if there are such, whoever is left.
//!
//! Source: LiteLLM, "Tag Based Routing" (docs.litellm.ai, read in November 2026),
//! and for `&tag`s alone, where its page and its program differ, the program
//! (`router_strategy/tag_based_routing.py`). There a request without tags may go to
//! any where none is tagged `default`; here those without tags go before those
//! that are kept for somebody.

use std::collections::HashMap;

use super::need::Need;
use crate::config::TagFiltering;
use crate::ladder::Ladder;
use crate::outcome::Outcome;
use crate::table::{Deployment, Route, Table};

/// The tag of those that are asked where no others suit.
const DEFAULT: &str = "default";

/// Leaves on `ladder` whom `need` may go to by its tags and its client.
pub(crate) fn keep_to(ladder: &mut Ladder, table: &Table, need: &Need<'_>) {
    let Some(filtering) = table.config().routing.tag_filtering else { return };
    let wanted = Wanted::of(need, filtering);
    let of = |route: &Route| Some(&*table.deployments()[route.deployment?]);
    let mut models: HashMap<&str, Vec<&Deployment>> = HashMap::new();
    for deployment in ladder.routes().iter().filter_map(of) {
        models.entry(&deployment.group).or_default().push(deployment);
    }
    let best: HashMap<&str, Best> =
        models.into_iter().map(|(group, members)| (group, wanted.best(&members))).collect();
    ladder.exclude(|route| {
        let deployment = of(route)?;
        let is_kept = wanted.keeps(deployment, best[deployment.group.as_str()]);
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

/// What a request says of whom it may go to.
struct Wanted<'a> {
    plain: Vec<&'a str>,
    /// `&tag`: all of these.
    required: Vec<&'a str>,
    /// `!tag`: none of these.
    excluded: Vec<&'a str>,
    /// What patterns are searched in.
    client: Option<String>,
    filtering: TagFiltering,
}

/// How well those of one model suit at best.
#[derive(Clone, Copy)]
struct Best {
    suits: u8,
    /// Patterns have a say.
    by_pattern: bool,
}

impl<'a> Wanted<'a> {
    /// A lone `!` or `&` says nothing.
    fn of(need: &Need<'a>, filtering: TagFiltering) -> Self {
        let marked = |mark: char| {
            let rest = need.tags.iter().filter_map(move |tag| tag.strip_prefix(mark));
            rest.filter(|tag| !tag.is_empty()).collect()
        };
        let plain = need.tags.iter().map(String::as_str).filter(|tag| !tag.starts_with(['!', '&']));
        Self {
            plain: plain.collect(),
            required: marked('&'),
            excluded: marked('!'),
            client: need.user_agent.map(|agent| format!("User-Agent: {agent}")),
            filtering,
        }
    }

    fn best(&self, members: &[&Deployment]) -> Best {
        let has_patterns = |d: &&&Deployment| self.allows(d) && !d.patterns.is_empty();
        let by_pattern = self.client.is_some()
            && self.required.is_empty()
            && members.iter().any(|d| has_patterns(&d));
        let counts = |d: &&&Deployment| self.allows(d) || self.is_ban_only(by_pattern);
        let suits = members.iter().filter(counts).map(|d| self.suits(d, by_pattern)).max();
        Best { suits: suits.unwrap_or_default(), by_pattern }
    }

    fn keeps(&self, deployment: &Deployment, best: Best) -> bool {
        let suits = self.suits(deployment, best.by_pattern);
        suits > 0 && suits == best.suits && self.allows(deployment)
    }

    /// True unless a `!tag` or `&tag` keeps it out.
    fn allows(&self, deployment: &Deployment) -> bool {
        let carries = |tag: &&str| deployment.tags.iter().any(|own| own == tag);
        self.required.iter().all(carries) && !self.excluded.iter().any(carries)
    }

    /// Nothing but `!tag`s: they take away from whom a request without tags
    /// would go to.
    fn is_ban_only(&self, by_pattern: bool) -> bool {
        let has_wish = by_pattern || !self.plain.is_empty() || !self.required.is_empty();
        !has_wish && !self.excluded.is_empty()
    }

    /// How well a deployment suits: the best of one model are asked, and nobody
    /// at 0.
    fn suits(&self, deployment: &Deployment, by_pattern: bool) -> u8 {
        let own = &deployment.tags;
        let is_default = own.iter().any(|tag| tag == DEFAULT);
        if !self.plain.is_empty() {
            let carries = |tag: &&str| own.iter().any(|own| own == tag);
            let carries_them = match self.filtering {
                TagFiltering::Any => self.plain.iter().any(carries),
                TagFiltering::All => self.plain.iter().all(carries),
            };
            let is_meant = carries_them || self.is_client_of(deployment);
            return if is_meant { 2 } else { u8::from(is_default) };
        }
        if !by_pattern && !self.required.is_empty() {
            return 1;
        }
        if self.is_ban_only(by_pattern) {
            return 1 + u8::from(is_default);
        }
        match (is_default, own.is_empty(), deployment.patterns.is_empty()) {
            _ if self.is_client_of(deployment) => 4,
            (true, ..) => 3,
            (false, true, true) => 2,
            (false, false, _) => 1,
            // Kept for clients, and this is another.
            (false, true, false) => u8::from(self.client.is_none()),
        }
    }

    /// True if a pattern says so. Where all tags must be carried a pattern is no
    /// way past the tags.
    fn is_client_of(&self, deployment: &Deployment) -> bool {
        let is_strict = self.filtering == TagFiltering::All && !deployment.tags.is_empty();
        let client = self.client.as_deref().filter(|_| !is_strict);
        client.is_some_and(|client| deployment.patterns.find(client))
    }
}
