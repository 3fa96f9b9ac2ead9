//! Every format byte, whole and cut at each byte; what a header may not announce; then the
//! properties: pieces do not matter, a plain recursive decoder agrees.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

const WIDE: ScanLimits = ScanLimits { depth: 64, values: u32::MAX, length: usize::MAX };

fn scan_whole(bytes: &[u8], limits: ScanLimits) -> Result<Option<usize>, Flaw> {
    Scanner::new(limits).resume(bytes)
}

/// Scans a buffer that grows to each of `cuts` before it is whole, until a verdict.
fn scan_pieces(
    bytes: &[u8],
    cuts: impl IntoIterator<Item = usize>,
    limits: ScanLimits,
) -> Result<Option<usize>, Flaw> {
    let mut scanner = Scanner::new(limits);
    for cut in cuts.into_iter().chain([bytes.len()]) {
        let result = scanner.resume(&bytes[..cut]);
        if result != Ok(None) {
            return result;
        }
    }
    Ok(None)
}

/// A value that is whole is found at once, in pieces and before other bytes; each part of it asks
/// for more, and never for more than there is.
#[track_caller]
fn accept(value: &[u8]) {
    assert_eq!(check(value, WIDE), Ok(()));
    assert_eq!(scan_pieces(value, 0..value.len(), WIDE), Ok(Some(value.len())));
    let stream = [value, &[0xc1]].concat();
    assert_eq!(scan_whole(&stream, WIDE), Ok(Some(value.len())));
    assert_eq!(check(&stream, WIDE), Err(Flaw::Trailing { at: value.len() }));
    let mut reader = Reader::new(&stream);
    assert_eq!((reader.value(), reader.rest()), (Some(value), &[0xc1][..]));

    // Each cut of the beginning and the end, where headers are; some of what is between.
    let start = value.len().min(40);
    let end = value.len().saturating_sub(10).max(start);
    for cut in (0..start).chain((start..end).step_by(997)).chain(end..value.len()) {
        let mut scanner = Scanner::new(WIDE);
        assert_eq!(scanner.resume(&value[..cut]), Ok(None));
        let missing = scanner.missing();
        assert!((1..=value.len() - cut).contains(&missing), "{missing} at {cut}");
        assert_eq!(check(&value[..cut], WIDE), Err(Flaw::Truncated { missing }));
        assert_eq!(Reader::new(&value[..cut]).value(), None);
    }
}

/// The header of `first` with a length of its width, and nothing behind it.
fn header(first: u8, width: usize, length: u32) -> Vec<u8> {
    [&[first][..], &length.to_be_bytes()[4 - width..]].concat()
}

/// The first byte of each format with a length, the bytes of that length, and what it counts:
/// bytes behind a type, bytes, values, pairs of values.
const LONG: [(u8, usize, Unit); 13] = [
    (0xc4, 1, Unit::Bytes),
    (0xc5, 2, Unit::Bytes),
    (0xc6, 4, Unit::Bytes),
    (0xc7, 1, Unit::Typed),
    (0xc8, 2, Unit::Typed),
    (0xc9, 4, Unit::Typed),
    (0xd9, 1, Unit::Bytes),
    (0xda, 2, Unit::Bytes),
    (0xdb, 4, Unit::Bytes),
    (0xdc, 2, Unit::Values),
    (0xdd, 4, Unit::Values),
    (0xde, 2, Unit::Pairs),
    (0xdf, 4, Unit::Pairs),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Typed,
    Bytes,
    Values,
    Pairs,
}

/// A value with `length` things in it.
fn long(first: u8, width: usize, unit: Unit, length: u32) -> Vec<u8> {
    let body = match unit {
        Unit::Typed => length as usize + 1,
        Unit::Bytes | Unit::Values => length as usize,
        Unit::Pairs => length as usize * 2,
    };
    let mut value = header(first, width, length);
    // Bytes that are values as well: nil.
    value.resize(value.len() + body, 0xc0);
    value
}

