//! The verifier against the shared vectors, genuine and tampered, and against a software processor whose every field
//! can be bent. Tests carry the names of the incidents that they keep from happening here.

mod certificates;
mod fixture;
mod genuine;
mod incidents;
mod platform;
mod references;
mod rejections;
mod vectors;
