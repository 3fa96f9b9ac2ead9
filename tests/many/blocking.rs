//! The same for threads.

use std::thread;

use tinyrpc::{Balance, ClientBuilder, blocking};

use crate::world::{Host, quick};

#[test]
fn threads_share_several_servers() {
    let hosts = ["a", "b"].map(Host::new);
    let servers = hosts.each_ref().map(|host| {
        blocking::Server::new(host.service()).listen("tcp://127.0.0.1:0").expect("it listens")
    });
    let urls = servers.each_ref().map(|server| format!("msgpack+{}", server.addresses()[0]));
    let builder = ClientBuilder::from_urls(&urls).expect("URLs").balance(Balance::LeastLoaded);
    let client = blocking::Client::build(builder.reconnect(quick())).expect("it connects");
    thread::scope(|scope| {
        for thread in 0..4u64 {
            let client = client.idempotent();
            scope.spawn(move || {
                for number in 0..100 {
                    let number = thread * 1000 + number;
                    assert_eq!(client.call::<_, u64>("do", (number,)).expect("an answer"), number);
                }
            });
        }
        servers[0].shutdown();
    });
    let done = hosts.each_ref().map(|host| host.executed.lock().expect("no panic").len());
    // Each was executed, few of them on both.
    assert!((400..=440).contains(&done.iter().sum::<usize>()), "{done:?}");
    assert!(client.close());
}

#[test]
fn workers() {
    let client = ClientBuilder::bind("tcp://127.0.0.1:0").expect("a URL");
    let client = blocking::Client::build(client).expect("it listens");
    let host = Host::new("a");
    let worker =
        blocking::Server::new(host.service()).connect(client.address()).expect("it begins");
    assert_eq!(client.call::<_, String>("who", ()).expect("an answer"), "a");
    assert_eq!(client.peers().len(), 1);
    worker.shutdown();
}
