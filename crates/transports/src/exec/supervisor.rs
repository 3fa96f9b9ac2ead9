//! `Supervisor`: a task that ends a program in time, and says when it has ended.

use std::{
    future::Future,
    io,
    pin::Pin,
    process::ExitStatus,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    process::Child,
    sync::{oneshot, watch},
    time::{sleep, timeout},
};

use super::group::{Ask, Group};

/// What both halves of the connection know of the program.
#[derive(Clone, Debug)]
pub(super) struct Supervisor {
    stage: watch::Receiver<Stage>,
    /// Has the program ended; once it is dropped, too.
    end: Arc<Mutex<Option<oneshot::Sender<()>>>>,
    program: Arc<str>,
}

/// How far a program is.
#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    Running,
    /// It has ended; programs that it started may be about to.
    Ended(Option<ExitStatus>),
    /// All of them have ended.
    Gone(Option<ExitStatus>),
}

/// What waits for a stage.
pub(super) type Reached = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Supervisor {
    /// Watches over a program that was just started.
    pub(super) fn start(child: Child, program: Box<str>, grace: Duration) -> Self {
        let (reached, stage) = watch::channel(Stage::default());
        let (end, ending) = oneshot::channel();
        let group = Group::of(&child);
        tokio::spawn(Watched { child, group, grace, reached, gone: false }.watch(ending));
        Self { stage, end: Arc::new(Mutex::new(Some(end))), program: program.into() }
    }

    /// Has the program ended, which may take its time.
    pub(super) fn end(&self) {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Its task may be gone with its runtime.
        end.into_iter().for_each(|end| _ = end.send(()));
    }

    /// True when this side had the program ended.
    pub(super) fn is_ending(&self) -> bool {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Waits for the end of the program.
    pub(super) fn ended(&self) -> Reached {
        self.reached(|stage| !matches!(stage, Stage::Running))
    }

    /// Waits for the end of the program and of those that it started.
    pub(super) fn gone(&self) -> Reached {
        self.reached(|stage| matches!(stage, Stage::Gone(_)))
    }

    fn reached(&self, which: fn(&Stage) -> bool) -> Reached {
        let mut stage = self.stage.clone();
        // An error says that the task is gone, and the program with it.
        Box::pin(async move { _ = stage.wait_for(which).await })
    }

    /// Why nothing more comes from the program.
    pub(super) fn why(&self) -> io::Error {
        let status = match *self.stage.borrow() {
            Stage::Running => None,
            Stage::Ended(status) | Stage::Gone(status) => status,
        };
        let why = match status {
            Some(status) => format!("the program `{}` has ended: {status}", self.program),
            None => format!("the program `{}` has ended", self.program),
        };
        io::Error::new(io::ErrorKind::BrokenPipe, why)
    }
}

/// A program and its end. Dropped before that, with the runtime, it is killed with all of its own.
#[derive(Debug)]
struct Watched {
    child: Child,
    group: Group,
    grace: Duration,
    reached: watch::Sender<Stage>,
    gone: bool,
}

impl Watched {
    async fn watch(mut self, ending: oneshot::Receiver<()>) {
        let ended = tokio::select! {
            ended = self.child.wait() => ended,
            _ = ending => self.end().await,
        };
        let status = ended.ok();
        self.reached.send_replace(Stage::Ended(status));
        self.clear().await;
        self.gone = true;
        self.reached.send_replace(Stage::Gone(status));
    }

    /// Ends the program: its input has ended, then it is asked, then it is killed.
    async fn end(&mut self) -> io::Result<ExitStatus> {
        if let Ok(ended) = timeout(self.grace, self.child.wait()).await {
            return ended;
        }
        self.group.ask(Ask::Term);
        if let Ok(ended) = timeout(self.grace, self.child.wait()).await {
            return ended;
        }
        self.group.ask(Ask::Kill);
        // Where there is no group; an error says that it has ended.
        _ = self.child.start_kill();
        self.child.wait().await
    }

    /// Ends the programs that are left in the group.
    async fn clear(&self) {
        let mut left = self.grace;
        self.group.ask(Ask::Term);
        while !self.group.is_empty() {
            if left.is_zero() {
                return self.group.ask(Ask::Kill);
            }
            // Nobody tells us: they are not our children.
            let step = LOOK.min(left);
            sleep(step).await;
            left -= step;
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.gone {
            self.group.ask(Ask::Kill);
        }
    }
}

/// How often it is looked whether somebody is left.
const LOOK: Duration = Duration::from_millis(5);
