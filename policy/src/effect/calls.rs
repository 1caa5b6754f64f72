//! Call data to effects: tokens, collections, permits, multicalls, Safe transactions.
//!
//! A call whose selector is not known is `unknown_call`; one whose selector is known and whose arguments are not the
//! canonical encoding is `malformed_call`. Calls inside calls are unwrapped to a bounded depth and number.

use std::{collections::BTreeMap, sync::LazyLock};

use ruint::aliases::U256;

use super::{Asset, Effect, EffectKind};
use crate::{
    Address,
    abi::{self, Token, Type},
    keccak256,
};

/// Calls inside calls: a Safe that executes a multicall of multicalls is as deep as it gets.
const DEPTH: usize = 4;
/// Effects of one intent.
const MOST: usize = 256;

/// One call as a contract would see it.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) target: Address,
    pub(super) value: U256,
    pub(super) data: &'a [u8],
}

/// Collects the effects of calls on one chain.
pub(super) struct Calls {
    chain_id: Option<u64>,
    effects: Vec<Effect>,
}

/// What a known function means; the arguments are named by position.
#[derive(Clone, Copy)]
enum Meaning {
    /// Asset of the called contract moves: recipient, amount.
    Transfer(usize, usize),
    /// One item of the called collection moves: recipient.
    TransferItem(usize),
    /// Several items of the called collection move: recipient, amounts.
    TransferItems(usize, usize),
    /// The called contract's asset may be moved: spender, amount.
    Approve(usize, usize),
    /// All of it may be, if the flag says so: spender, flag.
    ApproveAll(usize, usize),
    /// Less may be: spender.
    Reduce(usize),
    /// Another contract's asset may be moved (Permit2): token, spender, amount.
    ApproveOf(usize, usize, usize),
    /// Another contract's asset moves (Permit2): token, recipient, amount.
    TransferOf(usize, usize, usize),
    /// Calls of the contract to itself: list of data.
    CallsOfSelf(usize),
    /// Calls of others: list of (target, …, data), with the position of the value and of the data in each.
    CallsOfOthers(usize, Option<usize>, usize),
    /// A Safe's transaction.
    Safe,
}

const FUNCTIONS: &[(&str, Meaning)] = &[
    ("transfer(address,uint256)", Meaning::Transfer(0, 1)),
    ("transferFrom(address,address,uint256)", Meaning::Transfer(1, 2)),
    ("approve(address,uint256)", Meaning::Approve(0, 1)),
    ("increaseAllowance(address,uint256)", Meaning::Approve(0, 1)),
    ("decreaseAllowance(address,uint256)", Meaning::Reduce(0)),
    ("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", Meaning::Approve(1, 2)),
    ("permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)", Meaning::ApproveAll(1, 4)),
    (
        "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)",
        Meaning::Transfer(1, 2),
    ),
    (
        "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)",
        Meaning::Transfer(1, 2),
    ),
    ("safeTransferFrom(address,address,uint256)", Meaning::TransferItem(1)),
    ("safeTransferFrom(address,address,uint256,bytes)", Meaning::TransferItem(1)),
    ("safeTransferFrom(address,address,uint256,uint256,bytes)", Meaning::Transfer(1, 3)),
    ("safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)", Meaning::TransferItems(1, 3)),
    ("setApprovalForAll(address,bool)", Meaning::ApproveAll(0, 1)),
    ("approve(address,address,uint160,uint48)", Meaning::ApproveOf(0, 1, 2)),
    ("transferFrom(address,address,uint160,address)", Meaning::TransferOf(3, 1, 2)),
    ("multicall(bytes[])", Meaning::CallsOfSelf(0)),
    ("multicall(uint256,bytes[])", Meaning::CallsOfSelf(1)),
    ("multicall(bytes32,bytes[])", Meaning::CallsOfSelf(1)),
    ("aggregate((address,bytes)[])", Meaning::CallsOfOthers(0, None, 1)),
    ("blockAndAggregate((address,bytes)[])", Meaning::CallsOfOthers(0, None, 1)),
    ("tryAggregate(bool,(address,bytes)[])", Meaning::CallsOfOthers(1, None, 1)),
    ("tryBlockAndAggregate(bool,(address,bytes)[])", Meaning::CallsOfOthers(1, None, 1)),
    ("aggregate3((address,bool,bytes)[])", Meaning::CallsOfOthers(0, None, 2)),
    ("aggregate3Value((address,bool,uint256,bytes)[])", Meaning::CallsOfOthers(0, Some(2), 3)),
    (
        "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
        Meaning::Safe,
    ),
];

