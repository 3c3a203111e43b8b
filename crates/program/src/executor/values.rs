//! Real numbers of either width.

/// The width of a program's real numbers, chosen when it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// 32 bits.
    Single,
    /// 64 bits.
    Double,
}

impl Width {
    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Width::Single => 4,
            Width::Double => 8,
        }
    }

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Width::Single => "single precision",
            Width::Double => "double precision",
        }
    }
}

/// Real numbers in main memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values<'a> {
    /// Of 32 bits.
    Single(&'a [f32]),
    /// Of 64 bits.
    Double(&'a [f64]),
}

/// Room for real numbers in main memory.
#[derive(Debug, PartialEq)]
pub enum ValuesMut<'a> {
    /// Of 32 bits.
    Single(&'a mut [f32]),
    /// Of 64 bits.
    Double(&'a mut [f64]),
}

impl Values<'_> {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Values::Single(values) => values.len(),
            Values::Double(values) => values.len(),
        }
    }

    /// Their width.
    pub fn width(&self) -> Width {
        match self {
            Values::Single(_) => Width::Single,
            Values::Double(_) => Width::Double,
        }
    }
}

impl ValuesMut<'_> {
    /// How many fit.
    pub fn count(&self) -> usize {
        match self {
            ValuesMut::Single(values) => values.len(),
            ValuesMut::Double(values) => values.len(),
        }
    }

    /// Their width.
    pub fn width(&self) -> Width {
        match self {
            ValuesMut::Single(_) => Width::Single,
            ValuesMut::Double(_) => Width::Double,
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A real number of one of the widths: `f32` or `f64`.
pub trait Real: sealed::Sealed + Copy + Default + Send + Sync + 'static {
    /// The width.
    const WIDTH: Width;
    /// The nearest number of this width.
    fn from_f64(value: f64) -> Self;
    /// The same number in double precision.
    fn to_f64(self) -> f64;
    /// A slice as values of either width.
    fn values(slice: &[Self]) -> Values<'_>;
    /// A slice as room for values of either width.
    fn values_mut(slice: &mut [Self]) -> ValuesMut<'_>;
    /// The slice, where values have this width.
    fn slice(values: Values<'_>) -> Option<&[Self]>;
    /// The slice, where the room has this width.
    fn slice_mut(values: ValuesMut<'_>) -> Option<&mut [Self]>;
}

macro_rules! real {
    ($float:ty, $width:ident) => {
        impl Real for $float {
            const WIDTH: Width = Width::$width;

            fn from_f64(value: f64) -> Self {
                value as $float
            }

            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            fn values(slice: &[Self]) -> Values<'_> {
                Values::$width(slice)
            }

            fn values_mut(slice: &mut [Self]) -> ValuesMut<'_> {
                ValuesMut::$width(slice)
            }

            fn slice(values: Values<'_>) -> Option<&[Self]> {
                if let Values::$width(slice) = values { Some(slice) } else { None }
            }

            fn slice_mut(values: ValuesMut<'_>) -> Option<&mut [Self]> {
                if let ValuesMut::$width(slice) = values { Some(slice) } else { None }
            }
        }
    };
}

real!(f32, Single);
real!(f64, Double);

impl<'a, T: Real> From<&'a [T]> for Values<'a> {
    fn from(slice: &'a [T]) -> Self {
        T::values(slice)
    }
}

impl<'a, T: Real> From<&'a mut [T]> for ValuesMut<'a> {
    fn from(slice: &'a mut [T]) -> Self {
        T::values_mut(slice)
    }
}
