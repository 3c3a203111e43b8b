//! Functions that are compositions of primitives, under the field's names.

use crate::var::Var;

impl<'s> Var<'s> {
    /// x²
    pub fn square(self) -> Var<'s> {
        self * self
    }

    /// The mean over increasing `axes`, which disappear.
    pub fn mean(self, axes: &[usize]) -> Var<'s> {
        let count: usize = axes.iter().map(|axis| self.extent(*axis)).product();
        self.sum(axes) * (1.0 / count.max(1) as f64)
    }

    /// The mean of all elements.
    pub fn mean_all(self) -> Var<'s> {
        self.mean(&(0..self.shape().len()).collect::<Vec<_>>())
    }

    /// ln Σ e^x over one axis, which disappears; safe for large values.
    pub fn log_sum_exp(self, axis: usize) -> Var<'s> {
        let shape = self.shape();
        let kept: Vec<usize> = (0..shape.len()).filter(|other| *other != axis).collect();
        let max = self.max(&[axis]).stop_gradient();
        (self - max.broadcast_axes(&shape, &kept)).exp().sum(&[axis]).log() + max
    }

    /// The mean of each 2x2 square of images `[batch, height, width, channels]` of even height and width.
    pub fn average_pool(self) -> Var<'s> {
        let [n, h, w, c] = self.image_shape();
        self.reshape(&[n, h / 2, 2, w / 2, 2, c]).sum(&[2, 4]) * 0.25
    }

    /// Each pixel of images `[batch, height, width, channels]` as a 2x2 square.
    pub fn upsample_nearest(self) -> Var<'s> {
        let [n, h, w, c] = self.image_shape();
        self.broadcast_axes(&[n, h, 2, w, 2, c], &[0, 1, 3, 5]).reshape(&[n, 2 * h, 2 * w, c])
    }

    /// Images normalised over each group of channels to mean 0 and variance 1, then scaled and shifted per
    /// channel (Wu and He 2018, eq. 1 to 6). `scale` and `shift` are `[channels]`; `groups` divides the
    /// channels.
    pub fn group_norm(self, scale: Var<'s>, shift: Var<'s>, groups: usize) -> Var<'s> {
        const EPSILON: f64 = 1e-5;
        let [n, h, w, c] = self.image_shape();
        let width = c / groups.max(1);
        let pixels = self.reshape(&[n, h * w, c]);
        // Statistics are summed per channel first, so that every pass runs along whole rows of channels.
        let group_mean = |per_channel: Var<'s>| {
            per_channel.reshape(&[n, groups, width]).sum(&[2]) * (1.0 / (h * w * width).max(1) as f64)
        };
        let per_channel =
            |grouped: Var<'s>| grouped.broadcast_axes(&[n, groups, width], &[0, 1]).reshape(&[n, c]);
        let rows = |per_channel: Var<'s>| per_channel.broadcast_axes(&[n, h * w, c], &[0, 2]);
        let centred = pixels - rows(per_channel(group_mean(pixels.sum(&[1]))));
        let variance = group_mean(centred.square().sum(&[1]));
        let gain = per_channel(1.0 / (variance + EPSILON).sqrt()) * scale;
        (centred * rows(gain) + shift).reshape(&[n, h, w, c])
    }

    /// The four extents of images; a value of another rank gives zeros, which the next application refuses.
    fn image_shape(self) -> [usize; 4] {
        self.shape().try_into().unwrap_or([0; 4])
    }
}
