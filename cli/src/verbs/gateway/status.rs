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
    for spent in list(&status["spent"]) {
        writeln!(ui.out, "spent {}", printable(&spent.to_string()))?;
    }
    Ok(ui.out.flush()?)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
