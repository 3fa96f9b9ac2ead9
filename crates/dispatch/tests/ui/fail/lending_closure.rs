//! The future of such a closure borrows from the closure, which no method can allow.

use tinyrpc_dispatch::Dispatcher;

fn main() {
    let greeting = String::from("hello");
    let _ = Dispatcher::new()
        .method("greet", async move |name: String| format!("{greeting}, {name}"));
}