#[test]
fn every_first_byte_has_its_size() {
    for first in 0..=u8::MAX {
        let body = match first {
            0xc1 => {
                assert_eq!(scan_whole(&[first], WIDE), Err(Flaw::Reserved { at: 0 }));
                assert_eq!(check(&[0x91, first], WIDE), Err(Flaw::Reserved { at: 1 }));
                assert_eq!(Reader::new(&[first]).value(), None);
                assert_eq!(Reader::new(&[first]).kind(), None);
                continue;
            }
            0x80..=0x8f => usize::from(first - 0x80) * 2,
            0x90..=0x9f => usize::from(first - 0x90),
            0xa0..=0xbf => usize::from(first - 0xa0),
            0xcc | 0xd0 => 1,
            0xcd | 0xd1 | 0xd4 => 2,
            0xd5 => 3,
            0xca | 0xce | 0xd2 => 4,
            0xd6 => 5,
            0xcb | 0xcf | 0xd3 => 8,
            0xd7 => 9,
            0xd8 => 17,
            // With a length.
            0xc4..=0xc9 | 0xd9..=0xdf => continue,
            _ => 0,
        };
        let mut value = vec![first];
        value.resize(1 + body, 0xc0);
        accept(&value);
        accept(&[&[0x93, 0xc0][..], &value, &value].concat());
        assert!(Reader::new(&value).kind().is_some());
    }
}

#[test]
fn every_length_has_its_size() {
    for (first, width, unit) in LONG {
        for length in [0, 1, 2, 31, 32, 254, 255, 256, 65_534, 65_535, 65_536] {
            if width == 4 || length < 1 << (8 * width) {
                accept(&long(first, width, unit, length));
            }
        }
    }
}

#[test]
fn a_length_is_checked_at_its_header() {
    let limits = ScanLimits { depth: 64, values: 1_000, length: 1_000 };
    for (first, width, unit) in LONG {
        let most = match unit {
            Unit::Typed | Unit::Bytes => 1_000,
            // One for the container itself.
            Unit::Values | Unit::Pairs => 999,
        };
        for length in [most + 1, 65_535, 1 << 31, u32::MAX] {
            if width == 1 || (width == 2 && length > 65_535) {
                continue;
            }
            let expected = match unit {
                Unit::Typed | Unit::Bytes => Flaw::Length { limit: 1_000 },
                Unit::Values | Unit::Pairs => Flaw::Values { limit: 1_000 },
            };
            let header = header(first, width, length);
            assert_eq!(scan_whole(&header, limits), Err(expected), "{first:x} {length}");
            assert_eq!(scan_pieces(&header, 0..header.len(), limits), Err(expected));
        }
        if width > 1 {
            assert_eq!(check(&long(first, width, unit, most), limits), Ok(()));
        }
    }
    // Without limits the longest are still only lengths.
    for (first, width, unit) in LONG {
        let header = header(first, width, u32::MAX >> (32 - 8 * width));
        match scan_whole(&header, WIDE) {
            Ok(None) | Err(Flaw::Length { .. }) => {}
            Err(Flaw::Values { .. }) => assert!(matches!(unit, Unit::Values | Unit::Pairs)),
            other => panic!("{other:?}"),
        }
        assert_eq!(Reader::new(&header).value(), None);
    }
}

#[test]
fn values_are_charged_in_all() {
    let limits = ScanLimits { values: 7, ..WIDE };
    let exceeded = Err(Flaw::Values { limit: 7 });
    assert_eq!(scan_whole(&[0x96, 1, 2, 3, 4, 5, 6], limits), Ok(Some(7)));
    assert_eq!(scan_whole(&[0x97], limits), exceeded);
    assert_eq!(scan_whole(&[0x83, 1, 2, 3, 4, 5, 0x83, 1, 2, 3, 4, 5, 6], limits), Ok(Some(13)));
    assert_eq!(scan_whole(&[0x83, 1, 2, 3, 4, 5, 0x84], limits), exceeded);
    assert_eq!(scan_whole(&[0x87], limits), exceeded);
    assert_eq!(scan_whole(&[0x92, 0x92, 1, 2, 0x92, 3, 4], limits), Ok(Some(7)));
    assert_eq!(scan_whole(&[0x92, 0x92, 1, 2, 0x93, 3, 4, 5], limits), exceeded);
    assert_eq!(scan_whole(&[0xc0], ScanLimits { depth: 0, values: 0, length: 0 }), Ok(Some(1)));
}

