//! What the project has promised to hold, as ratios inside one run: the rows of its performance goals that can be measured here.

use anyhow::Result;

use crate::{
    cli::{FloorArgs, Pin},
    peers::PeerName::{
        self, Capnp, HyperEcho, Jsonrpsee, JsonrpseeHttp, LapinLoop, Raw, TarpcBincode, TarpcJson,
        TarpcMsgpack, TinyrpcAmqpJson, TinyrpcAmqpMsgpack, TinyrpcBlockingJson,
        TinyrpcBlockingMsgpack, TinyrpcHttpJson, TinyrpcJson, TinyrpcMsgpack, TinyrpcPythonZmqJson,
        TinyrpcPythonZmqMsgpack, TinyrpcWsJson, TinyrpcZmqBatchJson, TinyrpcZmqBatchMsgpack,
        TinyrpcZmqJson, TinyrpcZmqMsgpack, Tonic, TungsteniteEcho, ZerorpcPython, ZmqEcho,
    },
    process::Figures,
    report::ratio,
    rounds::{Case, Measured, measure},
    workload::MOVED,
    workload::Workload::{
        self, Batch64, BesideRequest, BesideResult, BesideStream, Fanin, Large, Notify,
        Pipelined16, Pipelined64, Pipelined1024, Sequential, Stream, Struct64,
    },
};

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Calls a second: `floor` at least.
    Speed,
    /// The slowest call of a hundred: `floor` at most.
    Tail,
    /// What was resident on the side that had more, in the size of what was moved: `floor` at most.
    Memory,
}

/// A row of the goals: `ours` must be at least `floor` times as fast as `theirs`, or what else is
/// measured.
struct Floor {
    row: u8,
    workload: Workload,
    pin: Pin,
    ours: PeerName,
    theirs: PeerName,
    /// What the other one does, where that is something else.
    than: Workload,
    floor: f64,
    measure: Measure,
}

const fn same(row: u8, workload: Workload, ours: PeerName, theirs: PeerName, floor: f64) -> Floor {
    Floor {
        row,
        workload,
        pin: Pin::Same,
        ours,
        theirs,
        than: workload,
        floor,
        measure: Measure::Speed,
    }
}

const fn split(row: u8, workload: Workload, ours: PeerName, theirs: PeerName, floor: f64) -> Floor {
    Floor {
        row,
        workload,
        pin: Pin::Split,
        ours,
        theirs,
        than: workload,
        floor,
        measure: Measure::Speed,
    }
}

/// Without pinning, where threads need processors that are free.
const fn free(row: u8, workload: Workload, ours: PeerName, theirs: PeerName, floor: f64) -> Floor {
    Floor {
        pin: Pin::None,
        ..same(row, workload, ours, theirs, floor)
    }
}

/// Against something else that `theirs` does.
const fn than(floor: Floor, than: Workload) -> Floor {
    Floor { than, ..floor }
}

/// How much slower than on an idle connection the slowest of a hundred small calls may be.
const fn beside(row: u8, workload: Workload, pin: Pin, ours: PeerName, most: f64) -> Floor {
    Floor {
        pin,
        than: Sequential,
        measure: Measure::Tail,
        ..same(row, workload, ours, ours, most)
    }
}

/// How much memory one large result may take.
const fn memory(row: u8, ours: PeerName, most: f64) -> Floor {
    Floor {
        measure: Measure::Memory,
        ..same(row, Large, ours, ours, most)
    }
}

