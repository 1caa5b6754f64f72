//! What crosses a boundary of Shroud: messages, size limits, canonical bytes, links.
//!
//! Everything that two processes must agree on stands here once. The crate trusts nobody: every decoder bounds its
//! input before it allocates, and no message carries meaning beyond its own fields. The features `link`, `hpke` and
//! `credential` add what needs a runtime or a cryptographic provider; without them the crate is plain bytes.

pub mod canonical;
#[cfg(feature = "credential")]
pub mod credential;
pub mod egress;
pub mod frame;
pub mod gateway;
#[cfg(feature = "hpke")]
pub mod hpke;
pub mod limits;
#[cfg(feature = "link")]
pub mod link;
pub mod note;
pub mod store;
#[cfg(feature = "link")]
pub mod write_deadline;
