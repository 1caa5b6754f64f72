//! The Merkle tree of RFC 6962 (SHA-256, leaf prefix 0, node prefix 1), kept so that appending and proving are cheap.
//!
//! ```text
//! levels[0]  l0  l1  l2  l3  l4      the leaf hashes
//! levels[1]    n01     n23           the complete subtrees of 2 leaves
//! levels[2]        n0123             the complete subtrees of 4 leaves
//! ```
//!
//! Every complete subtree is stored once, so an append costs O(1) amortised, and a root or proof of this or any older
//! size O(log n). Two hashes a leaf: 64 bytes. The functions of `verify` need no tree.

mod verify;

pub use verify::{Consistent, Included, ProofError, verify_consistency, verify_inclusion};

use crate::hash::{Hash, sha256};

/// The hashes of a log's leaves, and of what stands above them.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    levels: Vec<Vec<Hash>>,
}

/// The hash of a node over its children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The root of a tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    sha256(&[])
}

impl Tree {
    /// A tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf hash ([`crate::Entry::leaf_hash`]).
    pub fn append(&mut self, leaf: Hash) {
        let mut carried = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else { return };
            nodes.push(carried);
            match nodes.as_slice() {
                [.., left, right] if nodes.len() % 2 == 0 => carried = node_hash(left, right),
                _ => return,
            }
        }
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// The root of the whole tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.subtree(0, self.size()).unwrap_or_else(empty_root)
    }

    /// The root of the first `size` leaves; `None` if there are fewer.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        if size == 0 { Some(empty_root()) } else { self.subtree(0, size) }
    }

    /// The hash of the leaf at `index`; `None` beyond the end.
    #[must_use]
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.complete(0, index)
    }

    /// The proof that the leaf at `index` is in the tree of the first `size` leaves, lowest sibling first.
    ///
    /// `None` if there is no such leaf or no such tree.
    #[must_use]
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        if index >= size || size > self.size() {
            return None;
        }
        let mut siblings = Vec::new();
        let (mut low, mut high) = (0, size);
        while high - low > 1 {
            let middle = low + split(high - low);
            if index < middle {
                siblings.push(self.subtree(middle, high)?);
                high = middle;
            } else {
                siblings.push(self.subtree(low, middle)?);
                low = middle;
            }
        }
        siblings.reverse();
        Some(siblings)
    }

    /// The proof that the tree of the first `new` leaves extends the one of the first `old`.
    ///
    /// Empty for `old == 0` and `old == new`; `None` if there are no such trees.
    #[must_use]
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        if old > new || new > self.size() {
            return None;
        }
        if old == 0 || old == new {
            return Some(Vec::new());
        }
        let mut siblings = Vec::new();
        let (mut low, mut high) = (0, new);
        while high != old {
            let middle = low + split(high - low);
            if old <= middle {
                siblings.push(self.subtree(middle, high)?);
                high = middle;
            } else {
                siblings.push(self.subtree(low, middle)?);
                low = middle;
            }
        }
        // The old tree is itself a subtree of the new one only if nothing stands to its left.
        if low != 0 {
            siblings.push(self.subtree(low, high)?);
        }
        siblings.reverse();
        Some(siblings)
    }

    /// The RFC 6962 hash over the leaves `low..high`, where `low` is a multiple of the power of two above the range.
    fn subtree(&self, low: u64, high: u64) -> Option<Hash> {
        let mut pieces = Vec::new();
        let mut start = low;
        while start < high {
            let level = (high - start).ilog2();
            pieces.push(self.complete(level, start >> level)?);
            start += 1 << level;
        }
        pieces.into_iter().rev().reduce(|right, left| node_hash(&left, &right))
    }

    /// The stored hash of a complete subtree: the `index`-th of `2^level` leaves.
    fn complete(&self, level: u32, index: u64) -> Option<Hash> {
        let nodes = self.levels.get(usize::try_from(level).ok()?)?;
        nodes.get(usize::try_from(index).ok()?).copied()
    }
}

/// The largest power of two below `length`, which is at least 2.
const fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}

#[cfg(test)]
mod tests;
