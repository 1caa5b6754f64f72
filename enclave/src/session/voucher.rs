//! Who vouches that a batch of sessions ends in a guest that is unsealed and stands on the newest state.

use std::sync::Arc;

use crate::ledger::{Anchor, Sealing};

/// What an unsealed guest adds to a report: its journal key's word, and where its journal stands.
pub(crate) trait Vouches: Send + Sync + 'static {
    /// The newest cosigned checkpoint, as a signed note; `None` before the first.
    fn checkpoint(&self) -> Option<Vec<u8>>;
    /// The journal key's public half.
    fn public(&self) -> [u8; 32];
    /// The journal key's signature for a batch's root.
    fn sign(&self, root: &[u8; 32]) -> Vec<u8>;
}

/// The journal of this guest.
pub(crate) struct Voucher {
    sealing: Arc<Sealing>,
    anchor: Arc<Anchor>,
}

impl Voucher {
    /// Over the sealing, which holds the journal key, and the rounds of cosignatures.
    pub(crate) fn new(sealing: Arc<Sealing>, anchor: Arc<Anchor>) -> Self {
        Self { sealing, anchor }
    }
}

impl Vouches for Voucher {
    fn checkpoint(&self) -> Option<Vec<u8>> {
        self.anchor.newest().map(|cosigned| cosigned.to_bytes())
    }

    fn public(&self) -> [u8; 32] {
        self.sealing.journal_public()
    }

    fn sign(&self, root: &[u8; 32]) -> Vec<u8> {
        self.sealing.sign_session(root)
    }
}
