//! Every way of computing a product against the plain triple loop.

use super::*;
use crate::simd::test_values as values;
use proptest::prelude::*;

fn naive<T: Float>(shape: MatmulShape, a: &[T], b: &[T]) -> Vec<f64> {
    let MatmulShape { batch, m, k, n, .. } = shape;
    let [ar, ac] = shape.strides_a();
    let [br, bc] = shape.strides_b();
    let mut out = Vec::with_capacity(batch * m * n);
    for entry in 0..batch {
        let a = &a[entry * m * k..];
        let b = &b[entry * k * n..];
        for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
            let term = |l: usize| a[i * ar + l * ac].to_f64() * b[l * br + j * bc].to_f64();
            out.push((0..k).map(term).sum());
        }
    }
    out
}

/// Compares with the plain triple loop.
fn check<T: Float>(shape: MatmulShape, tolerance: f64) {
    let a = values::<T>(shape.batch * shape.m * shape.k, 1);
    compare(shape, &a, tolerance);
}

/// The product of A and some B beside the plain triple loop, starting from NaN so that nothing may be read or
/// left out.
fn compare<T: Float>(shape: MatmulShape, a: &[T], tolerance: f64) {
    let b = values::<T>(shape.batch * shape.k * shape.n, 2);
    let nan = T::from_f64(f64::NAN);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let mut out = vec![nan; shape.batch * shape.m * shape.n];
        let mut scratch = vec![nan; scratch_len(shape)];
        pool.install(|| matmul(shape, a, &b, &mut out, &mut scratch));
        out
    };
    let out = run(1);
    let bound = tolerance * (1.0 + shape.k as f64).sqrt();
    for (got, expected) in out.iter().zip(naive(shape, a, &b)) {
        let error = (got.to_f64() - expected).abs();
        assert!(error <= bound, "{shape:?}: {got:?} for {expected}, more than {bound} apart");
    }
    for threads in [2, 3] {
        let same = out.iter().zip(run(threads)).all(|(x, y)| x.to_f64().to_bits() == y.to_f64().to_bits());
        assert!(same, "{shape:?}: bits differ on {threads} threads");
    }
}

fn shape(batch: usize, m: usize, k: usize, n: usize, flags: u8) -> MatmulShape {
    MatmulShape {
        batch,
        m,
        k,
        n,
        transpose_a: flags & 1 != 0,
        transpose_b: flags & 2 != 0,
        bits: false,
        products: Products::Single,
    }
}

#[test]
fn every_way_of_cutting_is_met_and_right() {
    let cases = [
        (shape(3, 5, 7, 9, 0), Cut::Batch(3)),
        (shape(140, 33, 40, 31, 0), Cut::Batch(7)),
        (shape(2, 500, 70, 65, 0), Cut::Rows(64)),
        (shape(1, 64, 4000, 65, 0), Cut::Depth(256)),
        (shape(2, 3, 300, 1000, 0), Cut::Columns(336)),
    ];
    for (case, cut) in cases {
        for flags in 0..4 {
            let case = shape(case.batch, case.m, case.k, case.n, flags);
            assert_eq!(case.cut(), cut, "{case:?}");
            check::<f32>(case, 2e-6);
            check::<f64>(case, 1e-14);
        }
    }
}

#[test]
fn thin_axes_are_met_and_right() {
    for thin in 1..5 {
        let cases = [
            shape(2, 40, thin, 300, 0),
            shape(1, 70, 300, thin, 0),
            shape(1, thin, 300, 301, 0),
            shape(1, thin, 3, 5, 0),
            shape(1, 5, 3, thin, 0),
            shape(1, thin, thin, thin, 0),
        ];
        for case in cases {
            for flags in 0..4 {
                let case = shape(case.batch, case.m, case.k, case.n, flags);
                check::<f32>(case, 2e-6);
                check::<f64>(case, 1e-14);
            }
        }
    }
}

