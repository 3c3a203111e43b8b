//! What should be said of data before a training on them begins: noise levels and values of sizes that don't
//! go together, columns that say nothing, columns that whitening blows up.
//!
//! The rules, each with its threshold:
//! - The largest noise level is below a fiftieth of the largest distance between rows, or above fifty times
//!   it; the smallest is above the rows' standard deviation.
//! - A network that sees values as they are gets them with a standard deviation above 30 or below 0.01, or
//!   with columns a thousand times as wide as others, or with a mean of more than thirty standard deviations.
//! - A column of a table, or an element that a flow learns, is constant.
//! - A column that is whitened is a combination of the others to one part in a thousand (1 / (1 - R²), the
//!   variance inflation factor, above a million).

use crate::data::{Dataset, Preprocess, Statistics, Subset, Whitening, rows_of};
use crate::error::Result;
use crate::model::{Family, Support};
use crate::objective::HeldOutLoss;
use crate::sample::{Suggestion, SuggestionSettings, suggest};
use crate::settings::Settings;
use crate::text::number;

/// How far noise levels may be from the distances between rows.
const APART: f64 = 50.0;
/// Standard deviations that networks learn well from.
const WIDEST: f64 = 30.0;
const NARROWEST: f64 = 0.01;
/// The largest mean, in standard deviations, that networks learn well from.
const OFF_CENTRE: f64 = 30.0;
/// The largest ratio of the standard deviations of two columns.
const UNEQUAL: f64 = 1000.0;
/// The largest variance inflation factor.
const INFLATED: f64 = 1e6;
/// Rows that distances are taken between.
const ROWS: usize = 500;
/// Names that a warning lists.
const NAMED: usize = 6;

/// What is trained on what.
pub(super) struct Suitability<'a> {
    pub(super) settings: &'a Settings,
    /// The data as they were read, with the names of their columns.
    pub(super) dataset: &'a Dataset,
    /// The training rows as the model sees them.
    pub(super) training: &'a Subset,
    /// Their moments.
    pub(super) statistics: &'a Statistics,
    pub(super) whitening: Option<&'a Whitening>,
    /// The values that the model takes.
    pub(super) support: Support,
}

