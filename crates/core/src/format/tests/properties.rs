//! Random values and random bytes.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Anything {
    integers: (i8, u16, i32, u64, i64),
    text: String,
    float: f32,
    blob: Blob,
    ext: (i8, Vec<u8>),
    map: BTreeMap<i32, Option<char>>,
    choice: Vec<bool>,
}

prop_compose! {
    fn anything()(
        integers: (i8, u16, i32, u64, i64),
        text: String,
        float in -1e30_f32..1e30,
        blob: Vec<u8>,
        ext: (i8, Vec<u8>),
        map: BTreeMap<i32, Option<char>>,
        choice: Vec<bool>,
    ) -> Anything {
        Anything { integers, text, float, blob: blob.into(), ext, map, choice }
    }
}

proptest! {
    #[test]
    fn round_trips(value in anything(), cut: prop::sample::Index) {
        for format in BOTH {
            let bytes = encode(format, &value);
            let ext = Ext { tag: value.ext.0, data: value.ext.1.clone().into() };
            prop_assert_eq!(format.decode::<Anything>(&bytes), Ok(value.clone()));
            prop_assert_eq!(format.decode::<Ext>(&encode(format, &ext)), Ok(ext));
            // No prefix of it is a value.
            let end = cut.index(bytes.len());
            prop_assert!(format.decode::<Anything>(&bytes[..end]).is_err());
        }
    }

    #[test]
    fn no_input_panics(bytes: Vec<u8>) {
        for format in BOTH {
            let _ = format.decode::<serde::de::IgnoredAny>(&bytes);
            let _ = format.decode::<Anything>(&bytes);
            let _ = format.decode::<Untagged>(&bytes);
            let _ = format.decode::<Recursive>(&bytes);
            let _ = format.decode::<Ext>(&bytes);
            let _ = format.decode::<String>(&bytes).map_err(|error| error.to_string());
            let _ = (format.shape(&bytes), format.is_null(&bytes));
        }
    }
}
