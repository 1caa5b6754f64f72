//! `sign`: the agent may sign this kind of thing at all, and a person agreed where one must.

use super::{Case, Judgement, Refusal};
use crate::{denied::Reason, effect::EffectKind, guardrails::Mode, intent::Payload};

pub(super) fn judge<S: ?Sized>(case: &Case<'_, S>) -> Judgement {
    if case.rules.auto_suspended {
        return Err(Refusal::new(Reason::Suspended));
    }
    match case.intent.payload() {
        Payload::Transaction(_) => transaction(case)?,
        Payload::Message(bytes) => message(case, bytes)?,
        Payload::TypedData(_) => typed_data(case)?,
        Payload::Digest(_) => digest(case)?,
    }
    Ok(format!("{} may be signed", case.intent.payload().intent_type()))
}

/// A gate that is open, shut, or a person's to open.
fn gate<S: ?Sized>(
    case: &Case<'_, S>,
    mode: Option<Mode>,
    what: &'static str,
    field: &'static str,
) -> Result<(), Refusal> {
    match mode {
        None | Some(Mode::Allow | Mode::Off) => Ok(()),
        Some(Mode::Approve) if case.intent.person_agreed() => Ok(()),
        Some(Mode::Approve) => {
            Err(Refusal { may_be_approved: true, ..Refusal::new(Reason::NeedsApproval { field }) })
        }
        Some(Mode::Deny) => Err(Refusal::new(Reason::KindNotAllowed { what, field })),
    }
}

fn transaction<S: ?Sized>(case: &Case<'_, S>) -> Result<(), Refusal> {
    let delegates = case.intent.effects().iter().any(|effect| effect.kind == EffectKind::Delegation);
    let open = match case.rules.allow_eip7702 {
        Some(stated) => stated,
        None => !case.rules.limits_anything(),
    };
    if delegates && !open {
        let what = "an EIP-7702 transaction";
        return Err(Refusal::new(Reason::KindNotAllowed { what, field: "allow_eip7702" }));
    }
    gate(case, case.rules.tx_approval_policy, "a transaction", "tx_approval_policy")
}

fn message<S: ?Sized>(case: &Case<'_, S>, bytes: &[u8]) -> Result<(), Refusal> {
    if !case.rules.message_signing_enabled {
        let what = "a personal message";
        return Err(Refusal::new(Reason::KindNotAllowed { what, field: "message_signing_enabled" }));
    }
    // Contract wallets accept a personal message over a 32-byte hash as consent to what was hashed.
    if bytes.len() == 32 && case.rules.limits_anything() {
        return Err(Refusal::new(Reason::RawUnderLimits));
    }
    gate(case, case.rules.personal_sign_policy, "a personal message", "personal_sign_policy")
}

fn typed_data<S: ?Sized>(case: &Case<'_, S>) -> Result<(), Refusal> {
    let operates = case.intent.effects().iter().any(|effect| effect.kind == EffectKind::UserOperation);
    if operates && case.rules.allow_erc4337 != Some(true) {
        let what = "an ERC-4337 operation";
        return Err(Refusal::new(Reason::KindNotAllowed { what, field: "allow_erc4337" }));
    }
    gate(case, case.rules.typed_data_policy, "typed data", "typed_data_policy")?;
    let moves = case.intent.effects().iter().any(|effect| !effect.amount.is_zero());
    match moves {
        true => {
            gate(case, case.rules.tx_approval_policy, "typed data that moves value", "tx_approval_policy")
        }
        false => Ok(()),
    }
}

fn digest<S: ?Sized>(case: &Case<'_, S>) -> Result<(), Refusal> {
    let what = "a raw digest";
    if case.rules.limits_anything() {
        return Err(Refusal::new(Reason::RawUnderLimits));
    }
    let opened = matches!(case.rules.raw_signing_policy, Some(Mode::Allow | Mode::Approve));
    if !case.rules.raw_signing_enabled.unwrap_or(opened) {
        return Err(Refusal::new(Reason::KindNotAllowed { what, field: "raw_signing_enabled" }));
    }
    gate(case, case.rules.raw_signing_policy, what, "raw_signing_policy")
}
