//! What an answer says about itself, and what becomes of errors on their way into it.

use super::ReplyTo;
use crate::{Code, Format, Id, RpcError};

/// The code that was answered as the reply tells it, and the error as it was written.
#[track_caller]
fn check(write: impl FnOnce(&mut ReplyTo<'_>), code: Option<Code>, message: Option<&str>) {
    let mut told = None;
    let answer = ReplyTo::capture(Format::Json, Some(&Id::Number(1)), |reply| {
        write(reply);
        told = reply.error_code();
        assert!(reply.is_answered());
    });
    assert_eq!(told, code);
    let written = answer.err();
    assert_eq!(written.as_ref().map(|error| error.code), code);
    assert_eq!(written.as_ref().map(|error| &*error.message), message);
}

fn error(message: &'static str) -> RpcError {
    RpcError::new(7, message)
}

/// Puts a name around messages.
fn named(name: &'static str) -> impl Fn(RpcError) -> RpcError {
    move |error| RpcError::new(error.code.0 + 1, format!("{name}({})", error.message))
}

#[test]
fn an_answer_says_what_it_is() {
    check(|reply| reply.result(&1), None, None);
    check(|reply| reply.error(&error("no")), Some(Code(7)), Some("no"));
    let second_thoughts = |reply: &mut ReplyTo<'_>| {
        reply.error(&error("no"));
        reply.reset();
        assert!(!reply.is_answered() && reply.error_code().is_none());
        reply.result(&1);
    };
    check(second_thoughts, None, None);
    check(
        |reply| reply.result(&f64::NAN),
        Some(Code::UNSENDABLE),
        Some("the result cannot be encoded: JSON has no form for NaN"),
    );
    // Nobody hears of it, but layers may want to know.
    let nothing = ReplyTo::capture(Format::Json, None, |reply| {
        reply.error(&error("no"));
        assert_eq!(reply.error_code(), Some(Code(7)));
    });
    assert!(nothing.expect("nothing").bytes.is_empty());
}

#[test]
fn errors_go_through_what_stands_around_them() {
    let inside = |write: fn(&mut ReplyTo<'_>)| {
        move |reply: &mut ReplyTo<'_>| {
            reply.map_errors(&named("outer"), |reply| reply.map_errors(&named("inner"), write));
        }
    };
    check(inside(|reply| reply.result(&1)), None, None);
    check(inside(|reply| reply.error(&error("no"))), Some(Code(9)), Some("outer(inner(no))"));
    let unsendable = Code(Code::UNSENDABLE.0 + 2);
    let words = "outer(inner(the result cannot be encoded: JSON has no form for NaN))";
    check(inside(|reply| reply.result(&f64::NAN)), Some(unsendable), Some(words));
    // What is answered outside is as it was, whatever was answered inside.
    let outside = |reply: &mut ReplyTo<'_>| {
        inside(|reply| reply.error(&error("no")))(reply);
        reply.error(&error("panicked"));
    };
    check(outside, Some(Code(7)), Some("panicked"));
}
