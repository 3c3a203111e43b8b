//! Iterated conditional modes (Besag 1986): site after site in raster order takes the spin that its noisy
//! pixel and its neighbours vote for, x_i = sign(η y_i + β Σ_j x_j), and keeps the one it has in a tie.

/// Sweeps from `x` until nothing changes, with whole weights (field, coupling): each flip lowers the energy
/// by at least 2, so it ends. `x` and `y` hold whole rows of `width` spins.
pub(super) fn iterate(mut x: Vec<i8>, y: &[i8], width: usize, (field, coupling): (i32, i32)) -> Vec<i8> {
    loop {
        let mut changed = false;
        for site in 0..x.len() {
            let column = site % width;
            let neighbours = [
                (column > 0).then(|| site - 1),
                (column + 1 < width).then_some(site + 1),
                site.checked_sub(width),
                Some(site + width).filter(|below| *below < x.len()),
            ];
            let votes: i64 = neighbours.into_iter().flatten().map(|j| i64::from(x[j])).sum();
            let pull = i64::from(field) * i64::from(y[site]) + i64::from(coupling) * votes;
            if pull * i64::from(x[site]) < 0 {
                x[site] = -x[site];
                changed = true;
            }
        }
        if !changed {
            return x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_pixel_follows_its_neighbours_only_where_they_outweigh_it() {
        let mut y = [1i8; 9];
        y[4] = -1;
        let from_y = |weights| iterate(y.to_vec(), &y, 3, weights);
        assert_eq!(from_y((1, 1)), [1; 9]);
        assert_eq!(from_y((4, 1)), y);
        assert_eq!(from_y((5, 1)), y);
        assert_eq!(from_y((-1, 0)), y.map(|spin| -spin));
        assert_eq!(iterate(vec![1; 3], &[1; 3], 3, (1, -2)), [-1, 1, -1]);
    }
}
