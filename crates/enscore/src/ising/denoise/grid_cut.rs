//! Minimum cut of a grid of sites with a source and a sink, by two search trees that are kept between
//! augmentations (Boykov and Kolmogorov 2004, "An experimental comparison of min-cut/max-flow algorithms for
//! energy minimization in vision", section 3):
//!
//! minimise Σ_i |f_i| \[x_i ≠ sign f_i\] + c Σ_⟨ij⟩ \[x_i ≠ x_j\] over spins x, for fields f_i and a coupling
//! c ≥ 0.
//!
//! A site with a positive field hangs on the source by an edge of capacity f_i, one with a negative field on
//! the sink; neighbours are joined by c in both directions. Both trees start with every site that hangs on a
//! terminal, so on an image most sites are never touched again: the work is at the borders between the two.

use std::collections::VecDeque;

/// In which search tree a site is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tree {
    Free,
    Source,
    Sink,
}

/// Directions to neighbours: right, left, down, up. The opposite of d is d ^ 1.
const DIRECTIONS: [u8; 4] = [0, 1, 2, 3];
/// The parents of sites that hang on their tree's terminal, and of those that lost their parent.
const TERMINAL: u8 = 4;
const ORPHAN: u8 = 5;

/// Half a cache line.
#[derive(Clone, Copy)]
struct Site {
    /// What can still flow to each neighbour.
    residual: [i32; 4],
    /// What can still flow from the source (positive) or to the sink (negative).
    terminal: i32,
    /// Steps to the terminal, as known at the time `stamp`.
    distance: u32,
    stamp: u32,
    tree: Tree,
    /// The direction of the parent, or one of the two numbers above.
    parent: u8,
    queued: bool,
}

const OUTSIDE: Site = Site {
    residual: [0; 4],
    terminal: 0,
    distance: 0,
    stamp: 0,
    tree: Tree::Free,
    parent: ORPHAN,
    queued: false,
};

/// The grid with what flows through it. It is surrounded by sites that nothing flows to, so neighbours need
/// no check: a row above, a row below, and a column that ends each row and precedes the next.
pub(super) struct GridCut {
    width: usize,
    sites: Vec<Site>,
    /// From a site to its neighbour in each direction, added with wrapping.
    offsets: [usize; 4],
    active: VecDeque<u32>,
    orphans: VecDeque<u32>,
    time: u32,
    flow: i64,
}

impl GridCut {
    /// A grid of rows of `width` sites, row-major, with a field at each site that takes part; others are as
    /// good as outside. There are fewer than 2^31 sites, and fields and the coupling are at most 2^30 in
    /// size.
    pub(super) fn new(fields: &[Option<i32>], width: usize, coupling: i32) -> Self {
        GridCut::with_couplings(fields, width, |_, _| coupling)
    }

    /// The same with a coupling for each bond, at least 0: of site i and the one to its right, (i, false), or
    /// the one below, (i, true).
    pub(super) fn with_couplings(
        fields: &[Option<i32>],
        width: usize,
        coupling: impl Fn(usize, bool) -> i32,
    ) -> Self {
        let height = fields.len() / width;
        let stride = width + 1;
        let mut sites = vec![OUTSIDE; (height + 2) * stride];
        let offsets = [1, usize::MAX, stride, stride.wrapping_neg()];
        for (row, fields) in fields.chunks_exact(width).enumerate() {
            for (column, field) in fields.iter().enumerate() {
                let Some(terminal) = *field else { continue };
                let tree = match terminal.signum() {
                    1 => Tree::Source,
                    -1 => Tree::Sink,
                    _ => Tree::Free,
                };
                let here = (row + 1) * stride + column;
                sites[here] = Site { terminal, distance: 1, tree, parent: TERMINAL, ..OUTSIDE };
                // A neighbour that takes part and came before: to the left, above.
                for (back, forth, offset) in [(1, 0, 1), (3, 2, stride)] {
                    if sites[here - offset].parent == TERMINAL {
                        let site = row * width + column;
                        let down = offset == stride;
                        let coupling = coupling(if down { site - width } else { site - 1 }, down);
                        sites[here].residual[back] = coupling;
                        sites[here - offset].residual[forth] = coupling;
                    }
                }
            }
        }
        let active = VecDeque::new();
        let orphans = VecDeque::new();
        let mut grid = GridCut { width, sites, offsets, active, orphans, time: 0, flow: 0 };
        grid.activate_borders();
        grid
    }

