//! Rounds of measurements: every peer in turn, with fresh processes, in an order that rotates.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::ValueEnum as _;

use crate::{
    children::{Amount, Places, Program, Server},
    cli::{Pin, RoundArgs, RunArgs},
    peers::PeerName,
    process::Figures,
    report,
    workload::Workload,
};

/// A workload and the peers to run it with.
pub(crate) type Case = (Workload, Vec<PeerName>);

/// The figures of every round.
pub(crate) struct Measured(BTreeMap<(Workload, PeerName), Vec<Figures>>);

impl Measured {
    /// The median over the rounds of a figure, if there is one.
    pub(crate) fn median(
        &self,
        workload: Workload,
        peer: PeerName,
        figure: impl Fn(&Figures) -> Option<f64>,
    ) -> Option<f64> {
        median(
            self.0
                .get(&(workload, peer))?
                .iter()
                .filter_map(figure)
                .collect(),
        )
    }

    /// The median over the rounds of one peer's speed divided by another's in the same round.
    pub(crate) fn ratio(&self, workload: Workload, peer: PeerName, to: PeerName) -> Option<f64> {
        self.ratio_across((workload, peer), (workload, to))
    }

    /// The same where the other peer has another workload.
    pub(crate) fn ratio_across(
        &self,
        peer: (Workload, PeerName),
        to: (Workload, PeerName),
    ) -> Option<f64> {
        let peer = self.0.get(&peer)?;
        let to = self.0.get(&to)?;
        median(
            peer.iter()
                .zip(to)
                .map(|(peer, to)| peer.calls_per_s / to.calls_per_s)
                .collect(),
        )
    }

    /// The median over the rounds of one peer's figure divided by another's in the same round.
    pub(crate) fn figure_ratio_across(
        &self,
        peer: (Workload, PeerName),
        to: (Workload, PeerName),
        figure: impl Fn(&Figures) -> Option<f64>,
    ) -> Option<f64> {
        let peer = self.0.get(&peer)?;
        let to = self.0.get(&to)?;
        let pairs = peer.iter().zip(to);
        median(
            pairs
                .filter_map(|(peer, to)| Some(figure(peer)? / figure(to)?))
                .collect(),
        )
    }

    /// The same by what a call costs both processes: who else is on the CPU has no part in it.
    pub(crate) fn cost_ratio_across(
        &self,
        peer: (Workload, PeerName),
        to: (Workload, PeerName),
    ) -> Option<f64> {
        let peer = self.0.get(&peer)?;
        let to = self.0.get(&to)?;
        let costs = peer.iter().zip(to);
        median(
            costs
                .filter_map(|(peer, to)| Some(to.cost_ns()? / peer.cost_ns()?))
                .collect(),
        )
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len().is_multiple_of(2) {
        (values[middle - 1] + upper) / 2.0
    } else {
        upper
    })
}

/// Measures `cases`; says on standard error how far it is.
pub(crate) fn measure(cases: &[Case], pin: Pin, args: RoundArgs) -> Result<Measured> {
    let program = Program::this()?;
    let places = Places {
        pin,
        workers: args.workers,
    };
    let mut measured = BTreeMap::<_, Vec<Figures>>::new();
    for round in 0..args.rounds {
        eprintln!("round {} of {}", round + 1, args.rounds);
        for (workload, peers) in cases {
            for index in 0..peers.len() {
                let peer = peers[(index + round) % peers.len()];
                let server = Server::start(&program, peer, places)?;
                let figures = server.drive(
                    &program,
                    *workload,
                    Amount::Seconds(args.seconds.max(workload.least_seconds())),
                )?;
                server.stop()?;
                measured.entry((*workload, peer)).or_default().push(figures);
            }
        }
    }
    Ok(Measured(measured))
}

/// `compare run`.
pub(crate) fn run(args: RunArgs) -> Result<()> {
    let mut peers = if args.peers.is_empty() {
        let all = PeerName::value_variants().iter();
        all.copied().filter(|peer| peer.is_there()).collect()
    } else {
        args.peers
    };
    peers.push(PeerName::Raw);
    peers.sort();
    peers.dedup();
    let mut workloads = args.workloads;
    if workloads.is_empty() {
        workloads = Workload::value_variants().to_vec();
    }
    workloads.sort();
    workloads.dedup();
    let runners = |workload| {
        peers
            .iter()
            .copied()
            .filter(|peer| peer.runs(workload))
            .collect()
    };
    let cases: Vec<Case> = workloads
        .iter()
        .map(|&workload| (workload, runners(workload)))
        .collect();
    let measured = measure(&cases, args.pin, args.rounds)?;
    report::print(&measured, &peers, &workloads);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn a_median_needs_values() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
