//! The clients of jsonrpsee against a server.

use anyhow::bail;
use jsonrpsee::core::client::{ClientT, IdKind};
use jsonrpsee_http_client::HttpClientBuilder;
use jsonrpsee_ws_client::WsClientBuilder;

use crate::{checks, sockets, subscriptions};

/// Makes all checks over one transport, and says `ok NAME` for each.
pub(crate) async fn run(transport: &str, ids: IdKind, port: &str) -> anyhow::Result<()> {
    // By name, which is what most programs write.
    let address = format!("localhost:{port}");
    match transport {
        "http" => {
            let client = HttpClientBuilder::new().id_format(ids);
            all(&client.build(format!("http://{address}"))?).await
        }
        "ws" => {
            let url = format!("ws://{address}");
            let client = WsClientBuilder::new().id_format(ids).build(&url).await?;
            all(&client).await?;
            subscriptions::items(&client).await?;
            println!("ok subscriptions");
            subscriptions::departures(&client).await?;
            println!("ok departures");
            sockets::foreign_pages_are_refused(&url).await?;
            println!("ok foreign_pages_are_refused");
            sockets::own_pages_are_admitted(&url).await?;
            println!("ok own_pages_are_admitted");
            Ok(())
        }
        _ => bail!("there is no transport {transport}"),
    }
}

async fn all(client: &(impl ClientT + Sync)) -> anyhow::Result<()> {
    checks::positional_and_named(client).await?;
    println!("ok positional_and_named");
    checks::values(client).await?;
    println!("ok values");
    checks::texts(client).await?;
    println!("ok texts");
    checks::errors(client).await?;
    println!("ok errors");
    checks::notifications(client).await?;
    println!("ok notifications");
    checks::calls_at_once(client).await?;
    println!("ok calls_at_once");
    checks::answers_overtake_each_other(client).await?;
    println!("ok answers_overtake_each_other");
    checks::batches(client).await?;
    println!("ok batches");
    Ok(())
}
