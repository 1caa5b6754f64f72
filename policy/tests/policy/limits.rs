//! Every limit: inclusive, strictest wins, and what a denial says.

use serde_json::json;
use shroud_policy::{Step, U256, amount::parse_ether, counter, spend::Windows};

use crate::desk::{
    NOW, OTHER, TO, TOKEN, address, approved, body, call, data, denied, hex0x, judged, number, passes,
    token_transfer, transfer,
};

fn spent(counter: &str, ether: &str, time: u64) -> Windows {
    let mut spend = Windows::default();
    spend.add(counter, parse_ether(ether).unwrap(), time);
    spend.at(NOW);
    spend
}

fn counted(counter: &str, count: u64) -> Windows {
    let mut spend = Windows::default();
    spend.add(counter, U256::from(count), NOW);
    spend.at(NOW);
    spend
}

#[test]
fn the_strictest_of_global_and_per_chain_wins() {
    let rules = json!({
        "tx_max_value": "1", "tx_daily_limit": "3",
        "per_chain_guardrails": {"ethereum": {"max_value": "0.7"}, "sepolia": {"max_value": "0.5", "daily_limit": "0.6"}},
    });
    let value = |value: &str, chain: &str| transfer(&json!({"value": value, "chain": chain}));
    passes(&rules, value("0.5", "sepolia"));
    denied(&rules, value("0.51", "sepolia"), Step::ValueCap, "per_chain_guardrails.sepolia.max_value");
    denied(&rules, value("0.71", "base"), Step::ValueCap, "per_chain_guardrails.ethereum.max_value");
    passes(&rules, value("0.7", "base"));
    let loose = json!({"tx_max_value": "0.1", "per_chain_guardrails": {"sepolia": {"max_value": "5"}}});
    denied(&loose, value("0.2", "sepolia"), Step::ValueCap, "tx_max_value");
}

#[test]
fn the_daily_limit_counts_all_chains_of_the_family() {
    let rules = json!({"tx_daily_limit": "1"});
    let spend = spent(&counter::native(), "0.9", NOW - 10);
    let denial = judged(&rules, transfer(&json!({"chain": "base", "value": "0.2"})), &spend).unwrap_err();
    assert_eq!((denial.left.as_deref(), denial.frees_at), (Some("0.1"), Some(NOW - 10 + 86_400)));
}

#[test]
fn a_network_has_a_daily_limit_of_its_own() {
    let rules = json!({"tx_daily_limit": "9", "per_chain_guardrails": {"sepolia": {"daily_limit": "1"}}});
    let spend = spent(&counter::native_on(11_155_111), "0.9", NOW);
    let denial = judged(&rules, transfer(&json!({"value": "0.2"})), &spend).unwrap_err();
    assert!(denial.to_string().contains("per_chain_guardrails.sepolia.daily_limit"), "{denial}");
    assert!(judged(&rules, transfer(&json!({"value": "0.2", "chain": "base"})), &spend).is_ok());
}

#[test]
fn what_can_never_fit_frees_up_never() {
    let rules = json!({"tx_daily_limit": "1"});
    let denial = judged(&rules, transfer(&json!({"value": "1.1"})), &spent(&counter::native(), "0.5", NOW))
        .unwrap_err();
    assert_eq!(denial.frees_at, None);
}

#[test]
fn transactions_per_day_end_at_midnight_utc() {
    let rules = json!({"tx_max_per_day": 3});
    assert!(judged(&rules, transfer(&json!({})), &counted(&counter::count(NOW), 2)).is_ok());
    let denial = judged(&rules, transfer(&json!({})), &counted(&counter::count(NOW), 3)).unwrap_err();
    assert_eq!(denial.step, Step::DailyLimit);
    assert_eq!(denial.frees_at, Some(counter::next_day(NOW)));
    assert_eq!((denial.limit.as_deref(), denial.left.as_deref()), (Some("3"), Some("0")));
    assert!(judged(&rules, transfer(&json!({})), &counted(&counter::count(NOW - 86_400), 3)).is_ok());
    denied(&json!({"tx_max_per_day": 0}), transfer(&json!({})), Step::DailyLimit, "tx_max_per_day");
}

#[test]
fn transactions_per_day_of_a_network() {
    let rules = json!({"per_chain_guardrails": {"sepolia": {"max_per_day": 1}}});
    let spend = counted(&counter::count_on(11_155_111, NOW), 1);
    assert_eq!(judged(&rules, transfer(&json!({})), &spend).unwrap_err().step, Step::DailyLimit);
    assert!(judged(&rules, transfer(&json!({"chain": "base"})), &spend).is_ok());
}

