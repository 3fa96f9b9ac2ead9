use tinyrpc_dispatch::Dispatcher;

fn main() {
    let _ = Dispatcher::new().method(
        "many",
        |_: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8| (),
    );
}
