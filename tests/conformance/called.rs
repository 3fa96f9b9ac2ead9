//! Our client in the place of the recorded ones: what it sends, and what it makes of the answers.

use serde_json::Value as Json;
use tinyrpc::{Error, Format};

use crate::{
    far::{Far, Link},
    recordings::{JOINT, MPRPC, PYTHON, System, TINYRPC_JSON, TINYRPC_MSGPACK, Vector},
    value::Value,
    wire::Wire,
};

/// A recorded request or notification: its id, method and params.
struct Recorded {
    id: Option<Value>,
    method: String,
    params: Value,
}

fn read(wire: Wire, message: &[u8]) -> Option<Recorded> {
    match wire {
        Wire::Json => {
            let message: Json = serde_json::from_slice(message).ok()?;
            Some(Recorded {
                id: message.get("id").map(Value::from),
                method: message.get("method")?.as_str()?.into(),
                params: message.get("params").map_or(Value::Null, Value::from),
            })
        }
        Wire::MessagePack => {
            let Ok(Value::List(parts)) = Format::MsgPack.decode(message) else { return None };
            match parts.as_slice() {
                [Value::Int(0), id, Value::Text(method), params] => Some(Recorded {
                    id: Some(id.clone()),
                    method: method.clone(),
                    params: params.clone(),
                }),
                [Value::Int(2), Value::Text(method), params] => {
                    Some(Recorded { id: None, method: method.clone(), params: params.clone() })
                }
                _ => None,
            }
        }
    }
}

/// The recorded bytes with our id in the place of the recorded one.
fn with_id(wire: Wire, message: &[u8], recorded: &Value, ours: &Value) -> Vec<u8> {
    let encode = |id: &Value| {
        let mut out = if wire == Wire::Json { b"\"id\": ".to_vec() } else { Vec::new() };
        let format = if wire == Wire::Json { Format::Json } else { Format::MsgPack };
        format.encode(id, &mut out).expect("an id");
        out
    };
    let (old, new) = (encode(recorded), encode(ours));
    // In MessagePack it stands behind the header and the type.
    let at = match wire {
        Wire::Json => message.windows(old.len()).position(|part| part == old).expect("an id"),
        Wire::MessagePack => 2,
    };
    assert_eq!(&message[at..at + old.len()], old);
    [&message[..at], &new, &message[at + old.len()..]].concat()
}

/// The code, message and data of an error.
type Failure = (i64, String, Option<Value>);

/// What a caller must get, by the recorded answer.
fn expected(wire: Wire, answer: &[u8]) -> Result<Value, Failure> {
    let error =
        |code: Option<i64>, text: &str, data| Err((code.unwrap_or(-32000), text.to_owned(), data));
    if wire == Wire::Json {
        let answer: Json = serde_json::from_slice(answer).expect("JSON");
        return match answer.get("error") {
            None => Ok(Value::from(&answer["result"])),
            Some(e) => {
                let text = e["message"].as_str().expect("a message");
                error(e["code"].as_i64(), text, e.get("data").map(Value::from))
            }
        };
    }
    let answer: Value = Format::MsgPack.decode(answer).expect("a message");
    match &answer.list()[2] {
        Value::Null => Ok(answer.list()[3].clone()),
        Value::List(parts) => error(Some(parts[0].int()), parts[1].text(), None),
        text => error(None, text.text(), None),
    }
}

/// Compares with what the real client returned or raised.
#[track_caller]
fn check_outcome(vector: &Vector, got: &Result<Value, Failure>) {
    let outcome = vector.outcome.as_ref().expect("an outcome");
    match (got, outcome.get("result"), outcome.get("raised").and_then(Json::as_str)) {
        (Ok(Value::Text(text)), Some(Json::String(shown)), _) => {
            // Old peers have no text, only bytes, which Python shows as b'..'.
            assert_eq!(shown.trim_start_matches("b'").trim_end_matches('\''), text);
        }
        (Ok(value), Some(result), _) => assert_eq!(*value, Value::from(result)),
        (Err((_, message, _)), None, Some(raised)) => assert!(raised.contains(message), "{raised}"),
        _ => panic!("{}: got {got:?}, recorded {outcome}", vector.name),
    }
}

/// True when the client's message is the recorded one but for its id, which is given.
fn same_request(wire: Wire, recorded: &[u8], ours: &[u8]) -> Option<Value> {
    let (recorded, ours) = (read(wire, recorded)?, read(wire, ours)?);
    let same = recorded.method == ours.method
        && recorded.params == ours.params
        && recorded.id.is_some() == ours.id.is_some();
    same.then_some(ours.id.unwrap_or(Value::Null))
}