impl Suitability<'_> {
    /// All that should be said.
    ///
    /// # Errors
    /// Rows that can't be read.
    pub(super) fn warnings(&self) -> Result<Vec<String>> {
        let mut warnings = Vec::new();
        let constant = self.constant_columns();
        warnings.extend(constant);
        warnings.extend(self.inflated_columns());
        match self.settings.objective().method().held_out() {
            HeldOutLoss::Denoising => warnings.extend(self.noise_levels()?),
            _ => warnings.extend(self.sizes()),
        }
        warnings.extend(self.off_centre());
        Ok(warnings)
    }

    fn is_table(&self) -> bool {
        self.training.dataset().row_shape().len() == 1
    }

    /// The names of columns as the file has them, or their numbers.
    fn named(&self, columns: &[usize]) -> String {
        let kept = self.whitening.map(|whitening| &whitening.kept);
        let name = |column: &usize| {
            let at = kept.and_then(|kept| kept.get(*column)).copied().unwrap_or(*column);
            let names = self.dataset.columns().and_then(|names| names.get(at));
            names.cloned().unwrap_or_else(|| format!("column {}", at + 1))
        };
        let shown: Vec<String> = columns.iter().take(NAMED).map(name).collect();
        let more = columns.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{more}", shown.join(", "))
    }

    /// Whether an element does not vary, up to the rounding of its mean.
    fn is_constant(&self, at: usize) -> bool {
        let Statistics { mean, variance, .. } = self.statistics;
        variance[at] <= 1e-20 * mean[at] * mean[at]
    }

    fn constant_columns(&self) -> Option<String> {
        let gets_noise = self.settings.data().dequantise;
        let family = self.settings.model().method().family();
        let is_flow = family == Family::Flow;
        // A constant among bits or levels has a probability.
        if gets_noise
            || family == Family::Bipartite
            || self.support.is_discrete()
            || !(self.is_table() || is_flow)
        {
            return None;
        }
        let elements = self.statistics.variance.len();
        let constant: Vec<usize> = (0..elements).filter(|at| self.is_constant(*at)).collect();
        if constant.is_empty() {
            return None;
        }
        let what = if self.is_table() {
            format!("constant columns: {}", self.named(&constant))
        } else {
            format!("{} of {} elements are constant", constant.len(), elements)
        };
        let why = if is_flow {
            "; the likelihood of a flow grows there without bound"
        } else {
            "; they say nothing, and scales can't be fitted to them"
        };
        let remedy =
            if self.is_table() { "leave them out" } else { "set data.dequantise = true, or add noise" };
        Some(format!("{what}{why}; {remedy}"))
    }

    /// Columns that are combinations of others up to rounding, which whitening makes as wide as the rest.
    fn inflated_columns(&self) -> Option<String> {
        let whitening = self.whitening.filter(|_| self.settings.data().preprocess == Preprocess::Whiten)?;
        let k = whitening.kept.len();
        // Σ = W⁻¹ W⁻ᵀ and Σ⁻¹ = WᵀW: the factor is Σ_ii (Σ⁻¹)_ii.
        let variance = |i: usize| whitening.inverse[i * k..][..k].iter().map(|w| w * w).sum::<f64>();
        let precision = |i: usize| (0..k).map(|row| whitening.matrix[row * k + i].powi(2)).sum::<f64>();
        let factors: Vec<f64> = (0..k).map(|i| variance(i) * precision(i)).collect();
        let inflated: Vec<usize> = (0..k).filter(|i| factors[*i] > INFLATED).collect();
        if inflated.is_empty() {
            return None;
        }
        let largest = factors.iter().copied().fold(0.0, f64::max);
        Some(format!(
            "nearly combinations of other columns: {} (1 / (1 - R²) up to {largest:.1e}); whitening makes what is \
             left of them, perhaps rounding, as wide as the rest; leave one out{}",
            self.named(&inflated),
            if self.settings.data().drop_correlated > 0.0 { "" } else { ", or set data.drop_correlated" }
        ))
    }

    fn noise_levels(&self) -> Result<Option<String>> {
        let levels = self.settings.objective().method().levels()?;
        let levels = levels.as_slice();
        let (Some(largest), Some(smallest)) = (levels.first(), levels.last()) else { return Ok(None) };
        let row_len = self.training.dataset().row_len();
        let rows = rows_of(self.training, ROWS)?;
        let least = f64::MIN_POSITIVE.max(1e-30);
        let settings = SuggestionSettings { sigma_min: least, max_rows: ROWS, ..Default::default() };
        // Rows that are all equal have no distances to compare with.
        let Ok(Suggestion { sigma_max: distance, .. }) = suggest(&rows, row_len, settings) else {
            return Ok(None);
        };
        let deviation = self.statistics.mean_variance.sqrt();
        let wrong = if levels.len() > 1 && *largest * APART < distance {
            "too small to reach from one row to another"
        } else if *largest > APART * distance {
            "so large that the data are lost in them"
        } else if levels.len() > 1 && *smallest > deviation && deviation > 0.0 {
            "larger than the data even at the smallest"
        } else if levels.len() == 1 && (*largest > deviation * APART || largest * 1e4 < deviation) {
            "of another size than the data"
        } else {
            return Ok(None);
        };
        let smallest_fitting = 0.01 * deviation.clamp(1e-12, 1.0);
        Ok(Some(format!(
            "noise levels from {largest} to {smallest} are {wrong}: rows are up to {distance} apart, their values \
             have a standard deviation of {}; `enscore suggest` would take sigma_max = {distance}, \
             and a sigma_min of about {}; or bring the values to a size of about 1{}",
            number(deviation),
            number(smallest_fitting),
            self.remedy(),
            distance = number(distance),
        )))
    }

    /// Whether a network sees the values as they are: other families than these know the data's moments.
    fn is_seen_as_it_is(&self) -> bool {
        match self.settings.model().method().family() {
            Family::Score | Family::Energy => true,
            Family::Bipartite
            | Family::Flow
            | Family::Autoregressive
            | Family::LatentVariable
            | Family::Generator
            | Family::Baseline => false,
        }
    }

    /// Values far from zero, for their width, that a network sees as they are.
    fn off_centre(&self) -> Option<String> {
        if !self.is_seen_as_it_is() {
            return None;
        }
        let Statistics { mean, mean_variance, .. } = self.statistics;
        let deviation = mean_variance.sqrt();
        let far: Vec<usize> = (0..mean.len()).filter(|at| mean[*at].abs() > OFF_CENTRE * deviation).collect();
        let first = *far.first().filter(|_| deviation > 0.0)?;
        let which = if self.is_table() { format!(" ({})", self.named(&far)) } else { String::new() };
        Some(format!(
            "values far from zero{which}: a mean of {:.3e} and a standard deviation of {deviation:.3e}; networks learn \
             from values around 0; centre them{}",
            mean[first],
            self.remedy()
        ))
    }

    fn remedy(&self) -> &'static str {
        if self.is_table() { " with data.preprocess = \"standardise\"" } else { "" }
    }

    /// Values that a network sees in a size that it learns badly from.
    fn sizes(&self) -> Option<String> {
        let family = self.settings.model().method().family();
        if !self.is_seen_as_it_is() && !matches!(family, Family::Flow | Family::Bipartite) {
            return None;
        }
        let all = self.statistics.variance.iter().enumerate();
        let variance = all.filter(|(at, _)| !self.is_constant(*at)).map(|(_, variance)| variance);
        let widest = variance.clone().copied().fold(0.0, f64::max).sqrt();
        let narrowest = variance.copied().fold(f64::INFINITY, f64::min).sqrt();
        if widest == 0.0 {
            return None;
        }
        let deviation = self.statistics.mean_variance.sqrt();
        let is_unequal = self.is_table() && widest > UNEQUAL * narrowest;
        if (NARROWEST..=WIDEST).contains(&deviation) && !is_unequal {
            return None;
        }
        Some(format!(
            "the values have standard deviations from {} to {}: networks learn from values of \
             about 1; scale them{}",
            number(narrowest),
            number(widest),
            self.remedy()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Values, statistics};

    /// The warnings for these columns.
    fn warned(columns: &[&[f32]], names: &[&str], text: &str) -> Vec<String> {
        let rows = columns[0].len();
        let values: Vec<f32> = (0..rows).flat_map(|i| columns.iter().map(move |column| column[i])).collect();
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let dataset = Dataset::new("t", "t.csv", &[columns.len()], Values::F32(values)).unwrap();
        let dataset = dataset.with_columns(names).unwrap();
        let settings = Settings::parse(&format!("data.path = 't.csv'\n{text}"), "t.toml", &[]).unwrap();
        let prepared = crate::data::prepare(&dataset, settings.data(), 0, None).unwrap();
        let training = &prepared.parts.training;
        let statistics = &statistics(training).unwrap();
        let whitening = prepared.whitening.as_ref();
        Suitability {
            settings: &settings,
            dataset: &dataset,
            training,
            statistics,
            whitening,
            support: Support::Real,
        }
        .warnings()
        .unwrap()
    }

    fn noise(scale: f32, rate: f32) -> Vec<f32> {
        (0..400).map(|i| scale * (i as f32 * rate).sin()).collect()
    }

    const NCSN: &str = "model.kind = 'mlp'\ndata.validation = 0.1";
    const FLOW: &str = "model.kind = 'real-nvp'\nobjective.kind = 'ml'\ndata.validation = 0.1";

    #[test]
    fn noise_levels_are_compared_with_the_data() {
        for scale in [300.0, 1e3, 1e-5, 1e20] {
            let [a, b] = [noise(scale, 0.7), noise(scale, 1.3)];
            let warnings = warned(&[&a, &b], &["a", "b"], NCSN);
            assert_eq!(warnings.len(), 1, "{scale}: {warnings:?}");
            assert!(warnings[0].contains("suggest") && warnings[0].contains("standardise"), "{warnings:?}");
        }
        for scale in [0.3, 1.0, 5.0] {
            assert_eq!(
                warned(&[&noise(scale, 0.7), &noise(scale, 1.3)], &["a", "b"], NCSN),
                [""; 0],
                "{scale}"
            );
        }
    }

    #[test]
    fn a_constant_column_is_named() {
        let warnings = warned(&[&noise(1.0, 0.7), &[4.0; 400]], &["a", "always"], FLOW);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("always") && warnings[0].contains("without bound"), "{warnings:?}");
        assert_eq!(warned(&[&noise(1.0, 0.7), &noise(1.0, 1.3)], &["a", "b"], FLOW), [""; 0]);
    }

    #[test]
    fn a_sum_that_is_whitened_is_named() {
        let [a, b] = [noise(1.0, 0.7), noise(1.0, 1.3)];
        let sum = |step: f32| -> Vec<f32> {
            a.iter().zip(&b).map(|(a, b)| ((a + b) / step).round() * step).collect()
        };
        let whiten = format!("{FLOW}\ndata.preprocess = 'whiten'");
        let rounded = warned(&[&a, &b, &sum(1e-4)], &["a", "b", "total"], &whiten);
        assert_eq!(rounded.len(), 1, "{rounded:?}");
        assert!(rounded[0].contains("total") && rounded[0].contains("drop_correlated"), "{rounded:?}");
        assert_eq!(warned(&[&a, &b, &sum(0.1)], &["a", "b", "total"], &whiten), [""; 0]);
        let dropping = format!("{whiten}\ndata.drop_correlated = 0.999");
        let told = warned(&[&a, &b, &sum(1e-4)], &["a", "b", "total"], &dropping);
        assert!(told.len() == 1 && !told[0].contains("drop_correlated"), "{told:?}");
    }

    #[test]
    fn values_far_from_zero_are_told_to_networks() {
        let moved: Vec<f32> = noise(1.0, 0.7).iter().map(|v| v + 1e4).collect();
        let warnings = warned(&[&moved, &noise(1.0, 1.3)], &["year", "b"], NCSN);
        assert!(warnings.len() == 1 && warnings[0].contains("(year)"), "{warnings:?}");
        assert_eq!(warned(&[&moved, &noise(1.0, 1.3)], &["year", "b"], FLOW), [""; 0]);
        let text = format!("{NCSN}\ndata.preprocess = 'standardise'");
        assert_eq!(warned(&[&moved, &noise(1.0, 1.3)], &["year", "b"], &text), [""; 0]);
    }

    #[test]
    fn families_that_know_the_moments_take_values_of_any_size() {
        let moved: Vec<f32> = noise(2e3, 0.7).iter().map(|v| v + 1e6).collect();
        for kind in ["gaussian", "gaussian-mixture", "kde", "mlp-generator"] {
            let text = format!("model.kind = '{kind}'\ndata.validation = 0.1");
            assert_eq!(warned(&[&moved, &noise(0.01, 1.3)], &["a", "b"], &text), [""; 0], "{kind}");
        }
    }

    #[test]
    fn values_far_from_one_are_told_to_networks() {
        let far = warned(&[&noise(2e3, 0.7), &noise(1e3, 1.3)], &["a", "b"], FLOW);
        assert!(far.len() == 1 && far[0].contains("about 1"), "{far:?}");
        let unequal = warned(&[&noise(20.0, 0.7), &noise(0.01, 1.3)], &["a", "b"], FLOW);
        assert!(unequal.len() == 1 && unequal[0].contains("standardise"), "{unequal:?}");
        let text = format!("{FLOW}\ndata.preprocess = 'standardise'");
        assert_eq!(warned(&[&noise(2e3, 0.7), &noise(0.01, 1.3)], &["a", "b"], &text), [""; 0]);
    }
}
