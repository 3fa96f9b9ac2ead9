//! `Fault`: what is wrong with params whose values are all well-formed.

use tinyrpc_core::RpcError;

use super::rules::Names;
use crate::shown::shown;

/// Params that are too many, too few, or not those of the method.
#[derive(Debug)]
#[expect(unnameable_types, reason = "only tuples can be arguments")]
pub enum Fault {
    /// There are more than the method has.
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// One that must be there is not.
    Missing {
        /// Which one.
        index: usize,
        /// What its type expects, in serde's words.
        expected: String,
    },
    /// One is there twice.
    Twice {
        /// Which one.
        index: usize,
    },
    /// One has a name that the method does not know.
    Unknown {
        /// The name, made fit to be shown.
        name: String,
    },
    /// They are neither a sequence nor a map.
    Scalar,
}

impl Fault {
    /// What the caller is told.
    #[cold]
    pub(super) fn describe(self, names: Names<'_>, count: usize, required: usize) -> RpcError {
        let message = match self {
            Self::TooMany { found } if required < count => {
                format!("expected {required} to {count} params, found {found}")
            }
            Self::TooMany { found } if count == 1 => format!("expected 1 param, found {found}"),
            Self::TooMany { found } => format!("expected {count} params, found {found}"),
            Self::Missing { index, expected } => {
                format!("missing param {}: expected {}", param(index, names), shown(&expected))
            }
            Self::Twice { index } => format!("param {} is given twice", param(index, names)),
            Self::Unknown { name } if count == 0 => {
                format!("unknown param `{name}`: the method has no params")
            }
            Self::Unknown { name } => match names {
                Some(names) => {
                    format!("unknown param `{name}`, expected `{}`", names.join("`, `"))
                }
                None => format!(
                    "named params, but the names are not known: the server declares them with \
                     `.params([..])`; without, the method takes {count} positional params"
                ),
            },
            Self::Scalar => "params must be a sequence or a map".into(),
        };
        RpcError::invalid_params(message)
    }
}

/// A param by its position, and by its name where it has one.
fn param(index: usize, names: Names<'_>) -> String {
    match names.and_then(|names| names.get(index)) {
        Some(name) => format!("{} `{name}`", index + 1),
        None => (index + 1).to_string(),
    }
}
