//! How is a set or a map made of a few entries?
//!
//! One entry after the other. `collect` sorts the entries first, with code of its own for each type; together that was a tenth of the module.

use std::collections::{BTreeMap, BTreeSet};

/// The set of these entries.
pub(crate) fn set<T: Ord>(entries: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(entries);
    set
}

/// The map of these entries; of two with one key the last counts.
pub(crate) fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(entries);
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_those_of_collect() {
        let numbers = || [3, 1, 2, 1];
        assert_eq!(set(numbers()), numbers().into_iter().collect());
        let pairs = || numbers().into_iter().zip(["a", "b", "c", "d"]);
        assert_eq!(map(pairs()), pairs().collect());
    }
}