struct Known {
    types: Vec<Type>,
    meaning: Meaning,
}

/// The functions by selector, which is computed rather than copied.
static KNOWN: LazyLock<BTreeMap<[u8; 4], Known>> = LazyLock::new(|| {
    let known = FUNCTIONS.iter().filter_map(|(signature, meaning)| {
        let selector = *keccak256(signature).first_chunk::<4>()?;
        Some((selector, Known { types: abi::types(signature)?, meaning: *meaning }))
    });
    known.collect()
});

impl Calls {
    pub(super) fn new(chain_id: Option<u64>) -> Self {
        Self { chain_id, effects: Vec::new() }
    }

    pub(super) fn into_effects(self) -> Vec<Effect> {
        self.effects
    }

    /// A call by the signer itself.
    pub(super) fn call(&mut self, call: Call<'_>) {
        self.unwrap(call, DEPTH);
    }

    pub(super) fn push(&mut self, kind: EffectKind, target: Address) {
        self.record(kind, None, U256::ZERO, None, Some(target));
    }

    fn record(
        &mut self,
        kind: EffectKind,
        asset: Option<Asset>,
        amount: U256,
        counterparty: Option<Address>,
        target: Option<Address>,
    ) {
        self.effects.push(Effect { kind, chain_id: self.chain_id, asset, amount, counterparty, target });
    }

    fn unwrap(&mut self, call: Call<'_>, depth: usize) {
        let selector = call.data.first_chunk::<4>().copied();
        if self.effects.len() >= MOST {
            return self.push(EffectKind::MalformedCall { selector }, call.target);
        }
        if !call.value.is_zero() || call.data.is_empty() {
            let native = Some(Asset::Native);
            self.record(EffectKind::Transfer, native, call.value, Some(call.target), None);
        }
        if call.data.is_empty() {
            return;
        }
        let Some(known) = selector.and_then(|selector| KNOWN.get(&selector)) else {
            return self.push(EffectKind::UnknownCall { selector }, call.target);
        };
        let arguments = abi::decode(&known.types, call.data.get(4..).unwrap_or_default());
        let understood = match (arguments, depth.checked_sub(1)) {
            (Ok(arguments), Some(depth)) => self.mean(known.meaning, call.target, &arguments, depth),
            _ => None,
        };
        if understood.is_none() {
            self.push(EffectKind::MalformedCall { selector }, call.target);
        }
    }

    /// The effects of a decoded call; `None` where an argument is not what its type says, which cannot happen.
    fn mean(&mut self, meaning: Meaning, target: Address, arguments: &[Token], depth: usize) -> Option<()> {
        let address = |at: usize| arguments.get(at).and_then(Token::address);
        let amount = |at: usize| arguments.get(at).and_then(Token::word);
        let own = Asset::Token(target);
        match meaning {
            Meaning::Transfer(to, of) => self.transfer(target, own, amount(of)?, address(to)?),
            Meaning::TransferItem(to) => self.transfer(target, own, U256::from(1), address(to)?),
            Meaning::TransferItems(to, of) => {
                let items = arguments.get(of)?.items()?.iter().filter_map(Token::word);
                let sum = items.fold(U256::ZERO, U256::saturating_add);
                self.transfer(target, own, sum, address(to)?);
            }
            Meaning::Approve(spender, of) => self.approval(target, own, amount(of)?, address(spender)?),
            Meaning::ApproveAll(spender, flag) => {
                let all = if amount(flag)?.is_zero() { U256::ZERO } else { U256::MAX };
                self.approval(target, own, all, address(spender)?);
            }
            Meaning::Reduce(spender) => self.approval(target, own, U256::ZERO, address(spender)?),
            Meaning::ApproveOf(token, spender, of) => {
                self.approval(target, Asset::Token(address(token)?), amount(of)?, address(spender)?);
            }
            Meaning::TransferOf(token, to, of) => {
                self.transfer(target, Asset::Token(address(token)?), amount(of)?, address(to)?);
            }
            Meaning::CallsOfSelf(list) => {
                self.push(EffectKind::Call, target);
                for data in arguments.get(list)?.items()? {
                    self.unwrap(Call { target, value: U256::ZERO, data: data.bytes()? }, depth);
                }
            }
            Meaning::CallsOfOthers(list, value, data) => {
                self.push(EffectKind::Call, target);
                for call in arguments.get(list)?.items()? {
                    let parts = call.items()?;
                    let value = value.map_or(Some(U256::ZERO), |at| parts.get(at).and_then(Token::word))?;
                    let target = parts.first()?.address()?;
                    self.unwrap(Call { target, value, data: parts.get(data)?.bytes()? }, depth);
                }
            }
            Meaning::Safe => {
                let words = |at: usize| amount(at);
                let transaction = SafeTransaction {
                    call: Call { target: address(0)?, value: words(1)?, data: arguments.get(2)?.bytes()? },
                    operation: words(3)?,
                    gas: [words(4)?, words(5)?],
                    gas_price: words(6)?,
                    gas_token: address(7)?,
                    refund_receiver: address(8)?,
                };
                self.safe(target, &transaction, depth);
            }
        }
        Some(())
    }

