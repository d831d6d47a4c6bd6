//! `silk gateway status`: what a running gateway is doing.

use std::io::Write;
use std::time::Duration;

use gateway_client::{ClientError, Endpoint, Secret};
use gateway_server::fetch_status;
use serde_json::Value;

use crate::args::{GatewayStatusArgs, Global};
use crate::exit::{Exit, Failure, Outcome};
use crate::ui::{CARE, GOOD, QUIET, STRONG, Ui, printable};

/// How long the gateway may take to say.
const DEADLINE: Duration = Duration::from_secs(5);

/// Shows the status once, or again and again.
pub(crate) fn run(flags: &Global, args: &GatewayStatusArgs) -> Outcome {
    let mut ui = Ui::new(flags);
    let key = std::env::var(&args.key_env).ok().map(Secret::new);
    let gateway = Endpoint::parse("gateway", &args.url, key).map_err(|error| {
        Failure::new(Exit::Usage, "the gateway's address cannot be used").caused_by(&error)
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    loop {
        let status = runtime
            .block_on(fetch_status(&gateway, DEADLINE))
            .map_err(|error| failure(&error, args))?;
        if ui.json {
            ui.json_line(&status)?;
        } else {
            show(&mut ui, &status)?;
        }
        let Some(seconds) = args.watch else { return Ok(Exit::Ok) };
        std::thread::sleep(Duration::from_secs(seconds.max(1)));
    }
}

fn failure(error: &ClientError, args: &GatewayStatusArgs) -> Failure {
    let (exit, hint) = match error {
        ClientError::Unauthorized { .. } => {
            let name = &args.key_env;
            (Exit::Credentials, format!("set {name} to the gateway's master key"))
        }
        _ => (Exit::NoModel, "`silk gateway serve` starts one; --url says where it is".to_owned()),
    };
    Failure::new(exit, "no status of a gateway").caused_by(error).hint(hint)
}

fn show(ui: &mut Ui, status: &Value) -> Result<(), Failure> {
    let number = |value: &Value| value.as_u64().map_or("-".to_owned(), |number| number.to_string());
    let waiting: Vec<String> = list(&status["waiting"]).iter().map(number).collect();
    writeln!(
        ui.out,
        "up {} s, {} requests known, waiting {} (interactive, agent, batch)",
        number(&status["up_s"]),
        number(&status["requests"]),
        waiting.join(" "),
    )?;
    match (&status["shared"]["reached"], status["shared"]["error"].as_str()) {
        (Value::Bool(true), _) => writeln!(ui.out, "limits shared with other replicas")?,
        (Value::Bool(false), error) => {
            let error = printable(error.unwrap_or("no reason told"));
            writeln!(ui.out, "{CARE}limits not shared with other replicas{CARE:#}: {error}")?;
        }
        _ => {}
    }
    for deployment in list(&status["deployments"]) {
        let text = |name: &str| printable(deployment[name].as_str().unwrap_or("-"));
        let (mood, state) = match deployment["cooldown_ms"].as_u64() {
            Some(left) => (CARE, format!("left alone {left} ms")),
            None if deployment["suspect"] == true => (CARE, "failed lately".to_owned()),
            None => (GOOD, "ready".to_owned()),
        };
        let (group, endpoint) = (text("group"), text("endpoint"));
        write!(ui.out, "{STRONG}{group:24}{STRONG:#} {endpoint:32} {mood}{state:20}{mood:#}")?;
        writeln!(
            ui.out,
            " {QUIET}under way {}, requests left {}, tokens left {}, first token {} ms{QUIET:#}",
            number(&deployment["under_way"]),
            number(&deployment["requests_left"]),
            number(&deployment["tokens_left"]),
            number(&deployment["first_token_ms"]),
        )?;
    }
    show_turned_away(ui, &status["turned_away"])?;
    show_spent(ui, list(&status["spent"]))?;
    Ok(ui.out.flush()?)
}

/// Clients that were sent away before they asked anything.
fn show_turned_away(ui: &mut Ui, turned_away: &Value) -> Result<(), Failure> {
    for (kind, words) in [("keys", "refused keys"), ("handshakes", "failed TLS handshakes")] {
        let counts = turned_away[kind].as_object().into_iter().flatten();
        let counts: Vec<String> = counts.map(|(why, count)| format!("{why} {count}")).collect();
        if !counts.is_empty() {
            writeln!(ui.out, "{CARE}{words}{CARE:#}: {}", printable(&counts.join(", ")))?;
        }
    }
    Ok(())
}

/// What each user spent on what, most dollars first.
fn show_spent(ui: &mut Ui, rows: &[Value]) -> Result<(), Failure> {
    let dollars = |row: &Value| row["dollars"].as_f64().unwrap_or_default();
    let mut rows: Vec<&Value> = rows.iter().collect();
    rows.sort_by(|one, other| dollars(other).total_cmp(&dollars(one)));
    for row in rows {
        let text = |name: &str| row[name].as_str().filter(|text| !text.is_empty());
        let number = |name: &str| row[name].as_u64().unwrap_or_default();
        let mut on = Vec::new();
        on.extend(text("project").map(|project| format!("project {project}")));
        on.extend(text("task").map(|task| format!("task {task}")));
        let (user, on) = (printable(text("user").unwrap_or("-")), printable(&on.join(", ")));
        writeln!(
            ui.out,
            "{STRONG}{user:24}{STRONG:#} ${:<10.4} {QUIET}{} answers, {} + {} tokens  {on}{QUIET:#}",
            dollars(row),
            number("requests"),
            number("input_tokens"),
            number("output_tokens"),
        )?;
    }
    Ok(())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
