//! How calls end when servers come and go.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::FutureExt;
use tinyrpc::{Caller, Outcome, TokenLogin};

use crate::world::{Host, World, connected, until};

/// A client of one address waits for its server, and so do its calls.
pub(crate) async fn restart(world: World) {
    let host = Host::new("a");
    let (server, url) = world.serve(&host).await;
    let client = world.client([&*url]).connect().await.expect("it connects");
    assert_eq!(client.call::<_, u64>("do", (1,)).await.expect("an answer"), 1);
    server.shutdown().await;
    connected(&client, 0).await;
    let waiting = client.call::<_, u64>("do", (2,));
    let (answer, _server) = tokio::join!(waiting, world.serve_again(&host, &url));
    assert_eq!(answer.expect("an answer"), 2);
    let executed = host.executed.lock().expect("no panic").clone();
    assert_eq!(executed, [(1, 1), (2, 1)].into());
}

/// What nobody could have executed ends as that, when its time is over.
pub(crate) async fn nobody(world: World) {
    let (server, url) = world.serve(&Host::new("a")).await;
    let client = world.client([&*url]).connect().await.expect("it connects");
    server.shutdown().await;
    connected(&client, 0).await;
    let error = client.call::<_, u64>("do", (1,)).timeout(Duration::from_millis(30)).await;
    let error = error.expect_err("nobody is there");
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("nobody was connected within 30ms"), "{error}");
    let error = client.try_call::<_, u64>("do", (1,)).await.expect_err("nobody is there");
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    until(|| client.addresses()[0].failures > 0).await;
    let address = &client.addresses()[0];
    assert!(address.last_error.is_some() && address.connected == 0, "{address:?}");
    // A client that finds nobody at all says so, unless it is told not to mind.
    assert!(world.client([&*url, &url]).connect().await.is_err());
    let lazy = world.client([&*url]).connect_lazy().await.expect("it begins");
    let error = lazy.notify("tell", ());
    assert!(tokio::time::timeout(Duration::from_millis(10), error).await.is_err());
}

/// A call that was sent over a lost connection is not made again, unless it may be.
pub(crate) async fn lost(world: World) {
    let (a, b) = (Host::new("a"), Host::new("b"));
    let ((first, url), (_second, other)) = (world.serve(&a).await, world.serve(&b).await);
    let client = world.client([&*url, &other]).balance(tinyrpc::Balance::FirstAlive);
    let client = client.connect().await.expect("it connects");
    connected(&client, 2).await;
    b.release.add_permits(1);
    let plain = client.call::<_, String>("hold", ());
    let repeated = client.call::<_, String>("hold", ()).idempotent();
    let sent = client.call::<_, String>("hold", ()).idempotent().send().await.expect("it is sent");
    let cut = async {
        until(|| a.held() == 3).await;
        first.close();
    };
    let (plain, repeated, sent, ()) = tokio::join!(plain, repeated, sent, cut);
    for error in [plain.expect_err("it is lost"), sent.expect_err("it is lost")] {
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    }
    assert_eq!(repeated.expect("an answer"), "b");
    assert_eq!(b.held(), 1);
}

