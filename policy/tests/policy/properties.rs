//! No sequence of approved intents, in any order and with any clock, spends more than its limits allow. The reference
//! model below decides: it knows amounts and times, and nothing of steps, counters or reservations.

use proptest::{prelude::*, test_runner::FileFailurePersistence};
use serde_json::json;
use shroud_policy::{
    Chains, Draft, Filling, U256, abi::Token, amount::format_ether, approve, counter::DAY, spend::Windows,
};

use crate::desk::{TO, TOKEN, address, body, call, data, hex0x, policy, token_transfer};

/// Limits in finney and tokens, small enough to be met often.
#[derive(Clone, Debug)]
struct Limits {
    cap: u64,
    daily: u64,
    per_day: u64,
    token_cap: u64,
    token_daily: u64,
}

#[derive(Clone, Debug)]
enum Ask {
    Native(u64),
    Token(u64),
    TwoTokens(u64, u64),
    Allowance(u64),
}

/// What was approved: when, how much native value, how many tokens.
type Approved = (u64, u64, u64);

fn limits() -> impl Strategy<Value = Limits> {
    (1_u64..20, 1_u64..40, 1_u64..8, 1_u64..20, 1_u64..40).prop_map(
        |(cap, daily, per_day, token_cap, token_daily)| Limits {
            cap,
            daily,
            per_day,
            token_cap,
            token_daily,
        },
    )
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        (0_u64..25).prop_map(Ask::Native),
        (0_u64..25).prop_map(Ask::Token),
        (0_u64..15, 0_u64..15).prop_map(|(one, other)| Ask::TwoTokens(one, other)),
        (0_u64..25).prop_map(Ask::Allowance),
    ]
}

const FINNEY: u64 = 1_000_000_000_000_000;

fn request(ask: &Ask, chain: &str) -> String {
    let tokens =
        |data: Vec<u8>| json!({"to": TOKEN, "value": "0", "gas_limit": 200_000, "data": hex0x(&data)});
    let changes = match ask {
        Ask::Native(finney) => {
            let wei = U256::from(*finney) * U256::from(FINNEY);
            json!({"value": format_ether(wei)})
        }
        Ask::Token(amount) => tokens(token_transfer(TO, U256::from(*amount))),
        Ask::Allowance(amount) => {
            tokens(data("approve(address,uint256)", &[address(TO), Token::Word(U256::from(*amount))]))
        }
        Ask::TwoTokens(one, other) => {
            let calls = [one, other].map(|amount| Token::Bytes(token_transfer(TO, U256::from(*amount))));
            tokens(data("multicall(bytes[])", &[Token::List(calls.to_vec())]))
        }
    };
    let mut body = body(&changes);
    body["chain"] = json!(chain);
    body["max_fee_per_gas"] = json!("1");
    body["max_priority_fee_per_gas"] = json!("1");
    body.to_string()
}

fn amounts(ask: &Ask) -> (u64, u64) {
    match ask {
        Ask::Native(finney) => (*finney, 0),
        Ask::Token(amount) | Ask::Allowance(amount) => (0, *amount),
        Ask::TwoTokens(one, other) => (0, one + other),
    }
}

/// Whether the model allows one more, given what was approved.
fn model(limits: &Limits, past: &[(Approved, &str)], ask: &Ask, chain: &str, now: u64) -> bool {
    let (native, tokens) = amounts(ask);
    let recent = past.iter().filter(|((time, ..), _)| now < time + DAY);
    let spent: u64 = recent.clone().map(|((_, native, _), _)| native).sum();
    let moved: u64 = recent.filter(|(_, on)| *on == chain).map(|((.., tokens), _)| tokens).sum();
    let today = past.iter().filter(|((time, ..), _)| time / DAY == now / DAY).count();
    native <= limits.cap
        && spent + native <= limits.daily
        && tokens <= limits.token_cap
        && moved + tokens <= limits.token_daily
        && u64::try_from(today).unwrap() < limits.per_day
}

