//! Both sides call each other, also during a call.

use tinyrpc::{Context, Dispatcher, Outcome, RpcError, Server};

use crate::world::{World, service};

/// Adds by asking its caller.
fn asking() -> Dispatcher {
    service().method("ask", |context: Context, a: i64, b: i64| async move {
        let sum: i64 = context
            .peer()
            .call("add", (a, b))
            .await
            .map_err(|error| RpcError::server(error.to_string()))?;
        Ok::<_, RpcError>(sum)
    })
}

pub(crate) async fn server_calls_client(world: World) {
    let at = world.serve_with(Server::new(asking()), |builder| builder.serve(service())).await;
    let answer = at.client.call::<_, i64>("ask", (2, 3)).await;
    if world.duplex() {
        assert_eq!(answer.unwrap(), 5);
        return;
    }
    // What cannot work fails at once and says what is missing.
    let error = answer.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Answered);
    assert!(error.to_string().contains("permanent connection"), "{error}");
}

pub(crate) async fn nested_calls(world: World) {
    if !world.duplex() {
        return;
    }
    /// Counts down by calling the other side, which does the same.
    fn countdown() -> Dispatcher {
        service().method("down", |context: Context, from: u32| async move {
            if from == 0 {
                return Ok(0);
            }
            let rest: u32 = context
                .peer()
                .call("down", (from - 1,))
                .await
                .map_err(|error| RpcError::server(error.to_string()))?;
            Ok::<_, RpcError>(rest + 1)
        })
    }
    let at = world.serve_with(Server::new(countdown()), |builder| builder.serve(countdown())).await;
    let calls = (0..64).map(|_| at.client.call::<_, u32>("down", (8,)));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap(), 8);
    }
}
