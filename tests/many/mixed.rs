//! Transports and protocols mixed, on one server and on one client.

use std::collections::HashMap;

use tinyrpc::{ClientBuilder, Server};

use crate::world::{Host, Link, PATIENCE, World, connected, dress, quick};

/// Every link of this build, by its number.
fn worlds() -> Vec<World> {
    let links = [
        Link::Tcp,
        #[cfg(all(unix, feature = "unix"))]
        Link::Unix,
        #[cfg(feature = "ws")]
        Link::Ws,
        #[cfg(feature = "tls")]
        Link::Tls,
    ];
    links
        .into_iter()
        .flat_map(|link| ["jsonrpc", "msgpack"].map(|protocol| World::new(protocol, link)))
        .collect()
}

/// One server listens everywhere and works for a client beside that; one client calls it over all.
#[tokio::test]
async fn one_server_and_one_client_over_everything() {
    let case = async {
        let (worlds, host) = (worlds(), Host::new("a"));
        let server = worlds[0].server(&host).start();
        let mut urls = Vec::new();
        for world in &worlds {
            server.listen(world.fresh()).await.expect("it listens");
            urls.push(world.url(&server.addresses()[urls.len()]));
        }
        let binding = worlds[0].binding(&worlds[0].fresh()).connect().await.expect("it listens");
        server.connect(worlds[0].url(&binding.address())).await.expect("it begins");
        let client = dress(ClientBuilder::from_urls(&urls).expect("URLs")).reconnect(quick());
        let own = client.also_bind(worlds[0].fresh()).expect("a URL");
        let client = own.connect().await.expect("it connects");
        connected(&client, urls.len()).await;
        let at = &client.addresses()[urls.len()];
        server.connect(worlds[0].url(&at.url)).await.expect("it begins");
        connected(&client, urls.len() + 1).await;
        connected(&binding, 1).await;
        for number in 0..100 {
            assert_eq!(client.call::<_, u64>("do", (number,)).await.expect("an answer"), number);
        }
        assert_eq!(binding.call::<_, u64>("do", (100,)).await.expect("an answer"), 100);
        assert_eq!(host.executed.lock().expect("no panic").len(), 101);
        // Batches go where their format is known.
        for _ in 0..20 {
            let mut batch = client.batch();
            let who = batch.call::<String>("who", ()).expect("room");
            assert_eq!(batch.send().await.expect("sent").take(who).expect("an answer"), "a");
        }
        server.shutdown().await;
    };
    tokio::time::timeout(PATIENCE, case).await.expect("the case did not end");
}

/// Workers of one client speak the protocol of the address that they connect to.
#[tokio::test]
async fn workers_over_everything() {
    let case = async {
        let worlds = worlds();
        let mut builder = worlds[0].binding(&worlds[0].fresh());
        for world in &worlds[1..] {
            builder = builder.also_bind(world.fresh()).expect("a URL");
        }
        let client = builder.connect().await.expect("it listens");
        let host = Host::new("a");
        let worker: Server = worlds[0].server(&host);
        let worker = worker.start();
        for (world, address) in worlds.iter().zip(client.addresses()) {
            // With and without a protocol.
            worker.connect(world.url(&address.url)).await.expect("it begins");
            worker.connect(&address.url).await.expect("it begins");
        }
        connected(&client, 2 * worlds.len()).await;
        let mut answers = HashMap::<String, usize>::new();
        for _ in 0..40 {
            *answers.entry(client.call("who", ()).await.expect("an answer")).or_default() += 1;
        }
        assert_eq!(answers, [("a".to_owned(), 40)].into());
        worker.shutdown().await;
    };
    tokio::time::timeout(PATIENCE, case).await.expect("the case did not end");
}
