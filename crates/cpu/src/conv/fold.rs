//! Convolutions as sums of stride 1 over tiles: those of stride 2 over the image folded into four phases.
//!
//! With taps k = 2K + p and source rows s = 2S + p − offset, y_i = Σ_k w_k x_{2i + k − offset} = Σ_p Σ_K
//! w_{2K+p} x^p_{i+K}: a sum of stride 1 over half as many taps and four times as many channels. Nothing is
//! copied: the phases are read and written where they stand.

use super::geometry::Window;

/// Side of an output tile.
pub(super) const TILE: usize = 4;

/// Pixels of an image in phases: pixel i of phase p is row (or column) `step` · i + p − shift.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Rows and columns of the image.
    pub size: [usize; 2],
    /// Channels of the image.
    pub channels: usize,
    pub step: usize,
    pub shift: [isize; 2],
}

impl Grid {
    fn plain(size: [usize; 2], channels: usize) -> Grid {
        Grid { size, channels, step: 1, shift: [0, 0] }
    }

    /// Channels over all phases.
    pub fn depth(&self) -> usize {
        self.step * self.step * self.channels
    }

    /// The row or column of pixel `index` of a phase, if it lies inside.
    #[inline(always)]
    pub fn pixel(&self, axis: usize, index: isize, phase: usize) -> Option<usize> {
        let at = index * self.step as isize + phase as isize - self.shift[axis];
        (at >= 0 && at < self.size[axis] as isize).then_some(at as usize)
    }
}

/// A sum over `taps` × `taps` taps of stride 1 from a source to a target, both in phases:
/// source pixel = target pixel + tap − offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiled {
    pub batch: usize,
    pub taps: usize,
    pub offset: [isize; 2],
    pub source: Grid,
    pub target: Grid,
    /// Target pixels of a phase, rows and columns.
    pub extent: [usize; 2],
}

impl Tiled {
    /// The sum that `window` is, if it is one.
    pub fn forward(window: &Window) -> Option<Tiled> {
        let step = window.stride[0];
        let taps = window.kernel[0] / step.max(1);
        let fits =
            window.stride == [step; 2] && window.kernel == [taps * step; 2] && window.dilation == [1, 1];
        if !fits || !matches!((taps, step), (3, 1) | (2, 1) | (2, 2)) {
            return None;
        }
        let plain = Grid::plain(window.source, window.source_channels);
        let (offset, shift) = if step == 1 { (window.offset, [0, 0]) } else { ([0, 0], window.offset) };
        let target = Grid::plain(window.target, window.target_channels);
        let source = Grid { step, shift, ..plain };
        Some(Tiled { batch: window.batch, taps, offset, source, target, extent: window.target })
    }

    /// The sum that leads from `window`'s target back to its source.
    pub fn backward(window: &Window) -> Option<Tiled> {
        let Tiled { batch, taps, source, target, .. } = Tiled::forward(window)?;
        if source.step == 1 {
            return Tiled::forward(&window.reversed());
        }
        let step = source.step as isize;
        let last = taps as isize - 1;
        let mut offset = [0; 2];
        let mut shift = [0; 2];
        let mut extent = [0; 2];
        for axis in 0..2 {
            // The first pixel of which some phase lies inside becomes pixel 0.
            let first = source.shift[axis].div_euclid(step);
            let end = (source.size[axis] as isize - 1 + source.shift[axis]).div_euclid(step) + 1;
            shift[axis] = source.shift[axis] - step * first;
            offset[axis] = last - first;
            extent[axis] = (end - first).max(0) as usize;
        }
        Some(Tiled { batch, taps, offset, source: target, target: Grid { shift, ..source }, extent })
    }

    /// Elements of the weights.
    pub fn weight_len(&self) -> usize {
        self.taps * self.taps * self.pairs()
    }

    /// Pairs of source and target channels.
    pub fn pairs(&self) -> usize {
        self.source.depth() * self.target.depth()
    }

    /// Tiles down and across a target image.
    pub fn tiles(&self) -> [usize; 2] {
        self.extent.map(|extent| extent.div_ceil(TILE))
    }

    /// Image, first target row and first target column of a tile.
    #[inline(always)]
    pub fn corner(&self, tile: usize) -> (usize, [isize; 2]) {
        let [down, across] = self.tiles();
        let row = tile / across % down;
        let column = tile % across;
        (tile / (down * across), [(row * TILE) as isize, (column * TILE) as isize])
    }

    /// The first row of the target image, over the whole batch, of a row of tiles.
    pub fn target_row(&self, tile_row: usize) -> usize {
        let [down, _] = self.tiles();
        let Grid { size, step, shift, .. } = self.target;
        let first = (step * (tile_row % down) * TILE) as isize - shift[0];
        tile_row / down * size[0] + first.clamp(0, size[0] as isize) as usize
    }
}

/// A tap in phases: its row or column among `kernel`, from tap and phase.
fn tap(step: usize, tap: usize, phase: usize) -> usize {
    step * tap + phase
}

/// Calls `visit(position in the folded weights, position in the weights)` for every run of weights that stays
/// together, the weights `[taps, source channel, target channel]` of `window` and
/// `[taps, phase, source channel, target channel]`.
fn runs(window: &Window, mut visit: impl FnMut(usize, usize)) {
    let step = window.stride[0];
    let side = window.kernel[0];
    let taps = side / step;
    let run = window.source_channels * window.target_channels;
    let mut folded = 0;
    for (u, v) in (0..taps).flat_map(|u| (0..taps).map(move |v| (u, v))) {
        for (p, q) in (0..step).flat_map(|p| (0..step).map(move |q| (p, q))) {
            visit(folded, (tap(step, u, p) * side + tap(step, v, q)) * run);
            folded += run;
        }
    }
}

/// Weights in the order of [`Tiled::forward`].
pub(super) fn fold_weights<T: Copy>(window: &Window, weights: &[T], out: &mut [T]) {
    let run = window.source_channels * window.target_channels;
    runs(window, |folded, plain| out[folded..folded + run].copy_from_slice(&weights[plain..plain + run]));
}

/// The inverse of [`fold_weights`].
pub(super) fn unfold_weights<T: Copy>(window: &Window, folded: &[T], out: &mut [T]) {
    let run = window.source_channels * window.target_channels;
    runs(window, |from, plain| out[plain..plain + run].copy_from_slice(&folded[from..from + run]));
}

/// Weights in the order of [`Tiled::backward`]: taps turned by half a turn,
/// `[taps, target channel, phase, source channel]`.
pub(super) fn turn_weights<T: Copy>(window: &Window, weights: &[T], out: &mut [T]) {
    let inputs = window.source_channels;
    let outputs = window.target_channels;
    let step = window.stride[0];
    let run = inputs * outputs;
    let phases = step * step;
    let length = step * step * run;
    let last = weights.len() / length.max(1);
    runs(window, |folded, plain| {
        let turned = last - 1 - folded / length;
        let phase = folded / run % phases;
        let out = &mut out[turned * length..][..length];
        for (o, out) in out.chunks_exact_mut(phases * inputs).enumerate() {
            let from = weights[plain + o..plain + run].iter().step_by(outputs);
            out[phase * inputs..][..inputs].iter_mut().zip(from).for_each(|(out, weight)| *out = *weight);
        }
    });
}
