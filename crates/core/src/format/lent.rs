//! A block whose parts may be kept by what is decoded from it.

use std::cell::Cell;

use bytes::Bytes;

thread_local! {
    static LENT: Cell<Option<Bytes>> = const { Cell::new(None) };
}

/// Has `read` decode from `block`. A large binary value that is most of it becomes a part of it in
/// place of a copy.
pub(crate) fn lending<R>(block: Option<&Bytes>, read: impl FnOnce() -> R) -> R {
    let Some(block) = block else { return read() };
    // Put back even where decoding panics: another thread's user must not find it.
    let _before = Before(LENT.replace(Some(block.clone())));
    read()
}

struct Before(Option<Bytes>);

impl Drop for Before {
    fn drop(&mut self) {
        LENT.set(self.0.take());
    }
}

/// `bytes` as a part of the block that is lent; a copy where they are none, or so small a part that
/// the block would be kept for little.
pub(crate) fn keep(bytes: &[u8]) -> Bytes {
    let block = LENT.take();
    let kept = block
        .as_ref()
        .filter(|block| 2 * bytes.len() >= block.len() && holds(block, bytes))
        .map(|block| block.slice_ref(bytes));
    LENT.set(block);
    kept.unwrap_or_else(|| Bytes::copy_from_slice(bytes))
}

/// True where `part` stands in `block`.
fn holds(block: &[u8], part: &[u8]) -> bool {
    let (block, part) = (block.as_ptr_range(), part.as_ptr_range());
    block.start <= part.start && part.end <= block.end
}
