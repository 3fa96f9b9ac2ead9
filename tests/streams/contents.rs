//! What streams are filled with, and a checksum of it that depends on the order.

use tinyrpc::Blob;

/// Bytes of one value.
pub(crate) const VALUE: usize = 128 << 10;

/// The values of a seed, each another one.
pub(crate) struct Contents(fastrand::Rng);

impl Contents {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    pub(crate) fn value(&mut self) -> Blob {
        let words = (0..VALUE / 8).map(|_| self.0.u64(..).to_le_bytes());
        Blob::from(words.collect::<Vec<_>>().into_flattened())
    }
}

/// A checksum of all that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checksum(pub(crate) u64);

impl Checksum {
    pub(crate) fn add(&mut self, value: &[u8]) {
        let (words, rest) = value.as_chunks::<8>();
        let rest = rest.iter().map(|byte| u64::from(*byte));
        for word in words.iter().map(|word| u64::from_le_bytes(*word)).chain(rest) {
            self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }
}
