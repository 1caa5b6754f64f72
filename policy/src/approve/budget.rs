//! What an intent takes from which counter, and the strictest limit on each.
//!
//! Amounts of one counter add up within an intent; amounts of different assets never do. The counters that answers show
//! (native value, fees, count) are kept whether or not they are limited, so that a limit set later knows the last day.

use ruint::aliases::U256;

use crate::{
    Address, Intent, Reservation, counter,
    effect::{Asset, Effect, EffectKind},
    guardrails::{Guardrails, Scope},
};

/// A reservation with what a denial says about it.
pub(super) struct Taken {
    pub(super) reservation: Reservation,
    /// The field that holds the strictest limit.
    pub(super) field: String,
    /// What is counted, for people.
    pub(super) asset: String,
    /// Native amounts are shown in whole units.
    pub(super) native: bool,
    /// Second at which the counter ends by itself; `None` for rolling windows.
    pub(super) ends: Option<u64>,
}

pub(super) fn reservations(intent: &Intent, rules: &Guardrails, now: u64) -> Vec<Taken> {
    let mut budget = Budget { chain_id: intent.chain().chain_id, rules, now, taken: Vec::new() };
    for effect in intent.effects() {
        budget.take_effect(effect);
    }
    if counts(intent) {
        budget.take_count(intent);
    }
    budget.taken
}

/// Transactions count, and typed data that moves or empowers.
fn counts(intent: &Intent) -> bool {
    let moves = |effect: &Effect| matches!(effect.kind, EffectKind::Transfer | EffectKind::Approval);
    intent.transaction().is_some() || intent.effects().iter().any(moves)
}

struct Budget<'a> {
    chain_id: u64,
    rules: &'a Guardrails,
    now: u64,
    taken: Vec<Taken>,
}

/// One amount under one counter.
struct Line {
    counter: String,
    amount: U256,
    asset: &'static str,
    native: bool,
    ends: Option<u64>,
    counterparty: Option<Address>,
}

