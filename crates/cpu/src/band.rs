//! Bands: fused units and matrix products that follow each other and can all be cut into the same parts of
//! the batch.
//!
//! A band runs part by part, each part through all of its units, so that what one unit writes is still in the
//! cache when the next one reads it, and threads meet once instead of after each unit. A part reads of the
//! band's own values only what the same part wrote.

use std::collections::BTreeSet;

use enscore_program::{Id, Op};

use crate::fused::{self, Fused};
use crate::plan::{Graph, Grouping, Place, Schedule, order};

/// Parts of a band, at least: enough to be shared out.
const FEWEST_PARTS: usize = 8;
/// Parts of a band, at most.
const MOST_PARTS: usize = 64;
/// Rows of a part's product, at least: thinner ones spend their time on packing the second operand.
const FEWEST_ROWS: usize = 64;
/// Rows of a part's product where there are enough for [`FEWEST_PARTS`] parts: 6 % faster than half as many.
const GOOD_ROWS: usize = 128;
/// Parts at most where there are products, for the same reason.
const MOST_PARTS_OF_PRODUCTS: usize = 16;
/// Elements of all passes together from which a band is worth it.
const SMALL_ELEMENTS: usize = 1 << 17;
/// Multiplications and additions of a product that take as long as an element of a pass.
const OPERATIONS_PER_ELEMENT: usize = 32;

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
    // Where sums over the batch follow, as the gradients of weights, bands with products keep too much alive:
    // they were slower by 5 to 10 % in training steps, and faster by 10 % and more in sampling.
    let sums = |op: &Op| matches!(op, Op::MatMul { transpose_a: true, .. } | Op::Conv2dWeightGradient(_));
    let alone = !graph.nodes.iter().any(|node| sums(&node.op));
    let work = |unit: usize| match grouping.units[unit].kernel {
        None => Some(Work::Pass(Box::new(fused::build(graph, grouping, unit, &Place::Arena)))),
        Some(id) => Product::of(graph, id).filter(|_| alone).map(Work::Product),
    };
    let works = (0..grouping.units.len()).map(work).collect();
    let mut open = Open { graph, grouping, works, bands: Vec::new() };
    order(grouping, &mut open);
    let Open { works, bands, .. } = open;
    bands.into_iter().flat_map(|band| dissolve(grouping, &works, band)).collect()
}

/// What a unit that may be in a band does.
enum Work {
    Pass(Box<Fused>),
    Product(Product),
}

/// A product that can be cut by rows of its first operand.
#[derive(Clone, Copy)]
struct Product {
    /// The base node of the result.
    out: Id,
    /// The base node of the second operand.
    second: Id,
    /// Rows of the result.
    rows: usize,
    /// Multiplications and additions.
    operations: usize,
}

impl Product {
    fn of(graph: &Graph, id: Id) -> Option<Product> {
        let node = &graph.nodes[id];
        let Op::MatMul { transpose_a: false, .. } = node.op else { return None };
        let [batch @ .., rows, _] = &node.shape[..] else { return None };
        let depth = graph.size(node.inputs[0]) / rows.max(&1);
        let whole = batch.iter().all(|extent| *extent == 1);
        let operations = 2 * graph.size(id) * depth;
        whole.then(|| Product { out: id, second: graph.base[node.inputs[1]], rows: *rows, operations })
    }

    /// The number of parts that it is cut into; one if there are too few rows.
    fn parts(rows: usize) -> usize {
        let fits = |parts: usize, fewest: usize| rows.is_multiple_of(parts) && rows / parts >= fewest;
        let good = (FEWEST_PARTS..=MOST_PARTS_OF_PRODUCTS).rev().find(|parts| fits(*parts, GOOD_ROWS));
        good.or_else(|| (FEWEST_PARTS..=MOST_PARTS_OF_PRODUCTS).find(|parts| fits(*parts, FEWEST_ROWS)))
            .unwrap_or(1)
    }
}

