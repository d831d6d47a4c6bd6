//! The ways to write which models an endpoint serves and a tier prefers.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::task::Tier;

/// The models of an endpoint: one name, a list, or lists by tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Models {
    /// For any tier, in order of preference.
    Any(Vec<String>),
    /// By tier, each in order of preference.
    ByTier(BTreeMap<Tier, Vec<String>>),
}

impl Default for Models {
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

impl From<&str> for Models {
    fn from(model: &str) -> Self {
        Self::Any(vec![model.to_owned()])
    }
}

impl Models {
    /// Those meant for `tier`.
    pub fn of_tier(&self, tier: Tier) -> &[String] {
        match self {
            Self::Any(models) => models,
            Self::ByTier(tiers) => tiers.get(&tier).map_or(&[], Vec::as_slice),
        }
    }

    /// True if `model` is among them, whatever the tier.
    pub fn contains(&self, model: &str) -> bool {
        match self {
            Self::Any(models) => models.iter().any(|name| name == model),
            Self::ByTier(tiers) => tiers.values().flatten().any(|name| name == model),
        }
    }

    /// Each model once, in the order of their first mention.
    pub fn all(&self) -> Vec<&str> {
        let mut all: Vec<&str> = match self {
            Self::Any(models) => models.iter().map(String::as_str).collect(),
            Self::ByTier(tiers) => tiers.values().flatten().map(String::as_str).collect(),
        };
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|model| seen.insert(*model));
        all
    }

    /// True if no model is named.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Any(models) => models.is_empty(),
            Self::ByTier(tiers) => tiers.values().all(Vec::is_empty),
        }
    }
}

/// A model of a tier: by name, at any endpoint that lists it, or at one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelRef {
    /// The model's name.
    pub model: String,
    /// Only there, if given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

impl From<&str> for ModelRef {
    fn from(model: &str) -> Self {
        Self { model: model.to_owned(), endpoint: None }
    }
}

impl<'de> Deserialize<'de> for Models {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ModelsVisitor;

        impl<'de> Visitor<'de> for ModelsVisitor {
            type Value = Models;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model name, a list of them, or lists under small, medium, large")
            }

            fn visit_str<E>(self, model: &str) -> Result<Models, E> {
                Ok(Models::from(model))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Models, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Models::Any)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Models, A::Error> {
                let tiers = BTreeMap::<Tier, Names>::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Models::ByTier(tiers.into_iter().map(|(tier, names)| (tier, names.0)).collect()))
            }
        }

        deserializer.deserialize_any(ModelsVisitor)
    }
}

/// One name or a list of them.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamesVisitor;

        impl<'de> Visitor<'de> for NamesVisitor {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model name or a list of them")
            }

            fn visit_str<E>(self, model: &str) -> Result<Names, E> {
                Ok(Names(vec![model.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Names, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Names)
            }
        }

        deserializer.deserialize_any(NamesVisitor)
    }
}

impl<'de> Deserialize<'de> for ModelRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RefVisitor;

        #[derive(Deserialize)]
        struct Fields {
            model: String,
            endpoint: Option<String>,
        }

        impl<'de> Visitor<'de> for RefVisitor {
            type Value = ModelRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model name, or { model = …, endpoint = … }")
            }

            fn visit_str<E>(self, model: &str) -> Result<ModelRef, E> {
                Ok(ModelRef::from(model))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelRef, A::Error> {
                let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ModelRef { model: fields.model, endpoint: fields.endpoint })
            }
        }

        deserializer.deserialize_any(RefVisitor)
    }
}
