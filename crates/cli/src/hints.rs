//! From the errors of the library to what a user can do about them.

mod advice;
mod stranger;

use std::{io, time::Duration};

use tinyrpc::{Code, Error, Format, Payload, Reason, RpcError, SetupError, UrlError};

use self::advice::advice;
pub(crate) use self::stranger::Stranger;
use crate::{
    failure::Failure,
    json::Layout,
    scheme::Scheme,
    shown::{Form, Shown},
};

/// The URL is wrong, or nothing of what it asks for is there.
pub(crate) fn url(error: &UrlError) -> Failure {
    Failure::usage(error.to_string())
}

/// There is no connection.
pub(crate) fn connect(error: &SetupError) -> Failure {
    let (address, error) = match error {
        SetupError::Io { address, source } => (address, source),
        SetupError::Url(error) => return url(error),
        other => return Failure::no_answer(other.to_string()),
    };
    let headline = format!("{address}: {error}");
    // The address has no port, or none that there can be; or it is no key of this certificate.
    if error.kind() == io::ErrorKind::InvalidInput {
        // The one such error that an option helps against.
        let is_alone = headline.contains("the system trusts no authority");
        let failure = Failure::usage(headline);
        return if is_alone { failure.hint("--ca FILE names one") } else { failure };
    }
    let scheme = Scheme::of(address);
    let hint =
        advice(&headline, scheme, None).unwrap_or_else(|| absent(error.kind(), scheme).into());
    Failure::no_answer(headline).with("outcome", NOT_EXECUTED).hint(hint)
}

/// Nobody is there, or nobody who can be reached.
fn absent(kind: io::ErrorKind, scheme: Scheme<'_>) -> &'static str {
    match (kind, scheme.0) {
        (io::ErrorKind::NotFound, "exec") => {
            "is the program installed, and in PATH? The path of one has a / in it: exec:./server"
        }
        (io::ErrorKind::PermissionDenied, "exec") => "may this user execute it? chmod +x allows it",
        (_, "exec") => "can this machine execute the program?",
        (io::ErrorKind::NotFound, "unix") => {
            "there is no such socket: is the server running, and is this its path?"
        }
        (io::ErrorKind::PermissionDenied, "unix") => {
            "this user may not connect: sockets of servers are for their own user alone"
        }
        (io::ErrorKind::ConnectionRefused, _) => {
            "nobody listens there: is the server running, and is this its address?"
        }
        _ => "is the address right, and reachable from here?",
    }
}

/// There is no listener.
pub(crate) fn listen(error: &SetupError) -> Failure {
    let (address, error) = match error {
        SetupError::Io { address, source } => (address, source),
        SetupError::Remote { address } => {
            return Failure::usage(format!(
                "{address} is reachable from other machines, and whoever reaches it may call everything"
            ))
            .hint("listen on 127.0.0.1, or say --allow-remote if that is meant");
        }
        SetupError::Url(error) => return url(error),
        other => return Failure::no_answer(other.to_string()),
    };
    let headline = format!("{address}: {error}");
    match error.kind() {
        io::ErrorKind::InvalidInput => Failure::usage(headline),
        io::ErrorKind::AddrInUse if Scheme::of(address).0 == "unix" => Failure::no_answer(headline)
            .hint("end the server that listens there, or choose another path"),
        io::ErrorKind::NotFound if Scheme::of(address).0 == "unix" => {
            Failure::no_answer(headline).hint("make the directory of the socket first")
        }
        io::ErrorKind::AddrInUse => Failure::no_answer(headline).hint(
            "another server listens there: end it, or choose another address; port 0 is a free one",
        ),
        io::ErrorKind::AddrNotAvailable => {
            Failure::no_answer(headline).hint("this machine has no such address")
        }
        io::ErrorKind::PermissionDenied => {
            Failure::no_answer(headline).hint("this user may not listen there")
        }
        _ => Failure::no_answer(headline),
    }
}

/// The connection was not made in time.
pub(crate) fn connect_timeout(url: &str, timeout: Duration) -> Failure {
    Failure::no_answer(format!("{url}: no connection within {} s", timeout.as_secs_f64()))
        .with("outcome", NOT_EXECUTED)
        .hint("is the address right, and reachable from here? --timeout SECONDS waits longer")
}

/// Of a call that was lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'u> {
    pub(crate) timeout: Duration,
    pub(crate) scheme: Scheme<'u>,
    /// The peers come to us.
    pub(crate) is_bound: bool,
    /// What the peer speaks, where that is known to be something else.
    pub(crate) heard: Option<Stranger>,
}