/// The floors, by their row in the table of goals.
const FLOORS: [Floor; 61] = [
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
    // Streams, and large messages by themselves and beside small calls.
    same(14, Stream, TinyrpcMsgpack, Raw, 0.70),
    same(14, Stream, TinyrpcJson, Raw, 0.28),
    same(14, Stream, TinyrpcMsgpack, Tonic, 1.8),
    same(14, Stream, TinyrpcMsgpack, Capnp, 1.4),
    same(16, Large, TinyrpcMsgpack, Raw, 0.18),
    memory(16, TinyrpcMsgpack, 1.25),
    beside(17, BesideStream, Pin::Split, TinyrpcMsgpack, 1.6),
    beside(17, BesideResult, Pin::Split, TinyrpcMsgpack, 1.6),
    beside(17, BesideRequest, Pin::Split, TinyrpcMsgpack, 1.6),
    beside(17, BesideStream, Pin::Split, TinyrpcJson, 2.0),
    beside(17, BesideResult, Pin::Split, TinyrpcJson, 2.0),
    beside(17, BesideRequest, Pin::Split, TinyrpcJson, 2.0),
    beside(18, BesideStream, Pin::Same, TinyrpcMsgpack, 6.0),
    beside(18, BesideResult, Pin::Same, TinyrpcMsgpack, 6.0),
    beside(18, BesideRequest, Pin::Same, TinyrpcMsgpack, 6.0),
    beside(18, BesideStream, Pin::Same, TinyrpcJson, 15.0),
    beside(18, BesideResult, Pin::Same, TinyrpcJson, 15.0),
    beside(18, BesideRequest, Pin::Same, TinyrpcJson, 15.0),
    // 16 threads of the blocking client, with as many calls in flight as the tasks have.
    free(21, Pipelined16, TinyrpcBlockingJson, TinyrpcJson, 0.5),
    free(21, Pipelined64, TinyrpcBlockingJson, TinyrpcJson, 0.5),
    free(21, Pipelined64, TinyrpcBlockingMsgpack, TinyrpcMsgpack, 0.5),
    same(21, Pipelined1024, TinyrpcBlockingJson, TinyrpcJson, 0.5),
    same(
        21,
        Pipelined1024,
        TinyrpcBlockingMsgpack,
        TinyrpcMsgpack,
        0.5,
    ),
    // The web. A batch is measured against single posts, one after the other and 64 at once.
    same(22, Pipelined64, TinyrpcWsJson, TungsteniteEcho, 0.5),
    same(22, Pipelined64, TinyrpcWsJson, Jsonrpsee, 10.0),
    same(23, Pipelined64, TinyrpcHttpJson, HyperEcho, 0.85),
    same(23, Pipelined64, TinyrpcHttpJson, JsonrpseeHttp, 1.0),
    than(
        same(24, Batch64, TinyrpcHttpJson, TinyrpcHttpJson, 20.0),
        Sequential,
    ),
    than(
        same(24, Batch64, TinyrpcHttpJson, TinyrpcHttpJson, 20.0),
        Pipelined64,
    ),
    // ZeroMQ against a plain echo of its own, as programs that have but one processor.
    same(25, Pipelined64, TinyrpcZmqBatchJson, ZmqEcho, 0.6),
    same(25, Pipelined64, TinyrpcZmqBatchMsgpack, ZmqEcho, 0.6),
    split(25, Pipelined64, TinyrpcZmqBatchJson, ZmqEcho, 0.6),
    split(25, Pipelined64, TinyrpcZmqBatchMsgpack, ZmqEcho, 0.6),
    // AMQP, where `TINYRPC_AMQP_URL` names a broker, which needs a processor of its own.
    free(26, Pipelined64, TinyrpcAmqpJson, LapinLoop, 0.8),
    free(26, Pipelined64, TinyrpcAmqpMsgpack, LapinLoop, 0.8),
    // The Python originals over ZeroMQ: 64 calls in flight on either side, then against their
    // clients with one, as tinyrpc's cannot have more; and one against one.
    same(27, Pipelined64, TinyrpcZmqMsgpack, ZerorpcPython, 20.0),
    same(27, Pipelined64, TinyrpcZmqJson, TinyrpcPythonZmqJson, 20.0),
    same(
        27,
        Pipelined64,
        TinyrpcZmqMsgpack,
        TinyrpcPythonZmqMsgpack,
        20.0,
    ),
    than(
        same(27, Pipelined64, TinyrpcZmqMsgpack, ZerorpcPython, 20.0),
        Sequential,
    ),
    than(
        same(27, Pipelined64, TinyrpcZmqJson, TinyrpcPythonZmqJson, 20.0),
        Sequential,
    ),
    than(
        same(
            27,
            Pipelined64,
            TinyrpcZmqMsgpack,
            TinyrpcPythonZmqMsgpack,
            20.0,
        ),
        Sequential,
    ),
    same(27, Sequential, TinyrpcZmqMsgpack, ZerorpcPython, 1.0),
    same(27, Sequential, TinyrpcZmqJson, TinyrpcPythonZmqJson, 1.0),
    same(
        27,
        Sequential,
        TinyrpcZmqMsgpack,
        TinyrpcPythonZmqMsgpack,
        1.0,
    ),
];

