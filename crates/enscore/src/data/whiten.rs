//! Whitens tables: z = W (x - mean) over the columns kept, so that training rows have mean 0 and covariance
//! I.
//!
//! With the standard deviations D and the correlations R = U diag(l) U^T of the training rows, W =
//! diag(l)^(-1/2) U^T D^-1 (principal components of the standardised columns; any other whitening is a
//! rotation of it); standardising alone is W = D^-1. Moments divide by the number of rows. A density of z
//! becomes one of x by log p(x) = log p(z) + log|det W|, in nats.
//!
//! Before that, the protocol of Wenliang, Sutherland, Strathmann and Gretton (2019), which Song, Garg, Shi
//! and Ermon (2019, section 6.1) follow: of columns that are correlated by more than 0.98 the first is
//! dropped, again and again, and each value gets uniform noise. As in the code published with that paper, the
//! noise reaches as far to either side as the median spacing of the column's distinct values. Unlike there,
//! all of it is fitted on the training rows alone.

use enscore_program::random::{Key, row_words, uniform};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::settings::Preprocess;
use super::{Dataset, Subset, Values};
use crate::error::{Error, Result};

/// Eigenvalues of correlations below this are rounding: some column is a combination of others.
const SINGULAR: f64 = 1e-10;

/// The affine map from a table's rows to what a model sees, kept in the run's manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whitening {
    /// How many values a row has before.
    pub columns: usize,
    /// The columns that are kept, rising: `[k]`.
    pub kept: Vec<usize>,
    /// How far uniform noise reaches to either side, for each kept column; empty where no noise is added.
    pub noise: Vec<f64>,
    /// The mean of the training rows: `[k]`.
    pub mean: Vec<f64>,
    /// W, row after row: `[k, k]`.
    pub matrix: Vec<f64>,
    /// The inverse of W, row after row: `[k, k]`.
    pub inverse: Vec<f64>,
    /// log|det W|: what the log density of z lacks to be one of x, in nats.
    pub log_abs_det: f64,
}

/// What is fitted on training rows.
#[derive(Clone, Debug, PartialEq)]
pub struct WhiteningSettings {
    /// Whether columns are standardised or whitened; none leaves them as they are.
    pub preprocess: Preprocess,
    /// Drop the first of two columns whose correlation exceeds this, and constant columns; 0 drops none.
    pub drop_correlated: f64,
    /// Whether each value gets uniform noise of its column's resolution.
    pub noise: bool,
    /// Columns that are left out, by position.
    pub leave_out: Vec<usize>,
}

impl Whitening {
    /// Fits the map on `training`, whose noise is that of [`Whitening::transformed`] under `seed` and
    /// `stream`.
    ///
    /// # Errors
    /// Rows that are no vectors, columns that are constant or combinations of others.
    pub fn fit(training: &Subset, settings: WhiteningSettings, seed: u64, stream: u32) -> Result<Whitening> {
        let data = training.dataset();
        if data.row_shape().len() != 1 {
            return Err(Error::input("only vectors can be standardised or whitened")
                .at(data.source())
                .found(format!("rows of shape {:?}", data.row_shape()))
                .remedy("set data.preprocess = \"none\""));
        }
        let columns = data.row_len();
        let kept: Vec<usize> = (0..columns).filter(|column| !settings.leave_out.contains(column)).collect();
        let mut whitening = Whitening::keeping(columns, kept.clone());
        if settings.drop_correlated > 0.0 {
            let moments = Moments::of(&whitening.rows(training, seed, stream)?, kept.len());
            let uncorrelated = moments.uncorrelated(settings.drop_correlated);
            whitening = Whitening::keeping(columns, uncorrelated.into_iter().map(|at| kept[at]).collect());
        }
        let width = whitening.kept.len();
        if settings.noise {
            let rows = whitening.rows(training, seed, stream)?;
            whitening.noise = (0..width).map(|column| spacing(&rows, column, width)).collect();
        }
        let moments = Moments::of(&whitening.rows(training, seed, stream)?, width);
        let constant: Vec<usize> =
            (0..width).filter(|&j| moments.deviation[j] <= 0.0).map(|j| whitening.kept[j]).collect();
        if width == 0 {
            return Err(Error::input("no column varies over the training rows").at(data.source()));
        }
        if !constant.is_empty() {
            return Err(Error::input("constant columns in the training rows")
                .at(data.source())
                .found(named(data, &constant))
                .remedy("set data.drop_correlated = 0.98, which also drops them, or data.leave_out"));
        }
        let rows = training.rows().len();
        if settings.preprocess == Preprocess::Whiten && rows <= width {
            return Err(Error::input("more columns than training rows can't be whitened")
                .at(data.source())
                .found(format!("{width} columns, {rows} training rows"))
                .expected("more rows than columns")
                .remedy("set data.preprocess = \"standardise\", or leave columns out"));
        }
        match settings.preprocess {
            Preprocess::None => {}
            Preprocess::Standardise => whitening.standardise(&moments),
            Preprocess::Whiten => {
                let remedy = if settings.drop_correlated > 0.0 {
                    "set data.preprocess = \"standardise\", or leave columns out"
                } else {
                    "set data.drop_correlated = 0.98, or leave columns out"
                };
                whitening.whiten(&moments).map_err(|error| error.at(data.source()).remedy(remedy))?;
            }
        }
        Ok(whitening)
    }

