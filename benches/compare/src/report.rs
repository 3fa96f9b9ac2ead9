//! The tables of `compare run`, in Markdown.

use crate::{
    peers::PeerName::{
        self, Jsonrpsee, Raw, TarpcBincode, TarpcJson, TarpcMsgpack, TinyrpcBlockingJson,
        TinyrpcBlockingMsgpack, TinyrpcJson, TinyrpcMsgpack,
    },
    rounds::Measured,
    workload::{Action, Workload},
};

/// The pairs whose ratio is worth a row: the same codec, or the nearest rival.
const RIVALS: [(PeerName, PeerName); 6] = [
    (TinyrpcJson, Jsonrpsee),
    (TinyrpcJson, TarpcJson),
    (TinyrpcMsgpack, TarpcBincode),
    (TinyrpcMsgpack, TarpcMsgpack),
    (TinyrpcBlockingJson, TinyrpcJson),
    (TinyrpcBlockingMsgpack, TinyrpcMsgpack),
];

/// Prints everything there is to say about a run.
pub(crate) fn print(measured: &Measured, peers: &[PeerName], workloads: &[Workload]) {
    println!("Only ratios inside one run count.");
    println!("bjsonrpc's three figures are `notify` (its notify), `pipelined64` (its method) and");
    println!("`sequential` (its call).");
    for &workload in workloads {
        print_details(measured, workload, peers);
    }
    println!("\n## Calls/s as a ratio to raw; raw itself in calls/s\n");
    heading("peer", workloads);
    for &peer in peers {
        print!("| {peer} |");
        for &workload in workloads {
            let cell = if peer == Raw {
                measured
                    .median(workload, Raw, |f| Some(f.calls_per_s))
                    .map(count)
            } else {
                measured.ratio(workload, peer, Raw).map(ratio)
            };
            print!(" {} |", or_na(cell));
        }
        println!();
    }
    let pairs: Vec<_> = RIVALS
        .into_iter()
        .filter(|(ours, theirs)| peers.contains(ours) && peers.contains(theirs))
        .collect();
    if pairs.is_empty() {
        return;
    }
    println!("\n## Calls/s as a ratio to a rival\n");
    heading("pair", workloads);
    for (ours, theirs) in pairs {
        print!("| {ours} / {theirs} |");
        for &workload in workloads {
            // Against MessagePack elsewhere only the codec's work is of interest.
            let shown = theirs != TarpcMsgpack || workload.action() == Action::Book;
            let cell = shown
                .then(|| measured.ratio(workload, ours, theirs))
                .flatten();
            print!(" {} |", or_na(cell.map(ratio)));
        }
        println!();
    }
}

fn heading(first: &str, workloads: &[Workload]) {
    print!("| {first} |");
    for workload in workloads {
        print!(" {workload} |");
    }
    println!("\n|---|{}", "--:|".repeat(workloads.len()));
}

fn print_details(measured: &Measured, workload: Workload, peers: &[PeerName]) {
    println!("\n## {workload}\n");
    println!(
        "| peer | calls/s | / raw | p50 us | p99 us | CPU us/call server | client | MB/s moved | MiB at most server | client |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for &peer in peers.iter().filter(|peer| peer.runs(workload)) {
        let cells = [
            measured
                .median(workload, peer, |f| Some(f.calls_per_s))
                .map(count),
            measured.ratio(workload, peer, Raw).map(ratio),
            measured
                .median(workload, peer, |f| f.p50_us)
                .map(|us| format!("{us:.1}")),
            measured
                .median(workload, peer, |f| f.p99_us)
                .map(|us| format!("{us:.1}")),
            measured
                .median(workload, peer, |f| f.server_cpu_ns_per_call)
                .map(micros),
            measured
                .median(workload, peer, |f| Some(f.cpu_ns_per_call))
                .map(micros),
            measured
                .median(workload, peer, |f| f.moved_mb_per_s)
                .map(whole),
            measured
                .median(workload, peer, |f| f.server_peak_mib)
                .map(whole),
            measured.median(workload, peer, |f| f.peak_mib).map(whole),
        ];
        print!("| {peer} |");
        for cell in cells {
            print!(" {} |", cell.unwrap_or_default());
        }
        println!();
    }
}

/// Two to three significant digits, however small.
pub(crate) fn ratio(value: f64) -> String {
    match value {
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.1 => format!("{v:.2}"),
        v if v >= 0.01 => format!("{v:.3}"),
        v => format!("{v:.4}"),
    }
}

fn count(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.2}M", v / 1e6),
        v => format!("{:.1}k", v / 1e3),
    }
}

fn whole(value: f64) -> String {
    format!("{value:.0}")
}

fn micros(ns: f64) -> String {
    format!("{:.3}", ns / 1e3)
}

fn or_na(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "n/a".into())
}
