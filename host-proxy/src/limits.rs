//! Every bound of the host: connections, requests in flight, waits. Sizes on the wire stand in
//! [`shroud_wire::limits`].

use std::time::Duration;

/// How much the host takes on at once, and how long it waits.
///
/// Memory is bounded by `2 · BUFFER · (ingress + egress) + request_bytes + answers · FRAME`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Clients connected to the enclave at once; further ones wait in the kernel's queue.
    pub ingress: usize,
    /// Of these, how many one address may hold (for IPv6 one /64); further ones are closed at once.
    pub ingress_share: usize,
    /// The same for the machine's own addresses, from which sidecars and proxies beside the host come.
    pub ingress_loopback_share: usize,
    /// Connections of the enclave to the outside at once.
    pub egress: usize,
    /// Connections of the enclave to the store at once.
    pub store: usize,
    /// Requests in flight on one connection to the store.
    pub requests: usize,
    /// Bytes of requests that the store holds at once, over all connections. At least
    /// [`shroud_wire::limits::FRAME`].
    pub request_bytes: usize,
    /// Answers that the store holds at once while they are read or written, over all connections.
    pub answers: usize,
    /// How long opening a connection to the enclave or to a target may take.
    pub dial: Duration,
    /// How long a frame may take to arrive once it has begun, and an answer to leave.
    pub frame: Duration,
    /// How long whoever opened a relayed connection may take to say its first byte; in TLS it speaks first.
    pub first_byte: Duration,
    /// How long the other direction of a relayed connection may be silent once one has ended.
    pub half_closed: Duration,
    /// How long one write of a relayed connection, of at most [`BUFFER`] bytes, may wait for its reader.
    pub write: Duration,
    /// How long a relayed connection may be silent in both directions.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ingress: 1024,
            ingress_share: 128,
            ingress_loopback_share: 1024,
            egress: 256,
            store: 16,
            requests: 64,
            request_bytes: 64 * 1024 * 1024,
            answers: 16,
            dial: Duration::from_secs(5),
            frame: Duration::from_secs(10),
            first_byte: Duration::from_secs(5),
            half_closed: Duration::from_secs(5),
            write: Duration::from_secs(30),
            idle: Duration::from_secs(600),
        }
    }
}

/// One direction of a relayed connection buffers this much, which is also one write to a vsock.
pub const BUFFER: usize = shroud_wire::limits::LINK_WRITE;
/// The first frame of an egress connection: a target's name, in bytes.
pub const DIAL: usize = 1024;
/// One projection of a row, in bytes.
pub const COLUMN: usize = 1024;
/// One answer with entries carries about this many bytes; whatever it holds, it fits one frame.
pub const ENTRIES_ANSWER: usize = shroud_wire::limits::FRAME / 2;
/// One answer with rows carries at most this many bytes of keys, bodies and projections.
pub const ROWS_ANSWER: usize = shroud_wire::limits::FRAME - 256 * 1024;
/// Writes that wait for the store's one writer.
pub const WRITE_QUEUE: usize = 64;
/// Connections that read from the database at once.
pub const READERS: u32 = 2;