    /// Sites whose open neighbours are all in their own tree have nowhere to grow to.
    fn activate_borders(&mut self) {
        for site in 0..self.sites.len() {
            let here = self.sites[site];
            let borders = |d: &u8| {
                let open = here.residual[usize::from(*d)] > 0;
                open && self.sites[self.neighbour(site, *d)].tree != here.tree
            };
            if here.tree != Tree::Free && DIRECTIONS.iter().any(borders) {
                self.activate(site);
            }
        }
    }

    #[inline(always)]
    fn neighbour(&self, site: usize, direction: u8) -> usize {
        site.wrapping_add(self.offsets[usize::from(direction)])
    }

    /// What can still flow towards `site`'s child (source) or from it (sink) over the edge to the neighbour
    /// in `direction`: the edge by which `site` in `tree` would be that neighbour's parent.
    #[inline(always)]
    fn open_to_child(&self, site: usize, direction: u8, tree: Tree) -> i32 {
        match tree {
            Tree::Source => self.sites[site].residual[usize::from(direction)],
            _ => self.sites[self.neighbour(site, direction)].residual[usize::from(direction ^ 1)],
        }
    }

    fn activate(&mut self, site: usize) {
        if !self.sites[site].queued {
            self.sites[site].queued = true;
            self.active.push_back(site as u32);
        }
    }

    /// Lets as much flow as can; returns how much that is, which is also what the cheapest cut costs.
    pub(super) fn solve(&mut self) -> i64 {
        while let Some(site) = self.active.pop_front() {
            let site = site as usize;
            self.sites[site].queued = false;
            while self.sites[site].tree != Tree::Free
                && let Some((from, direction)) = self.grow(site)
            {
                self.time += 1;
                self.augment(from, direction);
                while let Some(orphan) = self.orphans.pop_front() {
                    self.adopt(orphan as usize);
                }
            }
        }
        self.flow
    }

    /// Which side of the cut every site is on, without the surroundings: 1 where the source still reaches it.
    pub(super) fn spins(&self) -> Vec<i8> {
        let rows = self.sites.chunks_exact(self.width + 1);
        let count = rows.len() - 2;
        let inside = rows.skip(1).take(count).flat_map(|row| &row[..self.width]);
        inside.map(|site| if site.tree == Tree::Source { 1 } else { -1 }).collect()
    }

    /// Extends the tree of `site` by its free neighbours; returns an open edge (site, direction) from the
    /// source's tree to the sink's as soon as there is one.
    fn grow(&mut self, site: usize) -> Option<(usize, u8)> {
        let here = self.sites[site];
        for direction in DIRECTIONS {
            if self.open_to_child(site, direction, here.tree) == 0 {
                continue;
            }
            let other = self.neighbour(site, direction);
            let there = &mut self.sites[other];
            let nearer = there.stamp <= here.stamp && there.distance > here.distance;
            if there.tree == Tree::Free || (there.tree == here.tree && nearer) {
                let new = there.tree == Tree::Free;
                there.tree = here.tree;
                there.parent = direction ^ 1;
                there.stamp = here.stamp;
                there.distance = here.distance + 1;
                if new {
                    self.activate(other);
                }
            } else if there.tree != here.tree {
                let from_source = (site, direction);
                return Some(if here.tree == Tree::Source { from_source } else { (other, direction ^ 1) });
            }
        }
        None
    }

    /// Fills the path through the edge from `from`, in the source's tree, to its neighbour, in the sink's.
    /// Sites whose edge to the parent is full become orphans.
    fn augment(&mut self, from: usize, direction: u8) {
        let to = self.neighbour(from, direction);
        let edge = self.sites[from].residual[usize::from(direction)];
        let amount = edge.min(self.bottleneck(from)).min(self.bottleneck(to));
        self.sites[from].residual[usize::from(direction)] -= amount;
        self.sites[to].residual[usize::from(direction ^ 1)] += amount;
        self.fill(from, amount);
        self.fill(to, amount);
        self.flow += i64::from(amount);
    }

    /// What can flow between `site` and its terminal.
    fn bottleneck(&self, mut site: usize) -> i32 {
        let tree = self.sites[site].tree;
        let mut least = i32::MAX;
        loop {
            let here = &self.sites[site];
            if here.parent == TERMINAL {
                return least.min(here.terminal.abs());
            }
            let parent = self.neighbour(site, here.parent);
            least = least.min(self.open_to_child(parent, here.parent ^ 1, tree));
            site = parent;
        }
    }

