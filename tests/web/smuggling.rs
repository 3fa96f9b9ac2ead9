//! Requests that two readers understand in two ways: nothing is executed that was not meant, and
//! what cannot be read ends the connection.

use crate::{
    block_on,
    shop::{Reply, Shop, buy, post},
    vectors::{self, VECTORS},
    wire::Wire,
};

#[test]
fn smuggled_calls() {
    block_on(async {
        let call = String::from_utf8(buy(Wire::Json)).expect("text");
        let next = String::from_utf8(post("", call.as_bytes())).expect("text");
        let (mut tried, mut wrong) = (0, Vec::new());
        for url in ["http://127.0.0.1:0", "tcp://127.0.0.1:0"] {
            let shop = Shop::open(url, |server| server).await;
            for (name, vector, most, ends) in VECTORS {
                let sent = vectors::bytes(vector, &call, &next);
                for step in [sent.len(), 5] {
                    let mut peer = shop.visit().await;
                    let (mut answers, mut closed) = (Vec::new(), false);
                    if *ends {
                        let heard = peer.exchange(&sent, step, |_| false).await;
                        (answers, closed) = (heard.messages, heard.closed);
                    } else {
                        // It may wait for more, so our side is closed behind it.
                        peer.send(&sent).await.expect("it listens");
                        tokio::io::AsyncWriteExt::shutdown(&mut peer.stream).await.expect("open");
                        while let Some(message) = peer.message().await {
                            answers.push(message);
                        }
                        closed |= true;
                    }
                    let statuses: Vec<_> =
                        answers.iter().map(|bytes| Reply::new(bytes).status).collect();
                    let sold = shop.sold();
                    let at = format!("{url} {name}, {step} bytes at once: {statuses:?}");
                    let good = statuses.iter().filter(|status| **status == 200).count();
                    let known = [200, 400, 403, 408, 413, 415, 431, 501];
                    if !closed || sold > *most || good != sold {
                        wrong.push(format!("{at}: {sold} executed, closed: {closed}"));
                    } else if statuses.iter().any(|status| !known.contains(status)) {
                        wrong.push(format!("{at}: an odd status"));
                    }
                    tried += 1;
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(tried >= 4 * 60, "only {tried}");
    });
}
