//! Properties: pieces do not matter, the two walks agree with each other and with serde_json, spans
//! hold what was written, what exceeds a limit can be skipped.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

const SCALARS: &str = r#"null
true
false
0
-0
7
-12
3.25
1e5
-2.5E-3
12345678901
""
"id"
"a \" b"
"\\"
"\ud83d\ude00"
"€uro"
"a string that is longer than a few words""#;

const KEYS: &str = r#""jsonrpc"
"id"
"method"
"params"
"result"
"error"
"other"
"\u0069d"
"meth\u006fd"
""
"a key of more than sixteen bytes""#;

/// Text of a value, with white space here and there.
fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        select(SCALARS.lines().collect::<Vec<_>>()).prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::Value::String(text).to_string()),
    ];
    let space = || select(vec!["", "", "", " ", "\n", " \t\r\n "]);
    scalar.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            (vec((inner.clone(), space()), 0..6), space()).prop_map(|(items, space)| {
                let items: Vec<_> =
                    items.iter().map(|(item, space)| format!("{space}{item}{space}")).collect();
                format!("[{}{space}]", items.join(","))
            }),
            (vec((key(), inner, space()), 0..6), space()).prop_map(|(members, space)| {
                let members: Vec<_> = members
                    .iter()
                    .map(|(key, value, space)| format!("{space}{key}{space}:{space}{value}"))
                    .collect();
                format!("{{{}{space}}}", members.join(","))
            }),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    select(KEYS.lines().collect::<Vec<_>>()).prop_map(str::to_owned)
}

/// Something that is nearly JSON: a value, or one with some bytes changed, added or lost.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        select(b"{}[]:,\"\\u0123456789.eE+-truefalsn \n\x1f\x7f\x80\xc3\xe2\xed\xf0\xff".to_vec()),
        any::<u8>(),
    ];
    let change = (any::<prop::sample::Index>(), 0..3, byte);
    let head = select(vec!["", "", "{\"jsonrpc\":\"2.0\",\"params\":", "{\"jsonrpc\":\"2.0\""]);
    (head, json(), vec(change, 0..3)).prop_map(|(head, text, changes)| {
        let mut bytes = [head.as_bytes(), text.as_bytes()].concat();
        if head.ends_with(':') {
            bytes.push(b'}');
        }
        for (index, kind, byte) in changes {
            let at = index.index(bytes.len().max(1)).min(bytes.len());
            match kind {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                _ => bytes.truncate(at.max(1)),
            }
        }
        bytes
    })
}

fn limits() -> impl Strategy<Value = ScanLimits> {
    prop_oneof![
        Just(WIDE),
        (0..6_u32, 0..12_u32, 0..8_u32).prop_map(|(depth, values, digits)| ScanLimits {
            depth,
            values,
            digits
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn pieces_do_not_matter(
        bytes in nearly_json(),
        cuts in vec(any::<prop::sample::Index>(), 0..5),
        limits in limits(),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let whole = scan_whole(&bytes, limits);
        prop_assert_eq!(scan_pieces(&bytes, &cuts, limits), whole);
        prop_assert_eq!(scan_bytes(&bytes, limits), whole);
    }

    #[test]
    fn both_walks_agree(bytes in nearly_json(), limits in limits()) {
        let limits = limits.checked();
        let mut by_fast = Outline::default();
        let fast = fast::walk(&bytes, &limits, &mut by_fast);
        let mut by_walk = Outline::default();
        let walk = Walk::new(limits.values).run(&bytes, &limits, &mut by_walk).ok();
        if fast.is_some() {
            prop_assert_eq!(by_fast, by_walk);
        }
        if by_walk.kind != Kind::Scalar {
            prop_assert_eq!(fast, walk);
        } else {
            prop_assert_eq!(fast, None);
        }
    }

    #[test]
    fn serde_json_agrees(bytes in nearly_json()) {
        let ours = outline_of(&bytes, WIDE);
        match serde_json::from_slice::<serde_json::Value>(&bytes) {
            // A limit of its numbers, not of the grammar.
            Err(error) if error.to_string().contains("out of range") => {}
            theirs => prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs),
        }
    }

    #[test]
    fn spans_hold_what_was_written(
        members in vec((key(), json(), select(vec!["", " ", "\n\t"])), 0..8),
    ) {
        let texts: Vec<_> = members
            .iter()
            .map(|(key, value, space)| format!("{space}{key}{space}:{space}{value}{space}"))
            .collect();
        let frame = format!("{{{}}}", texts.join(","));
        let outline = outline_of(frame.as_bytes(), WIDE).expect("good JSON");
        let mut duplicate = None;
        for member in Member::ALL {
            let mut values = members.iter().enumerate().filter(|(_, (key, _, _))| {
                serde_json::from_str::<String>(key).is_ok_and(|key| key == member.name())
            });
            let first = values.next().map(|(_, (_, value, _))| value.as_bytes());
            prop_assert_eq!(outline.span(member).of(frame.as_bytes()), first);
            if let Some((place, _)) = values.next()
                && duplicate.is_none_or(|(earlier, _)| place < earlier)
            {
                duplicate = Some((place, member));
            }
        }
        prop_assert_eq!(outline.duplicate, duplicate.map(|(_, member)| member));

        let parts: Vec<_> = super::members(frame.as_bytes()).collect();
        let written: Vec<_> = members
            .iter()
            .map(|(key, value, _)| (key.trim_matches('"').as_bytes(), value.as_bytes()))
            .collect();
        prop_assert_eq!(parts, written);
    }

    #[test]
    fn elements_are_what_was_written(items in vec(json(), 0..8)) {
        let array = format!("[{}]", items.join(" , "));
        let parts: Vec<_> = elements(array.as_bytes()).collect();
        prop_assert_eq!(parts, items.iter().map(String::as_bytes).collect::<Vec<_>>());
    }

    #[test]
    fn a_value_over_the_limits_is_skipped_as_a_whole(text in json(), limits in limits()) {
        let stream = format!("{text}\n[]");
        match scan_whole(stream.as_bytes(), limits).0 {
            Ok(end) => prop_assert_eq!(end, Some(text.len())),
            Err(Flaw::Excess { skip, .. }) => prop_assert_eq!(skip, text.len()),
            Err(flaw) => prop_assert!(false, "{}", flaw),
        }
    }

    #[test]
    fn parts_of_anything_end(bytes in nearly_json()) {
        let length: usize = elements(&bytes).map(<[u8]>::len).sum();
        prop_assert!(length <= bytes.len());
        prop_assert!(members(&bytes).count() <= bytes.len());
        let _ = key_is(&bytes, "id");
    }
}
