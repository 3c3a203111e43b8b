//! The memory of one run, lent value by value: inputs, outputs, and ranges of one arena.

use std::marker::PhantomData;

use enscore_program::random::Key;

use crate::argument::Argument;
use crate::fused::{Fused, Slots};
use crate::math::Math;
use crate::plan::{Place, Stored};
use crate::stretch::{Readable, Writable};

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

// SAFETY: several threads may run steps at once; slices of what one of them writes are asked for by that step
// alone while it runs, which `crew::Order` sees to.
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
    pub(crate) unsafe fn floats(&self, stored: Stored) -> &[T] {
        let value = self.readable(stored);
        // SAFETY: the caller's promise.
        unsafe { value.stretch(0, value.len()) }
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
    pub(crate) fn readable(&self, (place, len): Stored) -> Readable<'_, T> {
        match place {
            Place::Input(i) => match self.inputs[i] {
                Argument::Float(values) => Readable::new(&values[..len]),
                _ => Readable::new(&[]),
            },
            Place::Constant(start) => Readable::new(&self.constants[start..start + len]),
            _ => Readable::of(self.writable((place, len))),
        }
    }

    /// # Safety
    /// No other slice of the same value is alive.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn floats_mut(&self, stored: Stored) -> &mut [T] {
        let value = self.writable(stored);
        // SAFETY: exclusiveness is the caller's promise.
        unsafe { value.stretch(0, value.len()) }
    }

    /// # Safety
    /// No other slice of the same value is alive.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn indices_mut(&self, stored: Stored) -> &mut [i32] {
        let value = self.writable_indices(stored);
        // SAFETY: the caller's promise.
        unsafe { value.stretch(0, value.len()) }
    }

    /// # Safety
    /// No exclusive slice of the same value is alive.
    pub(crate) unsafe fn indices(&self, (place, len): Stored) -> &[i32] {
        let value = match place {
            Place::Input(i) => match self.inputs[i] {
                Argument::Index(values) => Readable::new(&values[..len]),
                _ => Readable::new(&[]),
            },
            _ => Readable::of(self.writable_indices((place, len))),
        };
        // SAFETY: the caller's promise.
        unsafe { value.stretch(0, value.len()) }
    }

    fn writable_indices(&self, (place, len): Stored) -> Writable<i32> {
        let Place::Index(start) = place else { return Writable::new(&mut []) };
        assert!(start + len <= self.indices.1, "{len} indices at {start} of {}", self.indices.1);
        // SAFETY: the range lies inside memory borrowed exclusively for the run.
        unsafe { Writable::at(self.indices.0.add(start), len) }
    }

    /// Partial sums, from which stretches can be taken.
    pub(crate) fn sums(&self, (place, len): Stored) -> Writable<f64> {
        let Place::Sums(start) = place else { return Writable::new(&mut []) };
        assert!(start + len <= self.sums.1, "{len} sums at {start} of {}", self.sums.1);
        // SAFETY: the range lies inside memory borrowed exclusively for the run.
        unsafe { Writable::at(self.sums.0.add(start), len) }
    }

    /// The memory that a pass works on. Stretches of it are taken by the pass alone, and of what it reads
    /// only those that nobody writes meanwhile.
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
