//! What both wire forms of the tinyrpc extension have in common (`docs/extensions.md`).

use std::time::Duration;

use tinyrpc_core::{Allowance, Meta};

/// Values and bytes that may be sent, where both are numbers that the extension has.
pub(crate) fn allowance(items: u64, bytes: u64) -> Option<Allowance> {
    Some(Allowance { items: amount(items)?, bytes: amount(bytes)? })
}

/// An amount of values, bytes or calls.
pub(crate) fn amount(number: u64) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| *number <= MOST)
}

/// What is said of an amount: the most that can be said where it is more.
pub(crate) fn said(amount: u32) -> u64 {
    amount.min(MOST).into()
}

/// How many milliseconds are said of a deadline: a part of one counts as a whole, so that nobody
/// gives up before its caller does.
pub(crate) fn millis(deadline: Duration) -> u64 {
    let millis = deadline.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).map_or(LONGEST, |millis| millis.min(LONGEST))
}

/// The deadline of so many milliseconds.
pub(crate) fn deadline(millis: u64) -> Option<Duration> {
    (millis <= LONGEST).then_some(Duration::from_millis(millis))
}

/// How many members say what stands beside a request.
pub(crate) fn members(meta: &Meta) -> u8 {
    u8::from(meta.stream.is_some())
        + u8::from(meta.sends)
        + u8::from(meta.deadline.is_some())
        + u8::from(meta.depth > 0)
        + u8::from(meta.trace.is_some())
        + u8::from(meta.idempotency_key.is_some())
}

/// The largest amount: what languages without unsigned numbers can hold.
const MOST: u32 = i32::MAX as u32;
/// The longest deadline in milliseconds: 2^53 - 1, the largest integer that every JSON parser
/// reads as it is.
const LONGEST: u64 = (1 << 53) - 1;