impl Work {
    /// Whether each of `parts` parts reads, of the values `written` before, only the same part.
    fn separates(&self, parts: usize, written: &BTreeSet<Id>) -> bool {
        match self {
            Work::Pass(pass) => separates(pass, parts, written),
            Work::Product(product) => {
                let rows = product.rows / parts;
                let fits = product.rows.is_multiple_of(parts) && rows >= FEWEST_ROWS;
                fits && !written.contains(&product.second)
            }
        }
    }

    /// Base nodes that it writes.
    fn written(&self) -> Vec<Id> {
        match self {
            Work::Product(product) => vec![product.out],
            Work::Pass(pass) => {
                let id = |place: &Place| if let Place::Arena(id) = place { Some(*id) } else { None };
                pass.writes.iter().filter_map(|(place, _)| id(place)).collect()
            }
        }
    }
}

/// Bands, the last of which still grows.
struct Open<'a> {
    graph: &'a Graph,
    grouping: &'a Grouping,
    /// What units do; none for a kernel that no band has.
    works: Vec<Option<Work>>,
    bands: Vec<Band>,
}

impl Open<'_> {
    /// The number of parts that a band starting with this unit has.
    fn parts(&self, unit: usize) -> usize {
        match &self.works[unit] {
            None => 1,
            Some(Work::Product(product)) => Product::parts(product.rows),
            Some(Work::Pass(pass)) => {
                let rows = |id: &usize| self.graph.nodes[*id].shape.first().copied().unwrap_or(1);
                let whole = |id: &&usize| self.graph.size(**id) == pass.size;
                let rows = self.grouping.units[unit].members.iter().find(whole).map_or(1, rows);
                let fits =
                    |parts: &usize| rows.is_multiple_of(*parts) && separates(pass, *parts, &BTreeSet::new());
                let same = |work: &Work| matches!(work, Work::Product(product) if product.rows == rows);
                let of_products = Product::parts(rows);
                // Products that follow have the last word.
                if self.works.iter().flatten().any(same) && of_products > 1 && fits(&of_products) {
                    return of_products;
                }
                (FEWEST_PARTS..=MOST_PARTS).rev().find(fits).unwrap_or(1)
            }
        }
    }
}

impl Schedule for Open<'_> {
    fn follows(&self, unit: usize) -> bool {
        let fits = |band: &Band| {
            let work = self.works[unit].as_ref();
            band.parts > 1 && work.is_some_and(|work| work.separates(band.parts, &band.written))
        };
        self.bands.last().is_some_and(fits)
    }

    fn push(&mut self, unit: usize) {
        if !self.follows(unit) {
            self.bands.push(Band { units: Vec::new(), parts: self.parts(unit), written: BTreeSet::new() });
        }
        let written = self.works[unit].iter().flat_map(Work::written);
        if let Some(last) = self.bands.last_mut() {
            last.units.push(unit);
            last.written.extend(written);
        }
    }
}

/// A band that is not worth it falls apart.
fn dissolve(grouping: &Grouping, works: &[Option<Work>], band: Band) -> Vec<Band> {
    let size = |unit: &usize| match &works[*unit] {
        Some(Work::Product(product)) => product.operations / OPERATIONS_PER_ELEMENT,
        _ => grouping.units[*unit].size,
    };
    if band.units.len() > 1 && band.units.iter().map(size).sum::<usize>() >= SMALL_ELEMENTS {
        return vec![band];
    }
    let alone = |unit: &usize| Band { units: vec![*unit], parts: 1, written: BTreeSet::new() };
    band.units.iter().map(alone).collect()
}

/// Whether each of `parts` parts of the pass reads, of the values `written` before, only the same part.
fn separates(pass: &Fused, parts: usize, written: &BTreeSet<usize>) -> bool {
    let own = |slot: &usize| matches!(pass.reads[*slot].0, Place::Arena(id) if written.contains(&id));
    let mut slots = (0..pass.reads.len()).filter(own);
    pass.falls_into(parts) && slots.all(|slot| pass.reads_own_part(slot, parts))
}
