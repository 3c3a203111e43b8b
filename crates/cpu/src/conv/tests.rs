//! The three functions against the definition in f64, against each other, and on several threads.

use proptest::prelude::*;

use super::*;
use crate::simd::test_values as values;

/// Calls `visit(index of x, index of w, index of y)` for every product of the definition.
fn products(g: &ConvGeometry, mut visit: impl FnMut(usize, usize, usize)) {
    let oh = g.output_height();
    let ow = g.output_width();
    let inside = |size: usize, out: usize, tap: usize, axis: usize| {
        let index = (out * g.stride[axis] + tap * g.dilation[axis]) as isize - g.padding[axis][0] as isize;
        (index >= 0 && index < size as isize).then_some(index as usize)
    };
    for n in 0..g.batch {
        for (i, j) in (0..oh).flat_map(|i| (0..ow).map(move |j| (i, j))) {
            for (u, v) in (0..g.kernel[0]).flat_map(|u| (0..g.kernel[1]).map(move |v| (u, v))) {
                let (Some(r), Some(s)) = (inside(g.height, i, u, 0), inside(g.width, j, v, 1)) else {
                    continue;
                };
                for (c, o) in (0..g.in_channels).flat_map(|c| (0..g.out_channels).map(move |o| (c, o))) {
                    visit(
                        ((n * g.height + r) * g.width + s) * g.in_channels + c,
                        ((u * g.kernel[1] + v) * g.in_channels + c) * g.out_channels + o,
                        ((n * oh + i) * ow + j) * g.out_channels + o,
                    );
                }
            }
        }
    }
}

/// The operands of a convolution and its three results by the definition, y, dx and dw, in f64.
struct Case<T> {
    g: ConvGeometry,
    x: Vec<T>,
    w: Vec<T>,
    dy: Vec<T>,
    expected: [Vec<f64>; 3],
}

impl<T: Float> Case<T> {
    fn new(g: ConvGeometry) -> Case<T> {
        let x = values(g.input_len(), 1);
        let w = values(g.weight_len(), 2);
        let dy = values(g.output_len(), 3);
        let mut expected = [vec![0.0; g.output_len()], vec![0.0; g.input_len()], vec![0.0; g.weight_len()]];
        products(&g, |at_x, at_w, at_y| {
            let (x, w, dy): (T, T, T) = (x[at_x], w[at_w], dy[at_y]);
            expected[0][at_y] += x.to_f64() * w.to_f64();
            expected[1][at_x] += dy.to_f64() * w.to_f64();
            expected[2][at_w] += x.to_f64() * dy.to_f64();
        });
        Case { g, x, w, dy, expected }
    }

    /// y, dx and dw, with outputs and scratch full of NaN before, so that nothing may be read or left out.
    fn run(&self, path: Instructions, algorithm: Algorithm) -> [Vec<T>; 3] {
        let Case { g, x, w, dy, .. } = self;
        let nan = |count: usize| vec![T::from_f64(f64::NAN); count];
        let run = |direction: Direction, a: &[T], b: &[T], len: usize| {
            let convolution = Convolution { direction, geometry: *g, algorithm };
            let mut out = nan(len);
            convolution.run_on(path, a, b, &mut out, &mut nan(convolution.scratch::<T>()));
            out
        };
        let y = run(Direction::Forward, x, w, dy.len());
        let dx = run(Direction::InputGradient, dy, w, x.len());
        let dw = run(Direction::WeightGradient, x, dy, w.len());
        [y, dx, dw]
    }

    /// Root mean square of the error over that of the result, for y, dx and dw.
    fn errors(&self, path: Instructions, algorithm: Algorithm) -> [f64; 3] {
        let results = self.run(path, algorithm);
        [0, 1, 2].map(|k| {
            let mut error = 0.0;
            let mut size = 0.0;
            for (got, expected) in results[k].iter().zip(&self.expected[k]) {
                error += (got.to_f64() - expected).powi(2);
                size += expected.powi(2);
            }
            if error == 0.0 { 0.0 } else { (error / size).sqrt() }
        })
    }

    fn check(&self, tolerance: f64) {
        for path in Instructions::available() {
            for algorithm in [Algorithm::Auto, Algorithm::Direct] {
                let errors = self.errors(path, algorithm);
                let right = errors.iter().all(|error| *error <= tolerance);
                assert!(right, "{:?} by {algorithm:?} on {path:?}: relative errors {errors:?}", self.g);
            }
        }
    }
}

fn check(g: ConvGeometry) {
    Case::<f32>::new(g).check(2e-5);
    Case::<f64>::new(g).check(4e-14);
}

