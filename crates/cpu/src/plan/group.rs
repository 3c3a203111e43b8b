//! Which nodes are computed together: units of fused work, and kernels.
//!
//! Nodes are visited from the last to the first, so that each joins the units that use it: a value is
//! computed where it is needed, and cheap values are computed again rather than written and read back. The
//! graph of units stays free of cycles at every step: a node joins a unit only if nobody else who needs it
//! comes before that unit.

use std::collections::BTreeSet;

use enscore_program::{Id, Op, Unary};

use super::graph::{Class, Form, Graph};

/// A unit beyond this many nodes grows no further: its registers would leave the nearest cache.
const LARGEST_UNIT: usize = 96;
/// From this many elements on, a transcendental function costs less than writing and reading its values.
const LARGE: usize = 1 << 20;

/// Nodes that are computed in one pass, or one kernel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    /// In program order. Empty if the unit was merged into another.
    pub(crate) members: BTreeSet<Id>,
    /// The kernel, if it is one.
    pub(crate) kernel: Option<Id>,
    /// Elements that the pass runs over.
    pub(crate) size: usize,
    /// How its reductions run.
    pub(crate) form: Option<Form>,
    /// Units that need something from this one.
    pub(crate) successors: BTreeSet<usize>,
}

/// The units of a program.
pub(crate) struct Grouping {
    pub(crate) units: Vec<Unit>,
    /// The unit that writes a node's elements to memory, if one does.
    pub(crate) stored_in: Vec<Option<usize>>,
    /// The units that compute a node.
    homes: Vec<BTreeSet<usize>>,
    merged_into: Vec<usize>,
}

impl Grouping {
    pub(crate) fn new(graph: &Graph) -> Grouping {
        let count = graph.nodes.len();
        let stored_in = vec![None; count];
        let homes = vec![BTreeSet::new(); count];
        let mut grouping = Grouping { units: Vec::new(), stored_in, homes, merged_into: Vec::new() };
        let is_output: BTreeSet<Id> = graph.outputs.iter().map(|id| graph.base[*id]).collect();
        for id in (0..count).rev() {
            match graph.classes[id] {
                Class::Source | Class::Alias => {}
                Class::Kernel => grouping.add_kernel(graph, id),
                Class::Reduce => grouping.add_reduction(graph, id),
                Class::Fusable => grouping.add_fusable(graph, id, is_output.contains(&id)),
            }
        }
        grouping.resolve();
        grouping
    }

    fn find(&self, mut unit: usize) -> usize {
        while self.merged_into[unit] != unit {
            unit = self.merged_into[unit];
        }
        unit
    }

    fn new_unit(&mut self, id: Id, size: usize) -> usize {
        self.units.push(Unit { size, members: BTreeSet::from([id]), ..Unit::default() });
        self.merged_into.push(self.units.len() - 1);
        self.homes[id].insert(self.units.len() - 1);
        self.units.len() - 1
    }

