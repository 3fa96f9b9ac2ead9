//! The words of `call` and `notify` that stand by their place: with `--connect` or `--bind` there is
//! no URL before the method.

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};

use super::{Cli, Command, Flow, Peer, Request};

impl Cli {
    /// What the command line says. Ends the program where that makes no sense, or is help.
    pub(crate) fn read() -> Self {
        let mut cli = Self::parse();
        let (name, settled) = match &mut cli.command {
            Command::Call(call) => ("call", settle(&mut call.peer, &mut call.request)),
            Command::Notify(notify) => ("notify", settle(&mut notify.peer, &mut notify.request)),
            Command::Serve(_) | Command::Completions { .. } => return cli,
        };
        if let Err((kind, words)) = settled {
            let mut command = Self::command();
            command.build();
            match command.find_subcommand_mut(name) {
                Some(command) => command.error(kind, words).exit(),
                None => command.error(kind, words).exit(),
            }
        }
        cli
    }
}

/// Puts each word where it belongs.
fn settle(peer: &mut Peer, request: &mut Request) -> Result<(), (ErrorKind, &'static str)> {
    if peer.url.is_none() || !(peer.connect.is_empty() && peer.bind.is_empty()) {
        let first = request.method.take();
        request.method = peer.url.take();
        request.args.splice(0..0, first);
    }
    if request.method.is_none() {
        let words = "the following required arguments were not provided:\n  <METHOD>";
        return Err((ErrorKind::MissingRequiredArgument, words));
    }
    if request.params.is_some() && !request.args.is_empty() {
        let words = "the argument '--params <JSON>' cannot be used with '[ARG]...'";
        return Err((ErrorKind::ArgumentConflict, words));
    }
    Ok(())
}

impl Peer {
    /// Where to connect.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &str> + Clone {
        self.url.iter().chain(&self.connect).map(String::as_str)
    }

    /// Where to connect, and then where to listen.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> {
        self.servers().chain(self.bind.iter().map(String::as_str))
    }
}

impl Flow {
    /// The values of a stream are printed as they come.
    pub(crate) fn follows(self) -> bool {
        self.follow || self.limit.is_some()
    }

    /// Values come or go while the call lasts.
    pub(crate) fn streams(self) -> bool {
        self.follows() || self.send
    }
}

impl Request {
    /// All params are read from standard input.
    pub(crate) fn reads_input(&self) -> bool {
        !self.text && self.args.iter().any(|arg| arg == "-")
    }

    /// The method's name.
    pub(crate) fn method(&self) -> &str {
        self.method.as_deref().unwrap_or_default()
    }
}
