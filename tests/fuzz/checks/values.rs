//! One value: where it ends, and what handlers and callers of all types make of it.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tinyrpc_core::{Blob, Ext, Format, Limits, Meta, Protocol, Scan};
use tinyrpc_protocols::MsgPackRpc;

use super::{bounds, frame, said::Said, value::Value};

/// One MessagePack value, as the only param of a call.
pub(crate) fn msgpack_value(data: &[u8]) {
    for limits in bounds() {
        in_a_call(&limits, data);
    }
    opened(Format::MsgPack, data);
}

/// The end of the value is where a walk of another make finds it, whole and byte by byte.
fn in_a_call(limits: &Limits, data: &[u8]) {
    let call = [HEAD, data].concat();
    let find = || MsgPackRpc.open(limits).decoder.find(&call);
    let mut slow = MsgPackRpc.open(limits);
    // Wherever the whole is not just good, the pieces find the same on their way.
    let slowly = (1..call.len() + 1)
        .map(|taken| slow.decoder.find(&call[..taken]))
        .find(|scan| !matches!(scan, Scan::Need(_)));
    match (find(), &slowly) {
        (Scan::Need(missing), None) => assert_ne!(missing, 0),
        (Scan::Frame { start: 0, end, consumed }, Some(Scan::Frame { end: slowly, .. })) => {
            assert_eq!((end, end), (*slowly, consumed));
        }
        // A message may be too large and something else: which is seen first is not told.
        (Scan::Bad { fatal: true, .. }, Some(Scan::Bad { fatal: true, .. })) => {}
        (whole, slowly) => panic!("{whole:?} whole, {slowly:?} byte by byte"),
    }
    let walked = Walked::over(data);
    match (walked, find()) {
        (Ok(walked), Scan::Frame { end, .. }) => {
            assert_eq!(end, HEAD.len() + walked.end);
            let mut decoder = MsgPackRpc.open(limits).decoder;
            let said = Said::read(&mut *decoder, frame(&call[..end]));
            let params = [&[0x91], &data[..walked.end]].concat();
            let (id, method, meta) = (Some(1.into()), "e".to_owned(), Meta::default());
            assert_eq!(said, Said::Call { id, method, params, meta });
        }
        (Ok(walked), scan) => assert!(
            walked.depth + 2 > limits.max_depth
                || walked.values + 5 > limits.max_values
                || HEAD.len() + walked.end > limits.max_message,
            "{walked:?} is within the limits, but {scan:?}"
        ),
        (Err(Stop::Never), Scan::Frame { .. } | Scan::Need(_)) => panic!("c1 begins no value"),
        (Err(Stop::More), Scan::Frame { end, .. }) => panic!("an end at {end} is none"),
        (Err(_), _) => {}
    }
}

/// Nothing panics, whatever the type; and what was read is read again from what is written of it.
pub(super) fn opened(format: Format, bytes: &[u8]) {
    read::<Value>(format, bytes);
    read::<Option<bool>>(format, bytes);
    read::<i8>(format, bytes);
    read::<u64>(format, bytes);
    read::<i128>(format, bytes);
    read::<f32>(format, bytes);
    read::<f64>(format, bytes);
    read::<char>(format, bytes);
    read::<String>(format, bytes);
    read::<Blob>(format, bytes);
    read::<Ext>(format, bytes);
    read::<IpAddr>(format, bytes);
    read::<()>(format, bytes);
    read::<(i64, Option<String>)>(format, bytes);
    read::<Vec<Choice>>(format, bytes);
    read::<BTreeMap<String, Value>>(format, bytes);
    read::<BTreeMap<i32, Vec<u8>>>(format, bytes);
    read::<Record>(format, bytes);
    _ = format.decode::<&str>(bytes);
    _ = format.shape(bytes);
    _ = format.is_null(bytes);
}

