//! `simulation`: where one is required it was made and passed. A simulation can only deny.

use super::{Case, Judgement, Refusal};
use crate::{denied::Reason, guardrails::Mode, intent::Simulation};

pub(super) fn judge<S: ?Sized>(case: &Case<'_, S>) -> Judgement {
    let asks = case.rules.simulation_failure_policy == Some(Mode::Approve);
    match case.intent.simulation() {
        Simulation::Passed { id, .. } => Ok(match id {
            Some(id) => format!("simulation {id} passed"),
            None => "the simulation passed".to_owned(),
        }),
        Simulation::NotRequired if !required(case) => Ok("not required".to_owned()),
        Simulation::NotRequired => Err(Refusal::new(Reason::SimulationMissing)),
        Simulation::Reverted { .. } if asks && case.intent.person_agreed() => {
            Ok("a person approved it".to_owned())
        }
        Simulation::Reverted { reason } => {
            Err(Refusal { may_be_approved: asks, ..Refusal::new(Reason::SimulationReverted(reason.clone())) })
        }
        Simulation::Unavailable { .. } if !required(case) => Ok("unavailable, and not required".to_owned()),
        Simulation::Unavailable { reason } => {
            Err(Refusal::new(Reason::SimulationUnavailable(reason.clone())))
        }
    }
}

/// Only transactions can be simulated.
fn required<S: ?Sized>(case: &Case<'_, S>) -> bool {
    case.intent.simulation_required() && case.intent.transaction().is_some()
}
