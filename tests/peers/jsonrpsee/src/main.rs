//! A client and a server of jsonrpsee, each a process of its own.
//!
//! ```text
//! jsonrpsee-peer server
//! jsonrpsee-peer client (http|ws) (numbers|texts) PORT
//! ```

mod checks;
mod client;
mod server;
mod sockets;
mod subscriptions;

use anyhow::bail;
use jsonrpsee::core::client::IdKind;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["server"] => server::run().await,
        ["client", transport, ids, port] => client::run(transport, id_kind(ids)?, port).await,
        _ => bail!("there is nothing like {arguments:?}"),
    }
}

/// What the ids of a client are.
fn id_kind(ids: &str) -> anyhow::Result<IdKind> {
    match ids {
        "numbers" => Ok(IdKind::Number),
        "texts" => Ok(IdKind::String),
        _ => bail!("ids are numbers or texts"),
    }
}
