//! `Group`: a program and those that it started.

use tokio::process::Child;

/// The process group that a program leads.
#[derive(Debug)]
pub(super) struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

/// How urgently a program is asked to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    /// It may say no.
    Term,
    /// It is not asked.
    Kill,
}

#[cfg(unix)]
impl Group {
    /// The group of a child that was just started as its leader.
    pub(super) fn of(child: &Child) -> Self {
        let number = child.id().and_then(|number| i32::try_from(number).ok());
        Self { leader: number.and_then(rustix::process::Pid::from_raw) }
    }

    /// Asks every process of the group to end.
    ///
    /// Its number stays its own for as long as anybody is in it. When nobody is, the system does not
    /// give it away again before it has given every other.
    pub(super) fn ask(&self, ask: Ask) {
        use rustix::process::{Signal, kill_process_group};

        let signal = match ask {
            Ask::Term => Signal::TERM,
            Ask::Kill => Signal::KILL,
        };
        if let Some(leader) = self.leader {
            // There is nobody left to be asked, or it may not be asked by us.
            _ = kill_process_group(leader, signal);
        }
    }

    /// True when nobody is in it any more.
    pub(super) fn is_empty(&self) -> bool {
        use rustix::process::test_kill_process_group;

        self.leader.is_none_or(|leader| test_kill_process_group(leader).is_err())
    }
}

/// Here the program itself is all that is known; killing it is left to its owner.
#[cfg(not(unix))]
impl Group {
    pub(super) fn of(_child: &Child) -> Self {
        Self {}
    }

    pub(super) fn ask(&self, _ask: Ask) {}

    pub(super) fn is_empty(&self) -> bool {
        true
    }
}
