//! `Transport`: the transports that a URL can name.

use std::str::FromStr;

use super::{UrlError, list};

/// What stands behind the name of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `//ADDRESS`, and options.
    Address,
    /// A line as for a shell, to the end of the URL.
    Line,
    /// Nothing but options.
    Nothing,
}

/// One line for each transport: its variant, its names, its features, the systems that have what it
/// needs, and what stands behind its name. What a name leads to is in `open`.
macro_rules! transports {
    ($(
        $variant:ident: $($name:literal)|+, feature $($feature:literal)&+, on $system:meta, $form:ident;
    )*) => {
        /// A transport that this build has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Transport {
            $(
                #[cfg(all($(feature = $feature,)+ $system))]
                $variant,
            )*
        }

        impl Form {
            /// What stands behind a name, whether this build has its transport or not.
            pub(super) fn behind(name: &str) -> Option<Self> {
                match name {
                    $($($name)|+ => Some(Self::$form),)*
                    _ => None,
                }
            }
        }

        impl FromStr for Transport {
            type Err = UrlError;

            fn from_str(name: &str) -> Result<Self, UrlError> {
                match name {
                    $(
                        #[cfg(all($(feature = $feature,)+ $system))]
                        $($name)|+ => Ok(Self::$variant),
                        #[cfg(not(all($(feature = $feature),+)))]
                        $($name)|+ => Err(lacks(name, &needs(&[$($feature),+]))),
                        #[cfg(all($(feature = $feature,)+ not($system)))]
                        $($name)|+ => Err(lacks(name, "is not there on this system")),
                    )*
                    _ => {
                        let known = list([$($($name),+),*], "and");
                        Err(UrlError(format!("unknown transport `{name}`: there are {known}")))
                    }
                }
            }
        }
    };
}

transports! {
    Tcp: "tcp", feature "tcp", on all(), Address;
    Tls: "tls", feature "tls", on all(), Address;
    Unix: "unix" | "ipc", feature "unix", on unix, Address;
    Http: "http", feature "http", on all(), Address;
    Https: "https", feature "http" & "tls", on all(), Address;
    Ws: "ws", feature "ws", on all(), Address;
    Wss: "wss", feature "ws" & "tls", on all(), Address;
    Exec: "exec", feature "stdio", on all(), Line;
    Stdio: "stdio", feature "stdio", on all(), Nothing;
    Udp: "udp", feature "udp", on all(), Address;
    Amqp: "amqp", feature "amqp", on all(), Address;
    Amqps: "amqps", feature "amqp" & "tls", on all(), Address;
    Zmq: "zmq", feature "zmq", on unix, Address;
    ZmqIpc: "zmq-ipc" | "zmq+ipc", feature "zmq", on unix, Address;
    ZmqInproc: "zmq-inproc" | "zmq+inproc", feature "zmq", on unix, Address;
}

/// A transport that exists, but not here.
#[cfg_attr(
    all(
        unix,
        feature = "amqp",
        feature = "tcp",
        feature = "tls",
        feature = "unix",
        feature = "ws",
        feature = "stdio",
        feature = "udp",
        feature = "zmq"
    ),
    expect(dead_code, reason = "this build has all of them")
)]
fn lacks(name: &str, what: &str) -> UrlError {
    let slashes = if Form::behind(name) == Some(Form::Address) { "//" } else { "" };
    UrlError(format!("{name}:{slashes} {what}"))
}

/// Which features a transport wants.
#[cfg_attr(
    all(
        feature = "amqp",
        feature = "tcp",
        feature = "tls",
        feature = "unix",
        feature = "ws",
        feature = "stdio",
        feature = "udp",
        feature = "zmq"
    ),
    expect(dead_code, reason = "this build has all of them")
)]
fn needs(features: &[&str]) -> String {
    let word = if features.len() == 1 { "feature" } else { "features" };
    format!("needs the {word} `{}`", features.join("` and `"))
}
