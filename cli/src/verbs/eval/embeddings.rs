//! Evidence by embeddings, for comparison: whole register documents, those first that an engine
//! puts nearest to the question.

use std::collections::HashMap;
use std::time::Duration;

use assist::context::document;
use gateway::config::Proxies;
use gateway::table::with_way;
use gateway::{EndpointConfig, GatewayConfig};
use gateway_client::{Endpoint, HttpTransport};
use svd_index::{Chip, RegisterRef};
use tokio::runtime::Runtime;

use crate::args::EvalArgs;
use crate::exit::{Exit, Failure};
use crate::interrupt::{self, Deferred};
use crate::verbs::ask::runtime;

/// Texts that an engine is given at once.
const AT_ONCE: usize = 64;

/// Until when it must have answered.
const DEADLINE: Duration = Duration::from_secs(300);

/// An engine, and what it said so far.
pub(super) struct Embeddings {
    runtime: Runtime,
    transport: HttpTransport,
    endpoint: Endpoint,
    model: Option<String>,
    /// Of all registers of a chip, by its SVD: questions often share one.
    registers: HashMap<String, Vec<Vec<f32>>>,
    _deferred: Deferred,
}

impl Embeddings {
    /// The engine that the arguments name, if they do. Contacts nobody.
    pub(super) fn of(args: &EvalArgs) -> Result<Option<Self>, Failure> {
        let Some(url) = &args.embeddings else { return Ok(None) };
        let endpoint = Endpoint::parse("embeddings", url, None).map_err(|error| {
            Failure::new(Exit::Usage, "--embeddings cannot be used").caused_by(&error)
        })?;
        if !endpoint.is_local() && !args.allow_remote {
            let what = format!("{} is not on this machine", endpoint.host());
            return Err(Failure::new(Exit::Usage, what).hint("--allow-remote permits it"));
        }
        let mut config = GatewayConfig::default();
        config.server.proxies = Proxies::of(|name| std::env::var(name).ok());
        let entry = EndpointConfig { name: "embeddings".to_owned(), ..EndpointConfig::default() };
        let endpoint = with_way(&config, &entry, endpoint).map_err(|error| {
            Failure::new(Exit::Usage, "--embeddings cannot be asked").caused_by(&error)
        })?;
        Ok(Some(Self {
            runtime: runtime()?,
            transport: HttpTransport::default(),
            endpoint,
            model: args.embedding_model.clone(),
            registers: HashMap::new(),
            _deferred: Deferred::begin(),
        }))
    }

    /// What is said before registers of a chip are asked for the first time, which takes minutes.
    pub(super) fn notice(&self, chip: &Chip, svd: &str) -> Option<String> {
        let told =
            || format!("{svd}: asking for the vectors of {} registers", chip.registers().count());
        (!self.registers.contains_key(svd)).then(told)
    }

    /// The registers of a chip, those nearest to the question first.
    pub(super) fn rank<'c>(
        &mut self,
        chip: &'c Chip,
        svd: &str,
        question: &str,
    ) -> Result<Vec<RegisterRef<'c>>, Failure> {
        let all: Vec<RegisterRef<'c>> = chip.registers().collect();
        if !self.registers.contains_key(svd) {
            let documents: Vec<String> = all.iter().map(document).collect();
            let vectors = self.embed(&documents)?;
            self.registers.insert(svd.to_owned(), vectors);
        }
        let asked = self.embed(&[question.to_owned()])?;
        let asked = asked.first().map_or(&[][..], Vec::as_slice);
        let vectors = self.registers.get(svd).into_iter().flatten();
        let mut order: Vec<(f32, RegisterRef<'c>)> =
            vectors.zip(all).map(|(vector, register)| (cosine(asked, vector), register)).collect();
        order.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        Ok(order.into_iter().map(|(_, register)| register).collect())
    }

    fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Failure> {
        let mut vectors = Vec::with_capacity(texts.len());
        for texts in texts.chunks(AT_ONCE) {
            let model = self.model.as_deref();
            let asked = self.transport.embed(&self.endpoint, model, texts, DEADLINE);
            let answer = self.runtime.block_on(async {
                tokio::select! {
                    answer = asked => Ok(answer),
                    exit = interrupt::arrived() => Err(Failure::new(exit, "cancelled")),
                }
            });
            vectors.extend(answer?.map_err(|error| {
                Failure::new(Exit::NoModel, "no embeddings came")
                    .caused_by(&error)
                    .hint("--embeddings takes the address of an engine that serves /v1/embeddings")
            })?);
        }
        Ok(vectors)
    }
}

/// How alike two vectors are, from -1 to 1; 0 where one has no length.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let length = (product(a, a) * product(b, b)).sqrt();
    if length > 0.0 { product(a, b) / length } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_is_what_points_the_same_way() {
        assert_eq!(cosine(&[3.0, 4.0], &[6.0, 8.0]), 1.0);
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 1.0]), 0.0);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 1.0]), 0.0);
    }
}