#[test]
fn depth_is_limited() {
    for (depth, limit, accepted) in
        [(63, 64, true), (64, 64, true), (65, 64, false), (3, 3, true), (4, 3, false)]
    {
        let limits = ScanLimits { depth: limit, ..WIDE };
        let nested = [vec![0x91; depth - 1], vec![0x90]].concat();
        let expected = if accepted { Ok(()) } else { Err(Flaw::Depth { limit }) };
        assert_eq!(check(&nested, limits), expected);
        let nested = [[0x81, 0xc0].repeat(depth - 1), vec![0x80]].concat();
        assert_eq!(check(&nested, limits), expected);
    }
    let bomb = vec![0x91; 1_000_000];
    assert_eq!(check(&bomb, WIDE), Err(Flaw::Depth { limit: 64 }));
    assert_eq!(
        check(&bomb, ScanLimits { depth: u32::MAX, ..WIDE }),
        Err(Flaw::Depth { limit: 64 })
    );
    // Whoever asks for one value without having scanned gets an answer too.
    assert_eq!(Reader::new(&bomb).value(), None);
}

#[test]
fn says_how_much_is_missing() {
    #[track_caller]
    fn check(bytes: &[u8], expected: usize) {
        let mut scanner = Scanner::new(WIDE);
        assert_eq!(scanner.resume(bytes), Ok(None));
        assert_eq!(scanner.missing(), expected);
    }
    check(&[], 1);
    check(&[0x94], 4);
    check(&[0x94, 0, 0xcd], 4);
    check(&[0x94, 0, 0xcd, 0x30, 0x39, 0xa3, b'a'], 3);
    check(&[0x94, 0, 1, 0xc0, 0xdb, 0, 1], 1);
    check(&[0x94, 0, 1, 0xc0, 0xdb, 0, 1, 0, 0], 65_536);
    check(&[0x92, 0x93, 0x82], 7);
}

#[test]
fn a_scanner_is_used_again() {
    let mut scanner = Scanner::new(ScanLimits { depth: 2, values: 4, length: 3 });
    for value in [&[0x92, 0x91, 1, 2][..], &[0xa3, 1, 2, 3], &[0x93, 1, 2, 3], &[0xc0]] {
        assert_eq!(scanner.resume(&[]), Ok(None));
        assert_eq!(scanner.finish(value), Ok(()));
        assert_eq!(scanner.resume(value), Ok(Some(value.len())), "asked again");
        scanner.reset();
        assert_eq!(scanner.missing(), 1);
        assert!(scanner.resume(&[0x91, 0x91, 0x91, 0]).is_err());
        scanner.reset();
    }
}

#[test]
fn reads_a_request() {
    let request = b"\x94\x00\xcd\x30\x39\xa3add\x92\x02\x03\xc0";
    let mut reader = Reader::new(request);
    assert_eq!((reader.map(), reader.uint(), reader.bytes()), (None, None, None));
    assert_eq!(reader.kind(), Some(Kind::Array));
    assert_eq!(reader.array(), Some(4));
    assert_eq!((reader.array(), reader.map(), reader.nil()), (None, None, None));
    assert_eq!(reader.uint(), Some(0));
    assert_eq!(reader.uint(), Some(12_345));
    assert_eq!(reader.bytes(), Some(&b"add"[..]));
    assert_eq!(reader.value(), Some(&b"\x92\x02\x03"[..]));
    assert_eq!(reader.kind(), Some(Kind::Nil));
    assert_eq!(reader.nil(), Some(()));
    assert_eq!((reader.kind(), reader.value(), reader.nil()), (None, None, None));
}

