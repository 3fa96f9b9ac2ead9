//! [`Report`]: what Autobahn found out about one of our sides.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use serde_json::Value;

/// The behavior in each case, and at its end.
#[derive(Debug)]
pub(crate) struct Report {
    cases: Vec<Case>,
}

#[derive(Debug)]
struct Case {
    /// Its numbers, by which cases are in order.
    id: Vec<u32>,
    behavior: String,
    /// How the connection was closed.
    close: String,
}

/// How often each behavior was seen in a section.
type Counts = BTreeMap<&'static str, usize>;

/// From good to bad; the suite's own words.
const BEHAVIORS: [&str; 4] = ["OK", "NON-STRICT", "INFORMATIONAL", "FAILED"];

impl Report {
    pub(crate) fn read(folder: &Path, agent: &str) -> Self {
        let text = std::fs::read_to_string(folder.join("index.json")).expect("it has reported");
        let index: Value = serde_json::from_str(&text).expect("JSON");
        let cases = index[agent].as_object().expect("a report about us");
        let word = |case: &Value, name: &str| case[name].as_str().unwrap_or("none").to_owned();
        let mut cases: Vec<_> = cases
            .iter()
            .map(|(id, case)| Case {
                id: id.split('.').map(|part| part.parse().expect("a number")).collect(),
                behavior: word(case, "behavior"),
                close: word(case, "behaviorClose"),
            })
            .collect();
        cases.sort_by(|left, right| left.id.cmp(&right.id));
        Self { cases }
    }

    /// Nothing may be worse than the suite lets pass; keeps the table for `docs/autobahn.md`.
    pub(crate) fn check(&self, side: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/autobahn");
        std::fs::write(folder.join(format!("{side}.md")), self.table()).expect("a file");
        let passes = |word: &str| BEHAVIORS[..3].contains(&word);
        let failed: Vec<_> = self
            .cases
            .iter()
            .filter(|case| !passes(&case.behavior) || !passes(&case.close))
            .collect();
        assert!(failed.is_empty(), "{failed:#?}");
        assert!(self.cases.len() > 200, "only {}", self.cases.len());
    }

    fn table(&self) -> String {
        let mut sections: BTreeMap<u32, Counts> = BTreeMap::new();
        for case in &self.cases {
            let counts = sections.entry(case.id[0]).or_default();
            let known = BEHAVIORS.into_iter().find(|known| *known == case.behavior);
            *counts.entry(known.unwrap_or("FAILED")).or_default() += 1;
        }
        let mut out = String::from("| section |");
        BEHAVIORS.iter().for_each(|word| _ = write!(out, " {word} |"));
        out += "\n|---|---|---|---|---|\n";
        for (section, counts) in sections {
            _ = write!(out, "| {section} {} |", about(section));
            let count = |word| counts.get(word).copied().unwrap_or_default();
            BEHAVIORS.iter().for_each(|word| _ = write!(out, " {} |", count(word)));
            out.push('\n');
        }
        out.push('\n');
        for case in &self.cases {
            if case.behavior != "OK" || case.close != "OK" {
                let id: Vec<_> = case.id.iter().map(u32::to_string).collect();
                let Case { behavior, close, .. } = case;
                _ = writeln!(out, "- {}: {behavior}, closed {close}", id.join("."));
            }
        }
        out
    }
}

fn about(section: u32) -> &'static str {
    match section {
        1 => "messages",
        2 => "pings and pongs",
        3 => "reserved bits",
        4 => "opcodes",
        5 => "fragments",
        6 => "UTF-8",
        7 => "farewells",
        9 => "large messages",
        10 => "fragments of our own",
        _ => "others",
    }
}
