//! Numbers of 16 bits as single precision, which holds each of them exactly.

/// IEEE binary16: a sign, 5 bits of exponent, 10 of fraction.
pub fn from_binary16(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f32::from(bits & 0x3ff);
    let exponent = i32::from(bits >> 10 & 0x1f);
    match (exponent, bits & 0x3ff) {
        (0, _) => sign * fraction * 2f32.powi(-24),
        (31, 0) => sign * f32::INFINITY,
        (31, _) => f32::NAN,
        _ => sign * (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

/// bfloat16: the upper half of a single.
pub fn from_bfloat16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_number_is_read() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x0400, 6.103_515_6e-5),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(from_binary16(bits), value, "{bits:#06x}");
        }
        assert!(from_binary16(0x7e00).is_nan() && from_binary16(0x8000).is_sign_negative());
        assert_eq!((from_bfloat16(0x3fc0), from_bfloat16(0xc2f7)), (1.5, -123.5));
    }
}
