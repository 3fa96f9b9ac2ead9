//! Subscriptions, which only WebSockets have.

use anyhow::{Context, ensure};
use futures_util::StreamExt;
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule,
    core::{
        SubscriptionResult,
        client::{ClientT, Subscription, SubscriptionClientT},
        params::ArrayParams,
        rpc_params,
    },
    types::Params,
};
use serde_json::value::to_raw_value;

/// Everything comes in its order, and the end is told.
pub(crate) async fn items(client: &impl SubscriptionClientT) -> anyhow::Result<()> {
    let counted: Subscription<u32> =
        client.subscribe("count", rpc_params![0, 500], "uncount").await?;
    let counted: Vec<u32> = counted.map(|item| item.expect("a number")).collect().await;
    ensure!(counted == (0..500).collect::<Vec<_>>(), "got {counted:?}");
    let mut broken: Subscription<u32> =
        client.subscribe("broken", ArrayParams::new(), "unbroken").await?;
    ensure!(broken.next().await.context("an item")?? == 1);
    ensure!(broken.next().await.is_none(), "it goes on");
    let refused = client.subscribe::<u32, _>("count", rpc_params!["x"], "uncount").await;
    ensure!(refused.is_err(), "it was not refused");
    Ok(())
}

/// However it leaves, the server knows.
pub(crate) async fn departures(client: &impl SubscriptionClientT) -> anyhow::Result<()> {
    let silence = |client| silence(client);
    let (first, second) = (silence(client).await?, silence(client).await?);
    ensure!(listeners(client).await? == 2);
    first.unsubscribe().await?;
    drop(second);
    // It is told in the background.
    while listeners(client).await? > 0 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn silence(client: &impl SubscriptionClientT) -> anyhow::Result<Subscription<u32>> {
    Ok(client.subscribe("silence", ArrayParams::new(), "unsilence").await?)
}

async fn listeners(client: &impl ClientT) -> anyhow::Result<usize> {
    Ok(client.request("listeners", ArrayParams::new()).await?)
}

/// The same of their server.
pub(crate) fn register<T: Send + Sync + 'static>(module: &mut RpcModule<T>) -> anyhow::Result<()> {
    module.register_subscription("count", "counted", "uncount", |params, sink, _, _| {
        count(params, sink)
    })?;
    module.register_subscription("broken", "shard", "unbroken", |_, sink, _, _| broken(sink))?;
    module.register_subscription("silence", "heard", "unsilence", |_, sink, _, _| quiet(sink))?;
    Ok(())
}

async fn count(params: Params<'static>, pending: PendingSubscriptionSink) -> SubscriptionResult {
    let (from, to): (u32, u32) = match params.parse() {
        Ok(bounds) => bounds,
        Err(error) => {
            pending.reject(error).await;
            return Ok(());
        }
    };
    let sink = pending.accept().await?;
    for n in from..to {
        sink.send(to_raw_value(&n)?).await?;
    }
    // Behind this the client is told nothing, and may leave in its own time.
    sink.closed().await;
    Ok(())
}

/// One item, which says that it has begun, and nothing more.
async fn quiet(pending: PendingSubscriptionSink) -> SubscriptionResult {
    let sink = pending.accept().await?;
    sink.send(to_raw_value(&0)?).await?;
    sink.closed().await;
    Ok(())
}

async fn broken(pending: PendingSubscriptionSink) -> SubscriptionResult {
    let sink = pending.accept().await?;
    sink.send(to_raw_value(&1)?).await?;
    Err("it broke".into())
}
