//! The RabbitMQ of the tests: it starts, is killed, comes back with what it had, and leaves nothing
//! behind.
#![cfg(unix)]

#[path = "../support/broker.rs"]
mod broker;

#[cfg(target_os = "linux")]
mod processes;

use std::{
    io::{Read, Write},
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
};

use broker::Broker;

fn address(broker: &Broker) -> String {
    broker.url().rsplit('@').next().expect("an address").to_owned()
}

/// What a broker says to one who speaks AMQP of this version.
fn greeting(address: &str, version: [u8; 4]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(&[b"AMQP".as_slice(), &version].concat()).expect("it listens");
    let mut said = [0; 8];
    stream.read_exact(&mut said).expect("an answer");
    said.to_vec()
}

#[test]
fn it_starts_is_killed_and_starts_again() {
    let Some(broker) = Broker::start() else { return };
    let (address, folder) = (address(&broker), broker.folder().to_owned());
    for life in 0..2 {
        // A method frame on channel 0.
        assert_eq!(greeting(&address, [0, 0, 9, 1])[..3], [1, 0, 0], "life {life}");
        // To others it says which version it speaks.
        assert_eq!(greeting(&address, [0, 9, 9, 9]), b"AMQP\0\0\x09\x01", "life {life}");
        #[cfg(target_os = "linux")]
        processes::only_on_loopback(&broker);
        if life == 0 {
            broker.ctl("add_vhost kept");
            broker.kill();
            assert!(TcpStream::connect(&address).is_err(), "somebody listens");
            broker.restart();
        }
    }
    // What it had is still there: this fails where it is not.
    broker.ctl("delete_vhost kept");
    assert!(folder.exists());
    drop(broker);
    assert!(TcpStream::connect(&address).is_err(), "somebody listens");
    assert!(!folder.exists(), "{folder:?} is left");
}

#[test]
fn one_is_shared_beside_one_that_ends_with_a_test_that_panics() {
    let (Some(own), Some(shared)) = (Broker::start(), Broker::shared()) else { return };
    assert!(std::ptr::eq(shared, Broker::shared().expect("it is there")));
    let (address_of_own, folder) = (address(&own), own.folder().to_owned());
    assert_ne!(address_of_own, address(shared));
    let broken = catch_unwind(AssertUnwindSafe(move || {
        let _own = own;
        std::panic::resume_unwind(Box::new("a test that fails"));
    }));
    assert!(broken.is_err());
    assert!(TcpStream::connect(&address_of_own).is_err(), "somebody listens");
    assert!(!folder.exists(), "{folder:?} is left");
    assert_eq!(greeting(&address(shared), [0, 0, 9, 1])[0], 1);
}