#[test]
fn reads_integers_of_every_width() {
    #[track_caller]
    fn check(bytes: &[u8], uint: Option<u64>, int: Option<i64>) {
        assert_eq!(Reader::new(bytes).kind(), Some(Kind::Integer));
        let mut reader = Reader::new(bytes);
        assert_eq!(reader.uint(), uint);
        assert_eq!(reader.rest().is_empty(), uint.is_some());
        let mut reader = Reader::new(bytes);
        assert_eq!(reader.int(), int);
        assert_eq!(reader.rest().is_empty(), int.is_some());
        for cut in 1..bytes.len() {
            assert_eq!(Reader::new(&bytes[..cut]).uint(), None);
            assert_eq!(Reader::new(&bytes[..cut]).int(), None);
        }
    }
    check(&[0x7f], Some(127), Some(127));
    check(&[0xe0], None, Some(-32));
    check(&[0xff], None, Some(-1));
    check(&[0xcc, 0xff], Some(255), Some(255));
    check(&[0xcd, 0xff, 0xfe], Some(0xfffe), Some(0xfffe));
    check(&[0xce, 0xff, 0, 0, 1], Some(0xff00_0001), Some(0xff00_0001));
    check(&[0xcf, 0xff, 0, 0, 0, 0, 0, 0, 1], Some(0xff00_0000_0000_0001), None);
    check(&[0xd0, 5], Some(5), Some(5));
    check(&[0xd0, 0x80], None, Some(-128));
    check(&[0xd1, 0x80, 0], None, Some(-32_768));
    check(&[0xd2, 0xff, 0xff, 0x80, 0x44], None, Some(-32_700));
    check(&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], None, Some(i64::MIN));
    for other in [&[0xc0][..], &[0xca, 0, 0, 0, 0], &[0xa1, b'1'], &[0x90], &[]] {
        assert_eq!((Reader::new(other).uint(), Reader::new(other).int()), (None, None));
    }
}

#[test]
fn reads_what_has_a_length() {
    for (first, width, unit) in LONG {
        for length in [0, 1, 200] {
            let value = long(first, width, unit, length);
            let mut reader = Reader::new(&value);
            let (bytes, array, map) = (reader.bytes(), reader.array(), reader.map());
            let body = vec![0xc0; length as usize];
            assert_eq!(bytes, (unit == Unit::Bytes).then_some(&body[..]));
            assert_eq!(array, (unit == Unit::Values).then_some(length));
            assert_eq!(map, (unit == Unit::Pairs).then_some(length));
        }
        assert_eq!(Reader::new(&header(first, width, 3)).bytes(), None, "cut off");
        let mut short = header(first, width, 3);
        short.pop();
        assert_eq!(Reader::new(&short).array(), None);
        assert_eq!(Reader::new(&short).map(), None);
    }
    assert_eq!(Reader::new(&[0x9f]).array(), Some(15));
    assert_eq!(Reader::new(&[0x8f]).map(), Some(15));
    assert_eq!(Reader::new(b"\xa2hi!").bytes(), Some(&b"hi"[..]));
    assert_eq!(Reader::new(b"\xa2h").bytes(), None);
    assert_eq!(Reader::new(&[0xa2, 0xff, 0xfe]).bytes(), Some(&[0xff, 0xfe][..]));
}

/// The end of the value at `at`, by recursion; `None` when it is cut off.
fn end_of(bytes: &[u8], at: usize) -> Result<Option<usize>, Flaw> {
    let Some(&first) = bytes.get(at) else { return Ok(None) };
    let length = |width: usize| {
        let digits = bytes.get(at + 1..at + 1 + width)?;
        Some(digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)))
    };
    let (size, body, values) = match first {
        0x80..=0x8f => (1, 0, usize::from(first & 15) * 2),
        0x90..=0x9f => (1, 0, usize::from(first & 15)),
        0xa0..=0xbf => (1, usize::from(first & 31), 0),
        0xc1 => return Err(Flaw::Reserved { at }),
        0xca | 0xce | 0xd2 => (5, 0, 0),
        0xcb | 0xcf | 0xd3 => (9, 0, 0),
        0xcc | 0xd0 => (2, 0, 0),
        0xcd | 0xd1 => (3, 0, 0),
        0xd4..=0xd8 => (2, 1 << (first - 0xd4), 0),
        _ => match LONG.into_iter().find(|(long, _, _)| *long == first) {
            None => (1, 0, 0),
            Some((_, width, unit)) => {
                let Some(length) = length(width) else { return Ok(None) };
                match unit {
                    Unit::Typed => (width + 2, length, 0),
                    Unit::Bytes => (width + 1, length, 0),
                    Unit::Values => (width + 1, 0, length),
                    Unit::Pairs => (width + 1, 0, length * 2),
                }
            }
        },
    };
    let mut end = at + size + body;
    for _ in 0..values {
        match end_of(bytes, end)? {
            Some(behind) => end = behind,
            None => return Ok(None),
        }
    }
    Ok((end <= bytes.len()).then_some(end))
}