    /// The units that need node `id`: those that could compute it themselves, and those that need it in
    /// memory.
    fn uses(&self, graph: &Graph, id: Id) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let mut soft = BTreeSet::new();
        let mut hard = BTreeSet::new();
        for user in &graph.users[id] {
            let in_memory = graph.is_view(*user) || graph.classes[*user] == Class::Kernel;
            let units = self.homes[*user].iter().map(|unit| self.find(*unit));
            if in_memory { hard.extend(units) } else { soft.extend(units) }
        }
        (soft, hard)
    }

    fn add_kernel(&mut self, graph: &Graph, id: Id) {
        let (soft, hard) = self.uses(graph, id);
        let unit = self.new_unit(id, graph.size(id));
        self.units[unit].kernel = Some(id);
        self.store(id, unit, soft.union(&hard).copied());
    }

    fn add_reduction(&mut self, graph: &Graph, id: Id) {
        let (Op::Sum(axes) | Op::Max(axes)) = &graph.nodes[id].op else { return };
        let operand = graph.nodes[id].inputs[0];
        let (soft, hard) = self.uses(graph, id);
        let unit = self.new_unit(id, graph.size(operand));
        self.units[unit].form = Some(Form::of(&graph.nodes[operand].shape, axes));
        self.store(id, unit, soft.union(&hard).copied());
    }

    fn add_fusable(&mut self, graph: &Graph, id: Id, is_output: bool) {
        let (mut soft, hard) = self.uses(graph, id);
        let in_memory = is_output || !hard.is_empty();
        if !graph.is_view(id) {
            soft = self.merge_where_possible(soft);
        }
        soft.retain(|unit| self.units[*unit].members.len() < LARGEST_UNIT);
        let (all_soft, _) = self.uses(graph, id);
        let cloned = is_cheap(graph, id) && soft.len() == all_soft.len();
        if soft.len() == all_soft.len() && !in_memory && (soft.len() == 1 || cloned) {
            soft.iter().for_each(|unit| self.join(id, *unit));
            return;
        }
        // It is written once, by a unit that no other user comes before; cheap values are not read back.
        let can_host = |unit: &usize| !graph.is_view(id) && !hard.contains(unit);
        let host = soft.iter().copied().filter(can_host).find(|host| {
            let others = all_soft.union(&hard).filter(|other| *other != host);
            !others.into_iter().any(|other| self.precedes(*other, *host))
        });
        let host = match host {
            Some(host) => {
                self.join(id, host);
                host
            }
            None => self.new_unit(id, graph.size(id)),
        };
        if cloned {
            soft.iter().for_each(|unit| self.join(id, *unit));
            self.store(id, host, hard.into_iter());
        } else {
            self.store(id, host, all_soft.union(&hard).copied());
        }
    }

    fn join(&mut self, id: Id, unit: usize) {
        self.units[unit].members.insert(id);
        self.homes[id].insert(unit);
    }

    fn store(&mut self, id: Id, unit: usize, users: impl Iterator<Item = usize>) {
        self.stored_in[id] = Some(unit);
        let others = users.filter(|user| *user != unit);
        self.units[unit].successors.extend(others);
    }

    /// Whether `unit` must run before `other`.
    fn precedes(&self, unit: usize, other: usize) -> bool {
        let mut seen = BTreeSet::new();
        let mut pending = vec![unit];
        while let Some(next) = pending.pop() {
            if next == other {
                return true;
            }
            if seen.insert(next) {
                pending.extend(self.units[next].successors.iter().map(|unit| self.find(*unit)));
            }
        }
        false
    }

    /// Units that read the same value in the same order become one, if neither waits for the other.
    fn merge_where_possible(&mut self, units: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut kept: Vec<usize> = Vec::new();
        for unit in units {
            let fits = |other: &&mut usize| {
                let a = &self.units[unit];
                let b = &self.units[**other];
                let forms = a.form.is_none() || b.form.is_none() || a.form == b.form;
                let small = a.members.len() + b.members.len() <= LARGEST_UNIT;
                let fused = a.kernel.is_none() && b.kernel.is_none() && a.size == b.size;
                fused && forms && small && !self.precedes(unit, **other) && !self.precedes(**other, unit)
            };
            match kept.iter_mut().find(fits).map(|other| *other) {
                Some(other) => self.merge(unit, other),
                None => kept.push(unit),
            }
        }
        kept.into_iter().collect()
    }

    fn merge(&mut self, from: usize, into: usize) {
        let unit = std::mem::take(&mut self.units[from]);
        self.merged_into[from] = into;
        for id in &unit.members {
            self.homes[*id].remove(&from);
            self.homes[*id].insert(into);
            if self.stored_in[*id] == Some(from) {
                self.stored_in[*id] = Some(into);
            }
        }
        let target = &mut self.units[into];
        target.members.extend(unit.members);
        target.successors.extend(unit.successors);
        target.form = target.form.or(unit.form);
    }

    /// Names units by what they were merged into.
    fn resolve(&mut self) {
        for unit in 0..self.units.len() {
            let successors = self.units[unit].successors.iter().map(|other| self.find(*other)).collect();
            self.units[unit].successors = successors;
        }
    }
}

/// Whether computing the node again costs less than writing and reading its elements.
fn is_cheap(graph: &Graph, id: Id) -> bool {
    let node = &graph.nodes[id];
    let transcendental = match &node.op {
        _ if graph.is_view(id) => return true,
        Op::Random(..) => return false,
        Op::Unary(f) => !matches!(f, Unary::Neg | Unary::Abs | Unary::Sign),
        _ => false,
    };
    let whole: BTreeSet<Id> = graph.operands(id).filter(|operand| !graph.is_view(*operand)).collect();
    whole.len() <= 1 && (!transcendental || node.size() >= LARGE)
}
