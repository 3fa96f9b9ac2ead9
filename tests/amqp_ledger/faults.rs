//! `Faults`: who is killed when, and how long it takes until calls are answered again.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use fastrand::Rng;
use tokio::{task::spawn_blocking, time::Instant};

use crate::{broker::Broker, callers::Traffic, worker::Worker};

/// All deaths of a run, in their order.
#[derive(Debug)]
pub(crate) struct Faults(Vec<Fault>);

#[derive(Clone, Copy, Debug)]
struct Fault {
    victim: Victim,
    /// Behind how many calls.
    at: u64,
}

#[derive(Clone, Copy, Debug)]
enum Victim {
    Broker,
    Worker(usize),
}

/// The processes of a run.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) broker: Arc<Broker>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) url: String,
    pub(crate) folder: PathBuf,
    /// How many workers were ever started.
    started: u32,
}

/// What the deaths came to.
#[derive(Debug, Default)]
pub(crate) struct Toll {
    brokers: usize,
    workers: usize,
    /// For how long the broker took no connections.
    outages: Vec<Duration>,
    /// From a broker that takes connections again to the first answer.
    recoveries: Vec<Duration>,
}

impl Faults {
    /// Spreads `count` deaths of the broker and as many of workers over so many calls.
    pub(crate) fn draw(rng: &mut Rng, count: usize, workers: usize, calls: u64) -> Self {
        let mut faults = Vec::new();
        for _ in 0..count {
            for victim in [Victim::Broker, Victim::Worker(rng.usize(0..workers))] {
                faults.push(Fault { victim, at: rng.u64(calls / 20..calls - calls / 20) });
            }
        }
        faults.sort_by_key(|fault| fault.at);
        Self(faults)
    }

    /// Lets them happen as the traffic comes to them.
    pub(crate) async fn happen(self, stage: &mut Stage, traffic: &Traffic) -> Toll {
        let mut toll = Toll::default();
        for fault in self.0 {
            traffic.progress(fault.at).await;
            match fault.victim {
                Victim::Broker => {
                    let broker = Arc::clone(&stage.broker);
                    let killed = Instant::now();
                    let back = spawn_blocking(move || {
                        broker.kill();
                        broker.restart();
                    });
                    back.await.expect("it starts again");
                    let back = Instant::now();
                    toll.brokers += 1;
                    toll.outages.push(back - killed);
                    toll.recoveries.push(traffic.answer_since(back).await - back);
                }
                Victim::Worker(place) => {
                    let old = stage.workers.remove(place);
                    spawn_blocking(move || old.kill()).await.expect("it is killed");
                    stage.start().await;
                    toll.workers += 1;
                }
            }
        }
        traffic.calm();
        toll
    }
}

impl Stage {
    /// Where the broker runs, with its workers.
    pub(crate) async fn open(broker: Broker, url: String, folder: PathBuf, workers: usize) -> Self {
        let broker = Arc::new(broker);
        let mut stage = Self { broker, workers: Vec::new(), url, folder, started: 0 };
        for _ in 0..workers {
            stage.start().await;
        }
        stage
    }

    async fn start(&mut self) {
        let (url, folder, number) = (self.url.clone(), self.folder.clone(), self.started);
        let worker = spawn_blocking(move || Worker::start(&url, &folder, number));
        self.workers.push(worker.await.expect("it starts"));
        self.started += 1;
    }
}

impl Toll {
    /// The longest time from a broker's return to an answer.
    pub(crate) fn slowest(&self) -> Duration {
        self.recoveries.iter().copied().max().unwrap_or_default()
    }
}

impl fmt::Display for Toll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { brokers, workers, outages, recoveries } = self;
        write!(f, "{brokers} brokers and {workers} workers killed, the brokers away for ")?;
        write!(f, "{outages:.1?} and answers there again {recoveries:.1?} after each return")
    }
}
