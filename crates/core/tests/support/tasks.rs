//! `Tasks`: futures that are polled by hand, in order, when they were woken.

use std::{
    cell::RefCell,
    fmt::Debug,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Wake, Waker},
};

/// The smallest executor.
#[derive(Default)]
pub(crate) struct Tasks {
    tasks: Vec<Option<Task>>,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
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
    pub(crate) fn spawn<T: 'static>(&mut self, future: impl Future<Output = T> + 'static) -> Promise<T> {
        let value = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&value);
        let future = Box::pin(async move {
            let value = future.await;
            *slot.borrow_mut() = Some(value);
        });
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        self.tasks.push(Some(Task { future, woken }));
        Promise { value, task: self.tasks.len() - 1 }
    }

    /// Polls whatever was woken; true if anything was.
    pub(crate) fn run(&mut self) -> bool {
        let mut ran = false;
        for slot in &mut self.tasks {
            let Some(task) = slot else { continue };
            if !task.woken.0.swap(false, SeqCst) {
                continue;
            }
            ran = true;
            let waker = Waker::from(Arc::clone(&task.woken));
            if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                *slot = None;
            }
        }
        ran
    }

    /// Drops the future.
    pub(crate) fn cancel<T>(&mut self, promise: &Promise<T>) {
        self.tasks[promise.task] = None;
    }
}
