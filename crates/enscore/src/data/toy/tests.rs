//! Every toy density against what it must satisfy: its score, its constant and its draws.

use super::*;

fn all() -> Vec<ToyDensity> {
    toy_names().iter().map(|name| toy(name).unwrap()).collect()
}

/// The middles of `n` x `n` cells of a box, and the area of one.
fn cells(window: [[f64; 2]; 2], n: usize) -> (Vec<Point>, f64) {
    let [x, y] = window;
    let at = |[low, high]: [f64; 2], i: usize| low + (high - low) * (i as f64 + 0.5) / n as f64;
    let points = (0..n * n).map(|i| [at(x, i % n), at(y, i / n)]).collect();
    (points, (x[1] - x[0]) * (y[1] - y[0]) / (n * n) as f64)
}

/// The window, wider by `share` of its sides.
fn wider(toy: &ToyDensity, share: f64) -> [[f64; 2]; 2] {
    toy.window().map(|[low, high]| [low - share * (high - low), high + share * (high - low)])
}

#[test]
fn scores_are_the_central_differences_of_log_densities() {
    const STEP: f64 = 1e-5;
    for toy in all() {
        // An even number: none is the origin, where the rings have a cusp.
        let (points, _) = cells(wider(&toy, 0.2), 24);
        let draws: Vec<Point> = (0..200).map(|row| toy.draw(3, row)).collect();
        for x in points.iter().chain(&draws) {
            let score = toy.score(x);
            for axis in 0..2 {
                let at = |step: f64| {
                    let mut moved = *x;
                    moved[axis] += step;
                    toy.log_density(&moved)
                };
                // Of fourth order: swirled arms bend fast far out.
                let slope = (8.0 * (at(STEP) - at(-STEP)) - at(2.0 * STEP) + at(-2.0 * STEP)) / (12.0 * STEP);
                let error = (score[axis] - slope).abs();
                assert!(
                    error < 1e-6 * (1.0 + slope.abs()),
                    "{} at {x:?}: {} {slope}",
                    toy.name(),
                    score[axis]
                );
            }
        }
    }
}

#[test]
fn densities_integrate_to_one() {
    for toy in all() {
        let mass = |window, n| {
            let (points, area) = cells(window, n);
            points.iter().map(|x| toy.log_density(x).exp()).sum::<f64>() * area
        };
        // A smooth density that is 0 at the edges: the sum over cells is exact once they are finer than its
        // features.
        let total = mass(wider(&toy, 0.3), 320);
        assert!((total - 1.0).abs() < 1e-8, "{}: {total}", toy.name());
        let inside = mass(toy.window(), 320);
        assert!((0.9997..=1.0 + 1e-9).contains(&inside), "{}: {inside} in the window", toy.name());
    }
}

/// The statistic sum (seen - expected)^2 / expected over cells in which 20 draws or more are expected, with
/// the others as one.
#[test]
fn draws_follow_the_density() {
    const ROWS: u64 = 40_000;
    const COARSE: usize = 12;
    const FINE: usize = 24;
    for toy in all() {
        let window = wider(&toy, 0.02);
        let mut expected = vec![0.0; COARSE * COARSE];
        let (points, area) = cells(window, COARSE * FINE);
        for (i, x) in points.iter().enumerate() {
            let column = i % (COARSE * FINE) / FINE;
            let row = i / (COARSE * FINE) / FINE;
            expected[row * COARSE + column] += toy.log_density(x).exp() * area * ROWS as f64;
        }
        let mut seen = vec![0.0; COARSE * COARSE];
        for draw in (0..ROWS).map(|row| toy.draw(5, row)) {
            let cell = |axis: usize| {
                let [low, high] = window[axis];
                ((draw[axis] - low) / (high - low) * COARSE as f64).floor() as i64
            };
            let column = cell(0);
            let row = cell(1);
            let inside = |i: i64| (0..COARSE as i64).contains(&i);
            if inside(column) && inside(row) {
                seen[row as usize * COARSE + column as usize] += 1.0;
            }
        }
        let mut statistic = 0.0;
        let mut used = 0.0;
        let mut rest = [ROWS as f64; 2];
        for (&expected, &seen) in expected.iter().zip(&seen).filter(|(expected, _)| **expected >= 20.0) {
            statistic += (seen - expected) * (seen - expected) / expected;
            used += 1.0;
            rest = [rest[0] - expected, rest[1] - seen];
        }
        let few = (rest[1] - rest[0]).abs() < 5.0 * rest[0].max(1.0).sqrt() + 1.0;
        assert!(few, "{}: {rest:?} outside", toy.name());
        // Chi-square with about `used` degrees of freedom: mean `used`, variance twice that.
        let bound = used + 5.0 * (2.0f64 * used).sqrt();
        assert!(used >= 8.0 && statistic < bound, "{}: {statistic} > {bound}, {used} cells", toy.name());
    }
}

