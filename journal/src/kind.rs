//! What kind of event an entry records: an open but checked set.
//!
//! A kind has a number, which is what the entry's bytes carry and which never changes its meaning, and a name, which the
//! audit API shows as the event's `action`. A number outside the set is refused: a reader that does not know a kind
//! cannot know what it did.

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// The kind of an entry.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum Kind {
            $($(#[$doc])* $variant = $number,)*
        }

        impl Kind {
            /// Every kind, by rising number.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The kind of a number; `None` outside the set.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The `action` that the audit API shows.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// The first entry of every journal, at sequence 0 and nowhere else.
    Genesis = 1, "deployment.genesis";
    /// A guest took over: raises the term by one.
    Boot = 2, "deployment.boot";
    /// A snapshot of the state was sealed; the details name its hash.
    Snapshot = 3, "deployment.snapshot";
    /// A setting of the deployment was written.
    Setting = 4, "setting.update";
    /// A credential was accepted and a token issued.
    AuthSuccess = 10, "auth.success";
    /// A known credential was refused.
    AuthFailure = 11, "auth.failure";
    /// A token or credential was revoked.
    AuthRevoke = 12, "auth.revoke";
    /// An agent was created.
    AgentCreate = 20, "agent.register";
    /// An agent's guardrails or metadata changed.
    AgentUpdate = 21, "agent.update";
    /// An agent's API key was replaced.
    AgentRotateKey = 22, "agent.rotate_key";
    /// An agent was deactivated.
    AgentDeactivate = 23, "agent.deactivate";
    /// An agent was removed.
    AgentDelete = 24, "agent.delete";
    /// An access policy was created.
    PolicyCreate = 30, "policy.create";
    /// An access policy changed.
    PolicyUpdate = 31, "policy.update";
    /// An access policy was removed.
    PolicyDelete = 32, "policy.delete";
    /// A vault was created.
    VaultCreate = 40, "vault.create";
    /// A vault's custody or metadata changed.
    VaultUpdate = 41, "vault.update";
    /// A vault was removed.
    VaultDelete = 42, "vault.delete";
    /// A secret version was written.
    SecretWrite = 50, "secret.write";
    /// A secret was read.
    SecretRead = 51, "secret.read";
    /// A secret was removed.
    SecretDelete = 52, "secret.delete";
    /// A signing key was generated.
    KeyProvision = 60, "signing_key.create";
    /// A signing key was replaced by a new version.
    KeyRotate = 61, "signing_key.rotate";
    /// A signing key was imported.
    KeyImport = 62, "signing_key.import";
    /// A signing key was exported.
    KeyExport = 63, "signing_key.export";
    /// A raw digest was signed.
    SignDigest = 64, "signing_key.raw_digest_sign";
    /// A message or typed data was signed.
    SignMessage = 65, "signing_key.message_sign";
    /// A signing key was removed.
    KeyDelete = 66, "signing_key.delete";
    /// An intent was approved and signed.
    Sign = 70, "transaction.submit";
    /// An intent was simulated.
    Simulate = 71, "transaction.simulate";
    /// An intent was denied by the policy.
    Deny = 72, "transaction.deny";
    /// A signed transaction was handed to a chain, or its fate became known.
    Broadcast = 73, "transaction.broadcast";
    /// A human's approval was asked for.
    ApprovalRequest = 80, "approval.request";
    /// A human approved or rejected.
    ApprovalDecide = 81, "approval.decide";
    /// A key-encryption key was created or rotated.
    KekWrite = 90, "custody.kek_write";
    /// Shares were split anew after the loss of a provider.
    Reshare = 91, "custody.reshare";
}

impl Kind {
    /// The number that an entry's bytes carry.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The kind of an audit API's `action`; `None` outside the set.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back() {
        for kind in Kind::ALL.iter().copied() {
            assert_eq!(Kind::from_number(kind.number()), Some(kind));
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert!(Kind::ALL.is_sorted());
    }

    #[test]
    fn what_is_outside_the_set_is_refused() {
        for number in [0, 5, 9, 1000, u16::MAX] {
            assert_eq!(Kind::from_number(number), None);
        }
        assert_eq!(Kind::from_name("transaction.undo"), None);
    }
}
