//! Is an entry a leaf of the log's tree?

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::json::{bytes_of, entries, members, number, text};

/// The most hashes of a proof: a tree has at most 2^63 leaves.
const MAX_HASHES: usize = 63;

/// A proof that an entry is a leaf (RFC 6962, section 2.1.1), with the log's checkpoint of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InclusionProof {
    /// The index of the leaf.
    pub(super) index: u64,
    hashes: Vec<[u8; 32]>,
    /// The size and the root that stand beside it. Those of the checkpoint are signed; these have to be the same.
    pub(super) size: u64,
    pub(super) root: [u8; 32],
    pub(super) checkpoint: String,
}

impl InclusionProof {
    /// Reads the proof of a Sigstore bundle (Sigstore protobuf-specs, "InclusionProof"). `None` if it does not have that form.
    pub(super) fn read(json: &RawValue) -> Option<InclusionProof> {
        let keys = ["logIndex", "treeSize", "rootHash", "hashes", "checkpoint"];
        let [index, size, root, hashes, checkpoint] = members(json, keys).ok()?;
        let [envelope] = members(checkpoint?, ["envelope"]).ok()?;
        let hashes = hashes.map_or(Some(Vec::new()), |hashes| entries(hashes).ok())?;
        if hashes.len() > MAX_HASHES {
            return None;
        }
        let hash = |json: &RawValue| bytes_of(json)?.try_into().ok();
        Some(InclusionProof {
            index: index.map_or(Some(0), number)?,
            size: number(size?)?,
            root: bytes_of(root?)?.try_into().ok()?,
            hashes: hashes.into_iter().map(hash).collect::<Option<_>>()?,
            checkpoint: text(envelope?).ok()?.into_owned(),
        })
    }

    /// Whether the proof leads from this leaf to its root. Every hash has to be used (RFC 9162, section 2.1.3.2).
    pub(super) fn leads_from(&self, leaf: &[u8]) -> bool {
        if self.index >= self.size {
            return false;
        }
        // The index of the node, and that of the last node of its level.
        let (mut at, mut last) = (self.index, self.size.saturating_sub(1));
        let mut hash: [u8; 32] = Sha256::new().chain_update([0]).chain_update(leaf).finalize().into();
        for other in &self.hashes {
            if last == 0 {
                return false;
            }
            if at & 1 == 1 || at == last {
                hash = node(other, &hash);
                // The last node of a level without a sibling moves up as it is.
                while at & 1 == 0 && at != 0 {
                    (at, last) = (at >> 1, last >> 1);
                }
            } else {
                hash = node(&hash, other);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        last == 0 && hash == self.root
    }
}

/// The hash of the node above two nodes.
fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
    }

    /// The root of the tree of these leaves, by the definition (RFC 6962, section 2.1).
    fn root_of(leaves: &[Vec<u8>]) -> [u8; 32] {
        match leaves {
            [one] => leaf_hash(one),
            many => {
                let (left, right) = many.split_at(split(many.len()));
                node(&root_of(left), &root_of(right))
            }
        }
    }

    /// The path of a leaf, by the definition (section 2.1.1).
    fn path_of(index: usize, leaves: &[Vec<u8>]) -> Vec<[u8; 32]> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let middle = split(leaves.len());
        let (left, right) = leaves.split_at(middle);
        let (mut path, other) = match index < middle {
            true => (path_of(index, left), root_of(right)),
            false => (path_of(index - middle, right), root_of(left)),
        };
        path.push(other);
        path
    }

    /// The largest power of two below `count`.
    fn split(count: usize) -> usize {
        count.next_power_of_two() / 2
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proven_and_no_other() {
        for size in 1..=17_usize {
            let leaves: Vec<Vec<u8>> = (0..size).map(|number| vec![number as u8]).collect();
            let root = root_of(&leaves);
            for index in 0..size {
                let size = size as u64;
                let path = path_of(index, &leaves);
                let proof = |index: usize, hashes: &[[u8; 32]]| InclusionProof {
                    index: index as u64,
                    hashes: hashes.to_vec(),
                    size,
                    root,
                    checkpoint: String::new(),
                };
                let good = proof(index, &path);
                assert!(good.leads_from(&leaves[index]), "leaf {index} of {size}");
                for other in (0..leaves.len() + 2).filter(|other| *other != index) {
                    // With so few leaves, none of another place has the same path and the same bytes.
                    assert!(!proof(other, &path).leads_from(&leaves[index]), "leaf {index} at {other} of {size}");
                }
                assert!(!good.leads_from(b"another"), "another leaf");
                let elsewhere = InclusionProof { root: [0; 32], ..proof(index, &path) };
                assert!(!elsewhere.leads_from(&leaves[index]), "another root");
                assert!(!proof(index, &[&path[..], &[root]].concat()).leads_from(&leaves[index]), "a hash too many");
                if let Some((_, shorter)) = path.split_last() {
                    assert!(!proof(index, shorter).leads_from(&leaves[index]), "a hash too few");
                }
            }
        }
    }
}
