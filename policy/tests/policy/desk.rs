//! Where the tests write policies and intents.

use serde_json::{Value, json};
use shroud_policy::{
    Approved, Chains, Denied, Draft, Filling, Guardrails, Intent, Json, NothingSpent, PolicyKey,
    RequestError, SignedPolicy, Spend, Step, U256,
    abi::{self, Token},
    approve, keccak256,
};

pub(crate) const TO: &str = "0x000000000000000000000000000000000000dEaD";
pub(crate) const OTHER: &str = "0x1111111111111111111111111111111111111111";
pub(crate) const TOKEN: &str = "0x2222222222222222222222222222222222222222";
pub(crate) const SAFE: &str = "0x3333333333333333333333333333333333333333";
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn guardrails(body: &Value) -> Guardrails {
    Guardrails::create(&Json::from(body), &Chains::built_in()).unwrap()
}

pub(crate) fn policy(body: &Value) -> SignedPolicy {
    let key = PolicyKey::new([1; 32]);
    SignedPolicy::open(&key.sign(&guardrails(body)), &key).unwrap()
}

/// A plain EIP-1559 transfer on sepolia, with changes; null removes a member.
pub(crate) fn body(changes: &Value) -> Value {
    let mut body = json!({
        "chain": "sepolia", "to": TO, "value": "0.25", "nonce": 7, "gas_limit": 21000,
        "max_fee_per_gas": "2000000000", "max_priority_fee_per_gas": "1000000000",
    });
    merge(&mut body, changes);
    body
}

pub(crate) fn merge(body: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value.clone();
        }
    }
}

pub(crate) fn draft(changes: &Value) -> Result<Draft, RequestError> {
    Draft::transaction(body(changes).to_string().as_bytes(), &Chains::built_in())
}

pub(crate) fn unified(body: &Value) -> Result<Draft, RequestError> {
    Draft::unified(body.to_string().as_bytes(), &Chains::built_in())
}

pub(crate) fn transfer(changes: &Value) -> Intent {
    draft(changes).unwrap().resolve(Filling::default()).unwrap()
}

/// A call with data, enough gas, and no value unless stated.
pub(crate) fn call(to: &str, data: &[u8]) -> Intent {
    transfer(&json!({"to": to, "value": "0", "gas_limit": 200_000, "data": hex0x(data)}))
}

pub(crate) fn typed(chain: &str, typed_data: &Value) -> Intent {
    let body = json!({"intent_type": "typed_data", "chain": chain, "typed_data": typed_data});
    unified(&body).unwrap().resolve(Filling::default()).unwrap()
}

pub(crate) fn judged(
    policy_body: &Value,
    intent: Intent,
    spend: &dyn Spend,
) -> Result<Approved<Intent>, Denied> {
    approve(intent, &policy(policy_body), spend, NOW)
}

pub(crate) fn approved(policy_body: &Value, intent: Intent) -> Approved<Intent> {
    judged(policy_body, intent, &NothingSpent).unwrap_or_else(|denied| panic!("{denied}"))
}

/// The intent is approved.
pub(crate) fn passes(policy_body: &Value, intent: Intent) {
    drop(approved(policy_body, intent));
}

/// The denial, which must be by `step` and say `words`.
pub(crate) fn denied(policy_body: &Value, intent: Intent, step: Step, words: &str) -> Denied {
    let denied = judged(policy_body, intent, &NothingSpent).unwrap_err();
    assert_eq!(denied.step, step, "{denied}");
    assert!(denied.to_string().contains(words), "{denied} does not say {words:?}");
    denied
}

/// Call data: selector and canonical arguments.
pub(crate) fn data(signature: &str, arguments: &[Token]) -> Vec<u8> {
    let types = abi::types(signature).unwrap();
    [&keccak256(signature)[..4], &abi::encode(&types, arguments)].concat()
}

pub(crate) fn address(text: &str) -> Token {
    let address: shroud_policy::Address = text.parse().unwrap();
    Token::Word(U256::from_be_slice(address.as_bytes()))
}

pub(crate) fn number(value: u64) -> Token {
    Token::Word(U256::from(value))
}

pub(crate) fn token_transfer(to: &str, amount: U256) -> Vec<u8> {
    data("transfer(address,uint256)", &[address(to), Token::Word(amount)])
}

/// A Safe transaction's data: operation 0 calls, 1 delegates.
pub(crate) fn safe(to: &str, value: u64, inner: &[u8], operation: u64, gas_price: u64) -> Vec<u8> {
    data(
        "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
        &[
            address(to),
            number(value),
            Token::Bytes(inner.to_vec()),
            number(operation),
            number(0),
            number(0),
            number(gas_price),
            number(0),
            number(0),
            Token::Bytes(vec![1; 65]),
        ],
    )
}

pub(crate) fn hex0x(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Typed data of a permit family for a token on a chain.
pub(crate) fn permit(chain_id: u64, token: &str, spender: &str, value: &str) -> Value {
    json!({
        "types": {"Permit": [
            {"name": "owner", "type": "address"}, {"name": "spender", "type": "address"},
            {"name": "value", "type": "uint256"}, {"name": "nonce", "type": "uint256"},
            {"name": "deadline", "type": "uint256"},
        ]},
        "primaryType": "Permit",
        "domain": {"name": "Token", "version": "1", "chainId": chain_id, "verifyingContract": token},
        "message": {"owner": OTHER, "spender": spender, "value": value, "nonce": 0, "deadline": "99999999999"},
    })
}
