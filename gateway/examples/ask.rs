//! Asks endpoints one question and prints every event as a line of JSON:
//! `cargo run --release -p gateway --example ask -- "Why?" URL MODEL [URL MODEL …]`
//!
//! Without addresses it takes the engines found on this machine. Endpoints off
//! this machine are refused: the example asks nobody for consent.

use std::error::Error;
use std::sync::Arc;

use futures::StreamExt;
use gateway::discover::DISCOVERY_DEADLINE;
use gateway::{
    Ask, Consent, EndpointConfig, Engine, Gateway, GatewayConfig, Models, Place, Task, discover,
};
use gateway_client::{HttpTransport, Message, Prompt};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let question = args.next().unwrap_or_else(|| "What is a UART?".to_owned());
    let addresses: Vec<String> = args.collect();
    let transport = Arc::new(HttpTransport::default());

    let mut config = GatewayConfig::default();
    for (number, pair) in (1..).zip(addresses.chunks(2)) {
        let [url, model] = pair else { return Err("each address needs a model".into()) };
        config.endpoints.push(EndpointConfig {
            name: format!("endpoint-{number}"),
            url: url.clone(),
            models: Models::from(model.as_str()),
            ..EndpointConfig::default()
        });
    }
    if config.endpoints.is_empty() {
        let engines = discover(&*transport, &Place::DEFAULTS, DISCOVERY_DEADLINE).await;
        config.endpoints.extend(engines.iter().filter_map(Engine::to_endpoint));
    }

    let gateway = Gateway::new(config, Consent::default(), transport)?;
    let mut prompt = Prompt::new(vec![Message::user(question)]);
    prompt.max_tokens = Some(128);
    let mut events = gateway.ask(Ask::new(Task::Explain, prompt));
    while let Some(event) = events.next().await {
        println!("{}", serde_json::to_string(&event?)?);
    }
    Ok(())
}