#[test]
fn one_recipient_has_limits_of_its_own() {
    let rules = json!({"tx_per_recipient_daily_limit": "1", "tx_per_recipient_max_per_day": 2});
    let spend = spent(&counter::native_to(TO.parse().unwrap()), "0.9", NOW);
    let denial = judged(&rules, transfer(&json!({"value": "0.2"})), &spend).unwrap_err();
    assert!(denial.to_string().contains("tx_per_recipient_daily_limit"), "{denial}");
    assert!(judged(&rules, transfer(&json!({"value": "0.2", "to": OTHER})), &spend).is_ok());
    let spend = counted(&counter::count_to(TO.parse().unwrap(), NOW), 2);
    let denial = judged(&rules, transfer(&json!({})), &spend).unwrap_err();
    assert!(denial.to_string().contains("tx_per_recipient_max_per_day"), "{denial}");
}

#[test]
fn a_new_recipient_has_a_cap() {
    let rules = json!({"new_recipient_cap_native": "0.1"});
    passes(&rules, transfer(&json!({"value": "0.1"})));
    denied(&rules, transfer(&json!({"value": "0.11"})), Step::ValueCap, "new_recipient_cap_native");
}

#[test]
fn unlimited_approvals_are_blocked_and_large_ones_alike() {
    let rules = json!({"tx_block_unlimited_approvals": true});
    let approve = |amount: U256| {
        call(
            TOKEN,
            &data("approve(address,uint256)", &[address(TO), shroud_policy::abi::Token::Word(amount)]),
        )
    };
    for amount in [U256::MAX, U256::MAX >> 1, (U256::from(1) << 160) - U256::from(1), U256::from(1) << 159] {
        denied(&rules, approve(amount), Step::ValueCap, "unlimited approval");
    }
    passes(&rules, approve((U256::from(1) << 159) - U256::from(1)));
    let all = call(TOKEN, &data("setApprovalForAll(address,bool)", &[address(TO), number(1)]));
    denied(&rules, all, Step::ValueCap, "unlimited approval");
    let none = call(TOKEN, &data("setApprovalForAll(address,bool)", &[address(TO), number(0)]));
    passes(&rules, none);
}

#[test]
fn tokens_meet_the_token_allowlist() {
    let rules = json!({"tx_token_allowlist": [TOKEN]});
    passes(&rules, call(TOKEN, &token_transfer(TO, U256::from(1))));
    denied(
        &rules,
        call(OTHER, &token_transfer(TO, U256::from(1))),
        Step::AddressAllowlist,
        "tx_token_allowlist",
    );
    let stricter = json!({
        "tx_token_allowlist": [TOKEN, OTHER], "per_chain_guardrails": {"ethereum": {"token_allowlist": [TOKEN]}},
    });
    denied(
        &stricter,
        call(OTHER, &token_transfer(TO, U256::from(1))),
        Step::AddressAllowlist,
        "ethereum.token_allowlist",
    );
}

#[test]
fn a_listed_token_may_be_called_but_not_paid() {
    let rules = json!({"tx_token_allowlist": [TOKEN], "tx_to_allowlist": [TO]});
    passes(&rules, call(TOKEN, &token_transfer(TO, U256::from(1))));
    denied(&rules, transfer(&json!({"to": TOKEN})), Step::AddressAllowlist, "recipient");
    let paid = json!({"to": TOKEN, "gas_limit": 90_000, "data": hex0x(&token_transfer(TO, U256::from(1)))});
    denied(&rules, transfer(&paid), Step::AddressAllowlist, "recipient");
}

#[test]
fn known_tokens_only_means_the_registry() {
    let rules = json!({"tx_known_tokens_only": true});
    denied(&rules, call(TOKEN, &token_transfer(TO, U256::from(1))), Step::AddressAllowlist, "registry");
    let usdc = "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238";
    passes(&rules, call(usdc, &token_transfer(TO, U256::from(1))));
}

#[test]
fn a_recipient_list_per_chain_narrows_the_global_one() {
    let rules = json!({
        "tx_to_allowlist": [TO, OTHER], "per_chain_guardrails": {"sepolia": {"to_allowlist": [TO]}},
    });
    denied(&rules, transfer(&json!({"to": OTHER})), Step::AddressAllowlist, "sepolia.to_allowlist");
    passes(&rules, transfer(&json!({"to": OTHER, "chain": "base"})));
}

