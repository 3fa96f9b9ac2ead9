//! Inference finds out what a handler is, without a word from the user.

use std::sync::Arc;

use tinyrpc_core::RpcError;
use tinyrpc_dispatch::{Context, Dispatcher, Method};

fn generic<T>(value: T) -> T {
    value
}

struct Store(Vec<String>);

impl Store {
    fn find(&self, index: usize) -> Result<&String, RpcError> {
        self.0.get(index).ok_or_else(|| RpcError::server("no such entry"))
    }
}

fn main() {
    let store = Arc::new(Store(vec![]));
    let other = Arc::clone(&store);
    let _ = Dispatcher::new()
        .method("generic", generic::<Vec<u8>>)
        .method("store", move |index: usize| store.find(index).cloned())
        .method("slow", move |context: Context, index: usize| {
            let store = Arc::clone(&other);
            async move {
                let name: String = context.peer().call("name", ()).await.unwrap_or_default();
                store.find(index).map(|entry| format!("{name}: {entry}"))
            }
        })
        .method("tuple", |(a, b): (i64, i64)| [a, b])
        .method("maybe", |a: Option<u8>| a)
        .method("method", Method::new(async || ()))
        .method("never", async || -> () { std::future::pending().await })
        .method("all", |_: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8| ());
}
