//! Proofs of RFC 6962, verified without a tree (RFC 9162 §2.1.3.2 and §2.1.4.2).
//!
//! Trusts the root that the caller gives, and nothing of the proof. A proof has exactly one right length.

use shroud_wire::limits;

use super::{empty_root, node_hash};
use crate::hash::Hash;

/// A leaf is in a tree: made by [`verify_inclusion`] alone.
#[derive(Debug, PartialEq, Eq)]
pub struct Included {
    index: u64,
    size: u64,
    root: Hash,
}

/// A tree extends an older one: made by [`verify_consistency`] alone.
#[derive(Debug, PartialEq, Eq)]
pub struct Consistent {
    old: u64,
    new: u64,
    root: Hash,
}

/// Why a proof was refused.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProofError {
    /// There is no such leaf in a tree of that size.
    #[error("leaf {index} is not in a tree of {size}")]
    Index {
        /// The leaf's index.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The older tree is the larger one.
    #[error("a tree of {new} cannot extend one of {old}")]
    Sizes {
        /// The older tree's size.
        old: u64,
        /// The newer tree's size.
        new: u64,
    },
    /// The proof has too few or too many hashes.
    #[error("a proof of {0} hashes has the wrong length")]
    Length(usize),
    /// The hashes do not lead to the older tree's root.
    #[error("the proof does not lead to the older root")]
    OldRoot,
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root")]
    Root,
}

impl Included {
    /// The leaf's index.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The tree's size.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The tree's root.
    #[must_use]
    pub fn root(&self) -> &Hash {
        &self.root
    }
}

impl Consistent {
    /// The older tree's size.
    #[must_use]
    pub fn old_size(&self) -> u64 {
        self.old
    }

    /// The newer tree's size.
    #[must_use]
    pub fn new_size(&self) -> u64 {
        self.new
    }

    /// The newer tree's root.
    #[must_use]
    pub fn root(&self) -> &Hash {
        &self.root
    }
}

/// Verifies that `leaf` is at `index` of the tree of `size` leaves under `root`; `proof` has the lowest sibling first.
///
/// # Errors
/// [`ProofError::Index`], [`ProofError::Length`], [`ProofError::Root`].
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<Included, ProofError> {
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let wrong = ProofError::Length(proof.len());
    if proof.len() > limits::PROOF {
        return Err(wrong);
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(wrong);
        }
        if at % 2 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            let up = if at % 2 == 1 { 0 } else { at.trailing_zeros().min(63) };
            (at, last) = (at >> up, last >> up);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    match (last, hash == *root) {
        (0, true) => Ok(Included { index, size, root: *root }),
        (0, false) => Err(ProofError::Root),
        _ => Err(wrong),
    }
}

/// Verifies that the tree of `new` leaves under `new_root` extends the one of `old` leaves under `old_root`.
///
/// # Errors
/// [`ProofError::Sizes`], [`ProofError::Length`], [`ProofError::OldRoot`], [`ProofError::Root`].
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<Consistent, ProofError> {
    if old > new {
        return Err(ProofError::Sizes { old, new });
    }
    let proven = Consistent { old, new, root: *new_root };
    if old != 0 && old != new {
        return strictly_larger(old, old_root, new, new_root, proof).map(|()| proven);
    }
    if !proof.is_empty() {
        return Err(ProofError::Length(proof.len()));
    }
    let expected = if old == new { *new_root } else { empty_root() };
    let empty = new != 0 || *new_root == empty_root();
    match (*old_root == expected, empty) {
        (true, true) => Ok(proven),
        (true, false) => Err(ProofError::Root),
        (false, _) => Err(ProofError::OldRoot),
    }
}

fn strictly_larger(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    let wrong = ProofError::Length(proof.len());
    if proof.len() > limits::PROOF {
        return Err(wrong);
    }
    // A power of two is a subtree of the new tree as it stands; its root need not be sent.
    let (first, rest) =
        if old.is_power_of_two() { (old_root, proof) } else { proof.split_first().ok_or(wrong)? };
    let up = (old - 1).trailing_ones();
    let (mut at, mut last) = ((old - 1) >> up, (new - 1) >> up);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(wrong);
        }
        if at % 2 == 1 || at == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            let up = if at % 2 == 1 { 0 } else { at.trailing_zeros().min(63) };
            (at, last) = (at >> up, last >> up);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong);
    }
    if old_hash != *old_root {
        return Err(ProofError::OldRoot);
    }
    if new_hash == *new_root { Ok(()) } else { Err(ProofError::Root) }
}
