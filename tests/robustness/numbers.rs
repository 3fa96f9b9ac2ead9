//! Numbers in JSON: J5. Whatever is written, a handler gets exactly that number, or its caller an
//! error; nothing is rounded but to the nearest double.

use tinyrpc::{
    Dispatched, Dispatcher, Endpoint,
    protocols::{Format, JsonRpc},
};

use crate::{beside, value::Value};

/// How many numbers; `NUMBERS` in the environment has it done with more.
const MOST: usize = 100_000;

/// Random numbers, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        // Xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn digits(&mut self, most: usize) -> String {
        let count = 1 + self.below(most);
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    fn one_of<'a>(&mut self, these: &[&'a str]) -> &'a str {
        these[self.below(these.len())]
    }

    /// A number as the grammar has it: near the edges of the types, or anywhere.
    fn number(&mut self) -> String {
        let sign = self.one_of(&["", "", "-"]);
        let integer = match self.below(4) {
            0 => self.one_of(EDGES).to_owned(),
            1 => "0".to_owned(),
            2 => self.digits(8).trim_start_matches('0').to_owned(),
            _ => self.digits(42).trim_start_matches('0').to_owned(),
        };
        let integer = if integer.is_empty() { "0" } else { &integer };
        let fraction = match self.below(3) {
            0 => format!(".{}", self.digits(25)),
            _ => String::new(),
        };
        let exponent = match self.below(4) {
            0 => {
                let (letter, sign) = (self.one_of(&["e", "E"]), self.one_of(&["", "+", "-"]));
                format!("{letter}{sign}{}", self.digits(3))
            }
            _ => String::new(),
        };
        format!("{sign}{integer}{fraction}{exponent}")
    }
}

const EDGES: &[&str] = &[
    "127",
    "128",
    "255",
    "256",
    "32768",
    "65535",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "170141183460469231731687303715884105727",
    "170141183460469231731687303715884105728",
    "340282366920938463463374607431768211455",
    "340282366920938463463374607431768211456",
    "17976931348623157",
    "22250738585072014",
    "4503599627370496",
];

/// The integer that is written, if it is written as one and fits.
fn integer<T: std::str::FromStr>(text: &str) -> Option<T> {
    // Minus zero is a double: it is no integer of 64 bits.
    let whole = text != "-0" && !text.contains(['.', 'e', 'E']);
    whole.then(|| text.parse().ok()).flatten()
}

fn check(text: &str) {
    let json = Format::Json;
    let bytes = text.as_bytes();
    assert_eq!(json.decode::<i8>(bytes).ok(), integer::<i8>(text), "{text} as i8");
    assert_eq!(json.decode::<i64>(bytes).ok(), integer::<i64>(text), "{text} as i64");
    assert_eq!(json.decode::<u64>(bytes).ok(), integer::<u64>(text), "{text} as u64");
    if text != "-0" {
        assert_eq!(json.decode::<i128>(bytes).ok(), integer::<i128>(text), "{text} as i128");
    }
    assert_eq!(json.decode::<u128>(bytes).ok(), integer::<u128>(text), "{text} as u128");
    let nearest = text.parse::<f64>().ok().filter(|number| number.is_finite()).map(f64::to_bits);
    let read = json.decode::<f64>(bytes).ok().map(f64::to_bits);
    assert_eq!(read, nearest, "{text} as f64");
    let any = json.decode::<Value>(bytes).ok();
    let expected = integer::<i64>(text)
        .map(Value::Int)
        .or_else(|| integer::<u64>(text).map(Value::Uint))
        .or_else(|| nearest.map(f64::from_bits).map(Value::Float));
    // Unlike `==`, this tells the two zeros apart.
    assert_eq!(format!("{any:?}"), format!("{expected:?}"), "{text} as anything");
    let Some(value) = any else { return };
    let mut written = Vec::new();
    json.encode(&value, &mut written).expect("it was read");
    let again = json.decode::<Value>(&written).expect("it was written");
    assert_eq!(format!("{again:?}"), format!("{value:?}"), "{text} written");
}

#[test]
fn every_number_is_exact_or_an_error() {
    let most = std::env::var("NUMBERS").ok().and_then(|most| most.parse().ok()).unwrap_or(MOST);
    beside(|| {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for _ in 0..most {
            check(&random.number());
        }
    });
}

/// The same through a call: fifty at a time, echoed.
#[test]
fn numbers_come_back_as_they_went() {
    beside(|| {
        let service = Dispatcher::new().method("echo", |values: Vec<Value>| values);
        let endpoint = Endpoint::new(service, JsonRpc);
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        for _ in 0..1000 {
            let texts: Vec<_> = std::iter::repeat_with(|| random.number())
                .filter(|text| text.parse().is_ok_and(f64::is_finite))
                .take(50)
                .collect();
            let list = texts.join(",");
            let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"echo","params":[[{list}]]}}"#);
            let Dispatched::Ready(Some(answer)) = endpoint.dispatch_now(call) else {
                panic!("no answer to {list}")
            };
            let head = br#"{"jsonrpc":"2.0","id":1,"result":"#;
            let result = answer.strip_prefix(head).and_then(|rest| rest.strip_suffix(b"}"));
            let result = result.unwrap_or_else(|| panic!("{list}: {answer:?}"));
            let read = |text| format!("{:?}", Format::Json.decode::<Value>(text).expect("a list"));
            assert_eq!(read(result), read(format!("[{list}]").as_bytes()));
        }
    });
}
