//! Over which connection a call goes.

use std::{collections::HashMap, sync::atomic::Ordering::SeqCst};

use tinyrpc::{Balance, Client};

use crate::world::{Host, World, connected, until};

/// How many of so many calls each server answered.
async fn asked(client: &Client, calls: usize) -> HashMap<String, usize> {
    let mut answers = HashMap::new();
    for _ in 0..calls {
        let name: String = client.call("who", ()).await.expect("an answer");
        *answers.entry(name).or_default() += 1;
    }
    answers
}

pub(crate) async fn round_robin(world: World) {
    let hosts = ["a", "b", "c"].map(Host::new);
    let mut urls = Vec::new();
    for host in &hosts {
        urls.push(world.serve(host).await.1);
    }
    let client =
        world.client(urls.iter().map(String::as_str)).connect().await.expect("it connects");
    connected(&client, 3).await;
    let answers = asked(&client, 300).await;
    assert_eq!(answers, ["a", "b", "c"].map(|name| (name.to_owned(), 100)).into());
    let addresses = client.addresses();
    assert!(addresses.iter().all(|address| address.connected == 1), "{addresses:?}");
}

pub(crate) async fn least_loaded(world: World) {
    let (a, b) = (Host::new("a"), Host::new("b"));
    let ((_a, first), (_b, second)) = (world.serve(&a).await, world.serve(&b).await);
    let client = world.client([&*first, &second]).balance(Balance::LeastLoaded);
    let client = client.connect().await.expect("it connects");
    connected(&client, 2).await;
    let busy = client.call::<_, String>("hold", ()).send().await.expect("it is sent");
    until(|| a.held() + b.held() == 1).await;
    let (idle, holding) = if a.held() == 0 { (&a, &b) } else { (&b, &a) };
    assert_eq!(asked(&client, 50).await, [(idle.name.to_owned(), 50)].into());
    holding.release.add_permits(1);
    assert_eq!(busy.await.expect("an answer"), holding.name);
    // Among equals one after the other.
    assert_eq!(asked(&client, 50).await.len(), 2);
}

pub(crate) async fn first_alive(world: World) {
    let (a, b) = (Host::new("a"), Host::new("b"));
    let ((first, url), (_second, other)) = (world.serve(&a).await, world.serve(&b).await);
    let client = world.client([&*url, &other]).balance(Balance::FirstAlive);
    let client = client.connect().await.expect("it connects");
    connected(&client, 2).await;
    assert_eq!(asked(&client, 20).await, [("a".to_owned(), 20)].into());
    first.shutdown().await;
    assert_eq!(asked(&client, 20).await, [("b".to_owned(), 20)].into());
    let _first = world.serve_again(&a, &url).await;
    connected(&client, 2).await;
    assert_eq!(asked(&client, 20).await, [("a".to_owned(), 20)].into());
}

pub(crate) async fn batches(world: World) {
    let hosts = ["a", "b"].map(Host::new);
    let mut urls = Vec::new();
    for host in &hosts {
        urls.push(world.serve(host).await.1);
    }
    let client =
        world.client(urls.iter().map(String::as_str)).connect().await.expect("it connects");
    connected(&client, 2).await;
    for number in 0..10u64 {
        let mut batch = client.batch();
        let who = batch.call::<String>("who", ()).expect("room");
        let done = batch.call::<u64>("do", (number,)).expect("room");
        batch.notify("tell", ()).expect("room");
        let mut answers = batch.send().await.expect("it is sent");
        assert_eq!(answers.take(done).expect("an answer"), number);
        answers.take(who).expect("an answer");
    }
    until(|| hosts.iter().map(|host| host.told.load(SeqCst)).sum::<usize>() == 10).await;
    for host in &hosts {
        assert_eq!(host.executed.lock().expect("no panic").len(), 5, "{}", host.name);
    }
}

pub(crate) async fn notifications(world: World) {
    let hosts = ["a", "b"].map(Host::new);
    let mut urls = Vec::new();
    for host in &hosts {
        urls.push(world.serve(host).await.1);
    }
    let client =
        world.client(urls.iter().map(String::as_str)).connect().await.expect("it connects");
    connected(&client, 2).await;
    for _ in 0..20 {
        client.notify("tell", ()).await.expect("it is sent");
    }
    until(|| hosts.iter().all(|host| host.told.load(SeqCst) == 10)).await;
}
