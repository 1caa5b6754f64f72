//! Policy: an intent becomes effects, the effects meet the six steps, and only what passed can be signed.
//!
//! ```text
//! bytes ─ Draft ─ resolve ─► Intent ─ approve(&SignedPolicy, &Spend, now) ─► Approved<Intent> ─ finish(signature) ─► Signed
//!                                       └► Denied{step, reason, limit, asked, left, frees_at}
//! ```
//!
//! Sans-IO: bytes, spending, and the time are arguments. It trusts its caller for those three and for the chain registry,
//! and nothing else: the request is hostile until parsed, and a policy counts only when it opens under the policy key.
//! Amounts are integers of the smallest unit; there is no float anywhere.

pub mod abi;
pub mod address;
pub mod amount;
pub mod approve;
pub mod approved;
pub mod chains;
pub mod counter;
pub mod denied;
pub mod effect;
pub mod guardrails;
pub mod intent;
pub mod json;
mod keccak;
pub mod message;
pub mod rlp;
pub mod signature;
pub mod signed_policy;
pub mod spend;
pub mod step;
pub mod tokens;
pub mod transaction;
pub mod typed_data;

pub use address::{Address, AddressError};
pub use amount::{AmountError, U256};
pub use approve::{Explanation, approve, explain};
pub use approved::{Approved, Reservation, Signed};
pub use chains::{Chain, Chains};
pub use denied::{Denied, Reason};
pub use effect::{Asset, Effect, EffectKind};
pub use guardrails::{GuardrailError, Guardrails};
pub use intent::{Draft, Filling, Intent, Needs, Payload, RequestError, Simulation};
pub use json::{Json, JsonError};
pub use keccak::keccak256;
pub use signature::{Signature, SignatureError};
pub use signed_policy::{PolicyError, PolicyKey, SignedPolicy};
pub use spend::{NothingSpent, Spend};
pub use step::{Outcome, STEPS, Step, StepOutcome};
pub use transaction::{SignedTransaction, Transaction};
pub use typed_data::TypedData;
