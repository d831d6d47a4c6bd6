//! Streams on the wire: [`sse`] cuts bytes into events, whose meaning
//! [`gateway_client::wire`] tells as [`Piece`]s. Only where the client speaks
//! another dialect than the endpoint, or an answer goes on at another endpoint,
//! are the pieces written anew ([`encode`]).

pub(crate) mod encode;
pub(crate) mod sse;

pub(crate) use gateway_client::wire::{
    Finish, Piece, Text, Usage, Wrong, anthropic, openai, translate,
};