#[test]
fn gas_has_a_price_a_limit_and_a_budget() {
    let rules = |inner| json!({"per_chain_guardrails": {"ethereum": inner}});
    passes(&rules(json!({"max_fee_per_gas_gwei": 2})), transfer(&json!({})));
    denied(
        &rules(json!({"max_fee_per_gas_gwei": 1.5})),
        transfer(&json!({})),
        Step::ValueCap,
        "max_fee_per_gas_gwei",
    );
    passes(&rules(json!({"max_gas_limit": 21_000})), transfer(&json!({})));
    denied(&rules(json!({"max_gas_limit": 20_999})), transfer(&json!({})), Step::ValueCap, "max_gas_limit");
    passes(&rules(json!({"gas_daily_budget_native": "0.000042"})), transfer(&json!({})));
    let tight = rules(json!({"gas_daily_budget_native": "0.00005"}));
    let spend = spent(&counter::fee_of_day(NOW), "0.00001", NOW);
    let denial = judged(&tight, transfer(&json!({})), &spend).unwrap_err();
    assert_eq!((denial.step, denial.frees_at), (Step::DailyLimit, Some(counter::next_day(NOW))));
    let overhead = json!({"tx_overhead_budget": {"sepolia": "0.00005"}});
    let spend = spent(&counter::fee_on(11_155_111), "0.00001", NOW);
    let denial = judged(&overhead, transfer(&json!({})), &spend).unwrap_err();
    assert!(denial.to_string().contains("tx_overhead_budget.sepolia"), "{denial}");
    assert!(judged(&overhead, transfer(&json!({"chain": "base"})), &spend).is_ok());
}

#[test]
fn fees_are_bounded_by_default_wherever_value_is() {
    let dear = json!({"value": "0", "max_fee_per_gas": "5000000000000"});
    passes(&json!({}), transfer(&dear));
    passes(&json!({"tx_max_fee": "1", "tx_max_value": "0.5"}), transfer(&dear));
    for limit in [
        json!({"tx_max_value": "0.5"}),
        json!({"tx_daily_limit": "0.5"}),
        json!({"per_chain_guardrails": {"ethereum": {"max_value": "0.5"}}}),
        json!({"tx_per_recipient_daily_limit": "0.5"}),
        json!({"tx_token_limits": {TOKEN: {"max_value": "1", "daily_limit": "1"}}}),
    ] {
        denied(&limit, transfer(&dear), Step::ValueCap, "default fee bound");
    }
    denied(&json!({"tx_max_fee": "0.00001"}), transfer(&json!({})), Step::ValueCap, "tx_max_fee");
    denied(
        &json!({"tx_fee_daily_limit": "0.00001"}),
        transfer(&json!({})),
        Step::ValueCap,
        "tx_fee_daily_limit",
    );
}

#[test]
fn several_effects_of_one_intent_add_up() {
    let rules = json!({"tx_token_limits": {TOKEN: {"max_value": "10", "daily_limit": "100"}}});
    let transfers =
        [6, 5].map(|amount| shroud_policy::abi::Token::Bytes(token_transfer(TO, U256::from(amount))));
    let both =
        call(TOKEN, &data("multicall(bytes[])", &[shroud_policy::abi::Token::List(transfers.to_vec())]));
    let denial = denied(&rules, both, Step::ValueCap, "max_value");
    assert_eq!(denial.asked.as_deref(), Some("11"));
}

#[test]
fn reservations_carry_counters_limits_and_recipients() {
    let approval = approved(&json!({"tx_daily_limit": "1", "tx_max_per_day": 9}), transfer(&json!({})));
    let taken: Vec<_> =
        approval.reservations().iter().map(|one| (one.counter.as_str(), one.amount, one.limit)).collect();
    let ether = |text| parse_ether(text).unwrap();
    let count = counter::count(NOW);
    assert!(taken.contains(&("evm/native", ether("0.25"), Some(ether("1")))));
    assert!(taken.contains(&("evm/fee", ether("0.000042"), Some(ether("0.1")))));
    assert!(taken.contains(&("evm/11155111/fee", ether("0.000042"), None)));
    assert!(taken.contains(&(count.as_str(), U256::from(1), Some(U256::from(9)))));
    assert_eq!(taken.len(), 4);
    assert_eq!(approval.reservations()[0].counterparty, Some(TO.parse().unwrap()));
}

#[test]
fn a_token_request_is_a_transfer_of_the_token() {
    let request = json!({"token_mint": TOKEN, "value": "1.5", "gas_limit": 90_000});
    let intent = transfer(&request);
    let transaction = intent.transaction().unwrap();
    assert_eq!(transaction.to, Some(TOKEN.parse().unwrap()));
    assert!(transaction.value.is_zero());
    assert_eq!(transaction.data, token_transfer(TO, U256::from(1_500_000)));
    let rules = json!({"tx_to_allowlist": [OTHER], "tx_token_allowlist": [TOKEN]});
    denied(&rules, intent, Step::AddressAllowlist, "recipient");
    assert!(body(&request)["to"].is_string());
}
