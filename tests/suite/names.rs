//! Names of methods: prefixes, aliases, and methods that come and go.

use tinyrpc::{Code, Dispatcher};

use crate::world::{World, service};

pub(crate) async fn nesting(world: World) {
    let inner = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
    let other =
        Dispatcher::new().method("add", |_: i64, _: i64| -1).method("sub", |a: i64, b: i64| a - b);
    let deep = Dispatcher::new().nest("deep.", Dispatcher::new().method("one", || 1));
    let service = Dispatcher::new()
        .method("math.own", || "own")
        .nest("math.", inner)
        .nest("math.", other)
        .nest("very.", deep);
    let at = world.serve(service).await;
    // Own names first, then the first that has it.
    assert_eq!(at.client.call::<_, String>("math.own", ()).await.unwrap(), "own");
    assert_eq!(at.client.call::<_, i64>("math.add", (2, 3)).await.unwrap(), 5);
    assert_eq!(at.client.call::<_, i64>("math.sub", (2, 3)).await.unwrap(), -1);
    assert_eq!(at.client.call::<_, i64>("very.deep.one", ()).await.unwrap(), 1);
    for unknown in ["math.", "math.mul", "add", "very.deep.", "very.one"] {
        let error = at.client.call::<_, i64>(unknown, (1, 2)).await.unwrap_err();
        assert_eq!(error.as_rpc().expect("an answer").code, Code::METHOD_NOT_FOUND, "{unknown}");
    }
}

pub(crate) async fn aliases(world: World) {
    let at = world.serve(service().alias("plus", "add")).await;
    assert_eq!(at.client.call::<_, i64>("plus", (2, 3)).await.unwrap(), 5);
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
}

pub(crate) async fn come_and_go(world: World) {
    let service = service();
    let methods = service.handle();
    let at = world.serve(service).await;
    let missing = at.client.call::<_, u8>("new", ()).await.unwrap_err();
    assert_eq!(missing.as_rpc().expect("an answer").code, Code::METHOD_NOT_FOUND);
    methods.try_insert("new", || 1u8).unwrap();
    assert!(methods.try_insert("new", || 2u8).is_err());
    assert_eq!(at.client.call::<_, u8>("new", ()).await.unwrap(), 1);
    assert!(methods.remove("new"));
    assert!(!methods.remove("new"));
    let missing = at.client.call::<_, u8>("new", ()).await.unwrap_err();
    assert_eq!(missing.as_rpc().expect("an answer").code, Code::METHOD_NOT_FOUND);
}

pub(crate) async fn prefixes(world: World) {
    let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel();
    let deep = Dispatcher::new().method("add", |a: i64, b: i64| 10 * (a + b));
    let math = service().nest("deep.", deep).method("tell", move |text: String| {
        _ = tx.send(text);
    });
    let at = world.serve(service().nest("math.", math)).await;
    let math = at.client.with_prefix("math.");
    let deep = math.with_prefix("deep.").with_timeout(crate::world::PATIENCE);
    assert_eq!(math.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    assert_eq!(deep.call::<_, i64>("add", (2, 3)).await.unwrap(), 50);
    assert_eq!(math.try_call::<_, u32>("later", (7,)).await.unwrap(), 7);
    let mut batch = math.batch();
    let [add, missing] = ["add", "sub"].map(|name| batch.call::<i64>(name, (4, 5)).unwrap());
    batch.notify("tell", ("batch",)).unwrap();
    let mut answers = batch.send().await.unwrap();
    assert_eq!(answers.take(add).unwrap(), 9);
    let missing = answers.take(missing).unwrap_err();
    assert!(missing.to_string().contains("math.sub"), "{missing}");
    math.notify("tell", ("one way",)).await.unwrap();
    let mut told = [rx.recv().await.unwrap(), rx.recv().await.unwrap()];
    told.sort();
    assert_eq!(told, ["batch", "one way"]);
}
