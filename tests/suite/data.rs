//! The data model: a service means the same over every protocol.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tinyrpc::{Blob, Client, Code, Dispatcher, Ext, Outcome};

use crate::world::{Connected, World};

/// Echoes any value of a type.
async fn echo<T>(world: &World) -> Connected
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    world.serve(Dispatcher::new().method("echo", |value: T| value)).await
}

async fn same<T>(client: &Client, values: impl IntoIterator<Item = T>)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    for value in values {
        let back: T = client.call("echo", (&value,)).await.unwrap();
        assert_eq!(back, value);
    }
}

pub(crate) async fn numbers(world: World) {
    same(&echo::<i64>(&world).await.client, [0, 1, -1, i64::MIN, i64::MAX, (1 << 53) + 1]).await;
    same(&echo::<u64>(&world).await.client, [0, u64::MAX, u64::MAX - 1]).await;
    same(&echo::<f64>(&world).await.client, [0.0, -0.5, 1e300, 0.1, f64::MIN_POSITIVE]).await;
    same(&echo::<f32>(&world).await.client, [0.1, f32::MAX]).await;
    same(&echo::<bool>(&world).await.client, [true, false]).await;
}

pub(crate) async fn binary(world: World) {
    let at = echo::<Blob>(&world).await;
    let all: Vec<u8> = (0..=255).collect();
    same(&at.client, [Blob::from(vec![]), Blob::from(all), Blob::from(&b"text"[..])]).await;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Account {
    id: u32,
    name: String,
    home: Option<IpAddr>,
    kind: Kind,
    tags: BTreeMap<String, Vec<f64>>,
    by_number: BTreeMap<u8, String>,
    nothing: (),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Rated(u8),
    Shared { with: Vec<u32> },
}

pub(crate) async fn structs(world: World) {
    let at = echo::<Account>(&world).await;
    let plain = Account {
        id: 1,
        name: "Ada".into(),
        home: Some("127.0.0.1".parse().unwrap()),
        kind: Kind::Plain,
        tags: BTreeMap::from([("x".into(), vec![1.5, -2.0])]),
        by_number: BTreeMap::from([(7, "seven".into())]),
        nothing: (),
    };
    let shared = Account { home: None, kind: Kind::Shared { with: vec![2, 3] }, ..plain.clone() };
    same(&at.client, [plain.clone(), shared, Account { kind: Kind::Rated(5), ..plain }]).await;
    // Both formats are human-readable: an address is text.
    let at = echo::<String>(&world).await;
    let address: IpAddr = "::1".parse().unwrap();
    assert_eq!(at.client.call::<_, String>("echo", (address,)).await.unwrap(), "::1");
}

pub(crate) async fn text(world: World) {
    let at = echo::<String>(&world).await;
    let odd = ["", "ü€😀", "\u{0}\u{1f}\"\\/", "\u{2028}\u{feff}"];
    same(&at.client, odd.map(String::from)).await;
    same(&at.client, ["x".repeat(31), "x".repeat(32), "x".repeat(256), "x".repeat(70_000)]).await;
}

pub(crate) async fn not_finite(world: World) {
    let at = echo::<f64>(&world).await;
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let answer = at.client.call::<_, f64>("echo", (value,)).await;
        if world.protocol == "msgpack" {
            assert_eq!(answer.unwrap().to_bits(), value.to_bits());
        } else {
            // Refused before it is sent, where serde_json would say null.
            let error = answer.unwrap_err();
            assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
        }
    }
    let at = world.serve(Dispatcher::new().method("nan", || f64::NAN)).await;
    let answer = at.client.call::<_, f64>("nan", ()).await;
    assert_eq!(answer.is_ok(), world.protocol == "msgpack");
}

/// Who hands results on need not know their types.
pub(crate) async fn undecoded(world: World) {
    let at = echo::<Blob>(&world).await;
    for size in [0, 3, 100_000] {
        let blob = Blob::from(vec![0xff; size]);
        let result = at.client.call_raw("echo", (&blob,)).await.unwrap();
        assert_eq!(Some(result.format), at.client.format());
        assert_eq!(result.decode::<Blob>().unwrap(), blob);
    }
    let error = at.client.call_raw("echo", (1, 2)).await.unwrap_err();
    assert_eq!(error.as_rpc().unwrap().code, Code::INVALID_PARAMS);
    assert_eq!(at.client.in_flight(), 0);
}

pub(crate) async fn extensions(world: World) {
    let at = echo::<Ext>(&world).await;
    for size in [0, 1, 2, 3, 4, 8, 16, 17, 300] {
        let ext = Ext { tag: -7, data: Blob::from(vec![9; size]) };
        same(&at.client, [ext]).await;
    }
}