    /// The identity on these columns.
    fn keeping(columns: usize, kept: Vec<usize>) -> Whitening {
        let k = kept.len();
        let identity: Vec<f64> = DMatrix::<f64>::identity(k, k).iter().copied().collect();
        let matrix = identity.clone();
        let inverse = identity;
        Whitening { columns, kept, noise: Vec::new(), mean: vec![0.0; k], matrix, inverse, log_abs_det: 0.0 }
    }

    fn standardise(&mut self, moments: &Moments) {
        let k = self.kept.len();
        self.mean.clone_from(&moments.mean);
        for (j, deviation) in moments.deviation.iter().enumerate() {
            self.matrix[j * k + j] = 1.0 / deviation;
            self.inverse[j * k + j] = *deviation;
            self.log_abs_det -= deviation.ln();
        }
    }

    fn whiten(&mut self, moments: &Moments) -> Result<()> {
        let k = self.kept.len();
        self.standardise(moments);
        let correlations = DMatrix::from_row_slice(k, k, &moments.correlations);
        let Some(eigen) = correlations.try_symmetric_eigen(f64::EPSILON, 10_000) else {
            return Err(Error::run("the eigenvalues of the correlation matrix don't converge"));
        };
        let least = eigen.eigenvalues.min();
        if least < SINGULAR {
            return Err(Error::input("linearly dependent columns can't be whitened")
                .found(format!("an eigenvalue {least:.1e} of the correlation matrix"))
                .expected(format!("at least {SINGULAR:.0e}")));
        }
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        for (i, &pick) in order.iter().enumerate() {
            let root = eigen.eigenvalues[pick].sqrt();
            let direction = eigen.eigenvectors.column(pick);
            // Either sign is an eigenvector: the one whose greatest entry is positive is taken.
            let sign = direction[direction.iamax()].signum();
            for (j, deviation) in moments.deviation.iter().enumerate() {
                self.matrix[i * k + j] = sign * direction[j] / (root * deviation);
                self.inverse[j * k + i] = sign * direction[j] * root * deviation;
            }
            self.log_abs_det -= root.ln();
        }
        Ok(())
    }

    /// Values of a row after the map.
    pub fn width(&self) -> usize {
        self.kept.len()
    }

    /// z = W (x - mean) of the kept columns `x` of one row.
    ///
    /// # Errors
    /// A row that has not [`Whitening::width`] values.
    pub fn apply(&self, x: &[f64]) -> Result<Vec<f64>> {
        let centred: Vec<f64> = x.iter().zip(&self.mean).map(|(x, mean)| x - mean).collect();
        self.product(&self.matrix, &centred, x.len())
    }

    /// x = W^-1 z + mean: the kept columns of one row.
    ///
    /// # Errors
    /// As [`Whitening::apply`].
    pub fn invert(&self, z: &[f64]) -> Result<Vec<f64>> {
        let x = self.product(&self.inverse, z, z.len())?;
        Ok(x.iter().zip(&self.mean).map(|(x, mean)| x + mean).collect())
    }

    fn product(&self, matrix: &[f64], x: &[f64], given: usize) -> Result<Vec<f64>> {
        let k = self.width();
        if given != k || x.len() != k || matrix.len() != k * k || k == 0 {
            return Err(Error::input("a row of the wrong length for the whitening map")
                .found(format!("{given} values"))
                .expected(format!("{k} values")));
        }
        let dot = |row: &[f64]| row.iter().zip(x).map(|(w, x)| w * x).sum();
        Ok(matrix.chunks_exact(k).map(dot).collect())
    }

