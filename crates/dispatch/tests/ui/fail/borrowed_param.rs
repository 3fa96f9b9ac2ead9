use tinyrpc_dispatch::Dispatcher;

fn main() {
    let _ = Dispatcher::new().method("length", |text: &str| text.len());
}
