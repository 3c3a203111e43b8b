//! Colours from dark to bright for a number in [0, 1], of evenly rising lightness, which the colour-blind see
//! too: CIE L* = 4 + 93 t within 1.
//!
//! Six anchor colours with straight lines between them. A ramp has few levels, so that pictures stay small as
//! files.

/// Different colours; a step is below what the eye tells apart.
const LEVELS: f64 = 63.0;

/// Which colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Ramp {
    /// Night blue, purple, crimson, orange, gold, cream: densities.
    Warm,
    /// Night blue, navy, blue, teal, pale green, near-white: lengths of scores.
    Cool,
}

impl Ramp {
    /// Anchors at t = 0, 1/5, ..., 1.
    fn anchors(self) -> [[u8; 3]; 6] {
        match self {
            Ramp::Warm => {
                [[14, 10, 38], [84, 19, 121], [178, 39, 109], [241, 98, 70], [250, 181, 64], [253, 247, 213]]
            }
            Ramp::Cool => {
                [[5, 12, 39], [10, 52, 111], [20, 101, 154], [48, 158, 172], [123, 210, 187], [238, 249, 233]]
            }
        }
    }

    /// The colour of `t`, clamped to [0, 1]; the darkest for NaN.
    pub(in crate::report) fn colour(self, t: f64) -> [u8; 3] {
        let anchors = self.anchors();
        let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) };
        let along = (t * LEVELS).round() / LEVELS * (anchors.len() - 1) as f64;
        let from = (along as usize).min(anchors.len() - 2);
        let share = along - from as f64;
        let mixed = |channel: usize| {
            let a = f64::from(anchors[from][channel]);
            let b = f64::from(anchors[from + 1][channel]);
            (a + (b - a) * share).round() as u8
        };
        [mixed(0), mixed(1), mixed(2)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CIE 1976 L* of an sRGB colour.
    fn lightness(rgb: [u8; 3]) -> f64 {
        let linear = |level: u8| {
            let v = f64::from(level) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        let y = 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
        if y > 0.008856 { 116.0 * y.cbrt() - 16.0 } else { 903.3 * y }
    }

    #[test]
    fn lightness_rises_evenly() {
        for ramp in [Ramp::Warm, Ramp::Cool] {
            for level in 0..=63 {
                let t = f64::from(level) / LEVELS;
                let found = lightness(ramp.colour(t));
                assert!((found - (4.0 + 93.0 * t)).abs() < 1.0, "{ramp:?} {t}: {found}");
            }
        }
    }

    #[test]
    fn numbers_outside_are_clamped() {
        for ramp in [Ramp::Warm, Ramp::Cool] {
            assert_eq!(ramp.colour(-1.0), ramp.anchors()[0]);
            assert_eq!(ramp.colour(f64::NAN), ramp.anchors()[0]);
            assert_eq!(ramp.colour(f64::INFINITY), ramp.anchors()[5]);
        }
    }
}