async fn check(system: System, calls: usize, notifications: usize) {
    let wire = system.wire;
    for link in Link::ALL {
        let (client, mut far) = link.connect(wire).await;
        let mut seen = (0, 0);
        for vector in &system.read() {
            let at = format!("{} {} over {link:?}", system.file, vector.name);
            // Several calls at once, batches and bad messages are for other tests.
            let [sent] = vector.sent.as_slice() else { continue };
            let Some(request) = read(wire, sent) else { continue };
            let (Some(id), [answer]) = (&request.id, vector.answers.as_slice()) else {
                if request.id.is_none() {
                    client.notify(&request.method, &request.params).await.expect("it is sent");
                    let ours = far.message().await;
                    assert!(same_request(wire, sent, &ours).is_some(), "{at}: {ours:?}");
                    seen.1 += 1;
                }
                continue;
            };
            // What a client of ours does not send: params that are neither list nor map, and in
            // MessagePack anything but a list.
            match &request.params {
                Value::List(_) => {}
                Value::Map(_) | Value::Null if wire == Wire::Json => {}
                _ => continue,
            }
            let serve = async {
                let ours = far.message().await;
                let our_id = same_request(wire, sent, &ours);
                let our_id = our_id.unwrap_or_else(|| panic!("{at}: {ours:02x?}"));
                far.send(wire, with_id(wire, answer, id, &our_id)).await;
            };
            let call = client.call::<_, Value>(&request.method, &request.params);
            let got = match tokio::join!(call, serve).0 {
                Ok(value) => Ok(value),
                Err(Error::Answered(error)) => {
                    let data = error.data().expect("any data is a value");
                    Err((error.code.0, error.message.to_string(), data))
                }
                Err(error) => panic!("{at}: {error}"),
            };
            assert_eq!(got, expected(wire, answer), "{at}");
            if !vector.name.starts_with("raw_") {
                check_outcome(vector, &got);
            }
            seen.0 += 1;
        }
        assert_eq!(seen, (calls, notifications), "{} over {link:?}", system.file);
    }
}

#[tokio::test]
async fn tinyrpc_jsonrpc() {
    check(TINYRPC_JSON, 13, 1).await;
}

#[tokio::test]
async fn tinyrpc_msgpackrpc() {
    check(TINYRPC_MSGPACK, 11, 1).await;
}

#[tokio::test]
async fn msgpack_rpc_python() {
    check(PYTHON, 13, 1).await;
}

#[tokio::test]
async fn mprpc() {
    check(MPRPC, 9, 0).await;
}

/// The one recorded batch, of which one call fails.
#[tokio::test]
async fn a_batch_of_tinyrpc() {
    let vectors = TINYRPC_JSON.read();
    let vector = vectors.iter().find(|vector| vector.name == "batch").expect("a batch");
    let recorded: Json = serde_json::from_slice(&vector.sent[0]).expect("JSON");
    for link in Link::ALL {
        let (client, mut far) = link.connect(Wire::Json).await;
        let mut batch = client.batch();
        let add = batch.call::<i64>("add", (1, 2)).expect("a call");
        let unknown = batch.call::<i64>("nosuch", ()).expect("a call");
        let echo = batch.call::<String>("echo", ("x",)).expect("a call");
        let serve = async {
            let ours: Json = serde_json::from_slice(&far.message().await).expect("JSON");
            let mut answer = vector.answers[0].clone();
            assert_eq!(ours.as_array().map(Vec::len), Some(3));
            for (ours, recorded) in
                ours.as_array().into_iter().flatten().zip(recorded.as_array().into_iter().flatten())
            {
                assert_eq!(ours["method"], recorded["method"]);
                assert_eq!(ours.get("params"), recorded.get("params"));
                let (old, new) = (Value::from(&recorded["id"]), Value::from(&ours["id"]));
                answer = with_id(Wire::Json, &answer, &old, &new);
            }
            far.send(Wire::Json, answer).await;
        };
        let mut answers = tokio::join!(batch.send(), serve).0.expect("it is answered");
        assert_eq!(answers.take(add).expect("a result"), 3);
        let error = answers.take(unknown).expect_err("no such method");
        assert_eq!(error.as_rpc().map(|error| error.code.0), Some(-32601));
        assert_eq!(answers.take(echo).expect("a result"), "x");
    }
}

/// The documented example of joint.
#[tokio::test]
async fn joint() {
    let vectors = JOINT.read();
    let find = |name: &str| vectors.iter().find(|vector| vector.name == name).expect("a vector");
    let wire = JOINT.wire;
    for link in Link::ALL {
        let (client, mut far) = link.connect(wire).await;
        let serve = async |far: &mut Far| {
            let ours = far.message().await;
            let id = same_request(wire, &find("request").sent[0], &ours).expect("the request");
            far.send(wire, with_id(wire, &find("reply").answers[0], &Value::Int(12), &id)).await;
        };
        let call = client.call::<_, i64>("multiply", (2,));
        assert_eq!(tokio::join!(call, serve(&mut far)).0.expect("a result"), 4);
        client.notify("shutdown", ()).await.expect("it is sent");
        assert_eq!(far.message().await, find("notification").sent[0]);
    }
}
