//! Which pair of shares rebuilds the committed secret, and which shares are in no such pair.
//!
//! Every pair is tried whatever the others gave, so the time taken depends on how many shares there are and not on which
//! of them is wrong.

use crate::commitment::Commitment;
use crate::mode::Holder;
use crate::secret::Secret;
use crate::shamir::{Rebuilt, Share, combine};

/// A share at hand and who holds it.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) holder: Holder,
    pub(crate) share: &'a Share,
}

/// What the pairs gave.
pub(crate) enum Pairs {
    /// At least one pair rebuilds the committed secret; `bad` are in none that does.
    Good { secret: Secret<32>, bad: Vec<Holder> },
    /// No pair does. `first` is what the first pair gives, absent if there is no pair at all.
    Bad { first: Option<Rebuilt> },
}

/// Tries every pair of `candidates`.
pub(crate) fn try_pairs(candidates: &[Candidate<'_>], commitment: &Commitment, context: &[u8]) -> Pairs {
    let mut good = Vec::new();
    let (mut found, mut first) = (None, None);
    for (position, left) in candidates.iter().enumerate() {
        for right in candidates.iter().skip(position + 1) {
            let Ok(rebuilt) = combine(left.share, right.share) else { continue };
            if commitment.admits(rebuilt.candidate(), context).into() {
                good.extend([left.holder, right.holder]);
                found = found.or(Some(rebuilt));
            } else {
                first = first.or(Some(rebuilt));
            }
        }
    }
    match found {
        Some(rebuilt) => {
            let holders = candidates.iter().map(|candidate| candidate.holder);
            let bad = holders.filter(|holder| !good.contains(holder)).collect();
            Pairs::Good { secret: rebuilt.unconfirmed(), bad }
        }
        None => Pairs::Bad { first },
    }
}
