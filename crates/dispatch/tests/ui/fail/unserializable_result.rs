use tinyrpc_dispatch::Dispatcher;

struct Opaque;

fn main() {
    let _ = Dispatcher::new().method("opaque", |_id: u64| Opaque);
}
