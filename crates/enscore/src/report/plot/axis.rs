//! Axes: which range to show, and ticks at round numbers.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// How values lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps for equal differences.
    Linear,
    /// Equal steps for equal ratios; zero and negative values aren't drawn.
    Log,
    /// Equal steps for equal differences of square roots, from 0 up; negative values aren't drawn.
    Root,
}

impl Scale {
    /// Whether a value can be drawn. Beyond these bounds ranges and their margins would overflow.
    pub(in crate::report) fn shows(self, value: f64) -> bool {
        match self {
            Scale::Linear => value.abs() <= 1e300,
            Scale::Log => (1e-200..=1e200).contains(&value),
            Scale::Root => (0.0..=1e300).contains(&value),
        }
    }

    fn forward(self, value: f64) -> f64 {
        match self {
            Scale::Linear => value,
            Scale::Log => value.ln(),
            Scale::Root => value.max(0.0).sqrt(),
        }
    }
}

/// Fewer ticks than this don't say how values lie along a logarithmic axis.
const FEWEST: usize = 3;
/// Ticks of roots crowd at the lower end; those closer than this share of the axis are left out.
const CROWDED: f64 = 0.09;

/// A range `low < high` on a scale.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct Axis {
    scale: Scale,
    pub(in crate::report) low: f64,
    pub(in crate::report) high: f64,
}

/// A value with its label.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Tick {
    pub(in crate::report) value: f64,
    pub(in crate::report) label: String,
}

/// An axis with its ticks, as plotters asks for them.
#[derive(Clone, Debug)]
pub(in crate::report) struct Ruled {
    pub(in crate::report) axis: Axis,
    pub(in crate::report) ticks: Vec<Tick>,
}

impl Ranged for Ruled {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        // A cast from float saturates; NaN, which callers leave out, lies at the lower end.
        let along = self.axis.position(*value).clamp(-1e3, 1e3) * f64::from(to - from);
        from.saturating_add(along.round() as i32)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Light points are those between ticks.
        let light = hint.weight().allow_light_points();
        if light { Vec::new() } else { self.ticks.iter().map(|tick| tick.value).collect() }
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.axis.low..self.axis.high
    }
}

impl ValueFormatter<f64> for Ruled {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.value == *value);
        tick.map_or(String::new(), |tick| tick.label.clone())
    }
}

impl Axis {
    /// The range of the values that can be drawn, widened at both ends by `margin` of its length. Constant
    /// values get a range around them; no value at all gives 0 to 1 (1 to 10 on a log scale). A scale of
    /// roots begins at 0.
    pub(in crate::report) fn fit(values: impl Iterator<Item = f64>, scale: Scale, margin: f64) -> Axis {
        let shown = values.filter(|&value| scale.shows(value));
        let (low, high) = shown
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let none = low > high;
        match scale {
            Scale::Linear if none => Axis { scale, low: 0.0, high: 1.0 },
            Scale::Log if none => Axis { scale, low: 1.0, high: 10.0 },
            Scale::Root => {
                Axis { scale, low: 0.0, high: if high > 0.0 { high * (1.0 + margin) } else { 1.0 } }
            }
            Scale::Linear => {
                let size = low.abs().max(high.abs());
                // Labels tell no smaller differences apart.
                let constant = high - low <= 1e-6 * size;
                let widen = if size < 1e-300 {
                    1.0
                } else if constant {
                    0.1 * size
                } else {
                    margin * (high - low)
                };
                Axis { scale, low: low - widen, high: high + widen }
            }
            Scale::Log => {
                let length = high.ln() - low.ln();
                let widen = if length <= 1e-6 { 2.0 } else { (margin * length).exp() };
                Axis { scale, low: low / widen, high: high * widen }
            }
        }
    }

    /// The range from one end to the other, which must be `low < high`.
    pub(in crate::report) fn linear(low: f64, high: f64) -> Axis {
        Axis { scale: Scale::Linear, low, high }
    }

