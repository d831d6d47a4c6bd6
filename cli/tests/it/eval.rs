//! `silk eval`: evidence for a file of questions, and how much of what is needed it has.

use scripted_provider::{Provider, Reply, Setup};
use serde_json::json;

use crate::ask::with_endpoints;
use crate::silk::{Silk, example};

/// Questions about the chip of the example, one of them without its SVD, one no question.
fn questions(silk: &Silk) -> String {
    let lines = [
        json!({
            "id": "named",
            "question": "What does UART0.BAUDRATE hold for 115200 baud?",
            "svd": "nrf51.svd",
            "gold_registers": ["UART0.BAUDRATE"],
            "gold_fields": ["UART0->BAUDRATE.BAUDRATE"],
        }),
        json!({
            "id": "instance",
            "question": "My timer never fires its compare interrupt.",
            "svd": "nrf51.svd",
            "gold_registers": ["TIMER2.INTENSET"],
            "gold_fields": [],
            "any_instance": true,
        }),
        json!({"id": "no map", "question": "Why?", "svd": "none.svd"}),
        json!({"id": "no question"}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    silk.write("questions.jsonl", text).display().to_string()
}

fn folder() -> String {
    let svd = example("nrf51.svd");
    std::path::Path::new(&svd).parent().unwrap().display().to_string()
}

#[test]
fn each_question_and_budget_has_a_line() {
    let silk = Silk::new();
    let (questions, folder) = (questions(&silk), folder());
    let arguments = ["eval", "--questions", &questions, "--svd-dir", &folder];
    let run = silk.run([&arguments[..], &["--budgets", "200,800"]].concat());
    let run = run.expect(0);
    let lines = run.json();
    let told: Vec<_> = lines.iter().map(|line| (line["id"].as_str(), &line["budget"])).collect();
    let expected = [
        (Some("named"), &json!(200)),
        (Some("named"), &json!(800)),
        (Some("instance"), &json!(200)),
        (Some("instance"), &json!(800)),
    ];
    assert_eq!(told, expected);
    for line in &lines {
        let tokens = line["tokens"].as_u64().unwrap();
        assert!(tokens > 0 && tokens <= line["budget"].as_u64().unwrap(), "{line}");
    }
    let chosen = lines[0]["registers"].as_array().unwrap();
    assert!(chosen.contains(&json!("UART0.BAUDRATE")), "{chosen:?}");
    assert!(run.stderr.contains("questions.jsonl:3: left out"), "{}", run.stderr);
    assert!(run.stderr.contains("questions.jsonl:4: left out"), "{}", run.stderr);
    assert!(run.stderr.contains("2 questions, 2 left out"), "{}", run.stderr);
}

#[test]
fn a_table_compares_the_methods() {
    let silk = Silk::new();
    let (questions, folder) = (questions(&silk), folder());
    let arguments = ["eval", "--table", "--questions", &questions, "--svd-dir", &folder];
    let run = silk.run([&arguments[..], &["--budgets", "800"]].concat()).expect(0);
    let row = |method: &str| {
        let start = format!("| {method} | ");
        let row = run.stdout.lines().find_map(|line| line.strip_prefix(&start));
        row.unwrap_or_else(|| panic!("{}", run.stdout)).trim_end_matches(" |").to_owned()
    };
    assert_eq!(row("silk"), "1.000 / 1.000");
    // No peripheral of the chip is called as either question calls it but the UART.
    assert!(row("dump").starts_with("0.500 / "), "{}", run.stdout);
    assert!(row("bm25").contains(" / "), "{}", run.stdout);
}

/// An engine whose vectors have two sides: what is about a baud rate, and what is not.
fn engine_of_baud_rates() -> Provider {
    let embed = |text: &str| match text.to_lowercase().contains("baud") {
        true => vec![1.0, 0.0],
        false => vec![0.0, 1.0],
    };
    Provider::start_with(Setup { embed: Some(embed), ..Setup::default() }, []).unwrap()
}

#[test]
fn embeddings_of_an_engine_are_another_method() {
    let silk = Silk::new();
    let (questions, folder) = (questions(&silk), folder());
    let arguments = ["eval", "--questions", &questions, "--svd-dir", &folder, "--budgets", "300"];
    let engine = engine_of_baud_rates();
    let url = engine.url();
    let with = ["--method", "embeddings", "--embeddings", &url, "--embedding-model", "small"];
    let run = silk.run([&arguments[..], &with].concat()).expect(0);
    let told = run.stderr.matches("nrf51.svd: asking for the vectors of").count();
    assert_eq!(told, 1, "once for the chip: {}", run.stderr);
    let lines = run.json();
    assert_eq!((&lines[0]["method"], &lines[0]["id"]), (&json!("embeddings"), &json!("named")));
    assert_eq!(lines[0]["registers"][0], "UART0.BAUDRATE");
    let other = lines[1]["registers"].as_array().unwrap();
    assert!(!other.is_empty() && !other.contains(&json!("UART0.BAUDRATE")), "{other:?}");
    let asked = engine.posts();
    assert!(asked.iter().all(|post| post.json()["model"] == "small"));

    let run = silk.run([&arguments[..], &["--table", "--embeddings", &url]].concat()).expect(0);
    assert!(run.stdout.contains("| embeddings | 0.500 / 1.000 |"), "{}", run.stdout);
    // Whoever it is must be on this machine, and must answer with vectors.
    let run = silk.run([&arguments[..], &["--table", "--embeddings", "http://e.invalid"]].concat());
    assert!(run.expect(2).stderr.contains("--allow-remote permits it"));
    silk.run([&arguments[..], &["--method", "embeddings"]].concat()).expect(2);
    let deaf = Provider::start([Reply::answer("Hello.")]).unwrap();
    let run = silk.run([&arguments[..], &["--table", "--embeddings", &deaf.url()]].concat());
    assert!(run.expect(108).stderr.contains("no embeddings came"));
}

#[test]
fn a_file_without_questions_is_told() {
    let silk = Silk::new();
    let empty = silk.write("empty.jsonl", "\n").display().to_string();
    let run = silk.run(["eval", "--questions", &empty, "--svd-dir", &folder()]).expect(4);
    assert!(run.stderr.contains("no question could be taken"), "{}", run.stderr);
}

/// The questions of `docs/evidence.md`; most of their SVDs are not in the repository.
#[test]
fn the_published_questions_can_be_asked() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/questions.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let questions: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut ids: Vec<&str> = questions.iter().map(|q| q["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), questions.len(), "no two have one name");
    for question in &questions {
        let said = question["question"].as_str().unwrap();
        assert!(question["svd"].is_string() && said.len() > 40, "{question}");
        for register in question["gold_registers"].as_array().unwrap() {
            let name = register.as_str().unwrap();
            assert!(name.contains('.') && !said.contains(name), "it gives itself away: {question}");
        }
    }
}

#[test]
fn a_model_is_asked_from_nothing_from_a_dump_and_from_what_silk_chooses() {
    let answers = [
        "Look at UART0.BAUDRTE.",
        "UART0.CONFIG and UART0.ENABLE decide it.",
        "Write 0x01D7E000 to NRF_UART0->BAUDRATE.",
        "I do not know.",
    ];
    let provider = Provider::start(answers.map(Reply::answer)).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let (questions, folder) = (questions(&silk), folder());
    let arguments = ["eval", "--ask", "--questions", &questions, "--svd-dir", &folder];
    let run = silk.run([&arguments[..], &["--budgets", "400"]].concat()).expect(0);
    let lines = run.json();
    let counted: Vec<_> = lines
        .iter()
        .map(|line| {
            let invented = line["invented"].as_array().unwrap().len();
            let method = line["method"].as_str().unwrap();
            (method, line["names_needed"].as_bool().unwrap(), line["names"].as_u64(), invented)
        })
        .collect();
    let unknown = ["none", "dump", "silk"].map(|method| (method, false, Some(0), 0));
    let named =
        [("none", false, Some(0), 1), ("dump", false, Some(2), 0), ("silk", true, Some(1), 0)];
    assert_eq!(counted, [named, unknown].concat(), "{}", run.stdout);

    let sent = provider.chats();
    let body = |at: usize| sent[at].json();
    assert!(body(0)["messages"][1].to_string().contains("nothing was found"));
    assert!(body(2)["messages"][1].to_string().contains("UART0.BAUDRATE 0x40002524"));
    assert_eq!((&body(0)["max_tokens"], &body(0)["temperature"]), (&json!(300), &json!(0.0)));
    assert!(body(2)["tools"].is_null(), "what is measured is the prompt");

    let provider = Provider::start(answers.map(Reply::answer)).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let run = silk.run([&arguments[..], &["--budgets", "400", "--table"]].concat()).expect(0);
    assert!(
        run.stdout.contains("| silk, 400 tokens | 1 of 2, 50.0 % | 1, 0.0 % |"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("| none, 400 tokens | 0 of 2, 0.0 % | 1, 100.0 % |"),
        "{}",
        run.stdout
    );
}

#[test]
fn an_answer_that_does_not_come_costs_only_itself() {
    let replies = [Reply::answer("UART0.BAUDRATE."), Reply::error(400, "no"), Reply::answer("No.")];
    let provider = Provider::start(replies).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let (questions, folder) = (questions(&silk), folder());
    let arguments = ["eval", "--ask", "--questions", &questions, "--svd-dir", &folder];
    let run = silk.run([&arguments[..], &["--budgets", "400"]].concat()).expect(0);
    assert_eq!(run.json().len(), 5, "{}", run.stdout);
    assert!(run.stderr.contains("named, dump: left out"), "{}", run.stderr);
    // Where nobody answers at all, that is the end.
    let provider = Provider::start([Reply::error(400, "no")]).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    silk.run([&arguments[..], &["--budgets", "400"]].concat()).expect(108);
}
