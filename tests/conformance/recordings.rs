//! The recordings under `tests/data/vectors`.

use serde_json::Value as Json;

use crate::{
    data,
    wire::{self, Wire},
};

/// One recorded conversation.
#[derive(Debug)]
pub(crate) struct Vector {
    pub(crate) name: String,
    /// What the client sent: whole messages, or what it wrote at once.
    pub(crate) sent: Vec<Vec<u8>>,
    /// The messages that the server sent.
    pub(crate) answers: Vec<Vec<u8>>,
    /// What the real client returned or raised; bytes of the wire for `raw_` vectors.
    pub(crate) outcome: Option<Json>,
}

/// One recorded system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System {
    pub(crate) file: &'static str,
    pub(crate) wire: Wire,
    pub(crate) vectors: usize,
}

pub(crate) const TINYRPC_JSON: System =
    System { file: "tinyrpc-jsonrpc", wire: Wire::Json, vectors: 25 };
pub(crate) const TINYRPC_MSGPACK: System =
    System { file: "tinyrpc-msgpackrpc", wire: Wire::MessagePack, vectors: 20 };
pub(crate) const PYTHON: System =
    System { file: "msgpack-rpc-python", wire: Wire::MessagePack, vectors: 18 };
pub(crate) const MPRPC: System = System { file: "mprpc", wire: Wire::MessagePack, vectors: 15 };
pub(crate) const BJSONRPC: System = System { file: "bjsonrpc", wire: Wire::Json, vectors: 32 };
pub(crate) const JOINT: System = System { file: "joint", wire: Wire::MessagePack, vectors: 3 };

impl System {
    pub(crate) fn read(self) -> Vec<Vector> {
        let text = data(&format!("vectors/{}.json", self.file));
        let recorded: Json = serde_json::from_str(&text).expect("it is JSON");
        let vectors = recorded["vectors"].as_array().expect("a list").iter();
        let vectors: Vec<_> = vectors.map(|vector| self.vector(vector)).collect();
        assert_eq!(vectors.len(), self.vectors, "{}", self.file);
        vectors
    }

    fn vector(self, recorded: &Json) -> Vector {
        let (mut sent, mut stream) = (Vec::new(), Vec::new());
        let mut answers = Vec::new();
        for step in recorded["exchange"].as_array().expect("a list") {
            let bytes = bytes(step["hex"].as_str().expect("hexadecimal digits"));
            match step["dir"].as_str() {
                Some("client->server") => sent.push(bytes),
                Some("server->client") if self.wire == Wire::Json => answers.push(bytes),
                Some("server->client") => stream.extend(bytes),
                other => panic!("what is {other:?}?"),
            }
        }
        answers.extend(wire::take_messages(&mut stream));
        assert!(stream.is_empty(), "half a message");
        Vector {
            name: recorded["name"].as_str().expect("a name").into(),
            sent,
            answers,
            outcome: recorded.get("client_outcome").cloned(),
        }
    }
}

fn bytes(digits: &str) -> Vec<u8> {
    let digits: Vec<_> = digits.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}
