//! Typed data to effects: permits (EIP-2612, DAI's, Permit2's), EIP-3009 transfers, Safe transactions.
//!
//! A type counts as known only when its whole encoded type is the published one. Anything else is
//! `unknown_typed_data`.

use ruint::aliases::U256;

use super::{
    Asset, Effect, EffectKind,
    calls::{Call, Calls, SafeTransaction},
};
use crate::{Address, TypedData, typed_data::Value};

const PERMIT: &str = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)";
const PERMIT_DAI: &str = "Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)";
const PERMIT_ITEM: &str = "Permit(address spender,uint256 tokenId,uint256 nonce,uint256 deadline)";
const PERMIT_SINGLE: &str = "PermitSingle(PermitDetails details,address spender,uint256 sigDeadline)\
     PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)";
const PERMIT_BATCH: &str = "PermitBatch(PermitDetails[] details,address spender,uint256 sigDeadline)\
     PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)";
const PERMIT_TRANSFER: &str = "PermitTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,\
     uint256 deadline)TokenPermissions(address token,uint256 amount)";
const PERMIT_TRANSFERS: &str = "PermitBatchTransferFrom(TokenPermissions[] permitted,address spender,uint256 nonce,\
     uint256 deadline)TokenPermissions(address token,uint256 amount)";
const TRANSFER: &str = "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,\
     uint256 validBefore,bytes32 nonce)";
const RECEIVE: &str = "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,\
     uint256 validBefore,bytes32 nonce)";
const CANCEL: &str = "CancelAuthorization(address authorizer,bytes32 nonce)";
const SAFE: &str = "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,\
     uint256 gasPrice,address gasToken,address refundReceiver,uint256 nonce)";
const TOKEN_PERMISSIONS: &str = "TokenPermissions(address token,uint256 amount)";

/// The effects of signing typed data.
pub(super) fn effects(data: &TypedData) -> Vec<Effect> {
    let chain_id = data.chain_id().and_then(|id| u64::try_from(id).ok());
    let reader = Reader { data, chain_id };
    reader.known().unwrap_or_else(|| reader.unknown())
}

struct Reader<'a> {
    data: &'a TypedData,
    chain_id: Option<u64>,
}

impl Reader<'_> {
    fn known(&self) -> Option<Vec<Effect>> {
        let contract = self.data.verifying_contract()?;
        let own = Asset::Token(contract);
        match self.data.encoded_type() {
            PERMIT => Some(vec![self.approval(own, self.integer("value")?, contract)?]),
            PERMIT_DAI => {
                let all = if self.data.member("allowed")?.boolean()? { U256::MAX } else { U256::ZERO };
                Some(vec![self.approval(own, all, contract)?])
            }
            PERMIT_ITEM => Some(vec![self.approval(own, U256::from(1), contract)?]),
            PERMIT_SINGLE => Some(vec![self.permission(self.data.member("details")?, contract)?]),
            PERMIT_BATCH => self.permissions(self.data.member("details")?, contract),
            PERMIT_TRANSFER => Some(vec![self.permission(self.data.member("permitted")?, contract)?]),
            PERMIT_TRANSFERS => self.permissions(self.data.member("permitted")?, contract),
            TRANSFER | RECEIVE => {
                let to = self.data.member("to")?.address()?;
                let amount = self.integer("value")?;
                Some(vec![self.effect(EffectKind::Transfer, Some(own), amount, Some(to), contract)])
            }
            CANCEL => Some(vec![self.effect(EffectKind::Call, None, U256::ZERO, None, contract)]),
            SAFE => self.safe(contract),
            encoded => self.witness(encoded, contract),
        }
    }

    /// Permit2 with a witness of any type: what is permitted, and to whom, stands in the same members.
    fn witness(&self, encoded: &str, contract: Address) -> Option<Vec<Effect>> {
        let begins = |name: &str, permitted: &str| {
            encoded.starts_with(&format!(
                "{name}({permitted} permitted,address spender,uint256 nonce,uint256 deadline,"
            ))
        };
        if !encoded.contains(TOKEN_PERMISSIONS) {
            return None;
        }
        if begins("PermitWitnessTransferFrom", "TokenPermissions") {
            return Some(vec![self.permission(self.data.member("permitted")?, contract)?]);
        }
        if begins("PermitBatchWitnessTransferFrom", "TokenPermissions[]") {
            return self.permissions(self.data.member("permitted")?, contract);
        }
        None
    }

    fn permissions(&self, list: &Value, contract: Address) -> Option<Vec<Effect>> {
        let mut effects = vec![self.effect(EffectKind::Call, None, U256::ZERO, None, contract)];
        for item in list.items()? {
            effects.push(self.permission(item, contract)?);
        }
        Some(effects)
    }

    /// A token and an amount that the message's spender may move.
    fn permission(&self, details: &Value, contract: Address) -> Option<Effect> {
        let token = details.member("token")?.address()?;
        let amount = details.member("amount")?.integer()?;
        self.approval(Asset::Token(token), amount, contract)
    }

    fn approval(&self, asset: Asset, amount: U256, contract: Address) -> Option<Effect> {
        let spender = self.data.member("spender")?.address()?;
        Some(self.effect(EffectKind::Approval, Some(asset), amount, Some(spender), contract))
    }

    fn safe(&self, safe: Address) -> Option<Vec<Effect>> {
        let address = |name| self.data.member(name).and_then(Value::address);
        let data = self.data.member("data")?.bytes()?;
        let mut calls = Calls::new(self.chain_id);
        let transaction = SafeTransaction {
            call: Call { target: address("to")?, value: self.integer("value")?, data },
            operation: self.integer("operation")?,
            gas: [self.integer("safeTxGas")?, self.integer("baseGas")?],
            gas_price: self.integer("gasPrice")?,
            gas_token: address("gasToken")?,
            refund_receiver: address("refundReceiver")?,
        };
        calls.safe_transaction(safe, &transaction);
        Some(calls.into_effects())
    }

    fn unknown(&self) -> Vec<Effect> {
        let primary_type = self.data.primary_type().to_owned();
        let target = self.data.verifying_contract();
        let operation = ["UserOperation", "PackedUserOperation"].contains(&primary_type.as_str());
        let nothing = |kind| Effect {
            kind,
            chain_id: self.chain_id,
            asset: None,
            amount: U256::ZERO,
            counterparty: None,
            target,
        };
        let operation = operation.then(|| nothing(EffectKind::UserOperation));
        operation.into_iter().chain([nothing(EffectKind::UnknownTypedData { primary_type })]).collect()
    }

    fn integer(&self, name: &str) -> Option<U256> {
        self.data.member(name)?.integer()
    }

    fn effect(
        &self,
        kind: EffectKind,
        asset: Option<Asset>,
        amount: U256,
        counterparty: Option<Address>,
        contract: Address,
    ) -> Effect {
        Effect { kind, chain_id: self.chain_id, asset, amount, counterparty, target: Some(contract) }
    }
}
