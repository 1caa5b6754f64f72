//! The platform policy: what a guest and its host must be like, as data. [`PlatformPolicy::default`] is what
//! production uses where the reference values say nothing else; `platform/default.toml` is the same, with reasons.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Product;
use crate::report::Tcb;

/// Bounds on the four TCB versions of a report. A bound that is absent admits every version, and findings say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TcbBounds {
    /// For `REPORTED_TCB`: what the VEK vouches for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported: Option<Tcb>,
    /// For `COMMITTED_TCB`: below this the host can never go back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed: Option<Tcb>,
    /// For `CURRENT_TCB`: what runs now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Tcb>,
    /// For `LAUNCH_TCB`: what ran when the guest was launched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch: Option<Tcb>,
}

/// A digest of an ID key or author key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyDigest(#[serde(with = "crate::reference::fixed_hex")] pub [u8; 48]);

/// What is demanded of guest and host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is one bit of AMD's, named as AMD names it")]
pub struct PlatformPolicy {
    /// The products that are trusted. Milan is not: the seed of its root of trust was extracted (arXiv 2605.12990).
    pub products: Vec<Product>,
    /// TCB bounds by product.
    pub minimum_tcb: BTreeMap<Product, TcbBounds>,
    /// The privilege levels that may have asked for the report.
    pub vmpl: Vec<u32>,
    /// Whether the host may read memory with debug commands.
    pub allow_debug: bool,
    /// Whether a migration agent may be bound to the guest.
    pub allow_migration_agent: bool,
    /// Whether the guest may run with SMT.
    pub allow_smt: bool,
    /// Whether memory behind CXL may be present.
    pub allow_cxl: bool,
    /// Whether the guest must be bound to one socket.
    pub require_single_socket: bool,
    /// The products whose guests must demand memory encryption with AES-256-XTS.
    pub require_aes_256_xts: Vec<Product>,
    /// The products whose guests must demand that power measurements are off (against power side channels).
    pub require_rapl_off: Vec<Product>,
    /// The products whose guests must demand that ciphertext is hidden from the host; none before Turin can.
    pub require_ciphertext_hiding: Vec<Product>,
    /// The products whose guests must demand that the host can neither move nor swap pages.
    pub require_page_swap_off: Vec<Product>,
    /// Whether memory must have been checked for aliases since reset (against BadRAM).
    pub require_alias_check: bool,
    /// Whether a current revocation list of the root must come with the evidence. What AMD is known to have revoked
    /// is refused in any case.
    pub require_crl: bool,
    /// Bits that `LAUNCH_MIT_VECTOR` and `CURRENT_MIT_VECTOR` must both have.
    pub required_mitigations: u64,
    /// The lowest `GUEST_SVN`.
    pub minimum_guest_svn: u32,
    /// The ID keys that may have signed the ID block; absent admits any, and none. A digest of zeros stands for none.
    pub id_keys: Option<Vec<KeyDigest>>,
    /// The same for author keys.
    pub author_keys: Option<Vec<KeyDigest>>,
}

impl Default for PlatformPolicy {
    fn default() -> Self {
        Self {
            products: vec![Product::Genoa, Product::Turin],
            minimum_tcb: BTreeMap::new(),
            vmpl: vec![0],
            allow_debug: false,
            allow_migration_agent: false,
            allow_smt: true,
            allow_cxl: false,
            require_single_socket: false,
            require_aes_256_xts: vec![Product::Genoa, Product::Turin],
            require_rapl_off: vec![Product::Genoa, Product::Turin],
            require_ciphertext_hiding: vec![Product::Turin],
            require_page_swap_off: Vec::new(),
            require_alias_check: true,
            require_crl: false,
            required_mitigations: 0,
            minimum_guest_svn: 0,
            id_keys: None,
            author_keys: None,
        }
    }
}

impl PlatformPolicy {
    /// Reads a policy from JSON; what is left out is as in the default.
    ///
    /// # Errors
    /// Malformed JSON, a name that is not known, or a value of another type.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_the_default() {
        let shipped: PlatformPolicy = toml::from_str(include_str!("../platform/default.toml")).unwrap();
        assert_eq!(shipped, PlatformPolicy::default());
    }

    #[test]
    fn platform_policy_refuses_unknown_names() {
        for json in [r#"{"alow_debug":true}"#, r#"{"minimum_tcb":{"genoa":{"reported":{"spn":1}}}}"#] {
            assert!(PlatformPolicy::parse(json.as_bytes()).is_err(), "{json}");
        }
        let read = PlatformPolicy::parse(br#"{"minimum_tcb":{"genoa":{"reported":{"snp":23}}}}"#).unwrap();
        let bounds = read.minimum_tcb.get(&Product::Genoa).unwrap();
        assert_eq!(bounds.reported, Some(Tcb { snp: 23, ..Tcb::default() }));
        assert_eq!(bounds.committed, None);
    }
}
