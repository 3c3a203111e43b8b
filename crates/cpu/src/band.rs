//! Bands: fused units that follow each other and can all be cut into the same parts of the batch.
//!
//! A band runs part by part, each part through all of its units, so that what one unit writes is still in the
//! cache when the next one reads it. A part reads of the band's own values only what the same part wrote.

use std::collections::BTreeSet;

use crate::fused::{self, Fused, Operand, View};
use crate::plan::{Graph, Grouping, Place, Schedule, order};

/// Parts of a band: at least so many, to be shared out, and at most.
const FEWEST: usize = 8;
const MOST: usize = 64;
/// Elements of all passes together from which a band is worth it.
const SMALL: usize = 1 << 17;

/// Units that run together, in order, and the number of parts; one part for a unit by itself.
pub(crate) struct Band {
    pub(crate) units: Vec<usize>,
    pub(crate) parts: usize,
    /// Base nodes that the band writes.
    pub(crate) written: BTreeSet<usize>,
}

/// The units in the order in which they run, as bands.
pub(crate) fn bands(graph: &Graph, grouping: &Grouping) -> Vec<Band> {
    // Nodes stand for their places, which are not known yet.
    let pass = |unit: usize| {
        grouping.units[unit].kernel.is_none().then(|| fused::build(graph, grouping, unit, &Place::Arena))
    };
    let passes = (0..grouping.units.len()).map(pass).collect();
    let mut open = Open { graph, grouping, passes, bands: Vec::new() };
    order(grouping, &mut open);
    open.bands.into_iter().flat_map(|band| dissolve(grouping, band)).collect()
}

/// Bands, the last of which still grows.
struct Open<'a> {
    graph: &'a Graph,
    grouping: &'a Grouping,
    /// The fused units.
    passes: Vec<Option<Fused>>,
    bands: Vec<Band>,
}

impl Schedule for Open<'_> {
    fn follows(&self, unit: usize) -> bool {
        let fits = |band: &Band| {
            let pass = self.passes[unit].as_ref();
            band.parts > 1 && pass.is_some_and(|pass| separates(pass, band.parts, &band.written))
        };
        self.bands.last().is_some_and(fits)
    }

    fn push(&mut self, unit: usize) {
        let pass = self.passes[unit].as_ref();
        if !self.follows(unit) {
            let parts = pass.map_or(1, |pass| parts(self.graph, self.grouping, unit, pass));
            self.bands.push(Band { units: Vec::new(), parts, written: BTreeSet::new() });
        }
        let writes = pass.iter().flat_map(|pass| &pass.writes);
        let written: Vec<usize> = writes
            .filter_map(|(place, _)| if let Place::Arena(id) = place { Some(*id) } else { None })
            .collect();
        if let Some(last) = self.bands.last_mut() {
            last.units.push(unit);
            last.written.extend(written);
        }
    }
}

/// A band that is not worth it falls apart.
fn dissolve(grouping: &Grouping, band: Band) -> Vec<Band> {
    let size: usize = band.units.iter().map(|unit| grouping.units[*unit].size).sum();
    if band.units.len() > 1 && size >= SMALL {
        return vec![band];
    }
    let alone = |unit: &usize| Band { units: vec![*unit], parts: 1, written: BTreeSet::new() };
    band.units.iter().map(alone).collect()
}

/// The number of parts that a band starting with this unit has.
fn parts(graph: &Graph, grouping: &Grouping, unit: usize, pass: &Fused) -> usize {
    let rows = |id: &usize| graph.nodes[*id].shape.first().copied().unwrap_or(1);
    let whole = |id: &&usize| graph.size(**id) == pass.size;
    let rows = grouping.units[unit].members.iter().find(whole).map_or(1, rows);
    let fits = |parts: &usize| rows.is_multiple_of(*parts) && separates(pass, *parts, &BTreeSet::new());
    (FEWEST..=MOST).rev().find(fits).unwrap_or(1)
}

/// Whether each of `parts` parts of the pass reads, of the values `written` before, only the same part.
fn separates(pass: &Fused, parts: usize, written: &BTreeSet<usize>) -> bool {
    let reduces = !pass.reductions.is_empty();
    let outer = pass.form.filter(|_| reduces).map_or(pass.size, |form| form.outer);
    if !outer.is_multiple_of(parts) {
        return false;
    }
    let own = |slot: usize| matches!(pass.reads[slot].0, Place::Arena(id) if written.contains(&id));
    let aligned = |operand: &Operand| match operand {
        Operand::Scalar(slot) => !own(*slot),
        Operand::Memory(slot) => !own(*slot) || pass.reads[*slot].1 == pass.size,
        _ => true,
    };
    let view = |view: &View| !own(view.slot) || view.keeps_parts(pass.reads[view.slot].1, parts);
    let ends = pass.reductions.iter().map(|reduction| &reduction.operand);
    pass.instructions.iter().flat_map(|i| &i.operands).chain(ends).all(aligned) && pass.views.iter().all(view)
}
