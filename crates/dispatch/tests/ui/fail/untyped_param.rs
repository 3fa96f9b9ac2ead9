use tinyrpc_dispatch::Dispatcher;

fn main() {
    let _ = Dispatcher::new().method("echo", |value| value);
}
