//! The least energy of the sites that are not certain, one connected component of them at a time: what is
//! certain around them only shifts their fields. Components are small on images with some noise, fit the
//! cache, and are cut in parallel.

use rayon::prelude::*;

use super::grid_cut::GridCut;

/// Components in one task.
const IN_ONE_TASK: usize = 64;

/// Sites that hang together, with the box around them.
struct Component {
    sites: Vec<u32>,
    rows: [usize; 2],
    columns: [usize; 2],
}

impl Component {
    fn width(&self) -> usize {
        self.columns[1] - self.columns[0] + 1
    }

    fn area(&self) -> usize {
        self.width() * (self.rows[1] - self.rows[0] + 1)
    }
}

/// Fills the zeros of `decided` so that the energy of whole weights (field, coupling ≥ 0) is least given the
/// other spins.
pub(super) fn solve(decided: &mut [i8], y: &[i8], width: usize, (field, coupling): (i32, i32)) {
    let components = components(decided, width);
    let area: usize = components.iter().map(Component::area).sum();
    let at = |site: usize| field_at(site, decided, y, width, (field, coupling));
    // Boxes may lie in boxes: beyond the image's size one cut of everything is less work.
    let found: Vec<(u32, i8)> = if area > decided.len() {
        let fields: Vec<Option<i32>> =
            (0..y.len()).map(|site| (decided[site] == 0).then(|| at(site))).collect();
        let spins = cut(&fields, width, coupling);
        components.iter().flat_map(|c| &c.sites).map(|site| (*site, spins[*site as usize])).collect()
    } else {
        let one = |component: &Component| {
            let wide = component.width();
            let mut fields = vec![None; component.area()];
            let inside = |site: u32| {
                let (row, column) = (site as usize / width, site as usize % width);
                (row - component.rows[0]) * wide + column - component.columns[0]
            };
            component.sites.iter().for_each(|site| fields[inside(*site)] = Some(at(*site as usize)));
            let spins = cut(&fields, wide, coupling);
            component.sites.iter().map(|site| (*site, spins[inside(*site)])).collect::<Vec<_>>()
        };
        components.par_iter().with_min_len(IN_ONE_TASK).flat_map_iter(one).collect()
    };
    found.into_iter().for_each(|(site, spin)| decided[site as usize] = spin);
}

fn cut(fields: &[Option<i32>], width: usize, coupling: i32) -> Vec<i8> {
    // An edge of different spins costs twice its coupling, a spin against its field twice the field: halved,
    // alike.
    let mut cut = GridCut::new(fields, width, coupling);
    cut.solve();
    cut.spins()
}

/// The field at an uncertain site, its certain neighbours included: below 4 times the coupling, or it would
/// be certain.
fn field_at(site: usize, decided: &[i8], y: &[i8], width: usize, (field, coupling): (i32, i32)) -> i32 {
    let votes: i32 = neighbours(site, decided.len(), width).map(|other| i32::from(decided[other])).sum();
    field * i32::from(y[site]) + coupling * votes
}

fn neighbours(site: usize, size: usize, width: usize) -> impl Iterator<Item = usize> {
    let column = site % width;
    let around = [
        (column > 0).then(|| site - 1),
        (column + 1 < width).then_some(site + 1),
        site.checked_sub(width),
        Some(site + width).filter(|below| *below < size),
    ];
    around.into_iter().flatten()
}

fn components(decided: &[i8], width: usize) -> Vec<Component> {
    let mut seen = vec![false; decided.len()];
    let mut found = Vec::new();
    for first in 0..decided.len() {
        if decided[first] != 0 || seen[first] {
            continue;
        }
        let (row, column) = (first / width, first % width);
        let mut one = Component { sites: vec![first as u32], rows: [row; 2], columns: [column; 2] };
        seen[first] = true;
        let mut next = 0;
        while let Some(site) = one.sites.get(next).map(|site| *site as usize) {
            next += 1;
            let (row, column) = (site / width, site % width);
            one.rows[1] = one.rows[1].max(row);
            one.columns = [one.columns[0].min(column), one.columns[1].max(column)];
            for other in neighbours(site, decided.len(), width) {
                if decided[other] == 0 && !seen[other] {
                    seen[other] = true;
                    one.sites.push(other as u32);
                }
            }
        }
        found.push(one);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::persistency;
    use super::*;
    use enscore_program::random::{Key, row_words, uniform};

    fn energy(x: &[i8], y: &[i8], width: usize, (field, coupling): (i32, i32)) -> i64 {
        let product = |(a, b): (&i8, &i8)| i64::from(a * b);
        let agreement: i64 = x.iter().zip(y).map(product).sum();
        let across: i64 = x.chunks_exact(width).flat_map(|row| row.iter().zip(&row[1..])).map(product).sum();
        let down: i64 = x.iter().zip(&x[width..]).map(product).sum();
        -i64::from(field) * agreement - i64::from(coupling) * (across + down)
    }

    /// Certain sites and components against one cut of all sites, over noise, weights and shapes.
    #[test]
    fn the_energy_is_that_of_one_cut_of_everything() {
        let shapes = [(1, 1), (1, 70), (64, 1), (2, 3), (17, 23), (40, 131)];
        let weights = [(11, 5), (11, 9), (1, 1), (-1, 1), (4, 5), (1, 3), (3, 7), (1, 0), (0, 1), (2, 1)];
        for (number, (height, width)) in shapes.into_iter().enumerate() {
            for (variant, flips) in [0.05, 0.1, 0.3, 0.5].into_iter().enumerate() {
                let mut words = vec![0; height * width];
                row_words(Key::new(number as u64, variant as u64), 9, 0, &mut words);
                let clean = |site: usize| site / width / 7 % 2 == site % width / 9 % 2;
                let pixel = |site: usize| {
                    if clean(site) != (uniform(words[site]) < flips) { 1i8 } else { -1 }
                };
                let y: Vec<i8> = (0..height * width).map(pixel).collect();
                for (field, coupling) in weights {
                    let fields: Vec<Option<i32>> = y.iter().map(|y| Some(field * i32::from(*y))).collect();
                    let whole = cut(&fields, width, coupling);
                    let mut parts = persistency::decide(&y, width, (field, coupling));
                    solve(&mut parts, &y, width, (field, coupling));
                    let of = |x: &[i8]| energy(x, &y, width, (field, coupling));
                    assert_eq!(of(&parts), of(&whole), "{height} x {width}, {flips}, {field} : {coupling}");
                    assert!(parts.iter().all(|spin| spin.abs() == 1));
                }
            }
        }
    }
}
