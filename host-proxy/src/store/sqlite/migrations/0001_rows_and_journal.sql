-- One table per kind of row. `body` is sealed for the enclave; the other columns are projections for the operator.

CREATE TABLE deployment (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

CREATE TABLE agents (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

CREATE TABLE credentials (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

CREATE TABLE vaults (
    key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL,
    mpc_custody TEXT, mpc_threshold TEXT, mpc_providers TEXT
) STRICT;

CREATE TABLE vault_mpc_keks (
    key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL,
    vault_id TEXT, provider TEXT
) STRICT;

CREATE TABLE secrets (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

CREATE TABLE secret_dek_shares (
    key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL,
    vault_id TEXT, provider TEXT
) STRICT;

CREATE TABLE signing_keys (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

CREATE TABLE transactions (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

CREATE TABLE policies (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

CREATE TABLE idempotency (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

CREATE TABLE approvals (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

CREATE TABLE settings (key TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

-- `head` is the journal's head after the batch that ends with this entry, and NULL within a batch.
CREATE TABLE journal (sequence INTEGER PRIMARY KEY, sealed BLOB NOT NULL, head BLOB) STRICT;

-- Where the journal stands: one row.
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL, head BLOB NOT NULL, checkpoint BLOB NOT NULL, cosigned BLOB NOT NULL
) STRICT;

INSERT INTO head (id, size, head, checkpoint, cosigned) VALUES (1, 0, x'', x'', x'');
