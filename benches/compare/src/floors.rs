//! What the project has promised to hold, as ratios inside one run: the rows of its performance goals that can be measured here.

use anyhow::Result;

use crate::{
    cli::{Pin, RoundArgs},
    peers::PeerName::{
        self, Jsonrpsee, Raw, TarpcBincode, TarpcJson, TarpcMsgpack, TinyrpcJson, TinyrpcMsgpack,
    },
    report::ratio,
    rounds::{Case, Measured, measure},
    workload::Workload::{self, Fanin, Notify, Pipelined64, Sequential, Struct64},
};

/// A row of the goals: `ours` must be at least `floor` times as fast as `theirs`.
struct Floor {
    row: u8,
    workload: Workload,
    pin: Pin,
    ours: PeerName,
    theirs: PeerName,
    floor: f64,
}

const fn same(row: u8, workload: Workload, ours: PeerName, theirs: PeerName, floor: f64) -> Floor {
    Floor {
        row,
        workload,
        pin: Pin::Same,
        ours,
        theirs,
        floor,
    }
}

const fn split(row: u8, workload: Workload, ours: PeerName, theirs: PeerName, floor: f64) -> Floor {
    Floor {
        row,
        workload,
        pin: Pin::Split,
        ours,
        theirs,
        floor,
    }
}

/// The floors, by their row in the table of goals.
const FLOORS: [Floor; 17] = [
    same(1, Sequential, TinyrpcJson, Raw, 0.88),
    same(1, Sequential, TinyrpcMsgpack, Raw, 0.90),
    same(2, Pipelined64, TinyrpcJson, Raw, 0.40),
    same(2, Pipelined64, TinyrpcMsgpack, Raw, 0.48),
    split(3, Pipelined64, TinyrpcJson, Raw, 0.65),
    split(3, Pipelined64, TinyrpcMsgpack, Raw, 0.70),
    same(4, Pipelined64, TinyrpcJson, Jsonrpsee, 25.0),
    same(4, Pipelined64, TinyrpcJson, TarpcJson, 7.0),
    same(4, Pipelined64, TinyrpcMsgpack, TarpcBincode, 5.0),
    same(6, Notify, TinyrpcJson, Raw, 0.10),
    same(6, Notify, TinyrpcMsgpack, Raw, 0.33),
    same(7, Struct64, TinyrpcJson, Jsonrpsee, 3.0),
    same(7, Struct64, TinyrpcJson, TarpcJson, 1.7),
    same(7, Struct64, TinyrpcMsgpack, TarpcBincode, 1.7),
    same(7, Struct64, TinyrpcMsgpack, TarpcMsgpack, 3.0),
    same(9, Fanin, TinyrpcJson, Raw, 0.65),
    same(9, Fanin, TinyrpcMsgpack, Raw, 0.75),
];

/// `compare floors`: always succeeds, as a verdict on a noisy machine is for a person to read.
pub(crate) fn run(args: RoundArgs) -> Result<()> {
    let same = measure(&cases(Pin::Same), Pin::Same, args)?;
    let split = measure(&cases(Pin::Split), Pin::Split, args)?;
    println!("| goal | workload | pin | ratio | floor | measured | |");
    println!("|--:|---|---|---|--:|--:|---|");
    for floor in &FLOORS {
        floor.print(if floor.pin == Pin::Split {
            &split
        } else {
            &same
        });
    }
    Ok(())
}

/// What has to be measured for the floors of one pinning.
fn cases(pin: Pin) -> Vec<Case> {
    let mut cases = Vec::<Case>::new();
    for floor in FLOORS.iter().filter(|floor| floor.pin == pin) {
        let index = cases
            .iter()
            .position(|(workload, _)| *workload == floor.workload);
        let index = index.unwrap_or_else(|| {
            cases.push((floor.workload, Vec::new()));
            cases.len() - 1
        });
        let peers = &mut cases[index].1;
        for peer in [floor.theirs, floor.ours] {
            if !peers.contains(&peer) {
                peers.push(peer);
            }
        }
    }
    cases
}

impl Floor {
    fn print(&self, measured: &Measured) {
        let Self {
            row,
            workload,
            ours,
            theirs,
            floor,
            ..
        } = self;
        let pin = if self.pin == Pin::Split {
            "split"
        } else {
            "same"
        };
        let measured = measured.ratio(*workload, *ours, *theirs);
        let verdict = match measured {
            Some(value) if value >= *floor => "PASS",
            Some(_) => "FAIL",
            None => "not built",
        };
        let value = measured.map(ratio).unwrap_or_default();
        println!(
            "| {row} | {workload} | {pin} | {ours} / {theirs} | {floor} | {value} | {verdict} |"
        );
    }
}