/// Sequences that failed once are kept and tried first.
fn config() -> ProptestConfig {
    let kept = FileFailurePersistence::Direct("tests/policy/properties.regressions");
    ProptestConfig { failure_persistence: Some(Box::new(kept)), ..ProptestConfig::with_cases(200) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_sequence_of_approved_intents_exceeds_its_limits(
        limits in limits(),
        asks in prop::collection::vec((ask(), prop::sample::select(vec!["sepolia", "base"]), 0_u64..50_000), 1..40),
    ) {
        let finney = |amount: u64| format_ether(U256::from(amount) * U256::from(FINNEY));
        let rules = policy(&json!({
            "tx_to_allowlist": [TO], "tx_token_allowlist": [TOKEN],
            "tx_max_value": finney(limits.cap), "tx_daily_limit": finney(limits.daily), "tx_max_per_day": limits.per_day,
            "tx_token_limits": {TOKEN: {
                "max_value": limits.token_cap.to_string(), "daily_limit": limits.token_daily.to_string(),
            }},
        }));
        let chains = Chains::built_in();
        let (mut now, mut spend, mut past) = (1_800_000_000_u64, Windows::default(), Vec::new());
        for (ask, chain, pause) in &asks {
            now += pause;
            let draft = Draft::transaction(request(ask, chain).as_bytes(), &chains).unwrap();
            let intent = draft.resolve(Filling::default()).unwrap();
            let outcome = approve(intent, &rules, spend.at(now), now);
            prop_assert_eq!(outcome.is_ok(), model(&limits, &past, ask, chain, now), "{:?} {:?}", ask, outcome.err());
            let Ok(approved) = outcome else { continue };
            for taken in approved.reservations() {
                spend.add(&taken.counter, taken.amount, now);
            }
            let (native, tokens) = amounts(ask);
            past.push(((now, native, tokens), *chain));
        }
    }

    #[test]
    fn a_denial_frees_up_exactly_when_it_says(amounts in prop::collection::vec((1_u64..10, 0_u64..20_000), 1..20)) {
        let rules = policy(&json!({"tx_daily_limit": "0.02"}));
        let (mut now, mut spend) = (1_800_000_000_u64, Windows::default());
        for (finney, pause) in amounts {
            now += pause;
            let wei = U256::from(finney) * U256::from(FINNEY);
            let intent = || crate::desk::transfer(&json!({"value": format_ether(wei), "max_fee_per_gas": "1", "max_priority_fee_per_gas": "1"}));
            match approve(intent(), &rules, spend.at(now), now) {
                Ok(approved) => {
                    for taken in approved.reservations() {
                        spend.add(&taken.counter, taken.amount, now);
                    }
                }
                Err(denied) => {
                    let at = denied.frees_at.unwrap();
                    prop_assert!(at > now);
                    prop_assert!(approve(intent(), &rules, spend.at(at - 1), at - 1).is_err());
                    prop_assert!(approve(intent(), &rules, spend.at(at), at).is_ok());
                }
            }
        }
    }

    #[test]
    fn no_recipient_off_the_list_is_ever_approved(to: [u8; 20], amount: u64, wrapped in 0_usize..3) {
        let rules = json!({"tx_to_allowlist": [TO, TOKEN]});
        let to = hex0x(&to);
        prop_assume!(to.to_lowercase() != TO.to_lowercase() && to != TOKEN);
        let data = (0..wrapped).fold(token_transfer(&to, U256::from(amount)), |inner, _| {
            data("multicall(bytes[])", &[Token::List(vec![Token::Bytes(inner)])])
        });
        let denied = crate::desk::judged(&rules, call(TOKEN, &data), &shroud_policy::NothingSpent);
        prop_assert_eq!(denied.unwrap_err().step, shroud_policy::Step::AddressAllowlist);
    }

    #[test]
    fn hostile_requests_never_panic(bytes: Vec<u8>, changes in "[ -~]{0,40}", member in 0_usize..8) {
        let chains = Chains::built_in();
        let _ = Draft::transaction(&bytes, &chains);
        let names = ["to", "value", "data", "chain", "nonce", "access_list", "authorization_list", "gas_price"];
        let body = body(&json!({names[member]: changes}));
        if let Ok(draft) = Draft::transaction(body.to_string().as_bytes(), &chains) {
            let _ = draft.resolve(Filling::default());
        }
    }

    #[test]
    fn hostile_call_data_never_panics_and_always_has_a_fee(bytes: Vec<u8>, selector in 0_usize..4) {
        let known = ["multicall(bytes[])", "transfer(address,uint256)", "aggregate3((address,bool,bytes)[])", "approve(address,uint256)"];
        let data = [&shroud_policy::keccak256(known[selector])[..4], &bytes].concat();
        let intent = call(TOKEN, &data);
        prop_assert!(intent.effects().len() >= 2);
        prop_assert_eq!(intent.effects().last().map(|effect| effect.kind.name()), Some("fee"));
    }
}