/// A call has no result.
pub(crate) fn call(error: &Error, circumstances: Circumstances<'_>) -> Failure {
    match error {
        Error::Answered(error) => answered(error),
        Error::NotExecuted(Reason::Refused(error)) if error.code == Code::UNAUTHENTICATED => {
            answered(error).with("outcome", NOT_EXECUTED).hint(unknown_caller(circumstances.scheme))
        }
        Error::NotExecuted(Reason::Refused(error)) => answered(error)
            .with("outcome", NOT_EXECUTED)
            .hint("the peer has too much to do, or is shutting down: try again later"),
        Error::NotExecuted(reason) => lost(reason, circumstances, NOT_EXECUTED),
        Error::Unknown(reason) => lost(reason, circumstances, UNKNOWN),
        other => Failure::no_answer(other.to_string()),
    }
}

/// A call that streams was not made, or has failed.
pub(crate) fn stream(error: &Error, circumstances: Circumstances<'_>, follows: bool) -> Failure {
    let failure = call(error, circumstances);
    match error {
        Error::NotExecuted(Reason::Unsupported(_)) if follows => {
            failure.hint("without --follow, a method that streams gives all values as one array")
        }
        Error::NotExecuted(Reason::Unsupported(_)) => {
            failure.hint("without --send, the method sees that nothing is sent")
        }
        _ => failure,
    }
}

/// A line of standard input is no value that can be sent.
pub(crate) fn line(number: u64, why: &str) -> Failure {
    Failure::usage(format!("line {number} of standard input: {why}"))
        .with("outcome", UNKNOWN)
        .hint("a line is one JSON value; with --text each is sent as text")
}

