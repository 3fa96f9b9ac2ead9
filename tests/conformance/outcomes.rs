//! What our client makes of the answers of all kinds of peers.

use crate::{
    data,
    far::Link,
    transcript::{Outcome, exchanges},
    wire::Wire,
};

#[tokio::test]
async fn errors_and_results_of_msgpack_peers() {
    const FILE: &str = "msgpack/errors.transcript";
    let wire = Wire::MessagePack;
    let exchanges = exchanges(&data(FILE), wire).expect("the data is valid");
    assert!(exchanges.len() >= 25, "only {} exchanges", exchanges.len());
    for link in Link::ALL {
        let (client, mut far) = link.connect(wire).await;
        for exchange in &exchanges {
            let at = format!("{FILE}:{} over {link:?}", exchange.line);
            let [answer] = exchange.answers.as_slice() else { panic!("{at}: one answer") };
            let serve = async {
                // [0, id, "add", [2, 3]]
                let request = far.message().await;
                let [0x94, 0, id @ 0..=0x7f, rest @ ..] = request.as_slice() else {
                    panic!("{at}: no request: {request:02x?}")
                };
                assert_eq!(rest, b"\xa3add\x92\x02\x03");
                far.send(wire, answer.to_bytes(&[*id])).await;
            };
            let call = client.call::<_, serde_json::Value>("add", (2, 3));
            let got = match tokio::join!(call, serve).0 {
                Ok(value) => Outcome::Ok(value),
                Err(error) => {
                    let error = error.as_rpc().unwrap_or_else(|| panic!("{at}: {error}"));
                    Outcome::Error(error.code.0, error.message.to_string())
                }
            };
            match (exchange.outcome.as_ref().expect("an outcome"), &got) {
                // Any message will do that is not empty.
                (Outcome::Error(code, text), Outcome::Error(got, message)) if text.is_empty() => {
                    assert!(code == got && !message.is_empty(), "{at}: {got} {message}");
                }
                (expected, got) => assert_eq!(got, expected, "{at}"),
            }
        }
    }
}
