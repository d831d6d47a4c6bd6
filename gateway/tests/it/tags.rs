//! Whom the tags of a request lead to.

use gateway::config::{TagFiltering, file};
use gateway::policy::{Need, Refusal, Step};

use crate::policy::{at, need, policy};

/// Endpoints of one model, each called by its tags, with commas between them; one
/// that begins with `/` is a pattern of clients.
fn tagged(filtering: &str, endpoints: &[&str]) -> String {
    let mut toml = format!("[routing]\n{filtering}\n");
    for words in endpoints {
        let (patterns, tags): (Vec<&str>, Vec<&str>) =
            words.split(',').filter(|word| *word != "-").partition(|word| word.starts_with('/'));
        let patterns: Vec<&str> = patterns.iter().map(|pattern| &pattern[1..]).collect();
        toml += &format!(
            "[[endpoints]]\nname = \"{words}\"\nurl = \"http://127.0.0.1:1\"\nmodels = \"m\"\ntags = {tags:?}\ntag_regex = {patterns:?}\n"
        );
    }
    toml
}

/// Who is asked, one after the other, if nobody can be reached; or the refusal.
fn asked(toml: &str, model: &str, tags: &[&str]) -> Result<Vec<String>, Refusal> {
    asked_by(toml, model, tags, None)
}

/// The same for a client that says what it is.
fn asked_by(
    toml: &str,
    model: &str,
    tags: &[&str],
    user_agent: Option<&str>,
) -> Result<Vec<String>, Refusal> {
    let mut policy = policy(toml);
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let need = Need { model: Some(model), tags: &tags, user_agent, ..need(0) };
    let id = policy.admit(&need, at(0))?;
    let mut names = Vec::new();
    while let Step::Try(next) = policy.next(id, at(0)) {
        names.push(next.deployment.name().to_owned());
        let outcome = gateway::Outcome::ConnectError;
        let observed = gateway::policy::Observed::none();
        policy.record(next.reservation, &outcome, &observed, at(0));
    }
    Ok(names)
}

const ANY: &str = "tag_filtering = 'any'";

#[test]
fn of_one_model_those_are_asked_that_the_tags_lead_to() {
    let check = |filtering: &str, endpoints: &[&str], tags: &[&str], expected: &[&str]| {
        let asked = asked(&tagged(filtering, endpoints), "m", tags).unwrap();
        assert_eq!(asked, expected, "{filtering} {endpoints:?} {tags:?}");
    };
    let all = "tag_filtering = 'all'";
    let several = ["free", "paid,eu", "default", "-"];
    check("", &several, &["paid"], &several);
    check(ANY, &several, &["paid"], &["paid,eu"]);
    check(ANY, &several, &["free", "eu"], &["free", "paid,eu"]);
    check(ANY, &several, &["unheard of"], &["default"]);
    check(ANY, &several, &["default"], &["default"]);
    check(ANY, &several, &[], &["default"]);
    check(all, &several, &["paid", "eu"], &["paid,eu"]);
    check(all, &several, &["free", "eu"], &["default"]);
    // Without one for all, tags keep others out.
    check(ANY, &["free", "-"], &[], &["-"]);
    check(ANY, &["free", "paid"], &[], &["free", "paid"]);
}

#[test]
fn marked_tags_keep_out_whoever_carries_them_or_lacks_them() {
    let check = |endpoints: &[&str], tags: &[&str], expected: &[&str]| {
        let asked = asked(&tagged(ANY, endpoints), "m", tags).unwrap_or_default();
        assert_eq!(asked, expected, "{endpoints:?} {tags:?}");
    };
    let several = ["high,a", "high,b", "low,a", "-"];
    check(&several, &["!a"], &["high,b", "-"]);
    check(&several, &["!a", "!b"], &["-"]);
    check(&several, &["high", "!a"], &["high,b"]);
    check(&several, &["&high", "&a"], &["high,a"]);
    check(&several, &["&high", "a", "b", "!b"], &["high,a"]);
    check(&several, &["&high", "&low"], &[]);
    check(&several, &["low", "!a"], &[]);
    // Text, no patterns, and a mark alone is nothing.
    check(&several, &["!a|b"], &several);
    check(&several, &["!", "&"], &["-"]);
    // What is left of those that a request without tags would go to.
    let with_default = ["a", "default,b", "default,c", "-"];
    check(&with_default, &["!b"], &["default,c"]);
    check(&with_default, &["!b", "!c"], &[]);
    check(&with_default, &["&a"], &["a"]);
    check(&with_default, &["&b", "paid"], &["default,b"]);
}

