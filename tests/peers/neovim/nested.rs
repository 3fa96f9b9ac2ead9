//! Two requests of Neovim that wait at the same time, of which the first is ready first.
//!
//! Neovim keeps its requests on a stack, so it wants the answer to the second one before, and to
//! have gone on before it reads the other one. It closes the channel of a client that does not know
//! that. The second request is always the work of a call of the client: Neovim looks at nothing
//! else while it waits.

use std::sync::Arc;

use serde_json::{Value, json};
use tinyrpc::{Client, ClientBuilder, Context, Error, ReplyOrder, RpcError};
use tokio::sync::Notify;

use super::{eval, introduce, kit, listening, served};
use crate::process::{TheirServer, within};

/// Makes Neovim ask `first`, and `second` while it waits for that.
async fn both(client: &Client, first: Arc<Notify>) -> [Result<Value, Error>; 2] {
    let asks = |method| client.call("nvim_eval", (format!("rpcrequest(g:client, '{method}')"),));
    tokio::join!(asks("first"), async {
        first.notified().await;
        asks("second").await
    })
    .into()
}

/// A client whose answer to `first` is ready before that to `second`.
async fn client(server: &TheirServer, order: ReplyOrder) -> (Client, Arc<Notify>) {
    let (first_began, second_began) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let first = [&first_began, &second_began].map(Arc::clone);
    let service = served()
        .method("first", move || {
            let [began, second] = first.clone();
            async move {
                began.notify_one();
                second.notified().await;
                "first"
            }
        })
        .method("second", move |context: Context| {
            second_began.notify_one();
            // Neovim has read all that was said before the answer to this.
            async move {
                let answer = context.peer().call::<_, u8>("nvim_eval", ("1",)).await;
                answer.map(|_| "second").map_err(RpcError::internal)
            }
        });
    let builder = ClientBuilder::from_url(server.url("msgpack")).expect("a URL");
    let builder = builder.serve(service).reply_order(order);
    let client = builder.connect().await.expect("it listens");
    introduce(&client).await;
    (client, first_began)
}

#[tokio::test]
async fn answers_that_wait_for_each_other_are_in_its_order() {
    let Some(_) = kit() else { return };
    let server = listening().await;
    let (client, first) = client(&server, ReplyOrder::Nested).await;
    let [first, second] = within(both(&client, first)).await;
    assert_eq!(first.expect("an answer"), json!("first"));
    assert_eq!(second.expect("an answer"), json!("second"));
    assert_eq!(within(eval(&client, "40 + 2")).await, json!(42));
}

#[tokio::test]
async fn answers_as_they_are_ready_cost_the_channel() {
    let Some(_) = kit() else { return };
    let server = listening().await;
    let (client, first) = client(&server, ReplyOrder::AsReady).await;
    let [first, second] = within(both(&client, first)).await;
    within(client.closed()).await;
    first.expect_err("no answer");
    second.expect_err("no answer");
}