    /// Where a value lies: 0 at `low`, 1 at `high`.
    pub(in crate::report) fn position(&self, value: f64) -> f64 {
        let forward = |value| self.scale.forward(value);
        (forward(value) - forward(self.low)) / (forward(self.high) - forward(self.low))
    }

    /// The axis with ticks, `wanted` or a few more or less.
    pub(in crate::report) fn ruled(self, wanted: usize) -> Ruled {
        Ruled { axis: self, ticks: self.ticks(wanted) }
    }

    /// Ticks at round numbers, `wanted` or a few more or less, in rising order; on a log scale at 1, 2 and 5
    /// times powers of ten, or at powers of ten where these are many.
    fn ticks(&self, wanted: usize) -> Vec<Tick> {
        match self.scale {
            Scale::Log => {
                let decades = self.high.log10() - self.low.log10();
                let ticks = [self.decade_ticks(decades, wanted), self.even_ticks(wanted)];
                let enough = ticks.into_iter().find(|ticks| ticks.len() >= FEWEST);
                enough.unwrap_or_else(|| self.even_ticks(2 * wanted))
            }
            Scale::Linear => self.even_ticks(wanted),
            Scale::Root => {
                let mut kept: Vec<Tick> = Vec::new();
                for tick in self.even_ticks(wanted) {
                    let clear = kept
                        .last()
                        .is_none_or(|last| self.position(tick.value) - self.position(last.value) >= CROWDED);
                    kept.extend(clear.then_some(tick));
                }
                kept
            }
        }
    }

    /// What its label says of a scale that is not linear.
    pub(in crate::report) fn scale_name(&self) -> &'static str {
        match self.scale {
            Scale::Linear => "",
            Scale::Log => "log scale",
            Scale::Root => "square-root scale",
        }
    }

    fn even_ticks(&self, wanted: usize) -> Vec<Tick> {
        let step = round_step((self.high - self.low) / wanted.max(1) as f64);
        // A rounding error of a thousandth of a step mustn't lose the tick at an end.
        let first = (self.low / step - 1e-3).ceil();
        let count = ((self.high / step + 1e-3).floor() - first).clamp(0.0, 50.0) as usize;
        let largest = self.low.abs().max(self.high.abs());
        let values = (0..=count).map(|index| (first + index as f64) * step);
        values.map(|value| Tick { value, label: even_label(value, step, largest) }).collect()
    }

    fn decade_ticks(&self, decades: f64, wanted: usize) -> Vec<Tick> {
        let wanted = wanted.max(1) as f64;
        let stride = (decades / wanted).ceil().max(1.0) as i32;
        let within: &[u32] = if decades * 3.0 <= wanted * 2.5 { &[1, 2, 5] } else { &[1] };
        let first = self.low.log10().floor() as i32;
        let last = self.high.log10().ceil() as i32;
        let exponents = (first..=last).filter(|exponent| exponent.rem_euclid(stride) == 0);
        let candidates = exponents.flat_map(|exponent| within.iter().map(move |&digit| (digit, exponent)));
        candidates
            .filter_map(|(digit, exponent)| {
                let short = format!("{digit}e{exponent}");
                // Parsed, so that 1e-3 is the float nearest to 0.001 and prints so.
                let value: f64 = short.parse().ok()?;
                let inside = (self.low * (1.0 - 1e-9)..=self.high * (1.0 + 1e-9)).contains(&value);
                let label = if (1e-3..1e5).contains(&value) { value.to_string() } else { short };
                inside.then_some(Tick { value, label })
            })
            .collect()
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * power >= step * (1.0 - 1e-9));
    digit.unwrap_or(10.0) * power
}