/// The peer wants to know who calls.
fn unknown_caller(scheme: Scheme<'_>) -> &'static str {
    match scheme.has_headers() {
        true => LOGIN,
        false => "the server wants to know who calls; over HTTP and WebSocket --header tells it",
    }
}

/// Nobody knows whether a notification arrived.
pub(crate) fn not_taken() -> Failure {
    Failure::no_answer("the peer did not take the whole notification")
        .with("outcome", UNKNOWN)
        .hint("did the peer end, or stop reading? --timeout SECONDS waits longer")
}

/// The peer answered with an error, and did not say to which call.
pub(crate) fn orphan(error: &RpcError) -> Failure {
    described(error, "the peer answered with an error that names no call")
}

/// The peer answered with an error.
fn answered(error: &RpcError) -> Failure {
    described(error, "the peer answered with an error")
}

fn described(error: &RpcError, headline: &str) -> Failure {
    let mut failure = Failure::peer_error(headline)
        .with("code", code(error.code))
        .with("message", &*error.message);
    if let Some(data) = error.payload() {
        failure = self::data(failure, data);
    }
    match error.code {
        Code::METHOD_NOT_FOUND => failure.hint(
            "upper and lower case differ, and a prefix such as `math.` is a part of the name",
        ),
        Code::INVALID_PARAMS => failure
            .hint("an ARG is JSON where it can be, else text; NAME=TEXT and NAME:=JSON have names"),
        Code::PARSE_ERROR | Code::INVALID_REQUEST => failure
            .hint("does the peer speak this protocol? A URL may name another: msgpack+tcp://…"),
        Code::INTERNAL_ERROR => failure.hint("the log of the peer may say why"),
        _ => failure,
    }
}

fn data(failure: Failure, data: &Payload) -> Failure {
    match Shown::new(data, "data", Form::Plain) {
        Ok(shown) => {
            let layout = Layout { pretty: false, harmless: true };
            let failure = failure.with("data", layout.apply(&shown.json));
            shown.notes.into_iter().fold(failure, |failure, note| failure.with("note", note))
        }
        Err(why) => failure.with("data", format!("unreadable: {why}")),
    }
}

/// The number, and what the standard ones mean.
fn code(code: Code) -> String {
    let meaning = match code {
        Code::PARSE_ERROR => "parse error",
        Code::INVALID_REQUEST => "invalid request",
        Code::METHOD_NOT_FOUND => "method not found",
        Code::INVALID_PARAMS => "invalid params",
        Code::INTERNAL_ERROR => "internal error",
        Code::REFUSED => "refused",
        Code::DEADLINE => "took too long",
        Code::CANCELLED => "cancelled",
        Code::UNAUTHENTICATED => "unauthenticated",
        Code::UNSENDABLE => "the answer cannot be sent",
        _ => return code.to_string(),
    };
    format!("{code} ({meaning})")
}

/// There is no answer, or the call could not even be made.
fn lost(reason: &Reason, circumstances: Circumstances<'_>, outcome: &str) -> Failure {
    match reason {
        Reason::Timeout(_) => Failure::no_answer(format!(
            "no answer within {} s",
            circumstances.timeout.as_secs_f64()
        ))
        .with("outcome", outcome)
        .hint("--timeout SECONDS waits longer, 0 for ever"),
        Reason::Connect(_) if circumstances.is_bound => Failure::no_answer(format!(
            "no worker connected within {} s",
            circumstances.timeout.as_secs_f64()
        ))
        .with("outcome", outcome)
        .hint(NO_WORKER),
        Reason::Closed(why) => closed(why, circumstances, outcome),
        Reason::Io(_) | Reason::Connect(_) => closed(&reason.to_string(), circumstances, outcome),
        Reason::Limit(reached) if reached.name == "max_message" => {
            Failure::usage(format!("the call is too large: {reason}")).hint(LARGER)
        }
        Reason::Limit(_) | Reason::Encode(_) | Reason::Unsupported(_) | Reason::Invalid(_) => {
            Failure::usage(format!("the call cannot be made: {reason}"))
        }
        _ => Failure::no_answer(format!("no answer: {reason}")).with("outcome", outcome),
    }
}

fn closed(why: &str, circumstances: Circumstances<'_>, outcome: &str) -> Failure {
    let Circumstances { scheme, heard, .. } = circumstances;
    let hint = advice(why, scheme, heard).unwrap_or_else(|| ended(scheme).into());
    Failure::no_answer(format!("no answer: {why}")).with("outcome", outcome).hint(hint)
}

/// The connection is over, and nobody said why.
fn ended(scheme: Scheme<'_>) -> &'static str {
    match scheme.0 {
        "exec" => {
            "did the program end? What it prints on standard error stands above; its standard \
             output is for messages alone"
        }
        "stdio" => "standard input ended, or has messages of another protocol",
        _ => {
            "did the peer end, or does it speak another protocol? A URL may name it: \
             msgpack+tcp://…"
        }
    }
}

/// A result that cannot be shown.
pub(crate) fn unreadable(format: Format, why: &str) -> Failure {
    Failure::no_answer(format!("the result is no {} that can be read: {why}", format.name()))
        .with("outcome", "executed")
}

const NO_WORKER: &str = "does a worker connect here, as `tinyrpc serve --connect URL demo` does? --timeout SECONDS \
                         waits longer";
const LARGER: &str = "an option of the URL raises the limit: ?max_message=BYTES";
const LOGIN: &str = "the server wants to know who calls: --header-env VARIABLE or --header @FILE, \
                     with Authorization: Bearer TOKEN in it";
const NOT_EXECUTED: &str = "not executed, a retry is safe";
const UNKNOWN: &str = "unknown, the call may have been executed";
