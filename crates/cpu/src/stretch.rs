//! Values that several tasks read and write at once, stretch by stretch: what may be touched when is the
//! promise of whoever takes a stretch.

use std::marker::PhantomData;

/// A value that tasks read.
#[derive(Clone, Copy)]
pub(crate) struct Readable<'a, T> {
    start: *const T,
    len: usize,
    borrowed: PhantomData<&'a T>,
}

// SAFETY: as a shared slice; who writes elements meanwhile is the concern of `stretch`.
unsafe impl<T: Sync> Send for Readable<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Readable<'_, T> {}

impl<'a, T> Readable<'a, T> {
    pub(crate) fn new(values: &'a [T]) -> Self {
        Readable { start: values.as_ptr(), len: values.len(), borrowed: PhantomData }
    }

    /// A value that may be written while parts of it are read.
    pub(crate) fn of(writable: Writable<T>) -> Self {
        Readable { start: writable.start, len: writable.len, borrowed: PhantomData }
    }

    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// Elements `start..start + len`.
    ///
    /// # Safety
    /// Nobody writes these elements meanwhile.
    pub(crate) unsafe fn stretch(self, start: usize, len: usize) -> &'a [T] {
        assert!(start + len <= self.len, "a stretch of {len} at {start} of {}", self.len);
        // SAFETY: the range was checked, and the value is borrowed for 'a; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start.add(start), len) }
    }
}

/// A value that tasks write disjoint stretches of.
#[derive(Clone, Copy)]
pub(crate) struct Writable<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: tasks reach the elements only through `stretch`, whose callers take disjoint ranges.
unsafe impl<T: Send> Send for Writable<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Writable<T> {}

impl<T> Writable<T> {
    pub(crate) fn new(values: &mut [T]) -> Self {
        Writable { start: values.as_mut_ptr(), len: values.len() }
    }

    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// Where the elements begin.
    pub(crate) fn start(self) -> *mut T {
        self.start
    }

    /// All but the first elements. Panics if there are fewer.
    pub(crate) fn skip(self, first: usize) -> Self {
        assert!(first <= self.len, "{first} elements of {}", self.len);
        // SAFETY: the element, or the end, lies in the value.
        Writable { start: unsafe { self.start.add(first) }, len: self.len - first }
    }

    /// `len` elements from `start` on.
    ///
    /// # Safety
    /// They exist for as long as stretches are taken.
    pub(crate) unsafe fn at(start: *mut T, len: usize) -> Self {
        Writable { start, len }
    }

    /// Elements `start..start + len`.
    ///
    /// # Safety
    /// The memory outlives 'a, and nothing else reads or writes these elements meanwhile.
    pub(crate) unsafe fn stretch<'a>(self, start: usize, len: usize) -> &'a mut [T] {
        assert!(start + len <= self.len, "a stretch of {len} at {start} of {}", self.len);
        // SAFETY: the range was checked; exclusiveness is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}
