//! PixelCNNs: what a pixel depends on, sums over all images, draws against the program.

use crate::common::traced::{all_states, float, normals, run};
use enscore::executor::{Weights, default_executor};
use enscore::model::{
    Component, Conditional, Given, LogDensity, Network, Normalised, PixelCnn, parameters_of, trace,
};
use enscore_program::{Kind, Parameter, Value, Var};

const BITS: Conditional = Conditional::Bernoulli;
const LEVELS: Conditional = Conditional::Mixture { of: Component::Levels(4), components: 2 };

struct Known {
    net: PixelCnn,
    parameters: Vec<Parameter>,
    values: Vec<Vec<f64>>,
}

fn known([height, width]: [usize; 2], conditional: Conditional) -> Known {
    let net = PixelCnn::new([height, width], 3, 2, conditional, 0.4).unwrap();
    let parameters = parameters_of(&Network::Normalised(Box::new(net.clone()))).unwrap();
    let value = |(i, p): (usize, &Parameter)| -> Vec<f64> {
        normals(60 + i as u64, p.size()).into_iter().map(|z| 0.6 * z).collect()
    };
    let values = parameters.iter().enumerate().map(value).collect();
    Known { net, parameters, values }
}

impl Known {
    /// What `of` makes of images.
    fn of(
        &self,
        x: &[f64],
        of: impl for<'s> Fn(&PixelCnn, &enscore_program::Parameters<'s>, Var<'s>) -> Var<'s>,
    ) -> Vec<f64> {
        let shape = self.net.row_shape();
        let n = x.len() / shape.iter().product::<usize>();
        let (program, _) = trace(&self.parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &[n, shape[0], shape[1], 1]);
            vec![("out".to_string(), of(&self.net, parameters, x))]
        })
        .unwrap();
        let inputs: Vec<Value> = self.values.iter().map(|v| float(v)).chain([float(x)]).collect();
        run(&program, &inputs).remove(0)
    }

    fn weights(&self) -> Weights {
        let single: Vec<Vec<f32>> =
            self.values.iter().map(|v| v.iter().map(|v| *v as f32).collect()).collect();
        Weights::upload(&*default_executor(), &self.parameters, &single).unwrap()
    }
}

#[test]
fn probabilities_of_all_images_sum_to_one() {
    let bits = known([3, 3], BITS).of(&all_states(9, 2), PixelCnn::log_density);
    let levels = known([2, 2], LEVELS).of(&all_states(4, 4), PixelCnn::log_density);
    for f in [bits, levels] {
        let total: f64 = f.iter().map(|f| f.exp()).sum();
        assert!((total - 1.0).abs() < 1e-10, "{total}");
    }
}

/// A change of a pixel changes what is said of those behind it, and of itself, alone.
#[test]
fn a_pixel_depends_on_those_before_it_alone() {
    let known = known([5, 6], BITS);
    let conditionals = |x: &[f64]| known.of(x, PixelCnn::log_conditionals);
    let x: Vec<f64> = (0..30).map(|i| f64::from(u8::from(i % 3 == 1))).collect();
    let before = conditionals(&x);
    for changed in 0..30 {
        let mut other = x.clone();
        other[changed] = 1.0 - other[changed];
        let after = conditionals(&other);
        let differs = |pixel: usize| (before[pixel] - after[pixel]).abs() > 1e-12;
        assert!((0..changed).all(|pixel| !differs(pixel)), "before {changed}");
        assert!(differs(changed), "{changed}");
        // The pixels next to it, to the right and below, see it.
        let next = [(changed % 6 < 5, changed + 1), (changed < 24, changed + 6)];
        assert!(next.iter().all(|(inside, pixel)| !inside || differs(*pixel)), "after {changed}");
    }
}

/// Frequencies of draws beside the probabilities of all images, of the last pixels given the first ones too.
#[test]
fn draws_have_the_probabilities_of_the_model() {
    for (conditional, levels, given) in [(BITS, 2, 0), (BITS, 2, 3), (LEVELS, 4, 2)] {
        let pixels = if levels == 2 { 6 } else { 3 };
        let known = known([pixels / 3, 3], conditional);
        let images = all_states(pixels, levels);
        let f = known.of(&images, PixelCnn::log_density);
        let agrees = |x: &[f64]| x[..given].iter().all(|x| *x == 1.0);
        let total: f64 =
            f.iter().zip(images.chunks(pixels)).filter(|(_, x)| agrees(x)).map(|(f, _)| f.exp()).sum();
        let mut draws = known.net.draws(&known.weights(), 5).unwrap();
        if given > 0 {
            let row = vec![1.0; pixels];
            draws.give(Given { row, known: (0..pixels).map(|i| i < given).collect() }).unwrap();
        }
        let n = 20_000;
        draws.start(0..n).unwrap();
        draws.advance(0..pixels).unwrap();
        let steps = (levels - 1) as f32;
        let rows: Vec<f64> =
            draws.rows().into_iter().map(|x| f64::from((x * steps).round()) / f64::from(steps)).collect();
        for (f, image) in f.iter().zip(images.chunks(pixels)) {
            let p = if agrees(image) { f.exp() / total } else { 0.0 };
            let share = rows.chunks(pixels).filter(|row| *row == image).count() as f64 / n as f64;
            let error = (p * (1.0 - p) / n as f64).sqrt();
            assert!((share - p).abs() <= 5.0 * error + 1e-9, "{levels}, {given}: {image:?}: {share}, {p}");
        }
    }
}

/// Images do not depend on those beside them, nor on how many pixels are drawn at once.
#[test]
fn a_draw_is_its_own() {
    let known = known([4, 5], LEVELS);
    let weights = known.weights();
    let drawn = |rows: std::ops::Range<usize>, at_once: usize| {
        let mut draws = known.net.draws(&weights, 9).unwrap();
        draws.start(rows).unwrap();
        (0..20).step_by(at_once).for_each(|from| draws.advance(from..from + at_once).unwrap());
        draws.rows()
    };
    let all = drawn(0..40, 1);
    assert_eq!(all.len(), 800);
    assert_eq!(drawn(16..19, 5), all[16 * 20..19 * 20]);
    let mut draws = known.net.draws(&weights, 0).unwrap();
    let known = (0..20).map(|pixel| pixel != 3).collect();
    let refused = draws.give(Given { row: vec![0.0; 20], known }).unwrap_err().to_string();
    assert!(refused.contains("value 4") && refused.contains("value 3"), "{refused}");
}
