//! The two processes of a measurement: a server, and a client that loads it.

use std::{
    fs,
    future::pending,
    io::{self, Write as _},
    process, thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::Args;
use rustix::{
    thread::{CpuSet, sched_setaffinity},
    time::{ClockId, clock_gettime},
};
use serde::{Deserialize, Serialize};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::{
    AllocationCounter,
    burst::{Limit, Tally},
    cli::{DriveArgs, ServeArgs},
    peers::Python,
};

const WARM_UP: Duration = Duration::from_millis(50);
/// A peer that takes this much longer than asked has hung.
const PATIENCE: Duration = Duration::from_secs(5);
/// A run of so many calls may be under valgrind.
const PATIENCE_WITH_CALLS: Duration = Duration::from_secs(120);

/// Where a process runs.
#[derive(Args)]
pub(crate) struct Place {
    /// Threads: 1 is tokio's current-thread runtime.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// The only CPU to run on.
    #[arg(long)]
    cpu: Option<usize>,
}

impl Place {
    /// Pins this process, whose threads are yet to be born.
    fn pin(&self) -> Result<()> {
        if let Some(cpu) = self.cpu {
            let mut set = CpuSet::new();
            set.set(cpu);
            sched_setaffinity(None, &set).with_context(|| format!("moving to CPU {cpu}"))?;
        }
        Ok(())
    }

    /// Pins this process, and makes its runtime.
    fn runtime(&self) -> Result<Runtime> {
        self.pin()?;
        let mut builder = match self.workers {
            0 | 1 => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        Ok(builder
            .worker_threads(self.workers.max(1))
            .enable_all()
            .build()?)
    }
}

/// What a client measured.
#[derive(Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) calls: u64,
    pub(crate) calls_per_s: f64,
    /// Latencies, where there is one caller.
    pub(crate) p50_us: Option<f64>,
    pub(crate) p99_us: Option<f64>,
    pub(crate) cpu_ns_per_call: f64,
    pub(crate) server_cpu_ns_per_call: Option<f64>,
    /// Bytes that moved beside the calls, in millions a second.
    #[serde(default)]
    pub(crate) moved_mb_per_s: Option<f64>,
    /// The most that was resident until the end, in MiB.
    #[serde(default)]
    pub(crate) peak_mib: Option<f64>,
    #[serde(default)]
    pub(crate) server_peak_mib: Option<f64>,
    /// All allocations while calling, in the binary that counts them.
    pub(crate) allocations: Option<u64>,
}

impl Figures {
    /// CPU time of a call in both processes.
    pub(crate) fn cost_ns(&self) -> Option<f64> {
        Some(self.cpu_ns_per_call + self.server_cpu_ns_per_call?)
    }
}

/// Serves one peer until standard input ends; then the counting binary prints its allocations.
pub(crate) fn serve(args: &ServeArgs, allocations: Option<AllocationCounter>) -> Result<()> {
    if let Some(python) = Python::of(args.peer) {
        args.place.pin()?;
        return Err(python.serve());
    }
    let runtime = args.place.runtime()?;
    let addr = runtime.block_on(args.peer.serve())?;
    println!("ready {addr}");
    thread::spawn(move || {
        let ended = io::copy(&mut io::stdin(), &mut io::sink());
        if let Some(allocations) = allocations {
            println!("{}", allocations());
        }
        process::exit(i32::from(ended.is_err()));
    });
    runtime.block_on(pending())
}

/// Loads a server and prints the [`Figures`].
pub(crate) fn drive(args: &DriveArgs, allocations: Option<AllocationCounter>) -> Result<()> {
    if let Some(python) = Python::of(args.peer) {
        args.place.pin()?;
        return Err(python.drive(args));
    }
    let patience = match args.calls {
        Some(_) => PATIENCE_WITH_CALLS,
        None => Duration::from_secs_f64(args.seconds) + PATIENCE,
    };
    let figures = args.place.runtime()?.block_on(async {
        timeout(patience, measure(args, allocations))
            .await
            .context("the peer hangs")?
    })?;
    let mut line = serde_json::to_string(&figures)?;
    line.push('\n');
    Ok(io::stdout().write_all(line.as_bytes())?)
}

async fn measure(args: &DriveArgs, allocations: Option<AllocationCounter>) -> Result<Figures> {
    let mut load = args.peer.open(args.addr, args.workload).await?;
    if args.calls.is_none() {
        load.burst(&Limit::time(WARM_UP)).await?;
    }
    let before = Meter::read(args.server_pid, allocations)?;
    let limit = match args.calls {
        Some(calls) => Limit::calls(calls),
        None => Limit::time(Duration::from_secs_f64(args.seconds)),
    };
    let tally = load.burst(&limit).await?;
    let after = Meter::read(args.server_pid, allocations)?;
    let mut figures = after.since(&before, tally);
    figures.peak_mib = Some(peak_mib("self")?);
    figures.server_peak_mib = args
        .server_pid
        .map(|pid| peak_mib(&pid.to_string()))
        .transpose()?;
    Ok(figures)
}

/// What is read before and after.
struct Meter {
    at: Instant,
    cpu_ns: u64,
    server_cpu_ns: Option<u64>,
    allocations: Option<u64>,
}

impl Meter {
    fn read(server: Option<u32>, allocations: Option<AllocationCounter>) -> Result<Self> {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Ok(Self {
            at: Instant::now(),
            cpu_ns: Duration::try_from(cpu)?.as_nanos() as u64,
            server_cpu_ns: server.map(scheduled_ns).transpose()?,
            allocations: allocations.map(|count| count()),
        })
    }

    fn since(self, before: &Self, mut tally: Tally) -> Figures {
        let per_call = |ns: u64| ns as f64 / tally.calls as f64;
        tally.latencies.sort_unstable();
        let percentile = |percent: usize| {
            let last = tally.latencies.len().checked_sub(1)?;
            Some(tally.latencies[last * percent / 100] as f64 / 1e3)
        };
        Figures {
            calls: tally.calls,
            calls_per_s: tally.calls as f64 / (self.at - before.at).as_secs_f64(),
            p50_us: percentile(50),
            p99_us: percentile(99),
            moved_mb_per_s: (tally.moved > 0)
                .then(|| tally.moved as f64 / 1e6 / (self.at - before.at).as_secs_f64()),
            peak_mib: None,
            server_peak_mib: None,
            cpu_ns_per_call: per_call(self.cpu_ns - before.cpu_ns),
            server_cpu_ns_per_call: self
                .server_cpu_ns
                .zip(before.server_cpu_ns)
                .map(|(after, before)| per_call(after - before)),
            allocations: self.allocations.zip(before.allocations).map(|(b, a)| b - a),
        }
    }
}

/// The most memory that a process has had resident.
fn peak_mib(pid: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next())
        .context("a process without VmHWM")?;
    Ok(peak.parse::<f64>()? / 1024.0)
}

/// CPU time of all threads of another process, by the scheduler's count; exact while it sleeps.
fn scheduled_ns(pid: u32) -> Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = thread?.path().join("schedstat");
        let text = fs::read_to_string(&path)?;
        let field = text
            .split_whitespace()
            .next()
            .context("an empty schedstat")?;
        sum += field
            .parse::<u64>()
            .with_context(|| format!("{}", path.display()))?;
    }
    Ok(sum)
}