/// Servers that are shut down one after the other lose nothing.
pub(crate) async fn rolling(world: World) {
    let hosts = ["a", "b"].map(Host::new);
    let (mut servers, mut urls) = (Vec::new(), Vec::new());
    for host in &hosts {
        let (server, url) = world.serve(host).await;
        servers.push(server);
        urls.push(url);
    }
    let client =
        world.client(urls.iter().map(String::as_str)).connect().await.expect("it connects");
    connected(&client, 2).await;
    let done = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..16u64)
        .map(|caller| {
            let (client, done) = (client.clone(), done.clone());
            tokio::spawn(async move {
                let mut number = caller;
                while done.load(SeqCst) == 0 {
                    client.call::<_, u64>("do", (number,)).await.expect("nothing is lost");
                    number += 16;
                }
            })
        })
        .collect();
    for round in 0..3 {
        for at in [0, 1] {
            servers[at].shutdown().await;
            servers[at] = world.serve_again(&hosts[at], &urls[at]).await;
            until(|| client.peers().len() == 2).await;
            assert!(client.closed().now_or_never().is_none(), "{round}");
        }
    }
    done.store(1, SeqCst);
    for caller in callers {
        caller.await.expect("no panic");
    }
    let (a, b) =
        (hosts[0].executed.lock().expect("no panic"), hosts[1].executed.lock().expect("no panic"));
    let twice = a.values().chain(b.values()).any(|count| *count != 1);
    assert!(!twice && !a.keys().any(|number| b.contains_key(number)));
    assert!(a.len() > 3 && b.len() > 3, "{} and {}", a.len(), b.len());
}

/// What is said first is said on each connection.
pub(crate) async fn logins(world: World) {
    let host = Host::new("a");
    let (greeted, failing) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let guarded = || world.server(&host).authenticate(TokenLogin::new("ada", "5e3a7c"));
    let server = guarded().listen(world.fresh()).await.expect("it listens");
    let url = world.url(&server.addresses()[0]);
    let (count, fail) = (greeted.clone(), failing.clone());
    let client = world.client([&*url]).token("5e3a7c").on_connect(move |caller: Caller| {
        let (count, fail) = (count.clone(), fail.clone());
        async move {
            // It is logged in by now.
            caller.call::<_, String>("who", ()).await?;
            count.fetch_add(1, SeqCst);
            if fail.swap(0, SeqCst) == 1 {
                return caller.call("no such method", ()).await;
            }
            Ok(())
        }
    });
    let client = client.connect().await.expect("it connects");
    client.call::<_, String>("who", ()).await.expect("it is logged in");
    assert_eq!(greeted.load(SeqCst), 1);
    failing.store(1, SeqCst);
    server.shutdown().await;
    let _server = loop {
        match guarded().listen(&url).await {
            Ok(server) => break server,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    // The first connection is given up, as what begins it fails.
    client.call::<_, String>("who", ()).await.expect("it is logged in");
    assert_eq!(greeted.load(SeqCst), 3);
    let wrong = world.client([&*url]).token("another").connect().await.expect_err("it is refused");
    assert!(wrong.to_string().contains("the login failed"), "{wrong}");
}

/// A client that is closed finishes what it began, and begins nothing.
pub(crate) async fn closed(world: World) {
    let host = Host::new("a");
    let (server, url) = world.serve(&host).await;
    let client = world.client([&*url, &url]).connect().await.expect("it connects");
    connected(&client, 2).await;
    let held = client.call::<_, String>("hold", ()).send().await.expect("it is sent");
    until(|| host.held() == 1).await;
    let closing = tokio::spawn({
        let client = client.clone();
        async move { client.close().await }
    });
    until(|| client.caller_is_closed()).await;
    let error = client.call::<_, String>("who", ()).await.expect_err("it is closed");
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    host.release.add_permits(1);
    assert_eq!(held.await.expect("an answer"), "a");
    assert!(closing.await.expect("no panic"));
    client.closed().await;
    until(|| server.peers().is_empty()).await;
}

/// With its last clone a client is gone, whatever callers were made of it.
pub(crate) async fn dropped(world: World) {
    let (server, url) = world.serve(&Host::new("a")).await;
    let client = world.client([&*url, &url]).connect().await.expect("it connects");
    connected(&client, 2).await;
    let caller = client.with_timeout(Duration::ZERO);
    drop(client);
    until(|| server.peers().is_empty()).await;
    let error = caller.call::<_, String>("who", ()).await.expect_err("it is closed");
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
}

trait Ended {
    fn caller_is_closed(&self) -> bool;
}

impl Ended for tinyrpc::Client {
    fn caller_is_closed(&self) -> bool {
        Caller::closed(self).is_some()
    }
}
