//! The verifier against the shared vectors, genuine and tampered, and against a software processor whose every field
//! can be bent. Tests carry the names of the incidents that they keep from happening here.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod certificates;
mod fixture;
mod forge;
mod forged;
mod genuine;
mod incidents;
mod platform;
mod references;
mod rejections;
mod vectors;
