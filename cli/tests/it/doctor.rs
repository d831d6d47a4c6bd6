//! `silk doctor`: what is there, what is missing, what is broken, and the exit code for each.

use scripted_provider::{Provider, Reply};
use serde_json::Value;

use crate::silk::{Silk, example, faulty};

fn check<'a>(lines: &'a [Value], name: &str) -> &'a Value {
    lines
        .iter()
        .find(|line| line["check"] == name)
        .unwrap_or_else(|| panic!("no {name}: {lines:?}"))
}

#[test]
fn missing_optional_parts_are_no_failure() {
    let silk = Silk::new().with("PATH", "/nonexistent");
    let lines = silk.run(["doctor", "--json"]).expect(0).json();
    assert_eq!(check(&lines, "svd")["state"], "missing");
    assert_eq!(check(&lines, "qemu")["state"], "missing");
    assert_eq!(check(&lines, "model")["state"], "missing");
    assert!(check(&lines, "qemu")["hint"].as_str().unwrap().contains("qemu-system-arm"));
}

#[test]
fn sources_are_opened_and_held_against_each_other() {
    let faulty = faulty();
    let arguments = [&["doctor", "--json"][..], &faulty.each_ref().map(|s| &**s)].concat();
    let lines = Silk::new().run(arguments).expect(0).json();
    assert_eq!(check(&lines, "svd")["state"], "ok");
    assert!(check(&lines, "svd")["detail"].as_str().unwrap().contains("registers"));
    assert_eq!(check(&lines, "elf")["state"], "ok");
    assert_eq!(check(&lines, "agreement")["state"], "ok");
}

#[test]
fn a_configured_source_that_cannot_be_read_is_broken() {
    let run = Silk::new().run(["doctor", "--svd", "/nowhere/x.svd"]).expect(2);
    assert!(run.stdout.contains("/nowhere/x.svd"), "{}", run.stdout);
    let run = Silk::new().run(["doctor", "--svd", &example("faulty.elf")]).expect(2);
    assert!(run.stdout.contains("not a CMSIS-SVD"), "{}", run.stdout);
}

#[test]
fn a_local_engine_is_found_and_a_remote_endpoint_is_left_alone() {
    let engine = Provider::start([Reply::answer("hello")]).unwrap();
    let silk = Silk::new()
        .with("SILK_LOCAL_ENGINES", format!("llama.cpp:{}", engine.port()))
        .with("OPENAI_BASE_URL", "https://model.invalid/v1")
        .with("OPENAI_API_KEY", "sk-very-secret-0123456789")
        .with("OPENAI_MODEL", "m");
    let run = silk.run(["doctor", "--json"]).expect(0);
    let models: Vec<Value> = run.json().into_iter().filter(|l| l["check"] == "model").collect();
    assert!(models.iter().any(|line| line["state"] == "ok"), "{models:?}");
    let remote = models.iter().find(|l| l["detail"].as_str().unwrap().contains("model.invalid"));
    assert!(remote.unwrap()["detail"].as_str().unwrap().contains("not contacted"), "{remote:?}");
    assert!(!run.stdout.contains("very-secret"), "{}", run.stdout);
    assert!(engine.chats().is_empty(), "only its model list was asked for");
}
