//! How many threads it takes, and which.

use std::sync::{Arc, Barrier};

use tinyrpc::{
    BlockingPool, Dispatcher, PoolLimits,
    blocking::{Client, Server},
};

use crate::{within, world::service};

#[test]
#[cfg(target_os = "linux")]
fn one_thread_drives_all_connections() {
    let drivers = || {
        let threads = std::fs::read_dir("/proc/self/task").expect("the threads");
        let names = threads.filter_map(|thread| {
            // It may have ended meanwhile.
            std::fs::read_to_string(thread.expect("a thread").path().join("comm")).ok()
        });
        names.filter(|name| name.trim() == "tinyrpc").count()
    };
    within(move || {
        let server = Server::new(service()).listen("tcp://127.0.0.1:0").unwrap();
        let url = format!("jsonrpc+{}", server.addresses().concat());
        let clients: Vec<_> = (0..50).map(|_| Client::connect(&url).unwrap()).collect();
        for client in &clients {
            assert_eq!(client.call::<_, i64>("add", (2, 3)).unwrap(), 5);
        }
        assert_eq!(drivers(), 1);
    });
}

#[test]
fn handlers_block_side_by_side() {
    within(|| {
        // None of them ends before all have begun.
        let all = Arc::new(Barrier::new(8));
        let meet = {
            let all = Arc::clone(&all);
            move || all.wait().is_leader()
        };
        let pool = BlockingPool::new(PoolLimits { max_running: 8, ..PoolLimits::default() });
        let settings =
            tinyrpc::Server::new(Dispatcher::new().method("meet", meet)).blocking_pool(&pool);
        let server = Server::from(settings).listen("tcp://127.0.0.1:0").unwrap();
        let url = format!("msgpack+{}", server.addresses().concat());
        let client = Client::connect(url).unwrap();
        let meetings: Vec<_> =
            (0..24).map(|_| client.send::<_, bool>("meet", ()).unwrap()).collect();
        let leaders = meetings.into_iter().map(|sent| sent.wait().unwrap());
        assert_eq!(leaders.filter(|leader| *leader).count(), 3);
        server.shutdown();
        assert_eq!(pool.queued(), 0);
    });
}
