//! A service behind the server of jsonrpsee, which speaks HTTP and WebSocket on one port.

use std::{
    sync::atomic::{AtomicI64, Ordering::SeqCst},
    time::Duration,
};

use jsonrpsee::{
    RpcModule,
    server::{ServerBuilder, middleware::http::HostFilterLayer},
    types::{ErrorObject, ErrorObjectOwned, Params},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, stdin};

/// By position or by name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    a: i64,
    b: i64,
}

/// Serves until the input ends.
pub(crate) async fn run() -> anyhow::Result<()> {
    // The filter wants the host and the port of every request.
    let web = tower::ServiceBuilder::new().layer(HostFilterLayer::new(["127.0.0.1:*"])?);
    let server = ServerBuilder::new().set_http_middleware(web).build("127.0.0.1:0").await?;
    let port = server.local_addr()?.port();
    let handle = server.start(module()?);
    println!("ready {port}");
    stdin().read_to_end(&mut Vec::new()).await?;
    handle.stop()?;
    Ok(())
}

fn module() -> anyhow::Result<RpcModule<AtomicI64>> {
    let mut module = RpcModule::new(AtomicI64::new(0));
    module.register_method("add", |params, _, _| {
        let Add { a, b } = params.parse()?;
        Ok::<_, ErrorObjectOwned>(a + b)
    })?;
    module.register_method("echo", |params, _, _| params.one::<Value>())?;
    module.register_method("nothing", |_, _, _| ())?;
    module.register_method("fail", |_, _, _| Err::<(), _>(failure()))?;
    module.register_async_method("later", |params, _, _| later(params))?;
    module.register_method("note", |params, noted, _| {
        noted.fetch_add(params.one()?, SeqCst);
        Ok::<_, ErrorObjectOwned>(())
    })?;
    module.register_method("noted", |_, noted, _| noted.load(SeqCst))?;
    crate::subscriptions::register(&mut module)?;
    Ok(module)
}

fn failure() -> ErrorObjectOwned {
    ErrorObject::owned(17, "it failed", Some(("why", 4711)))
}

async fn later(params: Params<'static>) -> Result<Value, ErrorObjectOwned> {
    let (value, milliseconds) = params.parse()?;
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    Ok(value)
}
