//! What the fuzz targets check, as plain functions of bytes.
//!
//! Each function panics where an invariant does not hold; `README.md` has them in words. The files
//! of `targets/` give the functions to a fuzzer, and `tests/seeds.rs` of the workspace replays
//! every seed that is kept through the very same ones.

#![allow(dead_code, reason = "each target uses a part of it")]

pub(crate) mod auto;
pub(crate) mod envelope;
mod said;
pub(crate) mod session_pair;
pub(crate) mod stream;
#[path = "../../support/value.rs"]
mod value;
pub(crate) mod values;

use tinyrpc_core::{Codec, FrameRef, Lane, Limits, Protocol};

/// The limits under which everything is checked: nearly those that most peers have, and the
/// smallest, which short inputs reach.
fn bounds() -> [Limits; 2] {
    let usual = Limits::default();
    [Limits { max_depth: usual.max_depth - DEEPER, ..usual }, Limits::smallest()]
}

/// A codec that reads whatever was accepted under [`bounds`] and was then written again.
fn roomy(protocol: &dyn Protocol) -> Codec {
    protocol.open(&Limits { max_values: u32::MAX, ..Limits::default() })
}

/// A frame of a connection whose bytes nobody keeps.
fn frame(bytes: &[u8]) -> FrameRef<'_> {
    FrameRef { lane: Lane::DUPLEX, bytes, block: None }
}

/// Random numbers that follow from the input alone, so that an input always does the same.
struct Dice(u64);

impl Dice {
    fn of(bytes: &[u8]) -> Self {
        // FNV-1a.
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash | 1)
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        // Xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

/// How much deeper a message may nest that is written again: named params and the data of an error
/// move into an array.
const DEEPER: u32 = 4;
