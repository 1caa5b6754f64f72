//! Launch digests against independent calculators, and each refusal.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod firmware;
mod id_block;
mod image;
mod launch;
mod release;
mod vectors;