#[test]
fn two_gaussians_have_their_density_weights_and_moments() {
    let toy = toy("two-gaussians").unwrap();
    // At the far mean, the near component alone counts.
    let there = (0.8 / std::f64::consts::TAU).ln();
    assert!((toy.log_density(&[5.0, 5.0]) - there).abs() < 1e-12);
    let n = 20_000;
    let left = (0..n).filter(|&row| toy.draw(1, row)[0] < 0.0).count() as f64 / n as f64;
    assert!((left - 0.2).abs() < 5.0 * (0.16 / n as f64).sqrt(), "{left}");
}

#[test]
fn constants_that_are_known_otherwise() {
    // Without its cusp at the origin the ring's constant is (2 pi)^(3/2) R sigma, and with R = 10 sigma the
    // cusp is e^-50.
    let ring = (std::f64::consts::TAU.powf(1.5) * 2.0 * 0.2).ln();
    assert!((toy("ring").unwrap().log_z() - ring).abs() < 1e-12);
    assert!((toy("checkerboard").unwrap().log_z() - 32f64.ln()).abs() < 1e-12);
    // Laplace's approximation at the four wells, to the tenth that it is good for.
    let wells = toy("four-wells").unwrap();
    let depth =
        [[2.0, -2.0], [-2.0, 2.0], [2.0, 2.0], [-2.0, -2.0]].map(|w: Point| (-0.25 * w[0] * w[1]).exp());
    let laplace = (depth.iter().sum::<f64>() * std::f64::consts::TAU / 8.0).ln();
    assert!((wells.log_z() - laplace).abs() < 0.1, "{} {laplace}", wells.log_z());
    assert_eq!(toy("two-moons").unwrap().log_z(), 0.0);
}

#[test]
fn densities_and_scores_far_away_are_finite() {
    for toy in all() {
        for x in [[0.0, 0.0], [1e3, -1e3], [-200.0, 0.0], [4.0, 4.0]] {
            let log_density = toy.log_density(&x);
            let score = toy.score(&x);
            let finite = log_density.is_finite() && score.iter().all(|s| s.is_finite());
            assert!(finite, "{} at {x:?}: {log_density} {score:?}", toy.name());
        }
    }
}

#[test]
fn draws_are_a_function_of_seed_and_row() {
    for toy in all() {
        assert_eq!(toy.draw(1, 7), toy.draw(1, 7));
        assert_ne!(toy.draw(1, 7), toy.draw(1, 8));
        assert_ne!(toy.draw(1, 7), toy.draw(2, 7));
    }
    assert!(toy("three-moons").is_none());
}

#[test]
fn named_sets_have_disjoint_parts_and_stable_values() {
    for name in toy_names() {
        let part = |split| crate::data::load(name, split).unwrap();
        let train = part(Split::Train);
        let test = part(Split::Test);
        assert_eq!((train.rows(), test.rows(), train.row_shape()), (50_000, 10_000, &[2][..]));
        assert!(train.scale().is_none());
        let [Values::F32(a), Values::F32(b)] = [train.values(), test.values()] else { panic!("not f32") };
        assert_ne!(a[..20], b[..20]);
    }
    // A change of this value changes what every run on the data means, so it must be deliberate.
    let moons = crate::data::load("two-moons", Split::Test).unwrap();
    assert_eq!(moons.fingerprint(), "d1df0547b6c8fb2332a3736f3fc235bafc86bf2f157c2b811375416613a6e180");
}
