//! An approval: the proof that an intent met every step, and the only thing that a signer accepts.
//!
//! It has a private constructor, is made as the last act of [`crate::approve`], cannot be copied, and is consumed by the
//! signature. What is signed is derived from what was approved, so the two cannot differ.

use ruint::aliases::U256;

use crate::{Address, Intent, Payload, Signature, SignedTransaction, effect::Effect, step::StepOutcome};

/// An intent that met every step under one policy.
///
/// A signer takes `Approved<Intent>`:
///
/// ```
/// use shroud_policy::{Approved, Intent, Signature};
/// fn sign(approved: Approved<Intent>, signature: Signature) {
///     let _ = approved.finish(signature);
/// }
/// fn reply(approved: Approved<Intent>, signature: Signature) {
///     sign(approved, signature);
/// }
/// ```
///
/// An intent that nobody approved does not compile:
///
/// ```compile_fail,E0308
/// use shroud_policy::{Approved, Intent, Signature};
/// fn sign(approved: Approved<Intent>, signature: Signature) {
///     let _ = approved.finish(signature);
/// }
/// fn reply(intent: Intent, signature: Signature) {
///     sign(intent, signature);
/// }
/// ```
///
/// Nor can one be built, or used twice:
///
/// ```compile_fail,E0451
/// use shroud_policy::{Approved, Intent};
/// fn forge(intent: Intent) -> Approved<Intent> {
///     Approved { subject: intent, policy_digest: [0; 32], steps: Vec::new(), reservations: Vec::new(), digest: [0; 32] }
/// }
/// ```
///
/// ```compile_fail,E0382
/// use shroud_policy::{Approved, Intent, Signature};
/// fn twice(approved: Approved<Intent>, signature: Signature) {
///     let _ = approved.finish(signature);
///     let _ = approved.finish(signature);
/// }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Approved<T> {
    subject: T,
    policy_digest: [u8; 32],
    steps: Vec<StepOutcome>,
    reservations: Vec<Reservation>,
    digest: [u8; 32],
}

/// Budget that an approved intent takes. The journal checks `spent + amount <= limit` again when the intent joins its
/// batch, and keeps the amount under (agent, counter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The counter, see [`crate::counter`].
    pub counter: String,
    /// What is taken.
    pub amount: U256,
    /// The strictest limit on the counter, where there is one.
    pub limit: Option<U256>,
    /// Who receives it, where one party does.
    pub counterparty: Option<Address>,
}

impl Approved<Intent> {
    pub(crate) fn new(
        subject: Intent,
        policy_digest: [u8; 32],
        steps: Vec<StepOutcome>,
        reservations: Vec<Reservation>,
    ) -> Self {
        let digest = subject.payload().digest();
        Self { subject, policy_digest, steps, reservations, digest }
    }

    /// The 32 bytes to sign.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// What was approved.
    #[must_use]
    pub fn intent(&self) -> &Intent {
        &self.subject
    }

    /// What it does.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        self.subject.effects()
    }

    /// The budget that it takes.
    #[must_use]
    pub fn reservations(&self) -> &[Reservation] {
        &self.reservations
    }

    /// Digest of the policy under which it was approved.
    #[must_use]
    pub fn policy_digest(&self) -> &[u8; 32] {
        &self.policy_digest
    }

    /// The six steps, each passed.
    #[must_use]
    pub fn steps(&self) -> &[StepOutcome] {
        &self.steps
    }

    /// Joins the signature over [`Approved::digest`]; nothing else can be signed with this approval.
    #[must_use]
    pub fn finish(self, signature: Signature) -> Signed {
        let output = match self.subject.into_payload() {
            Payload::Transaction(transaction) => {
                Output::Transaction(Box::new(transaction.with_signature(signature)))
            }
            Payload::Message(_) => Output::Message,
            Payload::TypedData(_) => Output::TypedData,
            Payload::Digest(_) => Output::Digest,
        };
        Signed { digest: self.digest, signature, output }
    }
}

/// A signed intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    digest: [u8; 32],
    signature: Signature,
    output: Output,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Output {
    Transaction(Box<SignedTransaction>),
    Message,
    TypedData,
    Digest,
}

impl Signed {
    /// What was signed.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// r, s and the parity.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The signed transaction, if it is one: raw bytes, hash, fields.
    #[must_use]
    pub fn transaction(&self) -> Option<&SignedTransaction> {
        match &self.output {
            Output::Transaction(transaction) => Some(transaction),
            _ => None,
        }
    }

    /// The EIP-191 hash, if a message was signed.
    #[must_use]
    pub fn message_hash(&self) -> Option<&[u8; 32]> {
        matches!(self.output, Output::Message).then_some(&self.digest)
    }

    /// The EIP-712 hash, if typed data was signed.
    #[must_use]
    pub fn typed_data_hash(&self) -> Option<&[u8; 32]> {
        matches!(self.output, Output::TypedData).then_some(&self.digest)
    }
}
