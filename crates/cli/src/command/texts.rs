//! The long parts of the help: rules and examples. A paragraph is one line, which clap wraps where
//! the terminal ends.

pub(super) const GENERAL: &str = "\
Examples:
  tinyrpc serve --bind tcp://127.0.0.1:4000 demo
  tinyrpc call tcp://127.0.0.1:4000 add 2 3
  tinyrpc call msgpack+tcp://127.0.0.1:4000 add a:=2 b:=3

Exit codes:
  0  answered, notified, or served until a signal
  1  the peer answered with an error
  2  wrong usage: nothing was sent
  3  no answer: no connection, no time left

Results go to standard output, everything else to standard error.";

pub(super) const CALL_USAGE: &str = "\
tinyrpc call [OPTIONS] <URL> <METHOD> [ARG]...
       tinyrpc call --connect <URL> <METHOD> [ARG]...
       tinyrpc call --bind <URL> <METHOD> [ARG]...";

pub(super) const NOTIFY_USAGE: &str = "\
tinyrpc notify [OPTIONS] <URL> <METHOD> [ARG]...
       tinyrpc notify --connect <URL> <METHOD> [ARG]...
       tinyrpc notify --bind <URL> <METHOD> [ARG]...";

pub(super) const CALL: &str = "\
What an ARG is:
  VALUE        a positional param: JSON where it is JSON, else text
  NAME=TEXT    a named param that is text
  NAME:=JSON   a named param that is JSON
  -            all params, an array or an object, from standard input
  @FILE        all params from a file

  A NAME begins with a letter or _ and goes on with letters, digits, _ and -. \
  An ARG with a = behind anything else is a VALUE, such as http://host/?a=b. \
  A call has positional params or named ones, never both.

  What looks like a name and is text is quoted as JSON ('\"a=b\"') or said with --text. \
  Behind -- an ARG may begin with -.

Result:
  JSON in one line, or indented on a terminal. Numbers keep every digit. \
  What JSON has no form for:

    binary data             base64 text, and a note on standard error
    an extension            {\"ext\":5,\"data\":\"base64\"}
    NaN and infinities      {\"float\":\"NaN\"}, {\"float\":\"-Infinity\"}
    keys that are no text   as text, or where two would be the same
                            {\"map\":[[key,value],…]}

  With --typed binary data is {\"bin\":\"base64\"}, no form is mistaken for anything else, \
  and params may have them, too.

Headers and certificates:
  http, https, ws and wss take --header and --header-env. What other users of this machine may not \
  see stays off the command line: AUTH='Authorization: Bearer TOKEN' in the environment, or a file.

  tls, https and wss believe a server whose certificate is signed by an authority of the system, or \
  of --ca FILE, and names the host of the URL; there is no switch that believes any other.

Several addresses and workers:
  With --connect, as often as there are servers, whoever is there is called. With --bind the call \
  waits for a worker that connects (`tinyrpc serve --connect`), as long as --timeout says; \
  standard error has `listening on URL` with the real port.

Streams:
  With --follow the values of a method that streams are printed as they come, a line each; without it \
  they are one array. --limit N ends the call after N of them. --send sends the lines of standard \
  input into the call. Ctrl-C tells the peer that the call is over.

Errors:
  1  The peer answered with an error: its code, message and data are on standard error.
  2  Wrong usage: nothing was sent.
  3  No answer: the line `outcome:` says whether the call may have been executed.

  Ctrl-C ends a call by the signal itself.

Examples:
  tinyrpc call tcp://127.0.0.1:4000 add 2 3
  tinyrpc call tcp://127.0.0.1:4000 greet name=Ada formal:=true
  tinyrpc call tcp://127.0.0.1:4000 store --text 007 'a=b' '[not json'
  tinyrpc call tcp://127.0.0.1:4000 add --params '{\"a\":2,\"b\":3}'
  jq '{items: .}' list.json | tinyrpc call tcp://127.0.0.1:4000 store -
  tinyrpc call --typed msgpack+tcp://127.0.0.1:4000 store '{\"bin\":\"AP8=\"}'
  tinyrpc call --header-env AUTH https://rpc.example.com/v1 add 2 3
  tinyrpc call --ca ca.pem --cert me.pem --key me.key tls://rpc.example.com:4000 add 2 3
  tinyrpc call --connect tcp://127.0.0.1:4000 --connect tcp://127.0.0.1:4001 add 2 3
  tinyrpc call --bind tcp://127.0.0.1:4000 add 2 3
  tinyrpc call --follow tcp://127.0.0.1:4000 count 10 0.5
  seq 10 | tinyrpc call --send tcp://127.0.0.1:4000 sum
  tinyrpc call --timeout 0.5 msgpack+tcp://127.0.0.1:4000 add -- -2 -1e-3";

pub(super) const NOTIFY: &str = "\
ARGs are those of `tinyrpc call`; its help says more. \
Exit code 0 says that the notification was handed over, not that somebody executed it: \
a peer never answers one.

Examples:
  tinyrpc notify tcp://127.0.0.1:4000 log 'it is done'
  tinyrpc notify msgpack+tcp://127.0.0.1:4000 log level:=2 text=done";

pub(super) const SERVE: &str = "\
Prints `listening on URL` with the real port, a line for each address, when it is ready. \
A URL without a protocol serves all of them: the first bytes of a connection tell which it is.

With --connect it is a worker: it prints `connecting to URL`, connects to clients that listen \
(`tinyrpc call --bind`), and connects again where nobody is there or a connection ends.

The demo:
  add(a, b)                    their sum
  echo(value)                  the value as it came, whatever it is
  sleep(seconds)               null, later
  fail(code, message, data?)   an error
  panic()                      an internal error: the method panics
  time()                       seconds since 1970
  count(to, seconds?)          a stream: 1 to `to`, so many seconds apart
  sum()                        the sum of the numbers that are sent
  totals()                     a stream: the sum behind each number that is sent

tls, https and wss need --cert and --key. With --ca they let only those in that have a certificate \
of an authority in that file.

SIGTERM and Ctrl-C end it, with exit code 0: it stops listening, and calls in execution may finish \
for 30 seconds. A second signal ends it at once.

Examples:
  tinyrpc serve --bind tcp://127.0.0.1:0 demo
  tinyrpc serve --bind msgpack+tcp://127.0.0.1:4000 --bind tcp://[::1]:4000 demo
  tinyrpc serve --connect tcp://127.0.0.1:4000 --connect tcp://127.0.0.1:4001 demo
  tinyrpc serve --bind tcp://0:4000 --allow-remote demo
  tinyrpc serve --bind https://0:4000 --cert me.pem --key me.key --ca clients.pem demo";

pub(super) const COMPLETIONS: &str = "\
Examples:
  tinyrpc completions bash > ~/.local/share/bash-completion/completions/tinyrpc
  tinyrpc completions zsh > ~/.zfunc/_tinyrpc
  tinyrpc completions fish > ~/.config/fish/completions/tinyrpc.fish";