impl Budget<'_> {
    fn take_effect(&mut self, effect: &Effect) {
        let chain_id = effect.chain_id.unwrap_or(self.chain_id);
        match (&effect.kind, effect.asset) {
            (EffectKind::Fee, _) => self.take_fee(chain_id, effect.amount),
            (_, Some(Asset::Native)) => self.take_native(chain_id, effect),
            (_, Some(Asset::Token(token))) => self.take_token(chain_id, token, effect),
            (_, None) => {}
        }
    }

    fn take_native(&mut self, chain_id: u64, effect: &Effect) {
        if effect.amount.is_zero() {
            return;
        }
        let rules = self.rules;
        let line = |counter| Line {
            counter,
            amount: effect.amount,
            asset: "native value",
            native: true,
            ends: None,
            counterparty: effect.counterparty,
        };
        let global = rules.tx_daily_limit.iter().map(|limit| ("tx_daily_limit".to_owned(), limit.wei()));
        let family = rules.on(chain_id).filter(|entry| entry.scope == Scope::Evm);
        let family =
            family.filter_map(|entry| Some((entry.field("daily_limit"), entry.daily_limit.as_ref()?.wei())));
        self.take(line(counter::native()), global.chain(family).collect());
        let own = rules.on(chain_id).filter(|entry| entry.scope != Scope::Evm);
        let own =
            own.filter_map(|entry| Some((entry.field("daily_limit"), entry.daily_limit.as_ref()?.wei())));
        self.take_limited(line(counter::native_on(chain_id)), own.collect());
        if let Some(recipient) = effect.counterparty {
            let limit = rules.tx_per_recipient_daily_limit.iter();
            let limit = limit.map(|limit| ("tx_per_recipient_daily_limit".to_owned(), limit.wei()));
            self.take_limited(line(counter::native_to(recipient)), limit.collect());
        }
    }

    fn take_token(&mut self, chain_id: u64, token: Address, effect: &Effect) {
        if effect.amount.is_zero() {
            return;
        }
        let limit = self.rules.token_limit(token).and_then(crate::guardrails::TokenLimit::daily);
        let limit = limit.map(|limit| (format!("tx_token_limits.{token}.daily_limit"), limit));
        let line = Line {
            counter: counter::token(chain_id, token),
            amount: effect.amount,
            asset: "token",
            native: false,
            ends: None,
            counterparty: effect.counterparty,
        };
        self.take(line, limit.into_iter().collect());
    }

    fn take_fee(&mut self, chain_id: u64, amount: U256) {
        let (rules, now) = (self.rules, self.now);
        let line =
            |counter, ends| Line { counter, amount, asset: "fee", native: true, ends, counterparty: None };
        let budgets = |wanted: fn(Scope) -> bool| {
            let budgets = rules.overhead_budgets(chain_id).filter(move |(_, scope, _)| wanted(*scope));
            budgets.map(|(field, _, budget)| (field, budget))
        };
        let family = budgets(|scope| scope == Scope::Evm).chain(rules.fee_daily_limit(chain_id));
        self.take(line(counter::fee(), None), family.collect());
        self.take(line(counter::fee_on(chain_id), None), budgets(|scope| scope != Scope::Evm).collect());
        let daily = |wanted: fn(Scope) -> bool| {
            let entries = rules.on(chain_id).filter(move |entry| wanted(entry.scope));
            entries.filter_map(|entry| {
                Some((entry.field("gas_daily_budget_native"), entry.gas_daily_budget_native.as_ref()?.wei()))
            })
        };
        let ends = Some(counter::next_day(now));
        self.take_limited(line(counter::fee_of_day(now), ends), daily(|scope| scope == Scope::Evm).collect());
        let own = daily(|scope| scope != Scope::Evm).collect();
        self.take_limited(line(counter::fee_on_day(chain_id, now), ends), own);
    }

    fn take_count(&mut self, intent: &Intent) {
        let (rules, now, chain_id) = (self.rules, self.now, self.chain_id);
        let ends = Some(counter::next_day(now));
        let line = |counter, counterparty| Line {
            counter,
            amount: U256::from(1),
            asset: "transactions",
            native: false,
            ends,
            counterparty,
        };
        let global =
            rules.tx_max_per_day.iter().map(|limit| ("tx_max_per_day".to_owned(), U256::from(*limit)));
        let entries = |wanted: fn(Scope) -> bool| {
            let entries = rules.on(chain_id).filter(move |entry| wanted(entry.scope));
            entries.filter_map(|entry| Some((entry.field("max_per_day"), U256::from(entry.max_per_day?))))
        };
        let family = global.chain(entries(|scope| scope == Scope::Evm)).collect();
        self.take(line(counter::count(now), None), family);
        let own = entries(|scope| scope != Scope::Evm).collect();
        self.take_limited(line(counter::count_on(chain_id, now), None), own);
        let mut recipients: Vec<_> =
            intent.effects().iter().filter_map(|effect| effect.counterparty).collect();
        recipients.sort_unstable();
        recipients.dedup();
        for recipient in recipients {
            let limit = rules.tx_per_recipient_max_per_day.iter();
            let limit = limit.map(|limit| ("tx_per_recipient_max_per_day".to_owned(), U256::from(*limit)));
            self.take_limited(line(counter::count_to(recipient, now), Some(recipient)), limit.collect());
        }
    }

    /// Takes only where a limit is stated.
    fn take_limited(&mut self, line: Line, limits: Vec<(String, U256)>) {
        if !limits.is_empty() {
            self.take(line, limits);
        }
    }

    /// Adds to the counter's line of this intent, or opens one; the strictest limit stays.
    fn take(&mut self, line: Line, limits: Vec<(String, U256)>) {
        if let Some(open) = self.taken.iter_mut().find(|open| open.reservation.counter == line.counter) {
            open.reservation.amount = open.reservation.amount.saturating_add(line.amount);
            if open.reservation.counterparty != line.counterparty {
                open.reservation.counterparty = None;
            }
            return;
        }
        let strictest = limits.into_iter().min_by_key(|(_, limit)| *limit);
        let (field, limit) = strictest.map_or((String::new(), None), |(field, limit)| (field, Some(limit)));
        self.taken.push(Taken {
            reservation: Reservation {
                counter: line.counter,
                amount: line.amount,
                limit,
                counterparty: line.counterparty,
            },
            field,
            asset: line.asset.to_owned(),
            native: line.native,
            ends: line.ends,
        });
    }
}