fn square(batch: usize, size: usize, channels: [usize; 2], kernel: usize, padding: usize) -> ConvGeometry {
    ConvGeometry {
        batch,
        height: size,
        width: size,
        in_channels: channels[0],
        out_channels: channels[1],
        kernel: [kernel; 2],
        stride: [1, 1],
        padding: [[padding; 2]; 2],
        dilation: [1, 1],
    }
}

#[test]
fn layers_of_a_network_follow_the_definition() {
    for (size, channels, kernel) in [
        (28, [1, 32], 3),
        (28, [32, 1], 3),
        (14, [20, 3], 3),
        (7, [24, 40], 3),
        (8, [40, 24], 1),
        (9, [3, 5], 5),
    ] {
        check(square(3, size, channels, kernel, kernel / 2));
    }
    for (kernel, padding) in [(4, 1), (3, 1), (2, 0)] {
        for channels in [[1, 16], [16, 24], [24, 1]] {
            check(ConvGeometry { stride: [2, 2], ..square(4, 12, channels, kernel, padding) });
        }
    }
}

#[test]
fn work_cut_into_lanes_and_strips_follows_the_definition() {
    check(square(9, 26, [24, 32], 3, 1));
    check(square(9, 26, [32, 2], 3, 1));
    check(ConvGeometry { dilation: [2, 3], ..square(9, 26, [24, 3], 3, 2) });
    check(ConvGeometry { stride: [2, 1], ..square(9, 26, [16, 24], 3, 1) });
    check(square(9, 26, [40, 24], 1, 0));
}

#[test]
fn empty_sums_are_zero() {
    for g in [
        square(0, 5, [8, 8], 3, 1),
        square(2, 5, [0, 8], 3, 1),
        square(2, 5, [8, 0], 3, 1),
        square(2, 2, [8, 8], 5, 1),
        square(2, 0, [8, 8], 3, 2),
        square(2, 2, [3, 2], 1, 3),
    ] {
        check(g);
        check(ConvGeometry { stride: [2, 3], ..g });
    }
}

fn is_tiled(direction: Direction, geometry: &ConvGeometry, algorithm: Algorithm) -> bool {
    Convolution { direction, geometry: *geometry, algorithm }.tiled(&Window::new(geometry)).is_some()
}

#[test]
fn winograd_is_chosen_where_it_saves_work() {
    let auto = |g: &ConvGeometry| is_tiled(Direction::Forward, g, Algorithm::Auto);
    for size in [28, 14, 8, 7, 4] {
        assert!(auto(&square(8, size, [16, 16], 3, 1)), "size {size}");
    }
    assert!(!auto(&square(8, 2, [16, 16], 3, 1)));
    assert!(!auto(&square(4, 28, [1, 16], 3, 1)));
    assert!(!auto(&square(4, 28, [16, 16], 5, 1)));
    assert!(!auto(&ConvGeometry { stride: [2, 1], ..square(4, 28, [16, 16], 3, 1) }));
    assert!(!auto(&ConvGeometry { dilation: [1, 2], ..square(4, 28, [16, 16], 3, 1) }));
    assert!(!is_tiled(Direction::Forward, &square(4, 28, [16, 16], 3, 1), Algorithm::Direct));
    let halving = ConvGeometry { stride: [2, 2], ..square(4, 28, [16, 16], 4, 1) };
    assert!(auto(&halving) && is_tiled(Direction::InputGradient, &halving, Algorithm::Auto));
    assert!(!auto(&ConvGeometry { kernel: [3, 3], ..halving }));
}

#[test]
fn strided_convolutions_by_tiles_follow_the_definition() {
    let halving = |g: ConvGeometry| ConvGeometry { stride: [2, 2], ..g };
    for g in [
        halving(square(3, 28, [16, 24], 4, 1)),
        halving(square(3, 14, [20, 9], 4, 1)),
        halving(square(2, 27, [9, 40], 4, 0)),
        halving(ConvGeometry { width: 15, padding: [[2, 1], [3, 2]], ..square(2, 26, [8, 16], 4, 0) }),
        ConvGeometry { padding: [[1, 0], [0, 1]], ..square(2, 17, [16, 12], 2, 0) },
    ] {
        for direction in [Direction::Forward, Direction::InputGradient] {
            assert!(is_tiled(direction, &g, Algorithm::Auto), "{direction:?} of {g:?}");
        }
        check(g);
    }
}

