//! `tinyrpc call`: one call, and its result on standard output.

mod flow;
mod orphan;

use tinyrpc::Payload;

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
    if call.flow.send && call.request.reads_input() {
        return Err(Failure::usage("standard input has either the params or what is sent")
            .hint("say the params by ARGs, @FILE or --params"));
    }
    let params = Params::new(&call.request)?;
    let form = Form::new(call.request.typed);
    let target = Target::new(&call.peer)?;
    let (lookout, mut orphans) = orphans(call.peer.verbose);
    let client = target.connect(target.builder()?.trace(lookout)).await?;
    let params = params.encoded(client.format(), form)?;
    if call.flow.streams() {
        return flow::run(call, &target, client, &params, orphans).await;
    }
    let caller = client.with_timeout(target.left());
    let result = tokio::select! {
        biased;
        result = caller.call_raw(call.request.method(), &params) => result,
        error = orphans.next(client.format()) => return Err(hints::orphan(&error)),
    };
    leave(client).await;
    let result =
        result.map_err(|error| hints::call(&error, target.circumstances(orphans.stranger())))?;
    show(&result, form, layout(call.style)).map(|_| ())
}

/// Prints a value, and says whether its reader is there for more.
fn show(value: &Payload, form: Form, layout: Layout) -> Result<bool, Failure> {
    let shown =
        Shown::new(value, "result", form).map_err(|why| hints::unreadable(value.format, &why))?;
    let mut text = layout.apply(&shown.json);
    text.push('\n');
    let more = output::put_more(text.as_bytes())?;
    shown.notes.iter().for_each(|note| output::tell(&format!("note: {note}")));
    Ok(more)
}

fn layout(style: Style) -> Layout {
    let terminal = output::is_terminal();
    Layout { pretty: style.pretty || (terminal && !style.compact), harmless: terminal }
}
