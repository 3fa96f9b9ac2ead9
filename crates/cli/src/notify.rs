//! `tinyrpc notify`: one notification.

use std::time::Duration;

use crate::{
    command::Notify, failure::Failure, hints, params::Params, shown::Form, target::Target, wire,
};

/// Notifies, and waits until the transport has taken it.
///
/// # Errors
///
/// It was not sent.
pub(crate) async fn run(notify: &Notify) -> Result<(), Failure> {
    let params = Params::new(&notify.request)?;
    let target = Target::new(&notify.peer)?;
    let mut builder = target.builder()?;
    if notify.peer.verbose {
        builder = builder.trace(wire::show);
    }
    let client = target.connect(builder).await?;
    let params = params.encoded(client.format(), Form::new(notify.request.typed))?;
    let sent = client.with_timeout(target.left()).notify(notify.request.method(), &params).await;
    sent.map_err(|error| hints::call(&error, target.circumstances(None)))?;
    let closing = client.close();
    let taken = match target.left() {
        Duration::ZERO => closing.await,
        left => tokio::time::timeout(left, closing).await.unwrap_or(false),
    };
    if taken { Ok(()) } else { Err(hints::not_taken()) }
}
