//! `Rope`: a message in several parts, which are sent one behind the other.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Bytes that stand in several blocks. None of the parts is empty, except that of an empty rope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rope {
    first: Bytes,
    rest: VecDeque<Bytes>,
    len: usize,
}

impl Rope {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What comes first.
    pub(crate) fn first(&self) -> &Bytes {
        &self.first
    }

    /// All parts, in their order.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// The only part, where there is one alone.
    pub(crate) fn alone(&self) -> Option<&Bytes> {
        self.rest.is_empty().then_some(&self.first)
    }

    /// Takes the first bytes away, at most so many, and none of the second part.
    pub(crate) fn split_to(&mut self, most: usize) -> Bytes {
        let taken = self.first.split_to(most.min(self.first.len()));
        self.len -= taken.len();
        if self.first.is_empty()
            && let Some(next) = self.rest.pop_front()
        {
            self.first = next;
        }
        taken
    }

    /// Takes exactly so many bytes away, or all that there are: a copy where they stand in several
    /// parts.
    pub(crate) fn take(&mut self, count: usize) -> Bytes {
        let count = count.min(self.len);
        if count <= self.first.len() {
            return self.split_to(count);
        }
        let mut taken = BytesMut::with_capacity(count);
        while taken.len() < count {
            taken.extend_from_slice(&self.split_to(count - taken.len()));
        }
        taken.freeze()
    }

    /// All of it in one block.
    pub(crate) fn whole(self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        let mut whole = BytesMut::with_capacity(self.len);
        whole.extend_from_slice(&self.first);
        self.rest.iter().for_each(|part| whole.extend_from_slice(part));
        whole.freeze()
    }
}

impl From<Bytes> for Rope {
    fn from(bytes: Bytes) -> Self {
        Self { len: bytes.len(), first: bytes, rest: VecDeque::new() }
    }
}

impl IntoIterator for Rope {
    type Item = Bytes;
    type IntoIter =
        std::iter::Chain<std::iter::Once<Bytes>, std::collections::vec_deque::IntoIter<Bytes>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.first).chain(self.rest)
    }
}

impl FromIterator<Bytes> for Rope {
    fn from_iter<I: IntoIterator<Item = Bytes>>(parts: I) -> Self {
        let mut rest: VecDeque<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let len = rest.iter().map(Bytes::len).sum();
        Self { first: rest.pop_front().unwrap_or_default(), rest, len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rope(parts: &[&'static [u8]]) -> Rope {
        parts.iter().map(|part| Bytes::from_static(part)).collect()
    }

    #[test]
    fn any_cutting_gives_the_same_bytes() {
        let all: [&[&[u8]]; 4] = [&[], &[b"abc"], &[b"", b"ab", b"", b"c"], &[b"a", b"b", b"c"]];
        for parts in all {
            let whole: Vec<u8> = parts.concat();
            assert_eq!(rope(parts).whole(), whole);
            assert_eq!(rope(parts).len(), whole.len());
            for most in 1..5 {
                let (mut rope, mut taken) = (rope(parts), Vec::new());
                while !rope.is_empty() {
                    let part = rope.split_to(most);
                    assert!((1..=most).contains(&part.len()), "{parts:?}");
                    taken.extend_from_slice(&part);
                    assert_eq!(rope.len(), whole.len() - taken.len());
                }
                assert_eq!(taken, whole);
                let mut rope = self::rope(parts);
                for chunk in whole.chunks(most) {
                    assert_eq!(rope.take(most), chunk);
                }
                assert!(rope.take(most).is_empty());
            }
        }
    }
}