#[test]
fn an_empty_sum_is_zero() {
    for case in [shape(2, 3, 0, 4, 0), shape(0, 3, 2, 4, 0), shape(2, 0, 2, 4, 0)] {
        check::<f32>(case, 0.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn agrees_with_the_triple_loop(
        batch in 1usize..4, m in 1usize..70, k in 1usize..90, n in 1usize..70, flags in 0u8..4,
    ) {
        check::<f32>(shape(batch, m, k, n, flags), 2e-6);
        check::<f64>(shape(batch, m, k, n, flags), 1e-14);
    }
}

fn bits<T: Float>(count: usize) -> Vec<T> {
    values::<f64>(count, 3).into_iter().map(|x| if x > 0.4 { T::ONE } else { T::ZERO }).collect()
}

#[test]
fn products_of_zeros_and_ones_by_tables_equal_the_triple_loop() {
    // Rows beyond a round, blocks of every number of groups, columns that are no whole vector or task.
    for [m, k, n] in
        [[100, 784, 500], [300, 64, 16], [784, 100, 67], [33, 5, 130], [64, 90, 19], [257, 33, 48]]
    {
        for flags in 0..4 {
            let shape = MatmulShape { bits: true, ..shape(1, m, k, n, flags) };
            compare::<f32>(shape, &bits(m * k), 2e-6);
            compare::<f64>(shape, &bits(m * k), 1e-14);
        }
    }
}

/// One value other than 0 and 1, in A as it stands and transposed, at the glance, in every block, in both
/// rounds of rows and last.
#[test]
fn what_is_not_zeros_and_ones_is_multiplied_as_it_is() {
    let [m, k, n] = [300, 70, 50];
    let places = [[0, 0], [0, 65], [3, 40], [130, 63], [130, 64], [255, 69], [256, 0], [299, 68], [299, 69]];
    let b = values::<f64>(k * n, 2);
    for (flags, [row, unit]) in (0..4).flat_map(|flags| places.map(|place| (flags, place))) {
        let plain = shape(1, m, k, n, flags);
        let at = row * plain.strides_a()[0] + unit * plain.strides_a()[1];
        for odd in [0.5, 2.0, -1.0, f64::NAN] {
            let mut a: Vec<f64> = bits(m * k);
            a[at] = odd;
            let [mut got, mut expected] = [vec![0.0; m * n], vec![0.0; m * n]];
            matmul(MatmulShape { bits: true, ..plain }, &a, &b, &mut got, &mut []);
            matmul(plain, &a, &b, &mut expected, &mut []);
            let same = got.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits());
            assert!(same, "{odd} in row {row}, unit {unit}, flags {flags}: taken for a bit");
            // The plain product has it: the row that it is in depends on it.
            let term = |l: usize| {
                a[row * plain.strides_a()[0] + l * plain.strides_a()[1]] * b[l * plain.strides_b()[0]]
            };
            let sum: f64 = (0..k).map(term).sum();
            assert!((got[row * n] - sum).abs() < 1e-12 || (got[row * n].is_nan() && odd.is_nan()));
        }
    }
}

/// Parts of the rows of a product, each on its own.
#[test]
fn parts_of_a_product_are_its_rows() {
    let [m, k, n] = [128, 66, 40];
    for (flags, parts) in (0..4).flat_map(|flags| [1, 2, 4].map(|parts| (flags, parts))) {
        let shape = MatmulShape { bits: true, ..shape(1, m, k, n, flags) };
        let b = values::<f64>(k * n, 2);
        let mut odd = bits::<f64>(m * k);
        odd[m * k - 1] = 0.5;
        for a in [bits(m * k), odd, values(m * k, 1)] {
            let mut out = vec![f64::NAN; m * n];
            for part in 0..parts {
                let (start, len) = shape.reach_of_part(part, parts);
                let rows = &mut out[part * (m / parts) * n..][..m / parts * n];
                multiply_part(shape, parts, &a[start..start + len], &b, rows);
            }
            for (found, expected) in out.iter().zip(naive(shape, &a, &b)) {
                assert!(
                    (found - expected).abs() < 1e-12,
                    "{parts} parts, flags {flags}: {found}, {expected}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn tables_agree_with_the_triple_loop(m in 32usize..300, k in 4usize..200, n in 16usize..150, flags in 0u8..4) {
        let shape = MatmulShape { bits: true, ..shape(1, m, k, n, flags) };
        compare::<f32>(shape, &bits(m * k), 2e-6);
    }
}

/// Products in bfloat16 beside their bound, and the mean square of the errors relative to that of the
/// results.
#[test]
fn products_in_bf16_stay_within_their_bound() {
    if !bf16::is_available() {
        println!("skipped: this processor has no AVX-512 BF16");
        return;
    }
    let sizes = [
        (16, 32, 32),
        (128, 128, 128),
        (70, 50, 100),
        (13 + 96, 65, 33),
        (4096, 128, 128),
        (128, 4096, 100),
        (40, 2200, 500),
    ];
    for ((m, k, n), flags) in sizes.into_iter().flat_map(|sizes| (0..4).map(move |flags| (sizes, flags))) {
        let single = shape(1, m, k, n, flags);
        let shape = MatmulShape { products: Products::Bf16, ..single };
        let a = values::<f32>(m * k, 3);
        let b = values::<f32>(k * n, 4);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let mut out = vec![f32::NAN; m * n];
            let mut scratch = vec![f32::NAN; scratch_len(shape)];
            pool.install(|| matmul(shape, &a, &b, &mut out, &mut scratch));
            out
        };
        let found = run(1);
        let size = |values: &[f32]| values.iter().map(|x| x.abs()).collect::<Vec<f32>>();
        let exact = naive(single, &a, &b);
        let sizes = naive(single, &size(&a), &size(&b));
        let mut error = 0.0;
        let mut square = 0.0;
        for ((found, exact), size) in found.iter().zip(&exact).zip(&sizes) {
            let off = f64::from(*found) - exact;
            assert!(off.abs() <= 1.01 / 256.0 * size, "{shape:?}: {found} for {exact}");
            (error, square) = (error + off * off, square + exact * exact);
        }
        let relative = (error / square).sqrt();
        println!("{m}x{k}x{n}, {flags}: {relative:.2e}");
        assert!((5e-4..3e-3).contains(&relative), "{shape:?}: {relative} relative, root mean square");
        for threads in [2, 3] {
            let same = found.iter().zip(run(threads)).all(|(x, y)| x.to_bits() == y.to_bits());
            assert!(same, "{shape:?}: bits differ on {threads} threads");
        }
    }
}

#[test]
fn bf16_keeps_infinities_and_nan_and_leaves_double_precision_alone() {
    if !bf16::is_available() {
        println!("skipped: this processor has no AVX-512 BF16");
        return;
    }
    let shape = MatmulShape { products: Products::Bf16, ..shape(1, 32, 64, 32, 0) };
    let b = vec![1.0; 64 * 32];
    for special in
        [f32::NAN, f32::from_bits(0x7fff_ffff), f32::from_bits(0xffff_ffff), f32::INFINITY, f32::MAX]
    {
        let mut a = vec![0.5f32; 32 * 64];
        a[70] = special;
        let mut out = vec![0.0; 32 * 32];
        matmul(shape, &a, &b, &mut out, &mut []);
        let row = &out[32..64];
        let other = &out[64..96];
        assert!(
            row.iter().all(|x| if special.is_nan() { x.is_nan() } else { *x > f32::MAX / 2.0 }),
            "{special}: {row:?}"
        );
        assert!(other.iter().all(|x| *x == 32.0), "{special}: {other:?}");
    }
    let doubles: Vec<f64> = values(32 * 64, 5);
    let ones = vec![1.0; 64 * 32];
    let mut plain = vec![0.0; 32 * 32];
    let mut asked = vec![0.0; 32 * 32];
    matmul(MatmulShape { products: Products::Single, ..shape }, &doubles, &ones, &mut plain, &mut []);
    matmul(shape, &doubles, &ones, &mut asked, &mut []);
    assert_eq!(plain, asked);
}
