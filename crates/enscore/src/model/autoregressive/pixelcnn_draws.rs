//! Draws of a gated PixelCNN. What a layer says of a pixel is computed once: the vertical stack of a row when
//! the row begins, the horizontal stack of a pixel when its turn comes; an image costs one pass, not one for
//! each pixel.

use std::ops::Range;

use enscore_program::random::{Key, row_words};
use nalgebra::DMatrix;
use rayon::prelude::*;

use super::given::refuse_late;
use crate::error::Result;
use crate::executor::Weights;
use crate::model::conditional::{Conditional, WORDS};
use crate::model::traits::{Given, SequentialDraws};
use crate::streams;

/// Rows and columns of the first convolution, of which those above count.
pub(super) const FIRST: usize = 7;
/// Pixels to the left that the first layer sees.
pub(super) const LEFT: usize = 3;
/// Images whose features stand side by side, always as many: another number could round differently.
const TOGETHER: usize = 16;

/// The extents of the network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

/// An affine map of features, which stand in columns.
struct Affine {
    /// `[out, in]`
    weight: DMatrix<f32>,
    bias: Vec<f32>,
}

/// The layers' maps.
struct Network {
    vertical: Vec<Affine>,
    horizontal: Vec<Affine>,
    cross: Vec<Affine>,
    residual: Vec<Affine>,
    hidden: Affine,
    output: Affine,
}

/// Images that are drawn together. Columns of matrices are images, or images of each pixel of a row.
struct Block {
    /// The number of the first image.
    first: u64,
    /// Pixels as the network sees them: `[pixels, images]`.
    seen: DMatrix<f32>,
    /// Pixels as they are.
    x: DMatrix<f32>,
    /// v of each layer in the row above and in this one: `[channels, width * images]`.
    above: Vec<DMatrix<f32>>,
    /// What each layer's vertical stack adds to the horizontal one in this row.
    crossed: Vec<DMatrix<f32>>,
    /// h before each layer, of the pixel to the left.
    left: Vec<DMatrix<f32>>,
}

/// Images that are drawn pixel by pixel.
pub(super) struct PixelCnnDraws {
    grid: Grid,
    layers: usize,
    conditional: Conditional,
    network: Network,
    seed: u64,
    given: Option<Given>,
    rows: usize,
    blocks: Vec<Block>,
}

impl Affine {
    /// Weights `[in, out]`, of which the inputs in `taken` count, and biases.
    fn taken(weights: &Weights, name: &str, taken: Range<usize>) -> Result<Affine> {
        let bias = weights.get::<f32>(&format!("{name}.bias"))?.into_owned();
        let weight = weights.get::<f32>(&format!("{name}.weight"))?;
        let outputs = bias.len();
        let rows = &weight[taken.start * outputs..taken.end * outputs];
        Ok(Affine { weight: DMatrix::from_column_slice(outputs, taken.len(), rows), bias })
    }

    fn apply(&self, x: &DMatrix<f32>) -> DMatrix<f32> {
        let mut out = &self.weight * x;
        out.column_iter_mut().for_each(|mut column| {
            column.iter_mut().zip(&self.bias).for_each(|(value, bias)| *value += bias);
        });
        out
    }
}

impl Network {
    fn new(grid: Grid, layers: usize, weights: &Weights) -> Result<Network> {
        let c = grid.channels;
        let all = |name: &str, inputs: &dyn Fn(usize) -> usize, layers: Range<usize>| {
            let of = |layer: usize| Affine::taken(weights, &format!("{name}.{layer}"), 0..inputs(layer));
            layers.map(of).collect::<Result<Vec<Affine>>>()
        };
        // The rows of a kernel that count come first.
        let rows = |layer: usize| if layer == 0 { FIRST / 2 * FIRST } else { 2 * 3 * c };
        Ok(Network {
            vertical: all("vertical", &rows, 0..layers + 1)?,
            horizontal: all("horizontal", &|layer| if layer == 0 { LEFT } else { 2 * c }, 0..layers + 1)?,
            cross: all("cross", &|layer| if layer == 0 { c } else { 2 * c }, 0..layers + 1)?,
            residual: all("residual", &|_| c, 1..layers + 1)?,
            hidden: Affine::taken(weights, "hidden", 0..c)?,
            output: Affine::taken(weights, "output", 0..2 * c)?,
        })
    }
}

/// tanh(a) σ(b) of features a over b.
fn gate(x: &DMatrix<f32>) -> DMatrix<f32> {
    let channels = x.nrows() / 2;
    let at = |row: usize, column: usize| {
        let b = x[(row + channels, column)];
        x[(row, column)].tanh() / (1.0 + (-b).exp())
    };
    DMatrix::from_fn(channels, x.ncols(), at)
}

fn silu(x: DMatrix<f32>) -> DMatrix<f32> {
    x.map(|value| value / (1.0 + (-value).exp()))
}

/// Features over features.
fn stacked(upper: &DMatrix<f32>, lower: &DMatrix<f32>) -> DMatrix<f32> {
    let mut both = DMatrix::zeros(upper.nrows() + lower.nrows(), upper.ncols());
    both.rows_mut(0, upper.nrows()).copy_from(upper);
    both.rows_mut(upper.nrows(), lower.nrows()).copy_from(lower);
    both
}

/// For each pixel of a row the features of this row's pixels from `by` to the left to as many to the right,
/// one pixel over the next; 0 outside.
fn neighbourhood(row: &DMatrix<f32>, by: usize) -> DMatrix<f32> {
    let (features, columns) = row.shape();
    let width = columns / TOGETHER;
    let mut out = DMatrix::zeros((2 * by + 1) * features, columns);
    for tap in 0..2 * by + 1 {
        let from = by.saturating_sub(tap);
        let to = (width + by).saturating_sub(tap).min(width);
        if from < to {
            let source = row.columns((from + tap - by) * TOGETHER, (to - from) * TOGETHER);
            out.view_mut((tap * features, from * TOGETHER), source.shape()).copy_from(&source);
        }
    }
    out
}

