//! Several addresses over HTTP, where each call goes its own way: the connections do not end, it is
//! calls that find nobody.

use std::time::Duration;

use tinyrpc::{ClientBuilder, Outcome, Server, ServerHandle};

use crate::world::{Host, PATIENCE, connected, quick, until};

async fn serve(host: &Host, url: &str) -> ServerHandle {
    loop {
        // The old listener may not be dropped yet.
        match Server::new(host.service()).listen(url).await {
            Ok(server) => return server,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn servers_come_and_go() {
    let case = async {
        let hosts = ["a", "b"].map(Host::new);
        let first = serve(&hosts[0], "http://127.0.0.1:0").await;
        let second = serve(&hosts[1], "http://127.0.0.1:0").await;
        let urls = [first.addresses().concat(), second.addresses().concat()];
        let client = ClientBuilder::from_urls(&urls).expect("URLs").reconnect(quick());
        let client = client.connect().await.expect("it connects");
        connected(&client, 2).await;
        for number in 0..10 {
            assert_eq!(client.call::<_, u64>("do", (number,)).await.expect("an answer"), number);
        }
        first.shutdown().await;
        for number in 10..30 {
            assert_eq!(client.call::<_, u64>("do", (number,)).await.expect("an answer"), number);
        }
        until(|| client.addresses()[0].failures > 0).await;
        let first = serve(&hosts[0], &urls[0]).await;
        connected(&client, 2).await;
        for number in 30..40 {
            assert_eq!(client.call::<_, u64>("do", (number,)).await.expect("an answer"), number);
        }
        let done = hosts.each_ref().map(|host| host.executed.lock().expect("no panic").len());
        assert_eq!(done, [5 + 5, 5 + 20 + 5]);
        // Nobody is there, and nobody is asked without a pause.
        first.shutdown().await;
        second.shutdown().await;
        let error = client.call::<_, u64>("do", (1,)).timeout(Duration::from_millis(300)).await;
        let error = error.expect_err("nobody is there");
        assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
        assert!(error.is_timeout(), "{error}");
        assert!(client.addresses().iter().all(|address| address.failures < 400));
    };
    tokio::time::timeout(PATIENCE, case).await.expect("the case did not end");
}
