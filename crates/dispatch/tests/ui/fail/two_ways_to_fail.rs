//! `Serialize` errors would go as results, `Into<RpcError>` ones as errors: one must be chosen.

use tinyrpc_core::RpcError;
use tinyrpc_dispatch::Dispatcher;

#[derive(serde::Serialize)]
struct Both;

impl From<Both> for RpcError {
    fn from(_: Both) -> Self {
        Self::server("both")
    }
}

fn main() {
    let _ = Dispatcher::new().method("both", |id: u64| -> Result<u64, Both> { Ok(id) });
}
