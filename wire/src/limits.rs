//! Every size limit of Shroud, in one place. A decoder compares against these before it allocates.

/// One HTTP request body, in bytes.
pub const HTTP_BODY: usize = 1024 * 1024;
/// The headers of one HTTP request, in bytes.
pub const HTTP_HEADERS: usize = 32 * 1024;
/// One frame on a link between enclave and host, in bytes, length prefix excluded.
pub const FRAME: usize = 8 * 1024 * 1024;
/// One write to a vsock: a 6.12 guest kernel drops larger ones.
pub const LINK_WRITE: usize = 16 * 1024;
/// One request or answer body of a gateway, in bytes.
pub const GATEWAY_BODY: usize = 512 * 1024;
/// An SNP report with its certificate table, in bytes each.
pub const EVIDENCE: usize = 64 * 1024;
/// Session evidence as JSON, in bytes: report and certificates in base64, one leaf, one path.
pub const SESSION: usize = 256 * 1024;
/// Items of one wrap or unwrap call.
pub const WRAP_ITEMS: usize = 64;
/// One plain key of a wrap call, in bytes: what RSA-2048 with OAEP-SHA-256 takes.
pub const PLAIN_KEY: usize = 190;
/// One wrapped key, in bytes.
pub const WRAPPED_KEY: usize = 4096;
/// One context (AAD) of a sealed thing, in bytes.
pub const CONTEXT: usize = 1024;
/// One row's key, in bytes.
pub const ROW_KEY: usize = 512;
/// One row's sealed body, in bytes.
pub const ROW_BODY: usize = 2 * 1024 * 1024;
/// Rows that one request to the store may name.
pub const ROWS: usize = 1024;
/// Journal entries in one batch or one answer of the store.
pub const ENTRIES: usize = 4096;
/// One sealed journal entry, in bytes.
pub const ENTRY: usize = 256 * 1024;
/// One text field of a journal entry (actor, subject, agent, asset, counterparty), in bytes.
pub const ENTRY_TEXT: usize = 512;
/// Spends that one journal entry may carry.
pub const ENTRY_SPENDS: usize = 64;
/// One signed note (checkpoint with cosignatures), in bytes.
pub const NOTE: usize = 16 * 1024;
/// Hashes in one Merkle proof: RFC 6962 trees of at most 2^63 leaves.
pub const PROOF: usize = 63;
