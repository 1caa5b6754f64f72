//! The tree against RFC 6962 written down naively.

use proptest::prelude::*;

use super::*;

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| sha256(&[&index.to_be_bytes()])).collect()
}

fn tree(leaves: &[Hash]) -> Tree {
    let mut tree = Tree::new();
    leaves.iter().for_each(|leaf| tree.append(*leaf));
    tree
}

fn power_below(length: usize) -> usize {
    let mut power = 1;
    while power * 2 < length {
        power *= 2;
    }
    power
}

/// MTH of RFC 6962 §2.1.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(power_below(leaves.len()));
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

/// PATH of RFC 6962 §2.1.1.
fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let middle = power_below(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut path, sibling) = if index < middle {
        (naive_path(index, left), naive_root(right))
    } else {
        (naive_path(index - middle, right), naive_root(left))
    };
    path.push(sibling);
    path
}

/// SUBPROOF of RFC 6962 §2.1.2.
fn naive_subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let middle = power_below(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut proof, sibling) = if old <= middle {
        (naive_subproof(old, left, whole), naive_root(right))
    } else {
        (naive_subproof(old - middle, right, false), naive_root(left))
    };
    proof.push(sibling);
    proof
}

#[test]
fn roots_of_the_rfc_test_vectors() {
    let inputs =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::new();
    for (input, root) in inputs.iter().zip(roots) {
        tree.append(sha256(&[&[0], &hex::decode(input).unwrap()]));
        assert_eq!(hex::encode(tree.root()), root);
    }
    assert_eq!(tree.root_at(3).map(hex::encode).as_deref(), Some(roots[2]));
}

#[test]
fn every_small_tree_is_the_naive_one() {
    let all = leaves(40);
    let tree = tree(&all);
    for size in 0..=40_usize {
        let part = &all[..size];
        assert_eq!(tree.root_at(size as u64), Some(naive_root(part)));
        for index in 0..size {
            assert_eq!(tree.inclusion(index as u64, size as u64), Some(naive_path(index, part)));
        }
        for old in 1..=size {
            assert_eq!(tree.consistency(old as u64, size as u64), Some(naive_subproof(old, part, true)));
        }
        assert_eq!(tree.consistency(0, size as u64), Some(Vec::new()));
    }
    assert_eq!(tree.root_at(41), None);
    assert_eq!(tree.inclusion(3, 41), None);
    assert_eq!(tree.inclusion(3, 3), None);
    assert_eq!(tree.consistency(4, 3), None);
    assert_eq!(tree.consistency(4, 41), None);
}

#[test]
fn every_small_proof_verifies_and_no_other_does() {
    let all = leaves(24);
    let tree = tree(&all);
    for size in 1..=24_u64 {
        let root = tree.root_at(size).unwrap();
        for index in 0..size {
            let proof = tree.inclusion(index, size).unwrap();
            for other in 0..size {
                let outcome =
                    verify_inclusion(&all[usize::try_from(index).unwrap()], other, size, &proof, &root);
                assert_eq!(outcome.is_ok(), other == index, "{index} as {other} of {size}");
            }
        }
        for old in 0..=size {
            let old_root = tree.root_at(old).unwrap();
            let proof = tree.consistency(old, size).unwrap();
            assert!(verify_consistency(old, &old_root, size, &root, &proof).is_ok(), "{old} to {size}");
        }
    }
}

