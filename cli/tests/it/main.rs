//! End-to-end tests: the `silk` binary as its users run it, each with a home of its own.
#![allow(clippy::unwrap_used)]

mod arrows;
mod ask;
mod ask_tools;
mod bad_input;
mod board;
mod check;
mod demo;
mod docs;
mod doctor;
mod elf_queries;
mod eval;
mod example;
mod gateway;
mod gateway_clients;
mod gateway_process;
mod gateway_regions;
mod gateway_serve;
mod hil;
mod hil_failures;
mod hil_replay;
mod images;
mod index;
mod init;
mod inputs;
mod known_crashes;
mod lines;
mod locals;
mod locked;
mod lookup;
mod mcp;
mod parts;
#[path = "../../../hil/tests/it/proxy.rs"]
mod proxy;
mod real_model;
mod registers;
mod sarif;
mod serving;
mod silk;
mod size;
mod tasks;
mod trace;
mod triage;
mod unasked;
mod uses;
