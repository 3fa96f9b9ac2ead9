//! Threads of ZeroMQ that leave the processor to those whose messages they carry.
//!
//! The first of several messages wakes the thread that sends them. Where both share a processor, that
//! thread would interrupt whoever is about to write the others, send the one, and sleep again. Linux
//! does not let threads of `SCHED_BATCH` interrupt anybody, and treats them like all others
//! otherwise (`sched(7)`): they run once the processor is free, or the time of who has it is over.

use std::thread;

use zmq::Context;

/// A context whose threads run, and interrupt nobody.
pub(super) fn batch() -> Context {
    // A thread begins as the one that starts it, and this one is for nothing else.
    let starting = thread::Builder::new().name(NAME.into()).spawn(|| {
        never_interrupt();
        let context = Context::new();
        // A context starts its threads for its first socket.
        drop(context.socket(zmq::PAIR));
        context
    });
    starting.ok().and_then(|starting| starting.join().ok()).unwrap_or_default()
}

/// Has the current thread, and those that it starts, interrupt nobody. Where that is not allowed they
/// run as they are.
#[cfg(target_os = "linux")]
fn never_interrupt() {
    use thread_priority::{
        NormalThreadSchedulePolicy::Batch, ThreadPriority, ThreadSchedulePolicy::Normal,
        set_thread_priority_and_policy, thread_native_id,
    };

    let Ok(nice) = rustix::process::getpriority_process(None) else { return };
    // Its niceness stays.
    let mut all = (0..=100).filter_map(|value| ThreadPriority::try_from(value).ok());
    let Some(same) = all.find(|one| one.to_posix(Normal(Batch)).is_ok_and(|its| its == nice))
    else {
        return;
    };
    _ = set_thread_priority_and_policy(thread_native_id(), same, Normal(Batch));
}

#[cfg(not(target_os = "linux"))]
fn never_interrupt() {}

/// Where ZeroMQ gives its threads no names of their own, they have that of the one that starts them.
const NAME: &str = "tinyrpc-zmq";

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The niceness and the policy of each thread of this process, by its name.
    fn threads() -> Vec<(String, String, String)> {
        let tasks = std::fs::read_dir("/proc/self/task").expect("the threads");
        let stats =
            tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
        // `1 (name) S …`, of which the 19th field is the niceness and the 41st the policy.
        let fields = stats.filter_map(|stat| {
            let (before, after) = stat.rsplit_once(") ")?;
            let fields: Vec<&str> = after.split(' ').collect();
            let name = before.split_once('(')?.1.to_owned();
            Some((name, (*fields.get(16)?).to_owned(), (*fields.get(38)?).to_owned()))
        });
        fields.collect()
    }

    #[test]
    fn those_of_zeromq_interrupt_nobody() {
        let _context = batch();
        let (its, others): (Vec<_>, Vec<_>) =
            threads().into_iter().partition(|(name, ..)| name == NAME || name.starts_with("ZMQ"));
        assert!(its.len() >= 2, "{its:?}");
        let (_, nice, _) = others.first().expect("this one");
        // `SCHED_BATCH` is 3, and everybody else is `SCHED_OTHER`.
        assert!(its.iter().all(|(_, its, policy)| its == nice && policy == "3"), "{its:?}");
        assert!(others.iter().all(|(.., policy)| policy == "0"), "{others:?}");
    }
}
