//! `daily_limit`: with what was spent before, no counter exceeds its limit. Limits are inclusive.

use ruint::aliases::U256;

use super::{Case, Judgement, Refusal, budget::Taken, in_ether, in_units};
use crate::{denied::Reason, effect::EffectKind, spend::Spend};

pub(super) fn judge<S: Spend + ?Sized>(case: &Case<'_, S>) -> Judgement {
    if case.rules.tx_daily_limit_usd.is_some() && super::value_cap::moves_value(case.intent) {
        return Err(Refusal::new(Reason::NoPrice { field: "tx_daily_limit_usd" }));
    }
    for taken in case.reservations {
        within(case, taken)?;
    }
    let limited =
        case.reservations.iter().filter(|taken| taken.reservation.limit.is_some()).collect::<Vec<_>>();
    let shown = limited.iter().map(|taken| taken.field.as_str()).collect::<Vec<_>>();
    let unlimited = case.intent.effects().iter().all(|effect| effect.kind == EffectKind::Message);
    Ok(match shown.is_empty() {
        true if unlimited => "nothing is counted".to_owned(),
        true => "no daily limit is stated".to_owned(),
        false => format!("within {}", shown.join(", ")),
    })
}

fn within<S: Spend + ?Sized>(case: &Case<'_, S>, taken: &Taken) -> Result<(), Refusal> {
    let Some(limit) = taken.reservation.limit else { return Ok(()) };
    let spent = case.spend.spent(&taken.reservation.counter);
    let asked = taken.reservation.amount;
    if spent.checked_add(asked).is_some_and(|total| total <= limit) {
        return Ok(());
    }
    let format: fn(U256) -> String = if taken.native { in_ether } else { in_units };
    let reason = Reason::AboveDailyLimit { asset: taken.asset.clone(), field: taken.field.clone() };
    let fits_ever = limit.checked_sub(asked);
    let frees_at = fits_ever.and_then(|ceiling| match taken.ends {
        Some(end) => Some(end),
        None => case.spend.frees_at(&taken.reservation.counter, ceiling),
    });
    Err(Refusal {
        left: Some(format(limit.saturating_sub(spent))),
        frees_at,
        ..Refusal::above(reason, limit, asked, format)
    })
}
