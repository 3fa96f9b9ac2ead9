//! What stands around every call: checks, hooks and layers.

use std::{collections::BTreeMap, time::Duration};

use tinyrpc::{
    Code, Context, Dispatcher, Error, Invocation, Limits, Method, RpcError, Server, Service,
    Surplus,
    layers::{End, HooksLayer},
};

use tokio::sync::mpsc::unbounded_channel;

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

pub(crate) async fn client_errors(world: World) {
    /// Raises errors as text, as peers do that know no codes, and asks its caller to do the same.
    fn legacy() -> Dispatcher {
        let raise = |text: String| -> Result<u8, RpcError> { Err(RpcError::server(text)) };
        let ask = async |context: Context| -> String {
            let error = context.peer().call::<_, u8>("raise", ("KeyError: 'y'",)).await;
            error.unwrap_err().to_string()
        };
        service().method("raise", raise).method("ask", ask)
    }
    /// Gives text errors a code.
    fn translated(error: Error) -> Error {
        match error {
            Error::Answered(error) if error.message.starts_with("KeyError: ") => {
                Error::Answered(RpcError::new(404, error.message))
            }
            other => other,
        }
    }
    let client = |builder: tinyrpc::ClientBuilder| builder.serve(legacy()).map_error(translated);
    let at = world.serve_with(Server::new(legacy()), client).await;
    let text = ("KeyError: 'x'",);
    let found = |answer: Result<u8, Error>| answered(answer).code;
    assert_eq!(found(at.client.call("raise", text).await), Code(404));
    assert_eq!(found(at.client.try_call("raise", text).await), Code(404));
    assert_eq!(found(at.client.call("raise", text).send().await.unwrap().await), Code(404));
    assert_eq!(found(at.client.with_prefix("rai").call("se", text).await), Code(404));
    let mut batch = at.client.batch();
    let item = batch.call("raise", text).unwrap();
    assert_eq!(found(batch.send().await.unwrap().take(item)), Code(404));
    // Other errors and results are as they were.
    assert_eq!(found(at.client.call("raise", ("ValueError",)).await), Code::SERVER_ERROR);
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    if world.duplex() {
        // The client's errors are its own: the server's calls to it are another matter.
        let asked: String = at.client.call("ask", ()).await.unwrap();
        assert!(asked.contains(&Code::SERVER_ERROR.to_string()), "{asked}");
    }
}

pub(crate) async fn hooks(world: World) {
    let (tx, mut ends) = unbounded_channel();
    let hooks = HooksLayer::new()
        .before(|invocation| match invocation.method.strip_prefix("admin.") {
            Some(name) => Err(RpcError::new(403, format!("{name} is not for everybody"))),
            None => Ok(()),
        })
        .map_error(|error| match error.code {
            Code::SERVER_ERROR => RpcError::new(5, "hidden"),
            _ => error,
        })
        .after(move |call| {
            // Every connection of a server has a clock.
            assert!(call.took.is_some());
            let end = match call.end {
                End::Failed(error) => error.code.to_string(),
                other => format!("{other:?}"),
            };
            _ = tx.send((call.method.to_owned(), call.notification, end));
        });
    let methods = service()
        .method("secret", || Err::<u8, _>(RpcError::server("secret")))
        .method("secret later", async || {
            tokio::task::yield_now().await;
            Err::<u8, _>(RpcError::server("secret"))
        })
        .method("wait", std::future::pending::<()>);
    // A client that is gone is not waited for.
    let limits = Limits { half_close: Duration::ZERO, ..Limits::default() };
    let server = Server::new(methods.layer(hooks)).limits(limits);
    let at = world.serve_with(server, |builder| builder).await;
    let client = &at.client;
    let mut check = async |method: &str, notification, end: &str| {
        assert_eq!(ends.recv().await.unwrap(), (method.into(), notification, end.into()));
    };
    assert_eq!(client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    check("add", false, "Answered").await;
    assert_eq!(client.call::<_, u32>("later", (2,)).await.unwrap(), 2);
    check("later", false, "Answered").await;
    for method in ["secret", "secret later"] {
        let error = answered(client.call::<_, u8>(method, ()).await);
        assert_eq!((error.code, &*error.message), (Code(5), "hidden"));
        check(method, false, "5").await;
    }
    let refused = answered(client.call::<_, u8>("admin.stop", ()).await);
    assert_eq!(&*refused.message, "stop is not for everybody");
    check("admin.stop", false, "403").await;
    assert_eq!(answered(client.call::<_, u8>("panic", ("!",)).await).code, Code::INTERNAL_ERROR);
    check("panic", false, "Panicked").await;
    client.notify("nothing", ()).await.unwrap();
    check("nothing", true, "Answered").await;
    let mut batch = client.batch();
    let [fine, failing] =
        ["nothing", "secret later"].map(|name| batch.call::<()>(name, ()).unwrap());
    let mut answers = batch.send().await.unwrap();
    answers.take(fine).unwrap();
    assert_eq!(answered(answers.take(failing)).code, Code(5));
    check("nothing", false, "Answered").await;
    check("secret later", false, "5").await;
    let waiting = client.call::<_, ()>("wait", ()).send().await.unwrap();
    client.call::<_, ()>("nothing", ()).await.unwrap();
    check("nothing", false, "Answered").await;
    drop((waiting, at.client));
    check("wait", false, "Dropped").await;
}
