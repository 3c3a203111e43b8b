//! Two-valued images under general potentials of pixels and of neighbours,
//!
//! ```text
//! p(x | y) = Π_i ψ_i(x_i) Π_⟨ij⟩ ψ_ij(x_i, x_j) / Z,   E(x) = -log of the product, nats,
//! ```
//!
//! which are those of an Ising model (Wainwright and Jordan 2008, "Graphical models, exponential families,
//! and variational inference", example 3.1): with θ = log ψ,
//!
//! ```text
//! J_ij = (θ_ij(+,+) + θ_ij(-,-) - θ_ij(+,-) - θ_ij(-,+)) / 4,
//! h_i  = (θ_i(+) - θ_i(-)) / 2 + Σ_j (θ_ij(+,+) + θ_ij(+,-) - θ_ij(-,+) - θ_ij(-,-)) / 4.
//! ```
//!
//! The most probable image is exact where every J_ij ≥ 0, by a minimum cut of weights that are rounded to
//! 2^-27 of the largest.

use enscore_program::random::Key;

use super::gibbs::{GibbsSettings, root_mean_square, split_r_hat};
use super::grid_cut::GridCut;
use super::model::Labelling;
use crate::error::{Error, Reason, Result};
use crate::ising::chains::{Rule, SingleSite, SpinTransition, random_spins};
use crate::ising::exact::moments;
use crate::ising::{Adjacency, Coupling, Field, IsingModel};

/// The largest whole number that a weight is scaled to: fields of all five terms stay within 2^30.
const LARGEST_WEIGHT: f64 = (1 << 27) as f64;
/// Pixels whose images are enumerated, at most.
const MOST_PIXELS: usize = 22;

/// The potentials of an image, in this order: black, white.
#[derive(Clone, Debug)]
pub struct ImageTables {
    model: IsingModel,
    /// E of an image less that of the Ising model.
    constant: f64,
    size: [usize; 2],
}

/// What sampling, or enumeration, knows of an image under general potentials.
#[derive(Clone, Debug, PartialEq)]
pub struct TablesPosterior {
    /// E\[x_i | y\], `[height, width]`.
    pub means: Vec<f64>,
    /// Their standard errors, from the scatter of the chains; none of exact means.
    pub std_errs: Vec<f64>,
    /// The signs of the means, with their energy.
    pub labelling: Labelling,
    /// E\[E(x) | y\] with its standard error, nats.
    pub mean_energy: [f64; 2],
    /// Split R-hat of the energy; none of exact means, or where the energy never changes.
    pub r_hat: Option<f64>,
    /// log Z, nats, where it is exact.
    pub log_z: Option<f64>,
}

impl TablesPosterior {
    /// The root mean square of the standard errors; none of exact means.
    pub fn std_err(&self) -> Option<f64> {
        (!self.std_errs.is_empty()).then(|| root_mean_square(&self.std_errs))
    }
}

impl ImageTables {
    /// The image of `[height, width]` pixels with ψ_i `psi` `[height, width, 2]`, and ψ_ij of each pixel and
    /// its right neighbour `right` `[height, width - 1, 2, 2]` and the one below `down` `[height - 1, width,
    /// 2, 2]`.
    ///
    /// # Errors
    /// Arrays of other sizes; a potential that is not a finite number above 0.
    pub fn new([height, width]: [usize; 2], psi: &[f64], right: &[f64], down: &[f64]) -> Result<ImageTables> {
        let rights = height * width.saturating_sub(1);
        let downs = height.saturating_sub(1) * width;
        for (name, values, count) in [
            ("psi", psi, 2 * height * width),
            ("psi_right", right, 4 * rights),
            ("psi_down", down, 4 * downs),
        ] {
            if values.len() != count {
                return Err(Error::new(Reason::Shape, "the potentials don't match the image in number")
                    .at(name)
                    .found(values.len())
                    .expected(count));
            }
            if let Some(at) = values.iter().position(|value| !(*value > 0.0 && value.is_finite())) {
                return Err(Error::input("a potential is not a number above 0")
                    .at(format_args!("{name}, value {at}"))
                    .found(values[at])
                    .remedy("give what can't be a small number, as 1e-9"));
            }
        }
        let mut constant = 0.0;
        let mut field: Vec<f64> = Vec::with_capacity(height * width);
        for pixel in psi.chunks_exact(2) {
            let [black, white] = [pixel[0].ln(), pixel[1].ln()];
            field.push(0.5 * (white - black));
            constant -= 0.5 * (white + black);
        }
        let mut couplings = |values: &[f64], ends: &dyn Fn(usize) -> [usize; 2]| -> Vec<f64> {
            let bond = |(number, table): (usize, &[f64])| {
                let [bb, bw, wb, ww] = [0, 1, 2, 3].map(|at: usize| table[at].ln());
                let [i, j] = ends(number);
                field[i] += 0.25 * (ww + wb - bw - bb);
                field[j] += 0.25 * (ww + bw - wb - bb);
                constant -= 0.25 * (ww + wb + bw + bb);
                0.25 * (ww + bb - wb - bw)
            };
            values.chunks_exact(4).enumerate().map(bond).collect()
        };
        let columns = width.saturating_sub(1).max(1);
        let right = couplings(right, &|at| {
            let site = at / columns * width + at % columns;
            [site, site + 1]
        });
        let down = couplings(down, &|at| [at, at + width]);
        let coupling = Coupling::PerBond { right, down };
        let model = IsingModel::grid(height, width, coupling, Field::PerSite(field), 1.0)?;
        Ok(ImageTables { model, constant, size: [height, width] })
    }

