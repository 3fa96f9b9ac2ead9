//! `Waiting`: a thread of a handler that waits for what another thread has to do.

use std::{
    cell::{Cell, RefCell},
    marker::PhantomData,
};

use tinyrpc_core::{Error, Reason};

use crate::BlockingPool;

thread_local! {
    /// The pool whose job this thread runs.
    static POOL: RefCell<Option<BlockingPool>> = const { RefCell::new(None) };
    /// This thread drives a connection: an engine has its turn on it.
    static DRIVING: Cell<bool> = const { Cell::new(false) };
}

/// Says that this thread waits, for as long as the value lives.
///
/// For authors of blocking APIs. A handler on a thread of a [`BlockingPool`] gives its place back
/// meanwhile, so that the calls it waits for cannot starve for the want of it; on any other thread
/// nothing happens.
#[derive(Debug)]
#[must_use = "the thread waits for as long as this lives"]
pub struct Waiting {
    pool: Option<BlockingPool>,
    /// It is about one thread and stays there.
    thread: PhantomData<*const ()>,
}

impl Waiting {
    /// Begins to wait for what the peer of a handler's own call does.
    ///
    /// # Errors
    ///
    /// This thread drives the handler's connection, so that what it waits for would never happen;
    /// or so many handlers wait already that none could run any more (`max_threads` of
    /// [`PoolLimits`](crate::PoolLimits)).
    pub fn for_peer() -> Result<Self, Error> {
        if DRIVING.get() {
            return Err(Error::invalid(
                "a handler that runs where requests are received cannot wait for its peer: \
                 await the call, or make the method `blocking()`",
            ));
        }
        Self::begin()
    }

    /// Begins to wait for anything else.
    ///
    /// # Errors
    ///
    /// So many handlers wait already that none could run any more.
    pub fn begin() -> Result<Self, Error> {
        // Without the slot the thread is ending, and runs no handler.
        let pool = POOL.try_with(|pool| pool.borrow().clone()).unwrap_or_default();
        if let Some(pool) = &pool {
            pool.pause().map_err(|reached| Error::NotExecuted(Reason::Limit(reached)))?;
        }
        Ok(Self { pool, thread: PhantomData })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.resume();
        }
    }
}

/// What this thread was before; it is again when this is dropped.
pub(crate) struct Before<T: 'static> {
    before: Option<T>,
    restore: fn(T),
}

impl<T> Drop for Before<T> {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            (self.restore)(before);
        }
    }
}

/// This thread runs jobs of a pool.
pub(crate) fn on_pool(pool: &BlockingPool) -> Before<Option<BlockingPool>> {
    let before = POOL.replace(Some(pool.clone()));
    Before { before: Some(before), restore: |before| drop(POOL.replace(before)) }
}

/// This thread drives a connection.
#[inline]
pub(crate) fn driving() -> Before<bool> {
    Before { before: Some(DRIVING.replace(true)), restore: |before| DRIVING.set(before) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PoolLimits;

    #[test]
    fn on_a_thread_of_ones_own_it_is_nothing() {
        assert!(Waiting::begin().is_ok() && Waiting::for_peer().is_ok());
    }

    #[test]
    fn whoever_drives_cannot_wait_for_the_peer() {
        let driving = driving();
        {
            let _again = super::driving();
        }
        let error = Waiting::for_peer().expect_err("it drives");
        assert!(error.to_string().contains("`blocking()`"), "{error}");
        assert!(Waiting::begin().is_ok(), "others may still do something for it");
        drop(driving);
        assert!(Waiting::for_peer().is_ok());
    }

    #[test]
    fn the_pool_is_known_while_its_job_runs() {
        let pool = BlockingPool::new(PoolLimits::default());
        let known = || POOL.with_borrow(Option::is_some);
        let here = on_pool(&pool);
        assert!(known());
        drop(here);
        assert!(!known());
    }
}
