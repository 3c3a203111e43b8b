//! The order in which units run: the program's own, as far as units allow.

use std::collections::BTreeSet;

use super::group::Grouping;

/// What units are handed to one by one.
pub(crate) trait Schedule {
    /// Whether `unit` would follow well on what was handed over before.
    fn follows(&self, unit: usize) -> bool;
    /// `unit` is the next.
    fn push(&mut self, unit: usize);
}

/// Hands unit numbers to `schedule` in an order in which every unit follows those that it needs. Ready units
/// run in the order of their last written node, which keeps values alive for as short as the program's own
/// order does; but one that follows well goes first.
pub(crate) fn order(grouping: &Grouping, schedule: &mut impl Schedule) {
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
    let mut ready: BTreeSet<(usize, usize)> = (0..grouping.units.len())
        .filter(|unit| !grouping.units[*unit].members.is_empty() && missing[*unit] == 0)
        .map(|unit| (anchor[unit], unit))
        .collect();
    while let Some(first) = ready.first().copied() {
        let following = ready.iter().find(|(_, unit)| schedule.follows(*unit));
        let next = following.copied().unwrap_or(first);
        ready.remove(&next);
        schedule.push(next.1);
        for successor in &grouping.units[next.1].successors {
            missing[*successor] -= 1;
            if missing[*successor] == 0 {
                ready.insert((anchor[*successor], *successor));
            }
        }
    }
}
