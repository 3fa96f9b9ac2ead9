//! `Cli`: what the command line can say. The doc comments here are its help texts.

mod seconds;
mod texts;
mod words;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use self::seconds::seconds;

/// Call and serve RPC methods: JSON-RPC and MessagePack-RPC over any transport.
#[derive(Debug, Parser)]
#[command(name = "tinyrpc", version, max_term_width = 100, after_long_help = texts::GENERAL)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Call a method and print its result as JSON.
    #[command(after_long_help = texts::CALL, override_usage = texts::CALL_USAGE)]
    Call(Call),
    /// Send a notification: it is executed, and never answered.
    #[command(after_long_help = texts::NOTIFY, override_usage = texts::NOTIFY_USAGE)]
    Notify(Notify),
    /// Serve methods until Ctrl-C or SIGTERM.
    #[command(after_long_help = texts::SERVE)]
    Serve(Serve),
    /// Print a completion script for a shell.
    #[command(after_long_help = texts::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Call {
    #[command(flatten)]
    pub(crate) peer: Peer,
    #[command(flatten)]
    pub(crate) request: Request,
    #[command(flatten)]
    pub(crate) style: Style,
    #[command(flatten)]
    pub(crate) flow: Flow,
}

#[derive(Args, Debug)]
pub(crate) struct Notify {
    #[command(flatten)]
    pub(crate) peer: Peer,
    #[command(flatten)]
    pub(crate) request: Request,
}

/// Whom to talk to.
#[derive(Args, Debug)]
pub(crate) struct Peer {
    /// [PROTOCOL+]TRANSPORT://ADDRESS[?option=value&…], as in msgpack+tcp://127.0.0.1:4000; left
    /// out with --connect or --bind.
    #[arg(required_unless_present_any = ["connect", "bind"])]
    url: Option<String>,
    /// In place of URL: call whoever is there of several servers. May be given several times, and
    /// beside --bind.
    #[arg(long, value_name = "URL")]
    connect: Vec<String>,
    /// In place of URL: listen here, and call a worker that connects; port 0 picks a free one. May
    /// be given several times.
    #[arg(long, value_name = "URL")]
    pub(crate) bind: Vec<String>,
    /// Listen on addresses beyond this machine, too: whoever reaches them is called.
    #[arg(long, requires = "bind")]
    pub(crate) allow_remote: bool,
    /// Give up after so many seconds, connecting included; 0 waits for ever [default: 30].
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) timeout: Option<Duration>,
    /// How messages are told apart: lines, content-length, length, netstring, self.
    #[arg(long, value_name = "NAME")]
    pub(crate) framing: Option<String>,
    /// Show every message on standard error, without the values of keys such as password or token.
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Send this header, 'Name: value', with requests over HTTP and handshakes of WebSockets; @FILE
    /// sends those of a file, a line each. May be given several times.
    #[arg(long, value_name = "HEADER")]
    pub(crate) header: Vec<String>,
    /// Send the headers, a line each, that an environment variable has: they stay off the command
    /// line. May be given several times.
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) header_env: Vec<String>,
    /// Trust the authorities in this PEM file, in place of those that the system trusts.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) pair: Pair,
}

/// What proves over TLS who this side is.
#[derive(Args, Debug)]
pub(crate) struct Pair {
    /// Prove by the certificate in this PEM file who this is; those that sign it stand behind it.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert: a PEM file without a passphrase.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
}

/// What to say.
#[derive(Args, Debug)]
pub(crate) struct Request {
    /// The method's name.
    #[arg(required_unless_present_any = ["connect", "bind"], allow_negative_numbers = true)]
    pub(crate) method: Option<String>,
    /// VALUE, NAME=TEXT, NAME:=JSON, or - or @FILE for all params at once.
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    pub(crate) args: Vec<String>,
    /// Take every ARG as text, whatever it looks like.
    #[arg(long)]
    pub(crate) text: bool,
    /// Take this array or object as the params, in place of ARGs.
    #[arg(long, value_name = "JSON", conflicts_with_all = ["args", "text"])]
    pub(crate) params: Option<String>,
    /// Give what only MessagePack has a JSON form of its own, both ways, as in {"bin":"AP8="}.
    #[arg(long)]
    pub(crate) typed: bool,
}

/// How a result is printed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Print the result over several lines, as on a terminal.
    #[arg(long, overrides_with = "compact")]
    pub(crate) pretty: bool,
    /// Print the result in one line, as into a pipe.
    #[arg(long, overrides_with = "pretty")]
    pub(crate) compact: bool,
}

/// Values that come and go while a call lasts.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Flow {
    /// Print the values of a stream as they come, a line each. --timeout is for the whole stream, which
    /// without it may last for ever.
    #[arg(long)]
    pub(crate) follow: bool,
    /// The same, and end the call after so many values.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Send the lines of standard input into the call, each of them one JSON value; with --text as
    /// texts.
    #[arg(long)]
    pub(crate) send: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Listen here; port 0 picks a free one. May be given several times.
    #[arg(long, value_name = "URL", required_unless_present = "connect")]
    pub(crate) bind: Vec<String>,
    /// Connect here, again and again, and serve whoever listens there: a worker. May be given
    /// several times, and beside --bind.
    #[arg(long, value_name = "URL")]
    pub(crate) connect: Vec<String>,
    /// Listen on addresses beyond this machine, too: whoever reaches them may call everything.
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Answer calls that take more seconds with an error; 0 lets them take their time [default: 0].
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) timeout: Option<Duration>,
    /// How messages are told apart, as in URLs.
    #[arg(long, value_name = "NAME")]
    pub(crate) framing: Option<String>,
    /// Show every message on standard error, without the values of keys such as password or token.
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Let only clients in that prove who they are by a certificate of an authority in this PEM
    /// file; with --connect, trust servers of these, in place of those that the system trusts.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) pair: Pair,
    /// What to serve.
    pub(crate) service: ServiceName,
}

/// The services that the command has.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ServiceName {
    /// Methods to try a client on: add, echo, sleep, fail, panic, time, count, sum, totals.
    Demo,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
