//! The store's protocol: what the enclave asks the host to keep, and gets back.
//!
//! The host keeps rows and journal entries as sealed bytes. A row may carry projections: plain columns for the
//! operator's eyes, which the enclave never reads back. Requests are numbered and may be answered in any order.

use std::collections::HashMap;

/// The tables of a deployment; the host's migrations create them under these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// What a deployment is: wrapped state key, journal key, token key. One row each, by name.
    Deployment = 1,
    /// Agents with their guardrails.
    Agents = 2,
    /// The SHA-256 of API keys, tokens and confirmations, each naming whom it stands for.
    Credentials = 3,
    /// Vaults; projections `mpc_custody`, `mpc_threshold`, `mpc_providers`.
    Vaults = 4,
    /// One KEK per vault and provider, wrapped by that provider; projections `vault_id`, `provider`.
    VaultMpcKeks = 5,
    /// Secret versions: metadata and sealed value.
    Secrets = 6,
    /// One share of a secret version's DEK per provider; projections `vault_id`, `provider`.
    SecretDekShares = 7,
    /// Signing keys: public part, version, the secret that holds the private part.
    SigningKeys = 8,
    /// Transactions, signed or refused.
    Transactions = 9,
    /// Access policies.
    Policies = 10,
    /// Idempotency keys with what was recorded under them.
    Idempotency = 11,
    /// Pending approvals.
    Approvals = 12,
    /// Admin settings, chains among them.
    Settings = 13,
}

impl Table {
    /// Every table, in order.
    pub const ALL: [Self; 13] = [
        Self::Deployment,
        Self::Agents,
        Self::Credentials,
        Self::Vaults,
        Self::VaultMpcKeks,
        Self::Secrets,
        Self::SecretDekShares,
        Self::SigningKeys,
        Self::Transactions,
        Self::Policies,
        Self::Idempotency,
        Self::Approvals,
        Self::Settings,
    ];

    /// The table's name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Agents => "agents",
            Self::Credentials => "credentials",
            Self::Vaults => "vaults",
            Self::VaultMpcKeks => "vault_mpc_keks",
            Self::Secrets => "secrets",
            Self::SecretDekShares => "secret_dek_shares",
            Self::SigningKeys => "signing_keys",
            Self::Transactions => "transactions",
            Self::Policies => "policies",
            Self::Idempotency => "idempotency",
            Self::Approvals => "approvals",
            Self::Settings => "settings",
        }
    }

    /// The projections that a row of this table may carry, all of them text.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Vaults => &["mpc_custody", "mpc_threshold", "mpc_providers"],
            Self::VaultMpcKeks | Self::SecretDekShares => &["vault_id", "provider"],
            _ => &[],
        }
    }

    /// The table of a number on the wire.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|table| u32::from(*table as u8) == number)
    }

    /// The table's number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

/// Which row.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RowKey {
    /// A [`Table`] by number.
    #[prost(uint32, tag = "1")]
    pub table: u32,
    /// The row's key in its table.
    #[prost(string, tag = "2")]
    pub key: String,
}

/// A row as the host keeps it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Row {
    /// A [`Table`] by number.
    #[prost(uint32, tag = "1")]
    pub table: u32,
    /// The row's key in its table.
    #[prost(string, tag = "2")]
    pub key: String,
    /// Counts from 1 and rises by one with each write.
    #[prost(uint64, tag = "3")]
    pub version: u64,
    /// Sealed bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub body: Vec<u8>,
    /// Projections by column name; see [`Table::columns`].
    #[prost(map = "string, string", tag = "5")]
    pub columns: HashMap<String, String>,
}

/// One write to a row: a new version, or its removal.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RowWrite {
    /// The row; an empty body with `delete` set removes it.
    #[prost(message, optional, tag = "1")]
    pub row: Option<Row>,
    /// Removes the row.
    #[prost(bool, tag = "2")]
    pub delete: bool,
}

/// A journal entry as the host keeps it.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct EntryRecord {
    /// Counts from 0 without a gap.
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
    /// Sealed bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub sealed: Vec<u8>,
}