    /// The Ising model whose spins have this posterior, at β = 1.
    pub fn ising(&self) -> &IsingModel {
        &self.model
    }

    /// E of spins `[height, width]`, nats.
    ///
    /// # Errors
    /// Spins of another number, or that are not -1 and 1.
    pub fn energy(&self, x: &[i8]) -> Result<f64> {
        Ok(self.model.energy(x)? + self.constant)
    }

    fn labelled(&self, spins: Vec<i8>) -> Result<Labelling> {
        let energy = self.energy(&spins)?;
        Ok(Labelling { spins, energy })
    }

    /// The image of least energy, by a minimum cut.
    ///
    /// # Errors
    /// A pair of neighbours that rather differ.
    pub fn exact_map(&self) -> Result<Labelling> {
        let [height, width] = self.size;
        let mut largest = 0.0f64;
        let mut repelled = None;
        self.model.for_each_bond(|i, j, coupling| {
            largest = largest.max(coupling.abs());
            if coupling < 0.0 && repelled.is_none() {
                repelled = Some((i, j, coupling));
            }
        });
        if let Some((i, j, coupling)) = repelled {
            return Err(Error::input(
                "neighbours that rather differ are not submodular, so max-flow does not apply",
            )
            .at(format_args!("pixels {i} and {j}"))
            .found(format_args!("coupling {coupling}"))
            .remedy("sample the posterior (method gibbs) or anneal (method annealing)"));
        }
        let sites = height * width;
        // A field beyond its neighbours' pull decides alone: a larger one changes nothing.
        largest =
            (0..sites).map(|site| self.model.field_at(site).abs().min(8.0 * largest)).fold(largest, f64::max);
        let scale = if largest > 0.0 { LARGEST_WEIGHT / largest } else { 0.0 };
        let whole = |value: f64| (value * scale).clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT).round() as i32;
        let fields: Vec<Option<i32>> = (0..sites)
            .map(|site| {
                let field = self.model.field_at(site);
                let only = scale == 0.0;
                Some(if only { field.signum() as i32 * i32::from(field != 0.0) } else { whole(field) })
            })
            .collect();
        let coupling = |site: usize, down: bool| {
            let [right, below] = self.model.couplings_at(site / width, site % width);
            whole(if down { below } else { right })
        };
        let mut cut = GridCut::with_couplings(&fields, width, coupling);
        cut.solve();
        self.labelled(cut.spins())
    }

    /// An image whose energy no single flip lowers, from `x`.
    ///
    /// # Errors
    /// What is no image of this size.
    pub fn icm(&self, x: &[i8]) -> Result<Labelling> {
        self.model.check_spins(x)?;
        let adjacency = Adjacency::new(&self.model);
        let mut x = x.to_vec();
        let mut changed = true;
        while changed {
            changed = false;
            for site in 0..x.len() {
                // A gain below rounding could be taken back for ever.
                let field = adjacency.local_field(&x, site);
                if f64::from(x[site]) * field < -1e-12 * field.abs().max(1.0) {
                    x[site] = -x[site];
                    changed = true;
                }
            }
        }
        self.labelled(x)
    }

    /// The least energy that heat-bath sweeps from `x` meet while the temperature falls from the largest pull
    /// on a pixel to a twentieth of the mean one, and single flips end at.
    ///
    /// # Errors
    /// What is no image of this size; what `progress` returns.
    pub fn anneal(
        &self,
        x: &[i8],
        sweeps: usize,
        seed: u64,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<Labelling> {
        let adjacency = Adjacency::new(&self.model);
        let pull = |site: usize| {
            let bonds = adjacency.bonds_of(site).map(|place| adjacency.bond(place).1.abs()).sum::<f64>();
            adjacency.field()[site].abs() + bonds
        };
        let pulls: Vec<f64> = (0..adjacency.sites()).map(pull).collect();
        let first = pulls.iter().copied().fold(1e-9, f64::max);
        let last = (0.05 * pulls.iter().sum::<f64>() / pulls.len() as f64).clamp(1e-9, first);
        let mut best = self.icm(x)?;
        let mut chain = SingleSite::new(&self.model, Rule::HeatBath);
        let mut spins = x.to_vec();
        for sweep in 0..sweeps {
            progress(sweep as u64, sweeps as u64)?;
            let part = sweep as f64 / (sweeps - 1).max(1) as f64;
            chain.set_beta(1.0 / (first * (last / first).powf(part)));
            chain.step(&mut spins, Key::new(seed, sweep as u64))?;
            let energy = self.energy(&spins)?;
            if energy < best.energy {
                best = Labelling { spins: spins.clone(), energy };
            }
        }
        self.icm(&best.spins)
    }

    /// Marginals by Gibbs sampling: the first chain starts from `x`, the others from noise.
    ///
    /// # Errors
    /// Fewer than 2 chains, no sweeps, an image of another size, or an error that `progress` returns.
    pub fn sample(
        &self,
        x: &[i8],
        settings: &GibbsSettings,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<TablesPosterior> {
        let GibbsSettings { chains, burn_in, sweeps, seed } = *settings;
        if chains < 2 || sweeps == 0 {
            return Err(Error::input("a sampler setting is out of range")
                .found(format_args!("{chains} chains of {sweeps} sweeps"))
                .expected("at least 2 chains and 1 sweep"));
        }
        self.model.check_spins(x)?;
        let sites = x.len();
        let mut of_chains: Vec<Vec<f64>> = Vec::with_capacity(chains);
        let mut energies = vec![Vec::with_capacity(sweeps); chains];
        let mut chain = SingleSite::new(&self.model, Rule::HeatBath);
        for (number, energies) in energies.iter_mut().enumerate() {
            let key = |step: u64| Key { seed, step, row: number as u64 };
            let mut spins = if number == 0 { x.to_vec() } else { random_spins(sites, key(0)) };
            let mut sums = vec![0.0; sites + 1];
            for sweep in 0..burn_in + sweeps {
                progress((number * (burn_in + sweeps) + sweep) as u64, (chains * (burn_in + sweeps)) as u64)?;
                chain.step(&mut spins, key(sweep as u64 + 1))?;
                if sweep >= burn_in {
                    sums.iter_mut().zip(&spins).for_each(|(sum, spin)| *sum += f64::from(*spin));
                    let energy = self.energy(&spins)?;
                    sums[sites] += energy;
                    energies.push(energy);
                }
            }
            of_chains.push(sums.iter().map(|sum| sum / sweeps as f64).collect());
        }
        let count = chains as f64;
        let mean = |at: usize| of_chains.iter().map(|means| means[at]).sum::<f64>() / count;
        let means: Vec<f64> = (0..=sites).map(mean).collect();
        let error = |at: usize| {
            let squares: f64 = of_chains.iter().map(|one| (one[at] - means[at]).powi(2)).sum();
            (squares / (count * (count - 1.0))).sqrt()
        };
        let std_errs = (0..sites).map(error).collect();
        let mean_energy = [means[sites], error(sites)];
        let labelling = self.by_signs(&means[..sites], x)?;
        let r_hat = split_r_hat(&energies);
        let means = means[..sites].to_vec();
        Ok(TablesPosterior { means, std_errs, labelling, mean_energy, r_hat, log_z: None })
    }

    /// Marginals and log Z by all images.
    ///
    /// # Errors
    /// More than 22 pixels, or an image of another size.
    pub fn enumerate(&self, x: &[i8]) -> Result<TablesPosterior> {
        self.model.check_spins(x)?;
        if x.len() > MOST_PIXELS {
            return Err(Error::input("too many pixels to enumerate")
                .found(format_args!("{} pixels, 2^{} labellings", x.len(), x.len()))
                .expected(format_args!("at most {MOST_PIXELS}"))
                .remedy("sample the posterior instead (method gibbs)"));
        }
        let found = moments(&self.model)?;
        let labelling = self.by_signs(&found.spins, x)?;
        let mean_energy = [found.energy + self.constant, 0.0];
        let log_z = Some(found.log_z - self.constant);
        Ok(TablesPosterior {
            means: found.spins,
            std_errs: Vec::new(),
            labelling,
            mean_energy,
            r_hat: None,
            log_z,
        })
    }

    /// The signs of means; where one is 0, the noisy pixel.
    fn by_signs(&self, means: &[f64], y: &[i8]) -> Result<Labelling> {
        let sign = |(mean, y): (&f64, &i8)| if *mean == 0.0 { *y } else { mean.signum() as i8 };
        self.labelled(means.iter().zip(y).map(sign).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::{row_words, uniform};

    fn potentials(count: usize, stream: u32) -> Vec<f64> {
        let mut words = vec![0; count];
        row_words(Key::new(6, 0), stream, 0, &mut words);
        words.into_iter().map(|word| 0.2 + 2.0 * uniform(word)).collect()
    }

    /// Tables of a 3 x 4 image; `agree` makes every pair prefer agreement.
    fn tables(agree: bool) -> (ImageTables, impl Fn(&[i8]) -> f64) {
        let [h, w] = [3, 4];
        let psi = potentials(2 * h * w, 1);
        let mut pairs = [potentials(4 * h * (w - 1), 2), potentials(4 * (h - 1) * w, 3)];
        if agree {
            for table in pairs.iter_mut().flat_map(|values| values.chunks_exact_mut(4)) {
                (table[0], table[3]) = (table[0] + 1.5, table[3] + 1.5);
            }
        }
        let found = ImageTables::new([h, w], &psi, &pairs[0], &pairs[1]).unwrap();
        let energy = move |x: &[i8]| {
            let bit = |site: usize| usize::from(x[site] > 0);
            let mut sum: f64 = (0..h * w).map(|site| psi[2 * site + bit(site)].ln()).sum();
            for row in 0..h {
                for column in 0..w {
                    let site = row * w + column;
                    if column + 1 < w {
                        let at = row * (w - 1) + column;
                        sum += pairs[0][4 * at + 2 * bit(site) + bit(site + 1)].ln();
                    }
                    if row + 1 < h {
                        sum += pairs[1][4 * site + 2 * bit(site) + bit(site + w)].ln();
                    }
                }
            }
            -sum
        };
        (found, energy)
    }

    fn spins(state: usize) -> Vec<i8> {
        (0..12).map(|i| 2 * (state >> i & 1) as i8 - 1).collect()
    }

    #[test]
    fn every_image_has_the_energy_of_its_potentials() {
        for agree in [false, true] {
            let (tables, energy) = tables(agree);
            let energies: Vec<f64> = (0..1 << 12).map(|state| energy(&spins(state))).collect();
            for (state, expected) in energies.iter().enumerate() {
                assert!((tables.energy(&spins(state)).unwrap() - expected).abs() < 1e-12);
            }
            let z: f64 = energies.iter().map(|e| (-e).exp()).sum();
            let found = tables.enumerate(&[1; 12]).unwrap();
            assert!((found.log_z.unwrap() - z.ln()).abs() < 1e-12);
            let mean = energies.iter().map(|e| e * (-e).exp()).sum::<f64>() / z;
            assert!((found.mean_energy[0] - mean).abs() < 1e-11);
            let third: f64 = (0..1 << 12).map(|s| f64::from(spins(s)[3]) * (-energies[s]).exp()).sum();
            assert!((found.means[3] - third / z).abs() < 1e-11);
            let settings = GibbsSettings { chains: 16, burn_in: 50, sweeps: 1000, seed: 3 };
            let sampled = tables.sample(&[1; 12], &settings, &mut |_, _| Ok(())).unwrap();
            for ((mean, error), exact) in sampled.means.iter().zip(&sampled.std_errs).zip(&found.means) {
                assert!((mean - exact).abs() < 5.0 * error.max(0.004), "{mean} ± {error}, {exact}");
            }
            assert!((sampled.r_hat.unwrap() - 1.0).abs() < 0.02 && found.r_hat.is_none());
            let off = (sampled.mean_energy[0] - mean) / sampled.mean_energy[1];
            assert!(off.abs() < 4.5, "{:?}, {mean}", sampled.mean_energy);
            let least = energies.iter().copied().fold(f64::INFINITY, f64::min);
            let annealed = tables.anneal(&[1; 12], 300, 1, &mut |_, _| Ok(())).unwrap();
            assert!((annealed.energy - least).abs() < 1e-9, "{} {least}", annealed.energy);
            assert!(tables.icm(&[1; 12]).unwrap().energy >= least - 1e-12);
            if agree {
                assert!((tables.exact_map().unwrap().energy - least).abs() < 1e-6);
            } else {
                assert!(tables.exact_map().unwrap_err().remedy.contains("method gibbs"));
            }
        }
    }

    #[test]
    fn what_are_no_potentials_is_refused() {
        let one = [1.0; 4];
        assert!(ImageTables::new([1, 2], &[1.0; 4], &one, &[]).is_ok());
        assert!(ImageTables::new([1, 2], &[1.0; 3], &one, &[]).unwrap_err().place.contains("psi"));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let refused = ImageTables::new([1, 2], &[1.0, 1.0, wrong, 1.0], &one, &[]).unwrap_err();
            assert!(refused.place.contains("psi, value 2"), "{refused}");
        }
        // Without a pull of neighbours each pixel decides alone.
        let alone = ImageTables::new([1, 2], &[1.0, 3.0, 5.0, 1.0], &one, &[]).unwrap();
        assert_eq!(alone.exact_map().unwrap().spins, [1, -1]);
    }
}