    fn transfer(&mut self, target: Address, asset: Asset, amount: U256, to: Address) {
        self.record(EffectKind::Transfer, Some(asset), amount, Some(to), Some(target));
    }

    fn approval(&mut self, target: Address, asset: Asset, amount: U256, spender: Address) {
        self.record(EffectKind::Approval, Some(asset), amount, Some(spender), Some(target));
    }

    /// A Safe's transaction, called or consented to by typed data.
    pub(super) fn safe_transaction(&mut self, safe: Address, transaction: &SafeTransaction<'_>) {
        self.safe(safe, transaction, DEPTH);
    }

    fn safe(&mut self, safe: Address, transaction: &SafeTransaction<'_>, depth: usize) {
        self.push(EffectKind::Call, safe);
        if transaction.operation.is_zero() {
            self.unwrap(transaction.call, depth);
        } else {
            let selector = transaction.call.data.first_chunk::<4>().copied();
            self.push(EffectKind::DelegateCall { selector }, transaction.call.target);
        }
        if !transaction.gas_price.is_zero() {
            self.refund(transaction);
        }
    }

    /// A Safe pays whoever executes it: gas at the stated price, without bound where no gas is stated.
    fn refund(&mut self, transaction: &SafeTransaction<'_>) {
        let [safe_gas, base_gas] = transaction.gas;
        let amount = match safe_gas.is_zero() {
            true => U256::MAX,
            false => safe_gas.saturating_add(base_gas).saturating_mul(transaction.gas_price),
        };
        let asset = match transaction.gas_token {
            Address::ZERO => Asset::Native,
            token => Asset::Token(token),
        };
        self.record(EffectKind::Transfer, Some(asset), amount, Some(transaction.refund_receiver), None);
    }
}

/// What a Safe would execute.
pub(super) struct SafeTransaction<'a> {
    pub(super) call: Call<'a>,
    /// 0 calls, anything else runs foreign code as the Safe.
    pub(super) operation: U256,
    /// Gas of the call, and gas beside it.
    pub(super) gas: [U256; 2],
    pub(super) gas_price: U256,
    pub(super) gas_token: Address,
    pub(super) refund_receiver: Address,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_known_by_its_own_selector() {
        assert_eq!(KNOWN.len(), FUNCTIONS.len());
        let published = [
            "a9059cbb", "23b872dd", "095ea7b3", "39509351", "a457c2d7", "d505accf", "8fcbaf0c", "e3ee160e",
            "ef55bec6", "42842e0e", "b88d4fde", "f242432a", "2eb2c2d6", "a22cb465", "87517c45", "36c78516",
            "ac9650d8", "5ae401dc", "1f0464d1", "252dba42", "c3077fa9", "bce38bd7", "399542e9", "82ad56cb",
            "174dea71", "6a761202",
        ];
        for selector in published {
            let bytes: [u8; 4] = hex::decode(selector).unwrap().try_into().unwrap();
            assert!(KNOWN.contains_key(&bytes), "{selector}");
        }
        assert_eq!(published.len(), FUNCTIONS.len());
    }
}
