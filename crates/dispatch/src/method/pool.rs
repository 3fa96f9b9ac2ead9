//! `Pool`: places on the heap for the futures of one method, used again and again.

use std::{pin::Pin, sync::Mutex};

/// Places that hold no future right now.
pub(super) struct Pool<F> {
    free: Mutex<Vec<Place<F>>>,
}

/// A place for one future.
pub(super) struct Place<F>(Pin<Box<Option<F>>>);

impl<F> Pool<F> {
    /// A free place. Whoever would have to wait for one makes a new one instead.
    #[inline]
    pub(super) fn take(&self) -> Place<F> {
        let free = self.free.try_lock().ok().and_then(|mut free| free.pop());
        free.unwrap_or_else(|| Place(Box::pin(None)))
    }

    /// Drops the future in a place and keeps the place, unless there are enough.
    #[inline]
    pub(super) fn put(&self, mut place: Place<F>) {
        // A future runs code of the user when it is dropped: not under the lock.
        place.0.set(None);
        if let Ok(mut free) = self.free.try_lock()
            && free.len() < MOST_FREE
        {
            free.push(place);
        }
    }
}

impl<F> Place<F> {
    /// Puts a future in.
    #[inline]
    pub(super) fn fill(&mut self, future: F) -> Pin<&mut F> {
        self.0.set(Some(future));
        self.future().expect("a future was put in just now")
    }

    /// The future that was put in.
    pub(super) fn future(&mut self) -> Option<Pin<&mut F>> {
        self.0.as_mut().as_pin_mut()
    }
}

impl<F> Default for Pool<F> {
    fn default() -> Self {
        Self { free: Mutex::default() }
    }
}

/// Enough for the calls of one method that are begun at the same time on all threads; those that
/// wait for something hold their place outside.
const MOST_FREE: usize = 64;
