//! The policy from outside: requests in, approvals and denials out.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up must fail")]

#[path = "policy/desk.rs"]
mod desk;
#[path = "policy/first_light.rs"]
mod first_light;
#[path = "policy/gates.rs"]
mod gates;
#[path = "policy/guardrails.rs"]
mod guardrails;
#[path = "policy/incidents.rs"]
mod incidents;
#[path = "policy/limits.rs"]
mod limits;
#[path = "policy/properties.rs"]
mod properties;
#[path = "policy/red_team.rs"]
mod red_team;
#[path = "policy/requests.rs"]
mod requests;
