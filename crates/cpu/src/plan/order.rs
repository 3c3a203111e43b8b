//! The order in which units run: the program's own, as far as units allow.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::group::Grouping;

/// Unit numbers in an order in which every unit follows those that it needs. Ready units run in the order of their
/// last written node, which keeps values alive for as short as the program's own order does.
pub(crate) fn order(grouping: &Grouping) -> Vec<usize> {
    let mut anchor = vec![0; grouping.units.len()];
    for (id, unit) in grouping.stored_in.iter().enumerate() {
        if let Some(unit) = unit {
            anchor[*unit] = anchor[*unit].max(id);
        }
    }
    let mut missing = vec![0; grouping.units.len()];
    for unit in &grouping.units {
        unit.successors.iter().for_each(|next| missing[*next] += 1);
    }
    let live = |unit: &usize| !grouping.units[*unit].members.is_empty();
    let mut ready: BinaryHeap<_> = (0..grouping.units.len())
        .filter(live)
        .filter(|unit| missing[*unit] == 0)
        .map(|unit| Reverse((anchor[unit], unit)))
        .collect();
    let mut order = Vec::with_capacity(grouping.units.len());
    while let Some(Reverse((_, unit))) = ready.pop() {
        order.push(unit);
        for next in &grouping.units[unit].successors {
            missing[*next] -= 1;
            if missing[*next] == 0 {
                ready.push(Reverse((anchor[*next], *next)));
            }
        }
    }
    order
}
