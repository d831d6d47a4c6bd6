//! What is known of a deployment beforehand: what it may be asked, what it
//! costs, how long it may take.

use gateway_client::Dialect;
use serde::{Deserialize, Serialize};

/// The protocol in which an endpoint is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Protocol {
    /// OpenAI's, as most servers speak it.
    #[default]
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic's Messages.
    Anthropic,
}

impl Protocol {
    /// The same, as requests are written.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::OpenAi => Dialect::OpenAi,
            Self::Anthropic => Dialect::Anthropic,
        }
    }
}

/// How much a deployment may be asked. What is left out is not bounded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Requests in any minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u64>,
    /// Tokens in any minute, of requests and answers together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u64>,
    /// Requests at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u64>,
}

/// What tokens cost, in US dollars for a million.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Price {
    /// Of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<f64>,
    /// Of the request, where the endpoint had them in its prefix cache; the
    /// price of input if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<f64>,
    /// Of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<f64>,
}

impl Price {
    /// What so many tokens cost; 0 where no price is known.
    pub fn of(&self, input: u64, cached: u64, output: u64) -> f64 {
        let cached = cached.min(input);
        let per_input = self.input.unwrap_or_default();
        let fresh = (input - cached) as f64 * per_input;
        let cached = cached as f64 * self.cached_input.unwrap_or(per_input);
        (fresh + cached + output as f64 * self.output.unwrap_or_default()) / 1e6
    }

    /// True if any price is given.
    pub fn is_known(&self) -> bool {
        self.input.is_some() || self.output.is_some()
    }
}

/// What is known of the models of an endpoint, or of one of them. Of two, the
/// one for the model wins, value by value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// How much it may be asked.
    pub limits: Limits,
    /// What it costs.
    pub price: Price,
    /// The most tokens of a request; longer ones are not sent there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<u64>,
    /// The most tokens of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// Its share of requests among equals under `strategy = "shuffle"`; 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// Lower is asked first, whatever the strategy; 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<u32>,
    /// Until an answer begins, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Between two pieces of an answer, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u64>,
    /// True if it goes on with an answer that was begun elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill: Option<bool>,
}

impl Facts {
    /// These, with what they leave open taken from `wider`.
    #[must_use]
    pub fn or(&self, wider: &Self) -> Self {
        let (limits, price) = (&self.limits, &self.price);
        Self {
            limits: Limits {
                rpm: limits.rpm.or(wider.limits.rpm),
                tpm: limits.tpm.or(wider.limits.tpm),
                concurrency: limits.concurrency.or(wider.limits.concurrency),
            },
            price: Price {
                input: price.input.or(wider.price.input),
                cached_input: price.cached_input.or(wider.price.cached_input),
                output: price.output.or(wider.price.output),
            },
            max_input_tokens: self.max_input_tokens.or(wider.max_input_tokens),
            max_output_tokens: self.max_output_tokens.or(wider.max_output_tokens),
            weight: self.weight.or(wider.weight),
            order: self.order.or(wider.order),
            timeout_ms: self.timeout_ms.or(wider.timeout_ms),
            idle_ms: self.idle_ms.or(wider.idle_ms),
            prefill: self.prefill.or(wider.prefill),
        }
    }
}
