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

    /// Polls whatever was woken, and whatever that wakes; true if anything was.
    pub(crate) fn run(&mut self) -> bool {
        let mut ran = false;
        loop {
            let Some(task) = self.woken.lock().expect(UNPOISONED).pop_front() else { return ran };
            ran = true;
            let Some(future) = &mut self.tasks[task] else { continue };
            let waker = Waker::from(Arc::new(Woken { task, queue: Arc::clone(&self.woken) }));
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                self.tasks[task] = None;
            }
        }
    }

    /// Drops the future.
    pub(crate) fn cancel<T>(&mut self, promise: &Promise<T>) {
        self.tasks[promise.task] = None;
    }
}

/// Nothing panics under that lock.
const UNPOISONED: &str = "an unpoisoned lock";