    /// The kept columns of one row of `data`, with its noise: rows of `columns` values, or of the kept ones
    /// alone, as samples are written.
    fn kept_row(&self, data: &Dataset, row: u32, seed: u64, stream: u32) -> Result<Vec<f64>> {
        let mut all = vec![0.0; data.row_len()];
        data.copy_row_f64(row as usize, &mut all)?;
        let picked = || self.kept.iter().map(|&column| all.get(column).copied()).collect();
        let fitting: Option<Vec<f64>> = match data.row_len() {
            n if n == self.columns => picked(),
            n if n == self.width() => Some(all.clone()),
            _ => None,
        };
        let Some(mut kept) = fitting else {
            return Err(Error::input("the rows don't match the columns that the run was trained on")
                .at(data.source())
                .found(format!("{} values", data.row_len()))
                .expected(format!("{}, or the {} that were kept", self.columns, self.width())));
        };
        let mut words = vec![0; self.noise.len()];
        row_words(Key::new(seed, 0), stream, u64::from(row), &mut words);
        let noise = self.noise.iter().zip(&words).map(|(reach, &word)| reach * (2.0 * uniform(word) - 1.0));
        kept.iter_mut().zip(noise).for_each(|(x, noise)| *x += noise);
        Ok(kept)
    }

    fn rows(&self, subset: &Subset, seed: u64, stream: u32) -> Result<Vec<f64>> {
        let mut rows = Vec::with_capacity(subset.rows().len() * self.width());
        for &row in subset.rows() {
            rows.extend(self.kept_row(subset.dataset(), row, seed, stream)?);
        }
        Ok(rows)
    }

    /// Every row of `data` after noise and map, in double precision and without a scale. The noise of a row
    /// is a function of (seed, stream, row).
    ///
    /// # Errors
    /// Rows of another length than the map's, or values that the map makes infinite.
    pub fn transformed(&self, data: &Dataset, seed: u64, stream: u32) -> Result<Dataset> {
        let mut values = Vec::with_capacity(data.rows() * self.width());
        for row in 0..data.rows() as u32 {
            values.extend(self.apply(&self.kept_row(data, row, seed, stream)?)?);
        }
        let mapped = Dataset::new(data.name(), data.source(), &[self.width()], Values::F64(values))?;
        Ok(data.notes().iter().fold(mapped, |mapped, note| mapped.noted(note.clone())))
    }
}