/// Writing is settled after one round: what is read of it is written just so.
fn read<T: DeserializeOwned + Serialize>(format: Format, bytes: &[u8]) {
    let Ok(value) = format.decode::<T>(bytes) else { return };
    let mut first = Vec::new();
    if format.encode(&value, &mut first).is_err() {
        // Only what JSON cannot say.
        assert!(first.is_empty(), "an error leaves something behind");
        assert!(format == Format::Json, "a value that was read cannot be written: {bytes:02x?}");
        return;
    }
    let again = match format.decode::<T>(&first) {
        Ok(again) => again,
        Err(error) => panic!("{error}: {first:02x?} was written of {bytes:02x?}"),
    };
    let mut second = Vec::new();
    format.encode(&again, &mut second).expect("it was written before");
    assert_eq!(first, second, "of {bytes:02x?}");
    if format == Format::MsgPack {
        let mut json = Vec::new();
        if Format::Json.encode(&value, &mut json).is_ok()
            && let Err(error) = serde_json::from_slice::<serde_json::Value>(&json)
        {
            panic!("{error}: {}", String::from_utf8_lossy(&json));
        }
    }
}

#[derive(Debug, Deserialize, Serialize)]
struct Record {
    name: String,
    #[serde(default)]
    tags: Vec<String>,
    inner: Option<Box<Self>>,
    raw: Option<Blob>,
}

#[derive(Debug, Deserialize, Serialize)]
enum Choice {
    Nothing,
    One(i64),
    Two(u8, String),
    Named { at: f64 },
}

/// A value as a walk without any cleverness sees it.
#[derive(Clone, Copy, Debug)]
struct Walked {
    end: usize,
    depth: u32,
    values: u32,
}

enum Stop {
    More,
    /// The byte that the specification never uses.
    Never,
}

impl Walked {
    fn over(bytes: &[u8]) -> Result<Self, Stop> {
        let (mut at, mut values, mut depth) = (0, 0, 0);
        // How many values are missing in each open container.
        let mut open: Vec<u64> = vec![1];
        while let Some(left) = open.last_mut() {
            if *left == 0 {
                open.pop();
                continue;
            }
            *left -= 1;
            values += 1;
            let first = *bytes.get(at).ok_or(Stop::More)?;
            let number = |width: usize| {
                let digits = bytes.get(at + 1..at + 1 + width).ok_or(Stop::More)?;
                Ok(digits.iter().fold(0_u64, |number, digit| number << 8 | u64::from(*digit)))
            };
            let (size, inside) = match first {
                0xc1 => return Err(Stop::Never),
                0x80..=0x8f => (1, Some(2 * u64::from(first & 15))),
                0x90..=0x9f => (1, Some(u64::from(first & 15))),
                0xa0..=0xbf => (1 + u64::from(first & 31), None),
                0xc4..=0xc6 => (1 + (1 << (first - 0xc4)) + number(1 << (first - 0xc4))?, None),
                0xc7..=0xc9 => (2 + (1 << (first - 0xc7)) + number(1 << (first - 0xc7))?, None),
                0xca | 0xce | 0xd2 => (5, None),
                0xcb | 0xcf | 0xd3 => (9, None),
                0xcc | 0xd0 => (2, None),
                0xcd | 0xd1 => (3, None),
                0xd4..=0xd8 => (2 + (1 << (first - 0xd4)), None),
                0xd9..=0xdb => (1 + (1 << (first - 0xd9)) + number(1 << (first - 0xd9))?, None),
                0xdc | 0xdd => (1 + (2 << (first - 0xdc)), Some(number(2 << (first - 0xdc))?)),
                0xde | 0xdf => (1 + (2 << (first - 0xde)), Some(2 * number(2 << (first - 0xde))?)),
                _ => (1, None),
            };
            at = usize::try_from(size)
                .ok()
                .and_then(|size| at.checked_add(size))
                .ok_or(Stop::More)?;
            if at > bytes.len() {
                return Err(Stop::More);
            }
            if let Some(inside) = inside {
                depth = depth.max(open.len() as u32);
                open.push(inside);
            }
        }
        Ok(Self { end: at, depth, values })
    }
}

/// `[0, 1, "e", [` and then the value.
const HEAD: &[u8] = b"\x94\x00\x01\xa1e\x91";