/// One batch: one transaction of the store.
///
/// It names the head that it extends. If the store's head is that one, everything is applied or nothing. If the store
/// already holds these very entries at these sequences (a retry), it answers as it did the first time. Anything else
/// is a conflict.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Commit {
    /// Entries in the journal before this batch.
    #[prost(uint64, tag = "1")]
    pub expected_size: u64,
    /// The head's hash before this batch (32 bytes; empty for an empty journal).
    #[prost(bytes = "vec", tag = "2")]
    pub expected_head: Vec<u8>,
    /// The head's hash after this batch.
    #[prost(bytes = "vec", tag = "3")]
    pub head: Vec<u8>,
    /// The new entries, in order.
    #[prost(message, repeated, tag = "4")]
    pub entries: Vec<EntryRecord>,
    /// The rows that they write, in order.
    #[prost(message, repeated, tag = "5")]
    pub rows: Vec<RowWrite>,
    /// The signed checkpoint over the tree that ends with this batch.
    #[prost(bytes = "vec", tag = "6")]
    pub checkpoint: Vec<u8>,
}

/// Where the store's journal stands.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Head {
    /// Entries in the journal.
    #[prost(uint64, tag = "1")]
    pub size: u64,
    /// The head's hash; empty for an empty journal.
    #[prost(bytes = "vec", tag = "2")]
    pub head: Vec<u8>,
    /// The newest signed checkpoint.
    #[prost(bytes = "vec", tag = "3")]
    pub checkpoint: Vec<u8>,
    /// The newest cosigned checkpoint, which may be older.
    #[prost(bytes = "vec", tag = "4")]
    pub cosigned: Vec<u8>,
}

/// Asks where the journal stands.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct HeadQuery {}

/// Asks for entries in order, as many as fit one frame.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct EntriesQuery {
    /// The first sequence.
    #[prost(uint64, tag = "1")]
    pub from: u64,
    /// At most this many.
    #[prost(uint32, tag = "2")]
    pub limit: u32,
}

/// Asks for the newest version of rows.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RowsQuery {
    /// At most [`crate::limits::ROWS`].
    #[prost(message, repeated, tag = "1")]
    pub keys: Vec<RowKey>,
}

/// Keeps the newest cosigned checkpoint, for stapling.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct KeepCosigned {
    /// The cosigned checkpoint.
    #[prost(bytes = "vec", tag = "1")]
    pub note: Vec<u8>,
}

/// A numbered request to the store.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Request {
    /// Repeated in the answer.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// What is asked.
    #[prost(oneof = "Operation", tags = "2, 3, 4, 5, 6")]
    pub operation: Option<Operation>,
}

/// What is asked of the store.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Operation {
    /// Where the journal stands.
    #[prost(message, tag = "2")]
    Head(HeadQuery),
    /// Entries in order.
    #[prost(message, tag = "3")]
    Entries(EntriesQuery),
    /// Rows by key.
    #[prost(message, tag = "4")]
    Rows(RowsQuery),
    /// One batch.
    #[prost(message, tag = "5")]
    Commit(Commit),
    /// The newest cosigned checkpoint.
    #[prost(message, tag = "6")]
    KeepCosigned(KeepCosigned),
}

/// Entries in order.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Entries {
    /// From the asked sequence on; fewer than asked if the frame is full or the journal ends.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<EntryRecord>,
}

/// The rows that were found, in any order.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Rows {
    /// Absent rows are left out.
    #[prost(message, repeated, tag = "1")]
    pub rows: Vec<Row>,
}

/// The batch is durable.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Done {}

/// The store could not do it.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Failure {
    /// For the log of the enclave; never shown to a client.
    #[prost(string, tag = "1")]
    pub detail: String,
}

/// A numbered answer of the store.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Answer {
    /// The request's number.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// What was answered.
    #[prost(oneof = "Outcome", tags = "2, 3, 4, 5, 6, 7")]
    pub outcome: Option<Outcome>,
}

/// What the store answers.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Outcome {
    /// To [`Operation::Head`].
    #[prost(message, tag = "2")]
    Head(Head),
    /// To [`Operation::Entries`].
    #[prost(message, tag = "3")]
    Entries(Entries),
    /// To [`Operation::Rows`].
    #[prost(message, tag = "4")]
    Rows(Rows),
    /// To [`Operation::Commit`] and [`Operation::KeepCosigned`]: durable.
    #[prost(message, tag = "5")]
    Done(Done),
    /// To [`Operation::Commit`]: the store's head is another one; it is given.
    #[prost(message, tag = "6")]
    Conflict(Head),
    /// The store could not do it.
    #[prost(message, tag = "7")]
    Failure(Failure),
}
