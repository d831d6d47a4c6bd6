//! The providers that LiteLLM's files name before a model, as far as they
//! speak a protocol that is spoken here.

use super::Protocol;

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Provider {
    /// The word before the `/`.
    prefix: &'static str,
    pub(super) protocol: Protocol,
    /// Its own address; `None`: it has none, `api_base` must say.
    pub(super) url: Option<&'static str>,
    /// The variable that its key is looked for in by custom.
    pub(super) key_variable: Option<&'static str>,
    /// Whether it goes on with an answer that was begun elsewhere.
    pub(super) local_prefill: Option<bool>,
}

/// A provider with an address of its own.
const fn hosted(prefix: &'static str, url: &'static str, key: &'static str) -> Provider {
    let (url, key_variable) = (Some(url), Some(key));
    Provider { prefix, protocol: Protocol::OpenAi, url, key_variable, local_prefill: None }
}

/// A server that is run by whoever uses it.
const fn own(prefix: &'static str) -> Provider {
    let (url, key_variable, local_prefill) = (None, None, None);
    Provider { prefix, protocol: Protocol::OpenAi, url, key_variable, local_prefill }
}

/// Addresses from the providers' own references.
const PROVIDERS: [Provider; 22] = [
    hosted("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    Provider {
        protocol: Protocol::Anthropic,
        ..hosted("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY")
    },
    hosted("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    hosted("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    hosted("codestral", "https://codestral.mistral.ai/v1", "CODESTRAL_API_KEY"),
    hosted("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    hosted("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    hosted("together_ai", "https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    hosted("fireworks_ai", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    hosted("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    hosted("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    hosted("perplexity", "https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
    hosted("nvidia_nim", "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    hosted("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    Provider { key_variable: None, ..hosted("ollama", "http://localhost:11434/v1", "") },
    Provider { key_variable: None, ..hosted("ollama_chat", "http://localhost:11434/v1", "") },
    own("hosted_vllm"),
    own("vllm"),
    own("lm_studio"),
    own("llamafile"),
    own("openai_like"),
    own("text-completion-openai"),
];

/// Words of providers whose protocol is another, wherever they are.
const FOREIGN: [&str; 14] = [
    "azure",
    "azure_ai",
    "azure_text",
    "bedrock",
    "bedrock_converse",
    "cloudflare",
    "cohere",
    "cohere_chat",
    "databricks",
    "replicate",
    "sagemaker",
    "vertex_ai",
    "vertex_ai_beta",
    "watsonx",
];

/// Whether this is the word of a provider that cannot be asked.
pub(super) fn is_foreign(prefix: &str) -> bool {
    FOREIGN.contains(&prefix)
}

/// The provider with this word.
pub(super) fn find(prefix: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.prefix == prefix)
}
