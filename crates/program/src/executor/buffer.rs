//! Numbers that stay where programs run.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use super::error::ExecutorError;
use super::values::{Real, Values, ValuesMut, Width};

/// Numbers as an executor keeps them: what a device's buffers implement.
pub trait Stored: Any + Send + Sync {
    /// How many numbers there are.
    fn count(&self) -> usize;

    /// Their width.
    fn width(&self) -> Width;

    /// Copies all of them to `out`.
    ///
    /// # Errors
    /// Room of another width or for another count; a device that fails.
    fn read(&self, out: ValuesMut<'_>) -> Result<(), ExecutorError>;

    /// Replaces all of them by `values`.
    ///
    /// # Errors
    /// Another width or count; a device that fails.
    fn write(&mut self, values: Values<'_>) -> Result<(), ExecutorError>;
}

/// Real numbers that stay where programs run: of a processor in main memory, of another device in its own.
/// Exchanging two buffers moves no number.
pub struct Buffer(Box<dyn Stored>);

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Buffer({} numbers in {})", self.count(), self.width().name())
    }
}

impl Buffer {
    /// Numbers that an executor keeps in its own way.
    pub fn new(stored: impl Stored) -> Buffer {
        Buffer(Box::new(stored))
    }

    /// A copy of `values` in main memory, for executors that work there.
    pub fn in_memory(values: Values<'_>) -> Buffer {
        match values {
            Values::Single(values) => Buffer::new(InMemory(values.to_vec())),
            Values::Double(values) => Buffer::new(InMemory(values.to_vec())),
        }
    }

    /// How many numbers there are.
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// Their width.
    pub fn width(&self) -> Width {
        self.0.width()
    }

    /// The executor's own type; none where another executor made the buffer.
    pub fn stored<S: Stored>(&self) -> Option<&S> {
        (&*self.0 as &dyn Any).downcast_ref()
    }

    /// The executor's own type, to be written to.
    pub fn stored_mut<S: Stored>(&mut self) -> Option<&mut S> {
        (&mut *self.0 as &mut dyn Any).downcast_mut()
    }

    /// The numbers where they are in main memory in this width; none where they are elsewhere.
    pub fn host<T: Real>(&self) -> Option<&[T]> {
        self.stored::<InMemory<T>>().map(|held| &held.0[..])
    }

    /// The same, to be written to.
    pub fn host_mut<T: Real>(&mut self) -> Option<&mut [T]> {
        self.stored_mut::<InMemory<T>>().map(|held| &mut held.0[..])
    }

    /// The numbers, borrowed where they are in main memory and copied from elsewhere.
    ///
    /// # Errors
    /// Numbers of another width; a device that fails.
    pub fn view<T: Real>(&self) -> Result<Cow<'_, [T]>, ExecutorError> {
        if let Some(values) = self.host() {
            return Ok(Cow::Borrowed(values));
        }
        let mut copy = vec![T::default(); self.count()];
        self.0.read(T::values_mut(&mut copy))?;
        Ok(Cow::Owned(copy))
    }

    /// A copy of the numbers.
    ///
    /// # Errors
    /// As [`Buffer::view`].
    pub fn read<T: Real>(&self) -> Result<Vec<T>, ExecutorError> {
        self.view().map(Cow::into_owned)
    }

    /// Replaces all numbers.
    ///
    /// # Errors
    /// Another width or count; a device that fails.
    pub fn write<T: Real>(&mut self, values: &[T]) -> Result<(), ExecutorError> {
        self.0.write(T::values(values))
    }

    /// Lets `change` work on the numbers: in place where they are in main memory, else on a copy that is
    /// written back.
    ///
    /// # Errors
    /// As [`Buffer::view`].
    pub fn edit<T: Real, R>(&mut self, change: impl FnOnce(&mut [T]) -> R) -> Result<R, ExecutorError> {
        if let Some(values) = self.host_mut() {
            return Ok(change(values));
        }
        let mut copy = self.read()?;
        let result = change(&mut copy);
        self.write(&copy)?;
        Ok(result)
    }
}

/// Numbers in main memory.
struct InMemory<T>(Vec<T>);

impl<T: Real> InMemory<T> {
    fn refuse(&self, count: usize, width: Width) -> ExecutorError {
        let held = self.0.len();
        let own = T::WIDTH.name();
        ExecutorError(format!("a buffer of {held} numbers in {own}: found {count} in {}", width.name()))
    }
}

impl<T: Real> Stored for InMemory<T> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn width(&self) -> Width {
        T::WIDTH
    }

    fn read(&self, out: ValuesMut<'_>) -> Result<(), ExecutorError> {
        let refused = self.refuse(out.count(), out.width());
        match T::slice_mut(out) {
            Some(out) if out.len() == self.0.len() => {
                out.copy_from_slice(&self.0);
                Ok(())
            }
            _ => Err(refused),
        }
    }

    fn write(&mut self, values: Values<'_>) -> Result<(), ExecutorError> {
        match T::slice(values) {
            Some(slice) if slice.len() == self.0.len() => {
                self.0.copy_from_slice(slice);
                Ok(())
            }
            _ => Err(self.refuse(values.count(), values.width())),
        }
    }
}