    /// Lets `amount` flow between `site` and its terminal.
    fn fill(&mut self, mut site: usize, amount: i32) {
        let source = self.sites[site].tree == Tree::Source;
        loop {
            let direction = self.sites[site].parent;
            if direction == TERMINAL {
                let terminal = &mut self.sites[site].terminal;
                *terminal -= if source { amount } else { -amount };
                if *terminal == 0 {
                    self.orphan_first(site);
                }
                return;
            }
            let parent = self.neighbour(site, direction);
            let (inwards, outwards) = if source { (amount, -amount) } else { (-amount, amount) };
            self.sites[site].residual[usize::from(direction)] += inwards;
            self.sites[parent].residual[usize::from(direction ^ 1)] += outwards;
            if self.open_to_child(parent, direction ^ 1, self.sites[site].tree) == 0 {
                self.orphan_first(site);
            }
            site = parent;
        }
    }

    fn orphan_first(&mut self, site: usize) {
        self.sites[site].parent = ORPHAN;
        self.orphans.push_front(site as u32);
    }

    /// Gives an orphan the neighbour nearest to the terminal as its parent, or sets it and its children free.
    fn adopt(&mut self, orphan: usize) {
        let tree = self.sites[orphan].tree;
        let mut best: Option<(u32, u8)> = None;
        for direction in DIRECTIONS {
            let other = self.neighbour(orphan, direction);
            if self.sites[other].tree == tree
                && self.open_to_child(other, direction ^ 1, tree) > 0
                && let Some(distance) = self.distance(other)
                && best.is_none_or(|(least, _)| distance < least)
            {
                best = Some((distance, direction));
            }
        }
        if let Some((distance, direction)) = best {
            let site = &mut self.sites[orphan];
            (site.parent, site.stamp, site.distance) = (direction, self.time, distance + 1);
            return;
        }
        for direction in DIRECTIONS {
            let other = self.neighbour(orphan, direction);
            if self.sites[other].tree != tree {
                continue;
            }
            if self.open_to_child(other, direction ^ 1, tree) > 0 {
                self.activate(other);
            }
            if self.sites[other].parent == direction ^ 1 {
                self.sites[other].parent = ORPHAN;
                self.orphans.push_back(other as u32);
            }
        }
        self.sites[orphan].tree = Tree::Free;
    }

    /// Steps from `site` to its terminal, or none where an orphan is on the way. What is found is marked
    /// along the way.
    fn distance(&mut self, site: usize) -> Option<u32> {
        let mut at = site;
        let mut distance = 0;
        loop {
            let here = &mut self.sites[at];
            if here.stamp == self.time {
                distance += here.distance;
                break;
            }
            distance += 1;
            match here.parent {
                ORPHAN => return None,
                TERMINAL => {
                    (here.stamp, here.distance) = (self.time, 1);
                    break;
                }
                parent => at = self.neighbour(at, parent),
            }
        }
        let mut at = site;
        let mut left = distance;
        while self.sites[at].stamp != self.time {
            (self.sites[at].stamp, self.sites[at].distance) = (self.time, left);
            left -= 1;
            at = self.neighbour(at, self.sites[at].parent);
        }
        Some(distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::{Key, index, row_words};

    /// What a labelling costs.
    fn cost(spins: &[i8], width: usize, coupling: i32, fields: &[i32]) -> i64 {
        let wrong = spins.iter().zip(fields).filter(|(x, f)| i32::from(**x) * **f < 0);
        let fields: i64 = wrong.map(|(_, f)| i64::from(f.abs())).sum();
        let across = spins.chunks_exact(width).flat_map(|row| row.iter().zip(&row[1..]));
        let pairs = across.chain(spins.iter().zip(&spins[width..]));
        fields + i64::from(coupling) * pairs.filter(|(a, b)| a != b).count() as i64
    }

    /// No cut is cheaper than a flow is large: equality proves both optimal, whatever the grid.
    #[test]
    fn the_flow_is_as_large_as_the_cut_is_cheap() {
        for (number, (height, width)) in
            [(1, 1), (1, 40), (33, 1), (2, 2), (17, 23), (64, 50), (120, 120)].into_iter().enumerate()
        {
            for (coupling, largest) in [(1, 1), (3, 9), (1, 5), (1 << 28, 1 << 28), (0, 4), (7, 2)] {
                let mut words = vec![0; height * width];
                row_words(Key::new(number as u64, 3), 1, 0, &mut words);
                let field = |word: &u32| index(*word, 2 * largest + 1) as i32 - largest as i32;
                let fields: Vec<i32> = words.iter().map(field).collect();
                let all: Vec<Option<i32>> = fields.iter().copied().map(Some).collect();
                let mut cut = GridCut::new(&all, width, coupling);
                let flow = cut.solve();
                let found = cost(&cut.spins(), width, coupling, &fields);
                assert_eq!(flow, found, "{height} x {width}, coupling {coupling}, fields to {largest}");
            }
        }
    }
}