#[test]
fn winograd_in_single_precision_stays_close_to_double() {
    let case = Case::<f32>::new(square(4, 28, [64, 64], 3, 1));
    for path in Instructions::available() {
        let [y, dx, dw] = case.errors(path, Algorithm::Auto);
        assert!(y < 5e-6 && dx < 5e-6 && dw < 1e-5, "{path:?}: {y:e} {dx:e} {dw:e}");
        // It is Winograd that is measured: the direct sum errs less.
        let direct = case.errors(path, Algorithm::Direct);
        assert!(direct.iter().all(|error| *error < 5e-7), "{path:?}: {direct:?}");
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    fn check<T: Float>(g: ConvGeometry) {
        let case = Case::<T>::new(g);
        let run = |threads: usize, algorithm: Algorithm| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let results = pool.install(|| case.run(Instructions::detect(), algorithm));
            results.map(|result| result.iter().map(|x| x.to_f64().to_bits()).collect::<Vec<_>>())
        };
        for algorithm in [Algorithm::Auto, Algorithm::Direct] {
            let one = run(1, algorithm);
            assert!(one == run(2, algorithm) && one == run(3, algorithm), "{g:?} by {algorithm:?}");
        }
    }
    for channels in [[24, 32], [1, 32], [32, 1]] {
        check::<f32>(square(12, 28, channels, 3, 1));
        check::<f64>(square(12, 28, channels, 3, 1));
        check::<f32>(ConvGeometry { stride: [2, 2], ..square(12, 28, channels, 4, 1) });
    }
}

#[test]
#[should_panic(expected = "elements of the operands and the output")]
fn a_wrong_length_is_refused() {
    let g = square(1, 5, [2, 2], 3, 1);
    let x = vec![0f32; g.input_len()];
    let w = vec![0f32; g.weight_len()];
    let convolution = Convolution { direction: Direction::Forward, geometry: g, algorithm: Algorithm::Auto };
    let mut scratch = vec![0f32; convolution.scratch::<f32>()];
    convolution.run(&x, &w, &mut vec![0f32; g.output_len() - 1], &mut scratch);
}

#[test]
#[should_panic(expected = "elements of scratch")]
fn short_scratch_is_refused() {
    let g = square(2, 12, [16, 16], 3, 1);
    let x = vec![0f32; g.input_len()];
    let w = vec![0f32; g.weight_len()];
    let convolution = Convolution { direction: Direction::Forward, geometry: g, algorithm: Algorithm::Auto };
    let mut scratch = vec![0f32; convolution.scratch::<f32>() - 1];
    convolution.run(&x, &w, &mut vec![0f32; g.output_len()], &mut scratch);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn any_geometry() -> impl Strategy<Value = ConvGeometry> {
    let pair = |range: std::ops::Range<usize>| [range.clone(), range];
    let sizes = (1usize..4, pair(1..14), pair(1..20));
    (sizes, pair(1..5), pair(1..4), [pair(0..4), pair(0..4)], pair(1..4)).prop_map(
        |((batch, [height, width], [in_channels, out_channels]), kernel, stride, padding, dilation)| {
            ConvGeometry {
                batch,
                height,
                width,
                in_channels,
                out_channels,
                kernel,
                stride,
                padding,
                dilation,
            }
        },
    )
}

fn unit_geometry() -> impl Strategy<Value = ConvGeometry> {
    any_geometry().prop_map(|g| ConvGeometry { stride: [1, 1], ..g })
}

fn halving_geometry() -> impl Strategy<Value = ConvGeometry> {
    (any_geometry(), [8usize..40, 8..40], [12usize..30, 12..30]).prop_map(
        |(g, [in_channels, out_channels], [height, width])| ConvGeometry {
            height,
            width,
            in_channels,
            out_channels,
            kernel: [4, 4],
            stride: [2, 2],
            dilation: [1, 1],
            ..g
        },
    )
}

fn winograd_geometry() -> impl Strategy<Value = ConvGeometry> {
    (any_geometry(), [8usize..40, 8..40]).prop_map(|(g, [in_channels, out_channels])| ConvGeometry {
        height: g.height + 3,
        width: g.width + 3,
        in_channels,
        out_channels,
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        ..g
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_convolution_follows_the_definition(g in any_geometry()) {
        check(g);
    }

    #[test]
    fn unit_stride_follows_the_definition(g in unit_geometry()) {
        check(g);
    }

    #[test]
    fn winograd_follows_the_definition(g in winograd_geometry()) {
        check(g);
    }

    #[test]
    fn halving_follows_the_definition(g in halving_geometry()) {
        check(g);
    }

    #[test]
    fn the_gradients_are_adjoint(g in prop_oneof![any_geometry(), winograd_geometry()]) {
        let case = Case::<f64>::new(g);
        let [y, dx, dw] = case.run(Instructions::detect(), Algorithm::Auto);
        let a = dot(&case.dy, &y);
        let b = dot(&dx, &case.x);
        let c = dot(&dw, &case.w);
        let bound = 1e-12 * (1.0 + dot(&y, &y).sqrt() * dot(&case.dy, &case.dy).sqrt());
        prop_assert!((a - b).abs() < bound && (a - c).abs() < bound, "{} {} {}", a, b, c);
    }
}
