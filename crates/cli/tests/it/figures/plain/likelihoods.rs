//! Likelihoods of held-out rows in the units and beside the bars that readers expect, by plain loops.

use enscore::streams::HELD_OUT_NOISE;
use enscore_program::random::{Key, row_words, uniform};

use super::by_hand::{ByHand, Rows};

/// Of a flow of dequantised levels: -log2 of the mass of each row's cell, b⁻ᵈ p((level + u) / b), over d.
pub fn bits_per_dim(hand: &ByHand, rows: &Rows, seed: u64) -> Option<Vec<f64>> {
    let levels = hand.training.dataset().scale().levels.filter(|_| hand.settings.data().dequantise)?;
    hand.model.flow()?;
    let d = hand.row_len();
    let noisy = |(i, row): (usize, &Vec<f64>)| -> Vec<f64> {
        let mut words = vec![0; d];
        row_words(Key::new(seed, 0), HELD_OUT_NOISE, i as u64, &mut words);
        let of = |(x, word): (&f64, &u32)| {
            let level = (x * f64::from(levels - 1)).round();
            f64::from(((level + f64::from(uniform(*word) as f32)) / f64::from(levels)) as f32)
        };
        row.iter().zip(&words).map(of).collect()
    };
    let noisy: Rows = rows.iter().enumerate().map(noisy).collect();
    let cell = f64::from(levels).log2();
    let bits = |f: &f64| cell - f / (d as f64 * std::f64::consts::LN_2);
    Some(hand.log_densities(&noisy).iter().map(bits).collect())
}

/// Of a machine of binary units: log p of each row by units that stand alone, with the rates
/// (ones + 1) / (rows + 2) of what the run learnt from.
pub fn independent_units(hand: &ByHand, rows: &Rows) -> Option<Vec<f64>> {
    hand.units().filter(|units| units.is_binary())?;
    let learnt_from = hand.learnt_from();
    let rate = |unit: usize| {
        let ones = learnt_from.iter().filter(|row| row[unit] == 1.0).count();
        (ones as f64 + 1.0) / (learnt_from.len() as f64 + 2.0)
    };
    let rates: Vec<f64> = (0..hand.row_len()).map(rate).collect();
    let of_unit = |(x, rate): (&f64, &f64)| if *x == 1.0 { rate.ln() } else { (1.0 - rate).ln() };
    Some(rows.iter().map(|row| row.iter().zip(&rates).map(of_unit).sum()).collect())
}
