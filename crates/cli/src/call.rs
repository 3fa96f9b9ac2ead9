//! `tinyrpc call`: one call, and its result on standard output.

mod orphan;

use self::orphan::orphans;
use crate::{
    command::{Call, Style},
    failure::Failure,
    hints,
    json::Layout,
    output,
    params::Params,
    shown::{Form, Shown},
    target::{Target, leave},
};

/// Calls, and prints the result.
///
/// # Errors
///
/// There is none.
pub(crate) async fn run(call: &Call) -> Result<(), Failure> {
    let params = Params::new(&call.request)?;
    let form = Form::new(call.request.typed);
    let target = Target::new(&call.peer)?;
    let (lookout, mut orphans) = orphans(call.peer.verbose);
    let client = target.connect(target.builder()?.trace(lookout)).await?;
    let params = params.encoded(client.format(), form)?;
    let caller = client.with_timeout(target.left());
    let result = tokio::select! {
        biased;
        result = caller.call_raw(call.request.method(), &params) => result,
        error = orphans.next(client.format()) => return Err(hints::orphan(&error)),
    };
    leave(client).await;
    let result =
        result.map_err(|error| hints::call(&error, target.circumstances(orphans.stranger())))?;
    let shown = Shown::new(&result, "result", form)
        .map_err(|why| hints::unreadable(result.format, &why))?;
    let mut text = layout(call.style).apply(&shown.json);
    text.push('\n');
    output::put(text.as_bytes())?;
    shown.notes.iter().for_each(|note| output::tell(&format!("note: {note}")));
    Ok(())
}

fn layout(style: Style) -> Layout {
    let terminal = output::is_terminal();
    Layout { pretty: style.pretty || (terminal && !style.compact), harmless: terminal }
}
