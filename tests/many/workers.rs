//! Workers that connect to a client that binds.

use std::collections::HashMap;

use tinyrpc::{Context, Dispatcher, RpcError};

use crate::world::{Host, World, connected, until};

pub(crate) async fn even(world: World) {
    let client = world.binding(&world.fresh()).connect().await.expect("it listens");
    let url = world.url(&client.address());
    let hosts = ["a", "b", "c"].map(Host::new);
    for host in &hosts {
        // It serves for as long as its client lives.
        world.server(host).connect(&url).await.expect("it begins");
    }
    connected(&client, 3).await;
    let mut answers = HashMap::<String, usize>::new();
    for _ in 0..30 {
        *answers.entry(client.call("who", ()).await.expect("an answer")).or_default() += 1;
    }
    assert_eq!(answers, ["a", "b", "c"].map(|name| (name.to_owned(), 10)).into());
    assert_eq!(client.addresses()[0].connected, 3);
}

pub(crate) async fn come_and_go(world: World) {
    let client = world.binding(&world.fresh()).connect().await.expect("it listens");
    let url = world.url(&client.address());
    let (a, b) = (Host::new("a"), Host::new("b"));
    let first = world.server(&a).connect(&url).await.expect("it begins");
    // It waits for a worker.
    assert_eq!(client.call::<_, String>("who", ()).await.expect("an answer"), "a");
    let second = world.server(&b).connect(&url).await.expect("it begins");
    connected(&client, 2).await;
    first.shutdown().await;
    for _ in 0..10 {
        assert_eq!(client.call::<_, String>("who", ()).await.expect("an answer"), "b");
    }
    second.shutdown().await;
    connected(&client, 0).await;
    let waiting = client.call::<_, String>("who", ());
    let (answer, third) = tokio::join!(waiting, world.server(&a).connect(&url));
    assert_eq!(answer.expect("an answer"), "a");
    third.expect("it begins").shutdown().await;
}

/// Who works may be there before anybody has work, and after that.
pub(crate) async fn early(world: World) {
    let client = world.binding(&world.fresh()).connect().await.expect("it listens");
    let url = world.url(&client.address());
    client.close().await;
    drop(client);
    let host = Host::new("a");
    let worker = world.server(&host).connect(&url).await.expect("it begins");
    for number in 0..3u64 {
        let client = loop {
            // The old listener may not be dropped yet.
            match world.binding(&url).connect().await {
                Ok(client) => break client,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(client.call::<_, u64>("do", (number,)).await.expect("an answer"), number);
        client.close().await;
        until(|| worker.peers().is_empty()).await;
    }
    worker.shutdown().await;
}

/// A worker calls its client, from handlers and beside them.
pub(crate) async fn called_back(world: World) {
    let own = Dispatcher::new().method("name", || "ada");
    let client = world.binding(&world.fresh()).serve(own).connect().await.expect("it listens");
    let url = world.url(&client.address());
    let greet = |context: Context| async move {
        let name: String = context.peer().call("name", ()).await.map_err(RpcError::internal)?;
        Ok::<_, RpcError>(format!("hello, {name}"))
    };
    let server = tinyrpc::Server::new(Dispatcher::new().method("greet", greet));
    #[cfg(feature = "tls")]
    let server = {
        use tinyrpc::transports::tls::ClientTls;

        let authority = &crate::certificates::authority().pem;
        server.connect_tls(ClientTls::new().authority(authority.as_bytes()).expect("an authority"))
    };
    let worker = server.connect(&url).await.expect("it begins");
    assert_eq!(client.call::<_, String>("greet", ()).await.expect("an answer"), "hello, ada");
    let peer = worker.peers().pop().expect("a client");
    assert_eq!(peer.caller.call::<_, String>("name", ()).await.expect("an answer"), "ada");
    worker.shutdown().await;
}
