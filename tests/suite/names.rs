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
