//! The two networks of a latent variable model.

use enscore_program::{Parameters, Var};

/// An encoder's body and a decoder.
pub trait Coder {
    /// Features of rows x `[n, d]` for the encoder's last layer: `[n, width]`.
    fn features<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s>;

    /// The numbers of p(x|z), `width` for each element, those of an element together: z `[n, latents]` →
    /// `[n, d * width]`. They start at `bias`.
    fn decode<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>, width: usize, bias: &[f64]) -> Var<'s>;
}
