//! `Pieces`: large binary values to which an encoding refers in place of holding a copy.

use std::cell::Cell;

use bytes::Bytes;

thread_local! {
    /// The binary value that is being written to a serializer, whichever that is.
    static WRITTEN: Cell<Option<Bytes>> = const { Cell::new(None) };
}

/// The values that are missing in an encoding, each with the place in the buffer where it stands.
#[derive(Debug)]
pub(crate) struct Pieces {
    list: Vec<(usize, Bytes)>,
    len: usize,
    /// From which size on a value is a piece.
    from: usize,
}

impl Pieces {
    /// None yet; values of `from` bytes and more become pieces.
    pub(crate) fn new(from: usize) -> Self {
        Self { list: Vec::new(), len: 0, from }
    }

    /// Bytes of all of them.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.len = 0;
    }

    /// From which size on a value is a piece.
    pub(crate) fn least(&self) -> usize {
        self.from
    }

    /// The whole of what was encoded from `start` on, piece by piece; it is taken out of `out`.
    pub(crate) fn cut(self, start: usize, out: &mut Vec<u8>) -> Vec<Bytes> {
        // A buffer that holds nothing else is given away; `split_off` would leave an equal one.
        let cut = if start == 0 { std::mem::take(out) } else { out.split_off(start) };
        let mut rest = Bytes::from(cut);
        let mut at = start;
        let mut all = Vec::with_capacity(2 * self.list.len() + 1);
        for (place, piece) in self.list {
            let before = rest.split_to((place - at).min(rest.len()));
            at = place;
            all.extend([before, piece]);
        }
        all.push(rest);
        all.retain(|bytes| !bytes.is_empty());
        all
    }

    /// Puts them where they belong, behind `start`.
    pub(crate) fn join(self, start: usize, out: &mut Vec<u8>) {
        if self.is_empty() {
            return;
        }
        out.reserve(self.len);
        for bytes in self.cut(start, out) {
            out.extend_from_slice(&bytes);
        }
    }

    /// Writes what a serializer has to say; a value that was announced is not copied.
    #[cfg(feature = "msgpack")]
    #[inline]
    pub(super) fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if bytes.len() >= self.from
            && let Some(piece) = WRITTEN.take()
            && piece.as_ptr() == bytes.as_ptr()
            && piece.len() == bytes.len()
        {
            self.len += piece.len();
            self.list.push((out.len(), piece));
            return;
        }
        out.extend_from_slice(bytes);
    }
}

/// Has `write` hand `bytes` to a serializer, which need not copy them where it knows of this.
pub(crate) fn announced<R>(bytes: &Bytes, write: impl FnOnce() -> R) -> R {
    WRITTEN.set(Some(bytes.clone()));
    // Also where a serializer panics: the next one on this thread writes other values.
    let _over = Over;
    write()
}

struct Over;

impl Drop for Over {
    fn drop(&mut self) {
        WRITTEN.set(None);
    }
}

/// True where something is announced that nobody has taken yet.
#[cfg(feature = "json")]
pub(super) fn is_announced() -> bool {
    let announced = WRITTEN.take();
    let is = announced.is_some();
    WRITTEN.set(announced);
    is
}

/// What was announced and not taken yet.
#[cfg(feature = "json")]
pub(super) fn take_announced() -> Option<Bytes> {
    WRITTEN.take()
}

/// From which size on a value may be a piece: as for messages that are never copied.
pub(crate) const LEAST: usize = crate::outgoing::LARGE;
/// The name under which a binary value whose text is base64 is given to serializers.
#[cfg(feature = "json")]
pub(crate) const BASE64: &str = "$tinyrpc::base64";
