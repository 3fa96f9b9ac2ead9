//! Calls that stream: their values are printed as they come, and lines are sent as they are read.

mod input;

use std::{future::Future, pin::pin, time::Duration};

use tinyrpc::{Client, Error, Items, Outlet, Reason, Sent, Unsent};

use self::input::lines;
use super::{layout, orphan::Orphans, show};
use crate::{
    command::Call,
    failure::Failure,
    hints,
    json::Layout,
    params::{Encoded, Line},
    shown::Form,
    signals::{Signals, Told},
    target::{Target, leave},
};

/// Calls, and prints and sends values until the call, the reader or the user ends it.
///
/// # Errors
///
/// There is no answer, or an error; what came before it is printed.
pub(super) async fn run(
    call: &Call,
    target: &Target,
    client: Client,
    params: &Encoded<'_>,
    mut orphans: Orphans,
) -> Result<(), Failure> {
    let signals = Signals::new();
    let mut signals = signals
        .map_err(|error| Failure::no_answer(format!("signals cannot be listened to: {error}")))?;
    // What is left of the call is dropped with its future: the peer is told to end it.
    let ended = tokio::select! {
        biased;
        ended = flow(call, target, &client, params) => ended,
        error = orphans.next(client.format()) => Err(hints::orphan(&error).into()),
        told = signals.next() => Err(Ended::Told(told)),
    };
    if client.address().starts_with("exec:") && !matches!(ended, Err(Ended::Told(_))) {
        leave(client).await;
    } else {
        _ = tokio::time::timeout(FAREWELL, client.close()).await;
    }
    match ended {
        Ok(()) => Ok(()),
        Err(Ended::Failure(failure)) => Err(failure),
        Err(Ended::Error(error)) => {
            let circumstances = target.circumstances(orphans.stranger());
            Err(hints::stream(&error, circumstances, call.flow.follows()))
        }
        Err(Ended::Told(told)) => Err(told.obey()),
    }
}

/// Why a call did not come to its end.
enum Ended {
    Error(Error),
    Failure(Failure),
    Told(Told),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

async fn flow(
    call: &Call,
    target: &Target,
    client: &Client,
    params: &Encoded<'_>,
) -> Result<(), Ended> {
    let (method, form) = (call.request.method(), Form::new(call.request.typed));
    let whole = target.left_of_stream().unwrap_or_default();
    let layout = Layout { pretty: call.style.pretty, ..layout(call.style) };
    let print = |items| print(items, call.flow.limit, form, layout);
    match (call.flow.follows(), call.flow.send) {
        (true, false) => {
            let streaming = client.stream::<_, ()>(method, params).timeout(whole);
            print(opened(target, streaming.into_future()).await?).await
        }
        (true, true) => {
            let streaming = client.duplex::<_, (), ()>(method, params).timeout(whole);
            let (sender, items) = opened(target, streaming.into_future()).await?;
            beside(feed(sender.into_outlet(), call, form), print(items)).await
        }
        (false, _) => {
            let streaming = client.upload::<_, (), ()>(method, params).timeout(whole);
            let (sender, sent) = opened(target, streaming.into_future()).await?;
            let answer = answer(sent, form, super::layout(call.style));
            beside(feed(sender.into_outlet(), call, form), answer).await
        }
    }
}

/// Waits until a call is made: for the connection, and for what the peer says of streams.
async fn opened<T>(
    target: &Target,
    opening: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match target.left() {
        Duration::ZERO => opening.await,
        left => match tokio::time::timeout(left, opening).await {
            Ok(opened) => opened,
            Err(_) => {
                let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
                Err(Error::NotExecuted(Reason::Timeout(millis)))
            }
        },
    }
}

/// Reads until the end of the call, and sends meanwhile; an error on either side ends both.
async fn beside(
    feed: impl Future<Output = Result<(), Ended>>,
    reading: impl Future<Output = Result<(), Ended>>,
) -> Result<(), Ended> {
    let mut reading = pin!(reading);
    tokio::select! {
        biased;
        read = &mut reading => return read,
        fed = feed => fed?,
    }
    reading.await
}

/// Prints the one result.
async fn answer(sent: Sent<()>, form: Form, layout: Layout) -> Result<(), Ended> {
    let result = sent.payload().await?;
    show(&result, form, layout)?;
    Ok(())
}

/// Prints values as they come.
async fn print(
    mut items: Items<()>,
    limit: Option<u64>,
    form: Form,
    layout: Layout,
) -> Result<(), Ended> {
    let mut count = 0;
    while let Some(value) = items.next_payload().await {
        let more = show(&value?, form, layout)?;
        count += 1;
        if !more || limit == Some(count) {
            break;
        }
    }
    Ok(())
}

/// Sends the lines of standard input as the peer takes them.
async fn feed(outlet: Outlet, call: &Call, form: Form) -> Result<(), Ended> {
    let (mut lines, mut number) = (lines(), 0);
    while let Some(line) = lines.recv().await {
        number += 1;
        let line = line.map_err(|error| {
            Failure::no_answer(format!("standard input cannot be read: {error}"))
        })?;
        if line.trim().is_empty() && !call.request.text {
            continue;
        }
        let wrong = |why: String| hints::line(number, &why);
        let value = Line::new(&line, call.request.text).map_err(wrong)?;
        let value = value.encoded(outlet.format(), form).map_err(wrong)?;
        match outlet.send(&value).await {
            Ok(()) => {}
            Err(Unsent::Value(error)) => return Err(error.into()),
            // The peer has heard enough; its answer says more.
            Err(_) => return Ok(()),
        }
    }
    outlet.end(Ok(()));
    Ok(())
}

/// How long the peer may take to hear that the call has ended.
const FAREWELL: Duration = Duration::from_secs(1);