#[test]
fn a_client_is_known_by_patterns_anywhere_in_what_it_calls_itself() {
    let check = |filtering: &str, endpoints: &[&str], (tags, client), expected: &[&str]| {
        let asked = asked_by(&tagged(filtering, endpoints), "m", tags, client).unwrap_or_default();
        assert_eq!(asked, expected, "{filtering} {endpoints:?} {tags:?} {client:?}");
    };
    let (coder, curl) = (Some("coder/2.1 (linux)"), Some("curl/8"));
    let all = "tag_filtering = 'all'";
    let several = ["/^User-Agent: coder/,/nobody", "/linux", "free", "default", "-"];
    let matched = &several[..2];
    check("", &several, (&[], curl), &several);
    check(ANY, &several, (&[], coder), matched);
    check(all, &several, (&[], coder), matched);
    check(ANY, &several, (&[], curl), &["default"]);
    check(ANY, &several, (&[], None), &["default"]);
    // A tag or a pattern: either will do.
    check(ANY, &several, (&["free"], coder), &[several[0], several[1], "free"]);
    check(ANY, &several, (&["free"], curl), &["free"]);
    // Where all tags must be carried no pattern leads past them.
    let both = ["free,/coder", "-"];
    check(ANY, &both, (&[], coder), &["free,/coder"]);
    check(ANY, &both, (&["paid"], coder), &["free,/coder"]);
    check(all, &both, (&[], coder), &["-"]);
    check(all, &both, (&["paid"], coder), &[]);
    check(all, &both, (&["free"], curl), &["free,/coder"]);
    // Those that are kept for clients are not for others.
    check(ANY, &["/coder", "-"], (&[], curl), &["-"]);
    check(ANY, &["/coder"], (&[], curl), &[]);
    check(ANY, &["/coder", "free"], (&[], None), &["/coder", "free"]);
    // `!` goes first, and `&` alone is not narrowed by patterns.
    check(ANY, &["/coder", "a"], (&["!a"], coder), &["/coder"]);
    check(ANY, &["/coder,a", "b"], (&["!a"], coder), &["b"]);
    check(ANY, &["/coder,a", "a"], (&["&a"], coder), &["/coder,a", "a"]);
}

#[test]
fn a_client_that_nobody_is_for_is_told_so() {
    let refusal = asked_by(&tagged(ANY, &["/coder"]), "m", &[], Some("curl")).unwrap_err();
    assert_eq!(refusal.to_string(), "no endpoint of the model is for clients like this one");
}

#[test]
fn tags_that_nobody_has_are_refused_by_name() {
    let toml = tagged(ANY, &["free", "-"]);
    let refusal = asked(&toml, "m", &["paid", "eu"]).unwrap_err();
    assert_eq!(refusal.to_string(), "no endpoint of the model has the tags `paid`, `eu`");
}

#[test]
fn each_model_of_a_ladder_is_looked_at_by_itself() {
    let toml = tagged(ANY, &["free", "paid"])
        + "[[endpoints]]\nname = \"spare\"\nurl = \"http://127.0.0.1:1\"\nmodels = \"other\"\ntags = [\"default\"]\n[[endpoints]]\nname = \"kept\"\nurl = \"http://127.0.0.1:1\"\nmodels = \"other\"\ntags = [\"kept\"]\n";
    let toml = toml.replacen("[routing]", "[routing]\nfallbacks = { m = ['other'] }", 1);
    assert_eq!(asked(&toml, "m", &["paid"]).unwrap(), ["paid", "spare"]);
    assert_eq!(asked(&toml, "m", &["kept"]).unwrap(), ["kept"]);
    assert_eq!(asked(&toml, "m", &["eu"]).unwrap(), ["spare"]);
    assert_eq!(asked(&toml, "m", &[]).unwrap(), ["free", "paid", "spare"]);
}

#[test]
fn what_tags_keep_out_is_explained() {
    let policy = policy(&tagged(ANY, &["free", "paid"]));
    let explain = |tags: &[String]| {
        let need = Need { model: Some("m"), tags, ..need(0) };
        let candidates = policy.explain(&need, at(0)).unwrap().candidates;
        let told = candidates.iter().map(|c| (c.endpoint.clone(), c.first, c.why[0].clone()));
        told.collect::<Vec<_>>()
    };
    let told = explain(&["paid".to_owned()]);
    let free = ("free".to_owned(), false);
    assert_eq!((told[0].0.clone(), told[0].1), free);
    assert_eq!(told[0].2, "passed over: its tags are not those of the request");
    assert_eq!((told[1].0.as_str(), told[1].1, told[1].2.as_str()), ("paid", true, "rank 1"));
    assert!(explain(&["eu".to_owned()]).iter().all(|(_, first, _)| !first));
}

#[test]
fn litellms_switch_turns_them_on() {
    let filtering = |settings: &str| {
        let list = "model_list:\n  - model_name: m\n    litellm_params: { model: openai/m, tags: [free] }\n";
        let loaded = file::read(&format!("{list}router_settings: {{ {settings} }}\n")).unwrap();
        assert_eq!(loaded.notes, [], "{settings}");
        assert_eq!(loaded.config.endpoints[0].tags, ["free"]);
        loaded.config.routing.tag_filtering
    };
    assert_eq!(filtering(""), None);
    assert_eq!(filtering("enable_tag_filtering: false, tag_filtering_match_any: true"), None);
    assert_eq!(filtering("enable_tag_filtering: true"), Some(TagFiltering::Any));
    let all = "enable_tag_filtering: true, tag_filtering_match_any: false";
    assert_eq!(filtering(all), Some(TagFiltering::All));
}
