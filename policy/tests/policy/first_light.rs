//! One native transfer under a plain policy, and the ways in which it is denied.

use serde_json::{Value, json};
use shroud_policy::{
    Approved, Chains, Denied, Draft, Filling, Guardrails, Intent, Json, PolicyKey, RequestError,
    SignedPolicy, Step, U256, approve, spend::Windows,
};

const TO: &str = "0x000000000000000000000000000000000000dEaD";
const OTHER: &str = "0x1111111111111111111111111111111111111111";
const NOW: u64 = 1_800_000_000;

fn policy() -> SignedPolicy {
    let body = json!({
        "name": "first-light",
        "intents_api_enabled": true,
        "tx_to_allowlist": [TO],
        "tx_max_value": "0.5",
        "tx_daily_limit": "0.8",
        "tx_allowed_chains": ["sepolia"],
    });
    let guardrails = Guardrails::create(&Json::from(&body), &Chains::built_in()).unwrap();
    let key = PolicyKey::new([1; 32]);
    SignedPolicy::open(&key.sign(&guardrails), &key).unwrap()
}

fn draft(changes: Value) -> Result<Draft, RequestError> {
    let mut body = json!({
        "chain": "sepolia", "to": TO, "value": "0.25", "nonce": 7, "gas_limit": 21000,
        "max_fee_per_gas": "2000000000", "max_priority_fee_per_gas": "1000000000",
    });
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    Draft::transaction(body.to_string().as_bytes(), &Chains::built_in())
}

fn judge(changes: Value, spend: &Windows) -> Result<Approved<Intent>, Denied> {
    let intent = draft(changes).unwrap().resolve(Filling::default()).unwrap();
    approve(intent, &policy(), spend, NOW)
}

fn settle(spend: &mut Windows, approved: &Approved<Intent>) {
    for taken in approved.reservations() {
        spend.add(&taken.counter, taken.amount, NOW);
    }
    spend.at(NOW);
}

#[test]
fn the_first_intent_is_approved() {
    let approved = judge(json!({}), &Windows::default()).unwrap();
    let names: Vec<_> = approved.steps().iter().map(|one| (one.step.name(), one.outcome.name())).collect();
    let expected =
        ["address_allowlist", "value_cap", "daily_limit", "chain_restriction", "simulation", "sign"]
            .map(|s| (s, "passed"));
    assert_eq!(names, expected);
    let transaction = approved.intent().transaction().unwrap();
    assert_eq!(transaction.chain_id, Some(11_155_111));
    assert_eq!(transaction.value, U256::from(250_000_000_000_000_000_u64));
    assert_eq!(transaction.type_id(), 2);
    assert_eq!(approved.digest(), &transaction.signing_hash());
    assert_eq!(approved.policy_digest(), policy().digest());
}

#[test]
fn another_recipient_is_denied_by_address_allowlist() {
    let denied = judge(json!({"to": OTHER}), &Windows::default()).unwrap_err();
    assert_eq!(denied.step, Step::AddressAllowlist);
    assert!(denied.to_string().contains(OTHER), "{denied}");
}

#[test]
fn the_first_failing_step_is_named() {
    let everything_wrong = json!({"to": OTHER, "value": "9", "chain": "ethereum"});
    let denied = judge(everything_wrong, &Windows::default()).unwrap_err();
    assert_eq!(denied.step, Step::AddressAllowlist);
    assert_eq!(denied.steps.iter().filter(|one| one.outcome.name() == "not_reached").count(), 5);
}

#[test]
fn a_wei_above_the_cap_is_denied_by_value_cap() {
    assert!(judge(json!({"value": "0.5"}), &Windows::default()).is_ok());
    for value in ["0.51", "0.500000000000000001"] {
        let denied = judge(json!({"value": value}), &Windows::default()).unwrap_err();
        assert_eq!(denied.step, Step::ValueCap);
        assert_eq!((denied.limit.as_deref(), denied.asked.as_deref()), (Some("0.5"), Some(value)));
    }
}

#[test]
fn the_sum_of_a_day_is_denied_by_daily_limit() {
    let mut spend = Windows::default();
    for value in ["0.25", "0.5"] {
        let approved = judge(json!({"value": value}), &spend).unwrap();
        settle(&mut spend, &approved);
    }
    let denied = judge(json!({"value": "0.1"}), &spend).unwrap_err();
    assert_eq!(denied.step, Step::DailyLimit);
    assert_eq!(denied.limit.as_deref(), Some("0.8"));
    assert_eq!(denied.asked.as_deref(), Some("0.1"));
    assert_eq!(denied.left.as_deref(), Some("0.05"));
    assert_eq!(denied.frees_at, Some(NOW + 86_400));
    assert!(judge(json!({"value": "0.05"}), &spend).is_ok(), "the limit is inclusive");
}

#[test]
fn another_chain_is_denied_by_chain_restriction() {
    let denied = judge(json!({"chain": "ethereum", "value": "0.01"}), &Windows::default()).unwrap_err();
    assert_eq!(denied.step, Step::ChainRestriction);
    assert!(judge(json!({"chain": "11155111"}), &Windows::default()).is_ok());
}

#[test]
fn an_exponent_is_no_amount() {
    assert!(matches!(draft(json!({"value": "1e-1"})), Err(RequestError::Amount { .. })));
}
