//! What the enclave says on its egress link before the bytes of another protocol follow.
//!
//! One frame each way, then the link carries raw bytes to the named target. The host dials only what its own
//! configuration lists; who answers is the enclave's business, which verifies TLS end to end.

/// The first frame from the enclave: whom to dial.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Dial {
    /// A target that the host's configuration lists, such as `gateway/gcp` or `tcp/rpc.example:443`.
    #[prost(string, tag = "1")]
    pub target: String,
}

/// The host's answer; raw bytes follow if `error` is empty.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DialAnswer {
    /// Empty if the target is connected, else why it is not.
    #[prost(string, tag = "1")]
    pub error: String,
}
