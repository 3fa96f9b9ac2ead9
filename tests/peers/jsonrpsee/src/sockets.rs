//! What is checked of WebSockets alone.

use anyhow::ensure;
use jsonrpsee::core::{client::ClientT, rpc_params};
use jsonrpsee_ws_client::{HeaderMap, HeaderValue, WsClient, WsClientBuilder};

/// A handshake with the origin of another page fails, and its status is told.
pub(crate) async fn foreign_pages_are_refused(url: &str) -> anyhow::Result<()> {
    let Err(error) = from_page(url, "https://pages.example.com").await else {
        anyhow::bail!("a foreign page was admitted");
    };
    let words = format!("{error:#}");
    ensure!(words.contains("403"), "{words}");
    Ok(())
}

/// The page of the service itself may call it.
pub(crate) async fn own_pages_are_admitted(url: &str) -> anyhow::Result<()> {
    let client = from_page(url, &url.replace("ws://", "http://")).await?;
    let sum: i64 = client.request("add", rpc_params![20, 22]).await?;
    ensure!(sum == 42, "got {sum}");
    Ok(())
}

async fn from_page(url: &str, origin: &str) -> anyhow::Result<WsClient> {
    let headers = HeaderMap::from_iter([("origin".parse()?, HeaderValue::from_str(origin)?)]);
    Ok(WsClientBuilder::new().set_headers(headers).build(url).await?)
}