impl Block {
    fn new(grid: Grid, layers: usize, first: u64) -> Block {
        let pixels = grid.height * grid.width;
        let row = DMatrix::zeros(grid.channels, grid.width * TOGETHER);
        Block {
            first,
            seen: DMatrix::zeros(pixels, TOGETHER),
            x: DMatrix::zeros(pixels, TOGETHER),
            above: vec![row; layers + 1],
            crossed: Vec::new(),
            left: Vec::new(),
        }
    }

    /// A row of pixels as features, `[1, width * images]`; 0 above the image.
    fn pixel_row(&self, grid: Grid, row: Option<usize>) -> DMatrix<f32> {
        let at = |column: usize| match row {
            Some(row) => self.seen[(row * grid.width + column / TOGETHER, column % TOGETHER)],
            None => 0.0,
        };
        DMatrix::from_fn(1, grid.width * TOGETHER, |_, column| at(column))
    }

    /// The vertical stack of a row that begins.
    fn begin(&mut self, network: &Network, grid: Grid, row: usize) {
        let reach = FIRST / 2;
        let mut taps = neighbourhood(&self.pixel_row(grid, row.checked_sub(reach)), reach);
        for up in (1..reach).rev() {
            taps = stacked(&taps, &neighbourhood(&self.pixel_row(grid, row.checked_sub(up)), reach));
        }
        let mut v = network.vertical[0].apply(&taps);
        self.crossed = vec![network.cross[0].apply(&v)];
        for layer in 1..network.vertical.len() {
            let taps = stacked(&neighbourhood(&self.above[layer - 1], 1), &neighbourhood(&v, 1));
            let p = network.vertical[layer].apply(&taps);
            self.crossed.push(network.cross[layer].apply(&p));
            self.above[layer - 1] = std::mem::replace(&mut v, gate(&p));
        }
        self.left = vec![DMatrix::zeros(grid.channels, TOGETHER); network.residual.len()];
    }

    /// What the network says of the next pixel: `[numbers, images]`.
    fn heads(&mut self, network: &Network, grid: Grid, place: usize) -> DMatrix<f32> {
        let column = place % grid.width;
        let before = |tap: usize, image: usize| {
            let by = LEFT - tap;
            if by > column { 0.0 } else { self.seen[(place - by, image)] }
        };
        let left = DMatrix::from_fn(LEFT, TOGETHER, before);
        let crossed = |layer: usize| self.crossed[layer].columns(column * TOGETHER, TOGETHER);
        let mut h = network.horizontal[0].apply(&left) + crossed(0);
        let mut befores = Vec::with_capacity(self.left.len());
        for (layer, left) in self.left.iter().enumerate() {
            let q = network.horizontal[layer + 1].apply(&stacked(left, &h)) + crossed(layer + 1);
            let next = &h + network.residual[layer].apply(&gate(&q));
            befores.push(std::mem::replace(&mut h, next));
        }
        self.left = befores;
        network.output.apply(&silu(network.hidden.apply(&silu(h))))
    }
}

impl PixelCnnDraws {
    pub(super) fn new(
        grid: Grid,
        layers: usize,
        conditional: Conditional,
        weights: &Weights,
        seed: u64,
    ) -> Result<Self> {
        let network = Network::new(grid, layers, weights)?;
        Ok(PixelCnnDraws {
            grid,
            layers,
            conditional,
            network,
            seed,
            given: None,
            rows: 0,
            blocks: Vec::new(),
        })
    }
}

impl SequentialDraws for PixelCnnDraws {
    fn places(&self) -> usize {
        self.grid.height * self.grid.width
    }

    fn give(&mut self, given: Given) -> Result<()> {
        refuse_late(&given, 0..self.places())?;
        self.given = Some(given);
        Ok(())
    }

    fn start(&mut self, rows: Range<usize>) -> Result<()> {
        self.rows = rows.len();
        let block = |first: usize| Block::new(self.grid, self.layers, first as u64);
        self.blocks = rows.step_by(TOGETHER).map(block).collect();
        Ok(())
    }

    fn advance(&mut self, places: Range<usize>) -> Result<()> {
        let PixelCnnDraws { grid, network, conditional, seed, given, .. } = self;
        self.blocks.par_iter_mut().for_each(|block| {
            for place in places.clone() {
                if place.is_multiple_of(grid.width) {
                    block.begin(network, *grid, place / grid.width);
                }
                let heads = block.heads(network, *grid, place);
                for image in 0..TOGETHER {
                    let known = given.as_ref().filter(|given| given.known[place]);
                    let value = known.map_or_else(
                        || {
                            let head: Vec<f64> = heads.column(image).iter().map(|v| f64::from(*v)).collect();
                            let mut words = [0; WORDS];
                            let key = Key::new(*seed, place as u64 + 1);
                            row_words(key, streams::ELEMENT_DRAW, block.first + image as u64, &mut words);
                            conditional.draw(&head, words) as f32
                        },
                        |given| given.row[place],
                    );
                    block.x[(place, image)] = value;
                    block.seen[(place, image)] = 2.0 * value - 1.0;
                }
            }
        });
        Ok(())
    }

    fn places_at_once(&self) -> usize {
        self.grid.width
    }

    fn rows(&self) -> Vec<f32> {
        let all = self.blocks.iter().flat_map(|block| block.x.as_slice());
        all.take(self.rows * self.places()).copied().collect()
    }
}