proptest! {
    #[test]
    fn large_trees_are_the_naive_one(size in 1_u64..600, a: u64, b: u64) {
        let all = leaves(size);
        let tree = tree(&all);
        prop_assert_eq!(tree.root(), naive_root(&all));
        let (index, old) = (a % size, 1 + b % size);
        let path = tree.inclusion(index, size).unwrap();
        prop_assert_eq!(&path, &naive_path(usize::try_from(index).unwrap(), &all));
        let leaf = all[usize::try_from(index).unwrap()];
        prop_assert!(verify_inclusion(&leaf, index, size, &path, &tree.root()).is_ok());
        let proof = tree.consistency(old, size).unwrap();
        prop_assert_eq!(&proof, &naive_subproof(usize::try_from(old).unwrap(), &all, true));
        let old_root = tree.root_at(old).unwrap();
        prop_assert!(verify_consistency(old, &old_root, size, &tree.root(), &proof).is_ok());
    }

    #[test]
    fn a_bent_inclusion_proof_is_refused(size in 2_u64..200, a: u64, at: usize, bit in 0_u8..8, byte in 0_usize..32) {
        let all = leaves(size);
        let tree = tree(&all);
        let index = a % size;
        let mut proof = tree.inclusion(index, size).unwrap();
        let at = at % proof.len();
        proof[at][byte] ^= 1 << bit;
        let leaf = all[usize::try_from(index).unwrap()];
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof, &tree.root()), Err(ProofError::Root));
    }

    #[test]
    fn a_bent_consistency_proof_is_refused(size in 3_u64..200, a: u64, at: usize, bit in 0_u8..8, byte in 0_usize..32) {
        let all = leaves(size);
        let tree = tree(&all);
        let old = 1 + a % (size - 1);
        let mut proof = tree.consistency(old, size).unwrap();
        let at = at % proof.len();
        proof[at][byte] ^= 1 << bit;
        let old_root = tree.root_at(old).unwrap();
        let outcome = verify_consistency(old, &old_root, size, &tree.root(), &proof);
        prop_assert!(matches!(outcome, Err(ProofError::Root | ProofError::OldRoot)));
    }

    #[test]
    fn hostile_proofs_never_panic(index: u64, size: u64, proof: Vec<Hash>, leaf: Hash, root: Hash) {
        prop_assert!(verify_inclusion(&leaf, index, size, &proof, &root).is_err() || size == 1);
        prop_assert!(verify_consistency(index, &leaf, size, &root, &proof).is_err() || index == 0);
    }
}

#[test]
fn a_proof_of_another_length_is_refused() {
    let all = leaves(7);
    let tree = tree(&all);
    let proof = tree.inclusion(2, 7).unwrap();
    let short = &proof[..proof.len() - 1];
    let long = [proof.as_slice(), &[[0; 32]]].concat();
    assert_eq!(verify_inclusion(&all[2], 2, 7, short, &tree.root()), Err(ProofError::Length(2)));
    assert_eq!(verify_inclusion(&all[2], 2, 7, &long, &tree.root()), Err(ProofError::Length(4)));
    let (old, new) = (tree.root_at(3).unwrap(), tree.root());
    let proof = tree.consistency(3, 7).unwrap();
    let long = [proof.as_slice(), &[[0; 32]]].concat();
    assert_eq!(verify_consistency(3, &old, 7, &new, &proof[1..]), Err(ProofError::Length(proof.len() - 1)));
    assert_eq!(verify_consistency(3, &old, 7, &new, &long), Err(ProofError::Length(proof.len() + 1)));
    assert_eq!(verify_consistency(3, &old, 7, &new, &[]), Err(ProofError::Length(0)));
    assert_eq!(verify_consistency(7, &new, 7, &new, &proof), Err(ProofError::Length(proof.len())));
}

#[test]
fn sizes_and_indexes_that_cannot_be_are_refused() {
    let root = [0; 32];
    assert_eq!(verify_inclusion(&root, 3, 3, &[], &root), Err(ProofError::Index { index: 3, size: 3 }));
    assert_eq!(verify_consistency(4, &root, 3, &root, &[]), Err(ProofError::Sizes { old: 4, new: 3 }));
}

#[test]
fn other_roots_are_refused() {
    let tree = tree(&leaves(5));
    let (old, new) = (tree.root_at(3).unwrap(), tree.root());
    let proof = tree.consistency(3, 5).unwrap();
    assert_eq!(verify_consistency(3, &[0; 32], 5, &new, &proof), Err(ProofError::OldRoot));
    assert_eq!(verify_consistency(3, &old, 5, &[0; 32], &proof), Err(ProofError::Root));
    assert_eq!(verify_consistency(5, &old, 5, &new, &[]), Err(ProofError::OldRoot));
    assert_eq!(verify_consistency(0, &old, 5, &new, &[]), Err(ProofError::OldRoot));
    assert_eq!(verify_consistency(0, &empty_root(), 0, &empty_root(), &[]).map(|c| c.new_size()), Ok(0));
}