/// Names or numbers of columns, for an error.
fn named(data: &Dataset, columns: &[usize]) -> String {
    let name = |&column: &usize| match data.columns().and_then(|names| names.get(column)) {
        Some(name) => name.clone(),
        None => format!("column {}", column + 1),
    };
    if columns.is_empty() {
        "every column".to_string()
    } else {
        columns.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

/// The median spacing of a column's sorted distinct values; 0 where there is only one.
fn spacing(rows: &[f64], column: usize, width: usize) -> f64 {
    let mut values: Vec<f64> = rows.iter().skip(column).step_by(width).copied().collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let mut gaps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_by(f64::total_cmp);
    match gaps.len() {
        0 => 0.0,
        n => 0.5 * (gaps[(n - 1) / 2] + gaps[n / 2]),
    }
}

/// Means, standard deviations and correlations `[k, k]` of rows; a constant column has no correlation.
struct Moments {
    mean: Vec<f64>,
    deviation: Vec<f64>,
    correlations: Vec<f64>,
}

impl Moments {
    fn of(rows: &[f64], width: usize) -> Moments {
        let width = width.max(1);
        let n = (rows.len() / width) as f64;
        let mut mean = vec![0.0; width];
        let mut covariance = vec![0.0; width * width];
        for row in rows.chunks_exact(width) {
            mean.iter_mut().zip(row).for_each(|(m, x)| *m += x / n);
        }
        for row in rows.chunks_exact(width) {
            let centred: Vec<f64> = row.iter().zip(&mean).map(|(x, m)| x - m).collect();
            for (line, a) in covariance.chunks_exact_mut(width).zip(&centred) {
                line.iter_mut().zip(&centred).for_each(|(c, b)| *c += a * b / n);
            }
        }
        // The mean of equal values may be off by rounding, and so are their deviations.
        let constant = |j: usize| rows.iter().skip(j).step_by(width).all(|x| *x == rows[j]);
        let deviation: Vec<f64> =
            (0..width).map(|j| if constant(j) { 0.0 } else { covariance[j * width + j].sqrt() }).collect();
        let correlation = |i: usize, j: usize| match deviation[i] * deviation[j] {
            product if product > 0.0 => covariance[i * width + j] / product,
            _ => 0.0,
        };
        let correlations = (0..width * width).map(|at| correlation(at / width, at % width)).collect();
        Moments { mean, deviation, correlations }
    }

    /// The columns left after constant ones are dropped and, again and again, the first that is correlated
    /// with another by more than `limit`.
    fn uncorrelated(&self, limit: f64) -> Vec<usize> {
        let width = self.mean.len();
        let mut kept: Vec<usize> = (0..width).filter(|&j| self.deviation[j] > 0.0).collect();
        let near = |i: usize, kept: &[usize]| {
            kept.iter().any(|&j| j != i && self.correlations[i * width + j].abs() > limit)
        };
        while let Some(first) = kept.iter().position(|&i| near(i, &kept)) {
            kept.remove(first);
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[f64], width: usize) -> Subset {
        Subset::all(&Dataset::new("t", "t", &[width], Values::F64(rows.to_vec())).unwrap())
    }

    fn asked(preprocess: Preprocess, drop_correlated: f64, noise: bool) -> WhiteningSettings {
        WhiteningSettings { preprocess, drop_correlated, noise, leave_out: Vec::new() }
    }

    #[test]
    fn of_correlated_columns_the_first_is_dropped_and_constant_ones_are() {
        // Columns: a, 2a, -a + a little, constant, independent.
        let rows: Vec<f64> = (0..8)
            .flat_map(|i| {
                let a = f64::from(i);
                [a, 2.0 * a, -a + 0.01 * f64::from(i % 2), 7.0, f64::from((i * 5) % 8)]
            })
            .collect();
        let whitening =
            Whitening::fit(&table(&rows, 5), asked(Preprocess::Whiten, 0.98, false), 0, 0).unwrap();
        assert_eq!(whitening.kept, [2, 4]);
        let all =
            |kind| Whitening::fit(&table(&rows, 5), asked(kind, 0.0, false), 0, 0).unwrap_err().to_string();
        assert!(all(Preprocess::Standardise).contains("column 4"), "{}", all(Preprocess::Standardise));
        let no_constant: Vec<f64> = rows.chunks(5).flat_map(|row| [row[0], row[1], row[4]]).collect();
        let dependent = Whitening::fit(&table(&no_constant, 3), asked(Preprocess::Whiten, 0.0, false), 0, 0);
        assert!(dependent.unwrap_err().to_string().contains("linearly dependent"));
    }

    #[test]
    fn noise_reaches_as_far_as_the_median_spacing() {
        assert_eq!(spacing(&[3.0, 1.0, 1.0, 1.5, 2.0], 0, 1), 0.5);
        assert_eq!(spacing(&[1.0, 4.0, 2.0], 0, 1), 1.5);
        assert_eq!(spacing(&[2.0, 2.0], 0, 1), 0.0);
        let rows: Vec<f64> = (0..2000).map(|i| f64::from(i % 10) * 0.5).collect();
        let data = table(&rows, 1);
        let settings = asked(Preprocess::None, 0.0, true);
        let whitening = Whitening::fit(&data, settings, 3, 9).unwrap();
        assert_eq!(whitening.noise, [0.5]);
        let noisy = whitening.rows(&data, 3, 9).unwrap();
        let noise: Vec<f64> = noisy.iter().zip(&rows).map(|(a, b)| a - b).collect();
        assert!(noise.iter().all(|u| u.abs() < 0.5));
        // Uniform on (-1/2, 1/2): mean 0, variance 1/12.
        let mean = noise.iter().sum::<f64>() / 2000.0;
        let square = noise.iter().map(|u| u * u).sum::<f64>() / 2000.0;
        assert!(mean.abs() < 5.0 * (1.0f64 / 12.0 / 2000.0).sqrt(), "{mean}");
        assert!((square - 1.0 / 12.0).abs() < 5.0 * (1.0f64 / 180.0 / 2000.0).sqrt(), "{square}");
        assert_ne!(noisy, whitening.rows(&data, 4, 9).unwrap());
    }

    #[test]
    fn rows_of_another_length_and_images_are_refused() {
        let rows: Vec<f64> = (0..30).map(|i| f64::from(i * i % 17)).collect();
        let whitening =
            Whitening::fit(&table(&rows, 3), asked(Preprocess::Whiten, 0.0, false), 0, 0).unwrap();
        assert!(whitening.apply(&[1.0]).is_err() && whitening.invert(&[1.0; 4]).is_err());
        let other = Dataset::new("t", "t", &[2], Values::F64(vec![1.0, 2.0])).unwrap();
        assert!(whitening.transformed(&other, 0, 0).unwrap_err().to_string().contains("2 values"));
        let images = Subset::all(&crate::data::digits().unwrap());
        let error = Whitening::fit(&images, asked(Preprocess::Whiten, 0.0, false), 0, 0).unwrap_err();
        assert!(error.to_string().contains("data.preprocess"), "{error}");
        let text = serde_json::to_string(&whitening).unwrap();
        let back: Whitening = serde_json::from_str(&text).unwrap();
        let x = [3.0, 4.0, 5.0];
        let pairs = back.apply(&x).unwrap().into_iter().zip(whitening.apply(&x).unwrap());
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
    }
}
