//! What stands around every call: checks, hooks and layers.

use std::collections::BTreeMap;

use tinyrpc::{Code, Dispatcher, Error, Invocation, Method, RpcError, Surplus};

use crate::world::{World, service};

/// The error that the peer answered.
#[track_caller]
fn answered<R>(answer: Result<R, Error>) -> RpcError {
    let error = answer.err().expect("an error");
    error.as_rpc().expect("an answer").clone()
}

pub(crate) async fn validation(world: World) {
    let nobody_calls_private_ones = |invocation: &Invocation<'_, '_>, method: &Method| {
        if !invocation.method.starts_with('_') {
            return Ok(());
        }
        let names = method.names().unwrap_or_default().join(", ");
        Err(RpcError::invalid_params(format!("{}({names}) is private", invocation.method)))
    };
    let tolerant = service()
        .method("_add", |a: i64, b: i64| a + b)
        .params(["a", "b"])
        .surplus(Surplus::IgnoreNamed)
        .validate(nobody_calls_private_ones);
    let at = world.serve(Dispatcher::new().nest("new.", tolerant).nest("", service())).await;
    let newer = BTreeMap::from([("a", 2), ("b", 3), ("since", 4)]);
    assert_eq!(at.client.call::<_, i64>("new.add", &newer).await.unwrap(), 5);
    let strict = answered(at.client.call::<_, i64>("add", &newer).await);
    assert!(strict.message.contains("since"), "{strict}");
    let private = answered(at.client.call::<_, i64>("new._add", &newer).await);
    assert_eq!((private.code, &*private.message), (Code::INVALID_PARAMS, "_add(a, b) is private"));
    let more = answered(at.client.call::<_, i64>("new.add", (2, 3, 4)).await);
    assert_eq!(more.code, Code::INVALID_PARAMS);
}
