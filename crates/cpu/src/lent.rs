//! The memory of one run, lent value by value: inputs, outputs, and ranges of one arena.

use std::marker::PhantomData;

use enscore_program::random::Key;

use crate::argument::Argument;
use crate::fused::{Fused, Readable, Slots, Writable};
use crate::math::Math;
use crate::plan::Place;
use crate::step::Stored;

/// The memory of one run.
pub(crate) struct Memory<'a, T> {
    inputs: &'a [Argument<'a, T>],
    outputs: Vec<(*mut T, usize)>,
    arena: (*mut T, usize),
    constants: &'a [T],
    indices: (*mut i32, usize),
    sums: (*mut f64, usize),
    _borrowed: PhantomData<&'a mut T>,
}

// SAFETY: several threads may run steps at once; slices of what one of them writes are asked for by that step alone while
// it runs, which `crew::Order` sees to.
unsafe impl<T: Send + Sync> Sync for Memory<'_, T> {}

impl<'a, T: Math> Memory<'a, T> {
    pub(crate) fn new(
        inputs: &'a [Argument<'a, T>],
        outputs: &'a mut [&mut [T]],
        arena: &'a mut [T],
        constants: &'a [T],
        indices: &'a mut [i32],
        sums: &'a mut [f64],
    ) -> Self {
        Memory {
            inputs,
            outputs: outputs.iter_mut().map(|output| (output.as_mut_ptr(), output.len())).collect(),
            arena: (arena.as_mut_ptr(), arena.len()),
            constants,
            indices: (indices.as_mut_ptr(), indices.len()),
            sums: (sums.as_mut_ptr(), sums.len()),
            _borrowed: PhantomData,
        }
    }

    /// # Safety
    /// No exclusive slice of the same value is alive.
    pub(crate) unsafe fn floats(&self, (place, len): Stored) -> &[T] {
        match place {
            Place::Input(i) => match self.inputs[i] {
                Argument::Float(values) => &values[..len],
                _ => &[],
            },
            Place::Constant(start) => &self.constants[start..start + len],
            // SAFETY: the plan gives each value its own range, checked when the program was compiled.
            _ => unsafe { self.floats_mut((place, len)) },
        }
    }

    /// A value of the arena or an output, from which stretches can be taken; an empty one of any other.
    pub(crate) fn writable(&self, (place, len): Stored) -> Writable<T> {
        let (base, room, start) = match place {
            Place::Arena(start) => (self.arena.0, self.arena.1, start),
            Place::Output(i) => (self.outputs[i].0, self.outputs[i].1, 0),
            _ => return Writable::new(&mut []),
        };
        assert!(start + len <= room, "{len} elements at {start} of {room}");
        // SAFETY: the range lies inside memory borrowed exclusively for the run.
        unsafe { Writable::at(base.add(start), len) }
    }

    /// A value from which stretches can be read.
    pub(crate) fn readable(&self, stored: Stored) -> Readable<'_, T> {
        match stored.0 {
            Place::Arena(_) | Place::Output(_) => Readable::of(self.writable(stored)),
            // SAFETY: nobody writes inputs and constants.
            _ => Readable::new(unsafe { self.floats(stored) }),
        }
    }

    /// # Safety
    /// No other slice of the same value is alive.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn floats_mut(&self, stored: Stored) -> &mut [T] {
        // SAFETY: exclusiveness is the caller's promise.
        unsafe { self.writable(stored).stretch(0, if self.is_written(stored) { stored.1 } else { 0 }) }
    }

    fn is_written(&self, stored: Stored) -> bool {
        matches!(stored.0, Place::Arena(_) | Place::Output(_))
    }

    /// # Safety
    /// No other slice of the same value is alive.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn indices_mut(&self, (place, len): Stored) -> &mut [i32] {
        let Place::Index(start) = place else { return &mut [] };
        assert!(start + len <= self.indices.1, "{len} indices at {start} of {}", self.indices.1);
        // SAFETY: as for floats.
        unsafe { std::slice::from_raw_parts_mut(self.indices.0.add(start), len) }
    }

    /// # Safety
    /// No exclusive slice of the same value is alive.
    pub(crate) unsafe fn indices(&self, (place, len): Stored) -> &[i32] {
        match place {
            Place::Input(i) => match self.inputs[i] {
                Argument::Index(values) => &values[..len],
                _ => &[],
            },
            // SAFETY: as for floats.
            _ => unsafe { self.indices_mut((place, len)) },
        }
    }

    /// Partial sums, from which stretches can be taken.
    pub(crate) fn sums(&self, (place, len): Stored) -> Writable<f64> {
        let Place::Sums(start) = place else { return Writable::new(&mut []) };
        assert!(start + len <= self.sums.1, "{len} sums at {start} of {}", self.sums.1);
        // SAFETY: the range lies inside memory borrowed exclusively for the run.
        unsafe { Writable::at(self.sums.0.add(start), len) }
    }

    /// The memory that a pass works on. Stretches of it are taken by the pass alone, and of what it reads only those that
    /// nobody writes meanwhile.
    ///
    /// # Safety
    /// Nobody writes the indices that the pass reads for as long as the slots are used.
    pub(crate) unsafe fn slots(&self, fused: &Fused) -> Slots<'_, T> {
        Slots {
            reads: fused.reads.iter().map(|read| self.readable(*read)).collect(),
            writes: fused.writes.iter().map(|write| self.writable(*write)).collect(),
            // SAFETY: the caller's promise.
            indices: fused.indices.iter().map(|index| unsafe { self.indices(*index) }).collect(),
            keys: fused.draws.iter().map(|draw| self.key(draw.key)).collect(),
        }
    }

    pub(crate) fn key(&self, input: usize) -> Key {
        if let Argument::Key(key) = self.inputs[input] { key } else { Key::default() }
    }
}
