//! Both sides call each other, also during a call.

use std::sync::mpsc;

use tinyrpc::{
    BlockingPool, Context, Dispatcher, PoolLimits, RpcError, Server,
    blocking::{Caller, peer},
};

use crate::{
    PATIENCE,
    world::{World, service},
};

/// Asks the caller for a name, during its call.
fn greet(context: Context, greeting: String) -> Result<String, RpcError> {
    let name: String =
        peer(&context).call("name", ()).map_err(|error| RpcError::server(error.to_string()))?;
    Ok(format!("{greeting}, {name}"))
}

pub(crate) fn server_calls_client(world: World) {
    let server = Server::new(service().method("greet", greet));
    let own = Dispatcher::new().method("name", || "Ada");
    let at = world.serve_with(server, |builder| builder.serve(own));
    let greeting = at.client.call::<_, String>("greet", ("hello",));
    if world.duplex() {
        assert_eq!(greeting.unwrap(), "hello, Ada");
    } else {
        let error = greeting.unwrap_err();
        assert!(error.to_string().contains("permanent connection"), "{error}");
    }
}

pub(crate) fn both_call(world: World) {
    if !world.duplex() {
        return;
    }
    // Each side counts down on the other one.
    let count = |context: Context, depth: u32| -> Result<u32, RpcError> {
        match depth {
            0 => Ok(0),
            _ => {
                let below: u32 =
                    peer(&context).call("count", (depth - 1,)).map_err(RpcError::internal)?;
                Ok(below + 1)
            }
        }
    };
    let server = Server::new(Dispatcher::new().method("count", count));
    let own = Dispatcher::new().method("count", count);
    let at = world.serve_with(server, |builder| builder.serve(own));
    std::thread::scope(|scope| {
        for depth in 0..16 {
            let client = &at.client;
            scope.spawn(move || {
                assert_eq!(client.call::<_, u32>("count", (depth,)).unwrap(), depth);
            });
        }
    });
    // The server calls without having been called.
    let peers = at.server.peers();
    let caller = Caller::from(&peers[0].caller);
    assert_eq!(caller.call::<_, u32>("count", (3,)).unwrap(), 3);
}

pub(crate) fn broadcast(world: World) {
    let (sender, heard) = mpsc::channel();
    let own = Dispatcher::new().method("news", move |text: String| sender.send(text).unwrap());
    let at = world.serve_with(Server::new(service()), |builder| builder.serve(own));
    // The server knows the protocol once the client has spoken.
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).unwrap(), 5);
    let told = at.server.broadcast("news", ("hello",));
    if world.duplex() {
        assert_eq!(told.sent, 1);
        assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), "hello");
    } else {
        assert_eq!(told.unsupported.len(), 1);
    }
}

pub(crate) fn nested_in_a_pool_of_one(world: World) {
    if !world.duplex() {
        return;
    }
    // 64 handlers on either side wait for each other, and there is one place for all of a side.
    let pools =
        [(); 2].map(|()| BlockingPool::new(PoolLimits { max_running: 1, ..PoolLimits::default() }));
    let down = |context: Context, depth: u32| -> Result<u32, RpcError> {
        if depth == 0 {
            return Ok(0);
        }
        let below = peer(&context).call::<_, u32>("down", (depth - 1,));
        below.map(|below| below + 1).map_err(|error| RpcError::server(error.to_string()))
    };
    let service = || Dispatcher::new().method("down", down);
    let server = Server::new(service()).blocking_pool(&pools[0]);
    let at = world.serve_with(server, |builder| builder.serve(service()).blocking_pool(&pools[1]));
    assert_eq!(at.client.call::<_, u32>("down", (127,)).unwrap(), 127);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(at.client.call::<_, u32>("down", (40,)).unwrap(), 40));
        }
    });
    assert!(pools.iter().all(|pool| pool.queued() == 0));
}
