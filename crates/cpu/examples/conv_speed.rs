//! Times the three functions of a convolution and some matrix products in f32: smallest and median milliseconds.
//!
//! `cargo run --release -p enscore-cpu --example conv_speed [repetitions [name]]`

use std::time::Instant;

use enscore_cpu::conv::{
    Algorithm, ConvGeometry, forward, forward_scratch, input_gradient, input_gradient_scratch,
    weight_gradient, weight_gradient_scratch,
};
use enscore_cpu::matmul::{MatmulShape, matmul, scratch_len};

fn values(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i * 7919 % 1009) as f32 / 504.0 - 1.0).collect()
}

/// Smallest and median time of a call, in milliseconds.
fn time(repetitions: usize, mut call: impl FnMut()) -> [f64; 2] {
    call();
    let mut times: Vec<f64> = (0..repetitions.max(1))
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    [times[0], times[times.len() / 2]]
}

fn convolution(name: &str, g: ConvGeometry, algorithm: Algorithm, repetitions: usize) {
    let (x, w, dy) = (values(g.input_len()), values(g.weight_len()), values(g.output_len()));
    let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
    let longest = forward_scratch::<f32>(&g, algorithm)
        .max(input_gradient_scratch::<f32>(&g, algorithm))
        .max(weight_gradient_scratch::<f32>(&g, algorithm));
    let mut scratch = vec![0f32; longest];
    let times = [
        time(repetitions, || forward(&g, algorithm, &x, &w, &mut y, &mut scratch)),
        time(repetitions, || input_gradient(&g, algorithm, &dy, &w, &mut dx, &mut scratch)),
        time(repetitions, || weight_gradient(&g, algorithm, &x, &dy, &mut dw, &mut scratch)),
    ];
    let operations = 2e-6 * (g.output_len() * g.weight_len() / g.out_channels.max(1)) as f64;
    let cells = times.map(|[least, median]| format!("{least:7.2} {median:7.2} ({:4.0})", operations / least));
    println!("{name:28} {algorithm:?}: {}  scratch {} KiB", cells.join(" | "), longest * 4 / 1024);
}

fn main() {
    let repetitions = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(15);
    let wanted = std::env::args().nth(2).unwrap_or_default();
    let g = |size: usize, channels: [usize; 2], kernel: usize, stride: usize, padding: usize| ConvGeometry {
        batch: 64,
        height: size,
        width: size,
        in_channels: channels[0],
        out_channels: channels[1],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [[padding; 2]; 2],
        dilation: [1; 2],
    };
    println!("forward | input gradient | weight gradient: least, median ms (GFLOP/s of the direct sum)");
    for (name, g) in [
        ("3x3 64->64 28x28", g(28, [64, 64], 3, 1, 1)),
        ("3x3 128->128 14x14", g(14, [128, 128], 3, 1, 1)),
        ("3x3 256->256 7x7", g(7, [256, 256], 3, 1, 1)),
        ("3x3 32->32 28x28", g(28, [32, 32], 3, 1, 1)),
        ("3x3 16->16 8x8", g(8, [16, 16], 3, 1, 1)),
        ("3x3 1->64 28x28", g(28, [1, 64], 3, 1, 1)),
        ("3x3 64->1 28x28", g(28, [64, 1], 3, 1, 1)),
        ("4x4 stride 2 32->64 28x28", g(28, [32, 64], 4, 2, 1)),
        ("3x3 stride 2 64->128 28x28", g(28, [64, 128], 3, 2, 1)),
        ("3x3 stride 2 128->256 14x14", g(14, [128, 256], 3, 2, 1)),
        ("3x3 stride 2 1->64 28x28", g(28, [1, 64], 3, 2, 1)),
        ("1x1 128->64 28x28", g(28, [128, 64], 1, 1, 0)),
    ] {
        if name.contains(&wanted) {
            convolution(name, g, Algorithm::Auto, repetitions);
        }
    }
    if "direct".contains(&wanted) {
        convolution("3x3 64->64 28x28", g(28, [64, 64], 3, 1, 1), Algorithm::Direct, repetitions);
    }
    if !"matmul".contains(&wanted) {
        return;
    }
    for [batch, m, k, n] in [
        [1, 1024, 1024, 1024],
        [1, 128, 4096, 128],
        [1, 4096, 128, 128],
        [1, 128, 784, 1024],
        [1, 16, 1024, 1024],
        [64, 49, 64, 49],
    ] {
        let shape = MatmulShape { batch, m, k, n, transpose_a: false, transpose_b: false };
        let (a, b) = (values(batch * m * k), values(batch * k * n));
        let (mut out, mut scratch) = (vec![0f32; batch * m * n], vec![0f32; scratch_len(shape)]);
        let [least, median] = time(repetitions, || matmul(shape, &a, &b, &mut out, &mut scratch));
        let rate = 2e-6 * (batch * m * k * n) as f64 / least;
        println!("matmul {batch}x[{m}, {k}]x[{k}, {n}]: {least:.3} {median:.3} ms ({rate:.0} GFLOP/s)");
    }
}