/// `compare floors`: always succeeds, as a verdict on a noisy machine is for a person to read.
pub(crate) fn run(args: &FloorArgs) -> Result<()> {
    let chosen: Vec<&Floor> = FLOORS
        .iter()
        .filter(|floor| args.rows.is_empty() || args.rows.contains(&floor.row))
        .filter(|floor| floor.ours.is_there() && floor.theirs.is_there())
        .collect();
    let mut lines = Vec::new();
    for pin in [Pin::Same, Pin::Split, Pin::None] {
        let floors: Vec<&Floor> = chosen
            .iter()
            .copied()
            .filter(|floor| floor.pin == pin)
            .collect();
        if floors.is_empty() {
            continue;
        }
        let measured = measure(&cases(&floors), pin, args.rounds)?;
        lines.extend(floors.iter().map(|floor| floor.line(&measured)));
    }
    println!("| goal | workload | pin | ratio | floor | measured | | by CPU time |");
    println!("|--:|---|---|---|--:|--:|---|--:|");
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// What has to be measured for floors.
fn cases(floors: &[&Floor]) -> Vec<Case> {
    let mut cases = Vec::<Case>::new();
    let wanted = floors
        .iter()
        .flat_map(|floor| [(floor.than, floor.theirs), (floor.workload, floor.ours)]);
    for (workload, peer) in wanted {
        let index = cases.iter().position(|(known, _)| *known == workload);
        let index = index.unwrap_or_else(|| {
            cases.push((workload, Vec::new()));
            cases.len() - 1
        });
        let peers = &mut cases[index].1;
        if !peers.contains(&peer) {
            peers.push(peer);
        }
    }
    cases
}

impl Floor {
    fn line(&self, measured: &Measured) -> String {
        let Self {
            row,
            workload,
            pin,
            ours,
            theirs,
            than,
            floor,
            measure,
        } = self;
        let pin = match pin {
            Pin::Same => "same",
            Pin::Split => "split",
            Pin::None => "none",
        };
        let (ours_at, theirs_at) = ((*workload, *ours), (*than, *theirs));
        let cost = measured.cost_ratio_across(ours_at, theirs_at);
        let cost = cost.map(ratio).unwrap_or_default();
        let measured = match measure {
            Measure::Speed => measured.ratio_across(ours_at, theirs_at),
            Measure::Tail => measured.figure_ratio_across(ours_at, theirs_at, |f| f.p99_us),
            Measure::Memory => {
                let most = |f: &Figures| Some(f.peak_mib?.max(f.server_peak_mib?));
                let most = measured.median(*workload, *ours, most);
                most.map(|mib| mib / (MOVED >> 20) as f64)
            }
        };
        let holds = |value: f64| match measure {
            Measure::Speed => value >= *floor,
            Measure::Tail | Measure::Memory => value <= *floor,
        };
        let verdict = match measured {
            Some(value) if holds(value) => "PASS",
            Some(_) => "FAIL",
            None => "not built",
        };
        let (what, cost) = match measure {
            Measure::Speed => ("", cost),
            Measure::Tail => (" p99", String::new()),
            Measure::Memory => (" memory / 64 MiB", String::new()),
        };
        let value = measured.map(ratio).unwrap_or_default();
        let other = match than == workload {
            true => String::new(),
            false => format!(" at {than}"),
        };
        format!(
            "| {row} | {workload}{what} | {pin} | {ours} / {theirs}{other} | {floor} | {value} | {verdict} | {cost} |"
        )
    }
}
