//! The struct of the `struct` workloads, and the size of the messages that the raw peer imitates.

use serde::{Deserialize, Serialize};

/// A nested value of about 1 KB in JSON: strings, floats and twenty records of numbers.
///
/// Reading it takes four allocations in a binary format, as in the measurements from which the
/// goals were set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Book {
    pub(crate) title: String,
    pub(crate) author: String,
    pub(crate) ratings: Vec<f64>,
    pub(crate) records: Vec<Record>,
}

/// One of the twenty records of a [`Book`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: u32,
    pub(crate) pages: u32,
    pub(crate) price: f64,
}

impl Book {
    /// The value that every caller sends.
    pub(crate) fn sample() -> Self {
        let record = |id: u32| Record {
            id: 1000 + id,
            pages: 210 + id,
            price: f64::from(1025 + id * 137) / 100.0,
        };
        Self {
            title: "Remote procedure calls, a comparison".into(),
            author: "A. N. Author".into(),
            ratings: vec![4.75, 3.5, 4.25, 5.0, 2.125],
            records: (0..20).map(record).collect(),
        }
    }

    /// Whether `answer` is this book again, looking only at what is cheap to compare.
    pub(crate) fn resembles(&self, answer: &Self) -> bool {
        self.title.len() == answer.title.len()
            && self.records.len() == answer.records.len()
            && self.records.last() == answer.records.last()
    }
}

/// Bytes of the JSON-RPC request for `add(2, 3)`, without its newline.
pub(crate) fn add_message_len() -> usize {
    message_len("add", "2,3")
}

/// Bytes of the JSON-RPC request for `book(Book::sample())`, without its newline.
pub(crate) fn book_message_len() -> serde_json::Result<usize> {
    let book = serde_json::to_string(&Book::sample())?;
    Ok(message_len("book", &book))
}

fn message_len(method: &str, params: &str) -> usize {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[{params}]}}"#).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_sizes_the_goals_were_set_for() {
        assert_eq!(add_message_len(), 54);
        // 64 of them fit a loopback socket's first receive window of 64 KiB.
        let len = book_message_len().expect("a book is JSON");
        assert!((900..1000).contains(&len), "{len} bytes");
    }
}