/// A value in any of its encodings.
fn msgpack() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        select(vec![0x00_u8, 0x7f, 0xe0, 0xff, 0xc0, 0xc2, 0xc3, 0xa0]).prop_map(|byte| vec![byte]),
        select(vec![(0xcc, 1), (0xcd, 2), (0xce, 4), (0xcf, 8), (0xca, 4), (0xcb, 8), (0xd3, 8)])
            .prop_flat_map(|(first, size)| vec(any::<u8>(), size).prop_map(move |body| [
                &[first][..],
                &body
            ]
            .concat())),
        select(vec![(0xd4, 2), (0xd5, 3), (0xd6, 5), (0xd7, 9), (0xd8, 17), (0xa5, 5), (0xbf, 31)])
            .prop_flat_map(|(first, size)| vec(any::<u8>(), size).prop_map(move |body| [
                &[first][..],
                &body
            ]
            .concat())),
        (select(LONG[..9].to_vec()), 0..40_u32)
            .prop_map(|((first, width, unit), length)| long(first, width, unit, length)),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        (select(vec![0, 9, 10, 11, 12]), vec((inner.clone(), inner), 0..6)).prop_map(
            |(format, items)| {
                let mut value = match (format, u32::try_from(items.len()).unwrap_or_default()) {
                    (0, length) => vec![0x80 | length as u8],
                    (format, length) => header(LONG[format].0, LONG[format].1, length),
                };
                let array = matches!(format, 9 | 10);
                for (key, item) in items {
                    value.extend(item);
                    value.extend(if array { vec![] } else { key });
                }
                value
            },
        )
    })
}

/// Something that is nearly a value: one, or one with some bytes changed, added or lost.
fn nearly_msgpack() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0..3, any::<u8>());
    (msgpack(), vec(change, 0..3)).prop_map(|(mut bytes, changes)| {
        for (index, kind, byte) in changes {
            let at = index.index(bytes.len());
            match kind {
                0 => bytes.insert(at, byte),
                1 => bytes[at] = byte,
                _ => bytes.truncate(at.max(1)),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn pieces_do_not_matter(
        bytes in nearly_msgpack(),
        cuts in vec(any::<prop::sample::Index>(), 0..5),
        depth in 0..6_u32,
        values in prop_oneof![0..30_u32, Just(u32::MAX)],
        length in prop_oneof![0..20_usize, Just(usize::MAX)],
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        for limits in [WIDE, ScanLimits { depth, values, length }] {
            let whole = scan_whole(&bytes, limits);
            prop_assert_eq!(scan_pieces(&bytes, cuts.iter().copied(), limits), whole);
            prop_assert_eq!(scan_pieces(&bytes, 0..bytes.len(), limits), whole);
        }
    }

    #[test]
    fn recursion_agrees(bytes in nearly_msgpack()) {
        let ours = scan_whole(&bytes, WIDE);
        // Refused at its header for its length alone, where recursion goes on.
        if !matches!(ours, Err(Flaw::Values { .. })) {
            prop_assert_eq!(ours, end_of(&bytes, 0));
            let end = ours.unwrap_or_default();
            prop_assert_eq!(Reader::new(&bytes).value(), end.and_then(|end| bytes.get(..end)));
        }
    }

    #[test]
    fn a_value_is_accepted(value in msgpack()) {
        accept(&value);
    }

    #[test]
    fn readers_take_no_more_than_there_is(bytes in vec(any::<u8>(), 0..24)) {
        let mut reader = Reader::new(&bytes);
        let _ = (reader.array(), reader.map(), reader.uint(), reader.int(), reader.bytes());
        let _ = (reader.nil(), reader.value(), reader.kind());
        prop_assert!(bytes.ends_with(reader.rest()));
    }
}