/// A tick's label with as many digits as tell neighbours apart.
fn even_label(value: f64, step: f64, largest: f64) -> String {
    let exponent = |value: f64| (value.abs().log10() + 1e-9).floor();
    if value.abs() < step * 1e-3 {
        return "0".into();
    }
    if largest < 1e6 && step >= 1e-4 {
        return format!("{value:.*}", (-exponent(step)).max(0.0) as usize);
    }
    format!("{value:.*e}", (exponent(value) - exponent(step)).clamp(0.0, 17.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_roots_begin_at_zero_and_do_not_crowd() {
        assert_eq!(
            labels(&[0.3, 1.0], Scale::Root, 5),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"].map(|l| if l == "0.0" { "0" } else { l })
        );
        let axis = Axis::fit([0.0, 100.0].into_iter(), Scale::Root, 0.0);
        assert!((axis.position(25.0) - 0.5).abs() < 1e-12);
        assert_eq!(axis.position(-1.0), 0.0);
    }

    fn labels(values: &[f64], scale: Scale, wanted: usize) -> Vec<String> {
        let axis = Axis::fit(values.iter().copied(), scale, 0.0);
        axis.ticks(wanted).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(&[0.0, 10000.0], Scale::Linear, 5), ["0", "2000", "4000", "6000", "8000", "10000"]);
        assert_eq!(labels(&[-0.3, 0.3], Scale::Linear, 4), ["-0.2", "0", "0.2"]);
        assert_eq!(labels(&[0.1, 0.3], Scale::Linear, 4), ["0.10", "0.15", "0.20", "0.25", "0.30"]);
        assert_eq!(labels(&[0.0, 3e6], Scale::Linear, 3), ["0", "1e6", "2e6", "3e6"]);
    }

    #[test]
    fn log_ticks_are_powers_of_ten() {
        assert_eq!(labels(&[1e-4, 10.0], Scale::Log, 5), ["1e-4", "0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(labels(&[0.01, 1.0], Scale::Log, 5), ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"]);
        assert_eq!(labels(&[0.13, 4.0], Scale::Log, 4), ["0.2", "0.5", "1", "2"]);
        assert_eq!(labels(&[1.0, 3.0], Scale::Log, 4), ["1.0", "1.5", "2.0", "2.5", "3.0"]);
        assert!(labels(&[1e-190, 1e190], Scale::Log, 5).len() <= 7);
    }

    #[test]
    fn every_log_axis_has_ticks_that_say_its_scale() {
        for low in [0.011, 0.1, 0.13, 0.3, 0.99, 1.0, 7.0] {
            for ratio in [1.05, 1.5, 3.0, 9.9, 12.0, 40.0, 99.0, 101.0, 900.0, 1e4, 1e7, 1e30] {
                for wanted in [4, 5] {
                    let ticks = labels(&[low, low * ratio], Scale::Log, wanted);
                    assert!((3..=13).contains(&ticks.len()), "{low} to {}: {ticks:?}", low * ratio);
                }
            }
        }
    }

    #[test]
    fn degenerate_ranges_still_have_length_and_ticks() {
        for scale in [Scale::Linear, Scale::Log, Scale::Root] {
            for values in [
                &[][..],
                &[5.0],
                &[5.0, 5.0],
                &[0.0],
                &[f64::NAN, f64::INFINITY],
                &[-1e300, 1e300],
                &[1e-200, 1e200],
                &[1e16, 1e16 + 2.0],
                &[5e-324],
            ] {
                let axis = Axis::fit(values.iter().copied(), scale, 0.05);
                assert!(axis.low < axis.high, "{values:?} {axis:?}");
                let ticks = axis.ticks(5);
                assert!((1..=16).contains(&ticks.len()), "{values:?} {scale:?} {ticks:?}");
                let inside = |tick: &Tick| (-0.01..=1.01).contains(&axis.position(tick.value));
                assert!(ticks.iter().all(inside), "{values:?} {scale:?} {ticks:?}");
            }
        }
    }

    #[test]
    fn positions_follow_the_scale() {
        let linear = Axis::fit([0.0, 4.0].into_iter(), Scale::Linear, 0.0);
        assert!((linear.position(1.0) - 0.25).abs() < 1e-12);
        let log = Axis::fit([0.01, 100.0].into_iter(), Scale::Log, 0.0);
        assert!((log.position(1.0) - 0.5).abs() < 1e-12);
    }
}
