//! `Tasks`: futures that are polled by hand, in the order in which they were woken.

use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt::Debug,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Wake, Waker},
};

/// Numbers that look like chance and come again with their seed (a linear congruential generator).
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number from 0 to `most - 1`.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most.max(1)
    }
}

/// The smallest executor.
#[derive(Default)]
pub(crate) struct Tasks {
    tasks: Vec<Option<Pin<Box<dyn Future<Output = ()>>>>>,
    woken: Arc<Mutex<VecDeque<usize>>>,
}

struct Woken {
    task: usize,
    queue: Arc<Mutex<VecDeque<usize>>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.queue.lock().expect(UNPOISONED).push_back(self.task);
    }
}

/// What a task will come to.
#[derive(Debug)]
pub(crate) struct Promise<T> {
    value: Rc<RefCell<Option<T>>>,
    task: usize,
}

impl<T> Promise<T> {
    pub(crate) fn is_pending(&self) -> bool {
        self.value.borrow().is_none()
    }

    /// The value, once.
    #[track_caller]
    pub(crate) fn take(&self) -> T {
        self.value.borrow_mut().take().expect("the task has not ended")
    }
}

impl<T, E: Debug> Promise<Result<T, E>> {
    #[track_caller]
    pub(crate) fn ok(&self) -> T {
        self.take().expect("a result")
    }
}

impl<T: Debug, E> Promise<Result<T, E>> {
    #[track_caller]
    pub(crate) fn err(&self) -> E {
        self.take().expect_err("an error")
    }
}

impl Tasks {
    /// Takes a future on; it is polled by the next [`Tasks::run`].
    pub(crate) fn spawn<T: 'static>(
        &mut self,
        future: impl Future<Output = T> + 'static,
    ) -> Promise<T> {
        let value = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&value);
        let task = self.tasks.len();
        self.tasks.push(Some(Box::pin(async move {
            let value = future.await;
            *slot.borrow_mut() = Some(value);
        })));
        self.woken.lock().expect(UNPOISONED).push_back(task);
        Promise { value, task }
    }

    /// Polls some of what was woken, in an order of chance; true if anything was.
    pub(crate) fn run_by(&mut self, chance: &mut Chance) -> bool {
        let mut ran = false;
        for _ in 0..chance.below(8) {
            let mut woken = self.woken.lock().expect(UNPOISONED);
            let count = woken.len();
            if count == 0 {
                break;
            }
            let front = chance.below(count);
            woken.rotate_left(front);
            drop(woken);
            ran |= self.run_one();
        }
        ran
    }

    /// Polls whatever was woken, and whatever that wakes; true if anything was.
    pub(crate) fn run(&mut self) -> bool {
        let mut ran = false;
        while self.run_one() {
            ran = true;
        }
        ran
    }

    /// Polls what was woken first; false where nothing was.
    fn run_one(&mut self) -> bool {
        let Some(task) = self.woken.lock().expect(UNPOISONED).pop_front() else { return false };
        let Some(future) = &mut self.tasks[task] else { return true };
        let waker = Waker::from(Arc::new(Woken { task, queue: Arc::clone(&self.woken) }));
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            self.tasks[task] = None;
        }
        true
    }

    /// True where something waits to be polled.
    pub(crate) fn has_woken(&self) -> bool {
        !self.woken.lock().expect(UNPOISONED).is_empty()
    }

    /// Drops the future.
    pub(crate) fn cancel<T>(&mut self, promise: &Promise<T>) {
        self.tasks[promise.task] = None;
    }
}

/// Nothing panics under that lock.
const UNPOISONED: &str = "an unpoisoned lock";
