//! What is a URL, and what is said about a text that is none.

use super::*;

#[track_caller]
fn check_wrong(text: &str, expected: &str) {
    let error = text.parse::<Url>().expect_err(text);
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_is_not_a_url() {
    check_wrong(
        "localhost:4000",
        "`localhost:4000` is not a URL: expected [PROTOCOL+]TRANSPORT://ADDRESS, as in \
         jsonrpc+tcp://127.0.0.1:4000",
    );
    let error = "carrier://pigeon".parse::<Url>().expect_err("there is no such transport");
    let expected = "unknown transport `carrier`: there are tcp, ";
    assert!(error.to_string().starts_with(expected), "{error}");
    for text in ["", "tcp", "tcp:127.0.0.1:1", "unix:/run/app.sock", "jsonrpc", "a+b:c"] {
        check_wrong(
            text,
            &format!(
                "`{text}` is not a URL: expected [PROTOCOL+]TRANSPORT://ADDRESS, as in \
                 jsonrpc+tcp://127.0.0.1:4000"
            ),
        );
    }
    check_wrong("stdio:program", "`stdio:program`: nothing stands behind `stdio:`");
    #[cfg(feature = "tcp")]
    {
        check_wrong(
            "corba+tcp://127.0.0.1:1",
            "unknown protocol `corba`: there are auto, jsonrpc, jsonrpc1 and msgpack",
        );
        let error = "tcp://127.0.0.1:1?colour=red".parse::<Url>().expect_err("no option");
        let error = error.to_string();
        assert!(
            error.starts_with("unknown option `colour`: there are framing, timeout"),
            "{error}"
        );
        let expected = "over ZeroMQ bind, connect, envelope, pattern, topic, hwm, linger and batch";
        assert!(error.ends_with(expected), "{error}");
        check_wrong(
            "tcp://127.0.0.1:1?framing=tape",
            "`framing=tape`: expected lines, content-length, length, netstring or self",
        );
        for option in [
            "bind",
            "connect=a:1",
            "envelope",
            "pattern=push",
            "topic=a",
            "hwm=1",
            "linger=0",
            "batch",
        ] {
            let name = option.split('=').next().unwrap_or_default();
            let url = format!("tcp://127.0.0.1:1?{option}");
            check_wrong(&url, &format!("`{url}`: `{name}` is an option of ZeroMQ"));
        }
        for value in ["", "soon", "-1", "NaN", "1e300"] {
            check_wrong(
                &format!("tcp://127.0.0.1:1?timeout={value}"),
                &format!("`timeout={value}`: expected a number of seconds"),
            );
        }
        check_wrong(
            "tcp://127.0.0.1:1?max_message=4k",
            "`max_message=4k`: expected a number of bytes",
        );
    }
    #[cfg(all(feature = "tcp", feature = "msgpack"))]
    check_wrong(
        "msgpack+tcp://127.0.0.1:1?framing=lines",
        "`msgpack+tcp://127.0.0.1:1?framing=lines`: lines hold text, and msgpack is none: use \
         framing=length or self",
    );
}

#[test]
fn features_that_are_off_are_named() {
    #[cfg(not(feature = "tcp"))]
    check_wrong("tcp://127.0.0.1:1", "tcp:// needs the feature `tcp`");
    #[cfg(not(feature = "unix"))]
    {
        check_wrong("unix:///run/app.sock", "unix:// needs the feature `unix`");
        check_wrong("ipc:///run/app.sock", "ipc:// needs the feature `unix`");
    }
    #[cfg(not(feature = "stdio"))]
    {
        check_wrong("exec:program", "exec: needs the feature `stdio`");
        check_wrong("stdio:", "stdio: needs the feature `stdio`");
    }
    #[cfg(all(feature = "tcp", not(feature = "msgpack")))]
    check_wrong("msgpack+tcp://127.0.0.1:1", "msgpack needs the feature `msgpack`");
    #[cfg(all(feature = "tcp", not(feature = "jsonrpc")))]
    check_wrong("jsonrpc+tcp://127.0.0.1:1", "jsonrpc needs the feature `jsonrpc`");
}

#[cfg(feature = "tcp")]
#[test]
fn options_are_read() {
    let url: Url = "tcp://[::1]:4000/?timeout=0.5&&max_message=1024&framing=content-length"
        .parse()
        .expect("a good URL");
    assert_eq!(url.address, "[::1]:4000");
    assert_eq!(url.framing().map(|framing| framing.name()), Some("content-length"));
    let limits = url.limits(Limits::default());
    assert_eq!((limits.call_timeout.as_millis(), limits.max_message), (500, 1024));
    for name in ["lines", "content-length", "length", "netstring"] {
        let url: Url = format!("tcp://127.0.0.1:1?framing={name}").parse().expect("a good URL");
        assert_eq!(url.framing().map(|framing| framing.name()), Some(name));
    }
    let url: Url = "tcp://127.0.0.1:1?framing=self".parse().expect("a good URL");
    assert!(url.framing().is_none());
}

/// MessagePack goes where its bytes survive.
#[cfg(all(feature = "tcp", feature = "jsonrpc", feature = "msgpack"))]
#[test]
fn framings_carry_what_they_can() {
    for (framing, expected) in [
        ("lines", &["jsonrpc"][..]),
        ("content-length", &["jsonrpc", "msgpack"]),
        ("length", &["jsonrpc", "msgpack"]),
        ("netstring", &["jsonrpc", "msgpack"]),
        ("self", &["jsonrpc", "msgpack"]),
    ] {
        let url: Url = format!("tcp://127.0.0.1:1?framing={framing}").parse().expect("a good URL");
        let served: Vec<_> = url.served().iter().map(|protocol| protocol.name()).collect();
        assert_eq!(served, expected, "{framing}");
        for name in expected {
            let url: Url =
                format!("{name}+tcp://127.0.0.1:1?framing={framing}").parse().expect("a good URL");
            assert_eq!(url.spoken().expect("it is named").name(), *name);
        }
    }
}

#[cfg(all(feature = "tcp", feature = "jsonrpc"))]
#[test]
fn the_protocol_is_not_a_part_of_the_place() {
    for (text, place) in [
        ("tcp://h:1", "tcp://h:1"),
        ("jsonrpc+tcp://h:1?timeout=1", "tcp://h:1?timeout=1"),
        ("auto+tcp://h+x:1", "tcp://h+x:1"),
        ("tcp://h+x:1", "tcp://h+x:1"),
        #[cfg(all(unix, feature = "zmq"))]
        ("zmq+ipc:///a+b", "zmq+ipc:///a+b"),
        #[cfg(all(unix, feature = "zmq"))]
        ("jsonrpc+zmq+ipc:///a", "zmq+ipc:///a"),
    ] {
        assert_eq!(text.parse::<Url>().expect(text).without_protocol(), place);
    }
}

#[cfg(feature = "stdio")]
#[test]
fn without_an_address() {
    for text in ["stdio:", "stdio://", "jsonrpc+stdio:?framing=content-length"] {
        let url: Url = text.parse().expect(text);
        assert_eq!(
            (url.transport, &*url.address, url.to_string()),
            (Transport::Stdio, "", text.into())
        );
    }
    let url: Url = "stdio:?framing=netstring".parse().expect("a good URL");
    assert_eq!(url.framing().map(|framing| framing.name()), Some("netstring"));
    // All that stands behind it is the program's.
    for line in ["server", "/usr/bin/server", "server --port=1 'a b' x?framing=tape&y://z+u"] {
        let url: Url = format!("auto+exec: {line} ").parse().expect(line);
        assert_eq!((url.transport, &*url.address), (Transport::Exec, line));
        assert!(url.framing().is_none());
    }
}

#[cfg(feature = "http")]
#[test]
fn errors_show_no_password() {
    for (url, shown) in [
        ("http://ada:s3cr3t@h:1/a@b?timeout=1", "http://h:1/a@b?timeout=1"),
        ("http://a@b@h", "http://h"),
        ("http://h/a@b", "http://h/a@b"),
    ] {
        assert_eq!(url.parse::<Url>().expect("a URL").without_user(), shown);
    }
}

#[cfg(all(unix, feature = "zmq"))]
#[test]
fn sockets_are_described() {
    use super::sockets::{Pattern, Side};

    let url: Url =
        "msgpack+zmq+ipc:///a?bind&connect=h:1&connect=zmq://h:2,h:3&pattern=sub&topic=a\
                    &topic=&hwm=5&linger=0.5&batch"
            .parse()
            .expect("a good URL");
    assert_eq!((url.transport, &*url.address), (Transport::ZmqIpc, "/a"));
    let sockets = url.sockets();
    assert_eq!((sockets.side, sockets.pattern), (Some(Side::Bind), Pattern::Publish));
    assert_eq!((sockets.connect.len(), sockets.topics.len()), (2, 2));
    assert_eq!((sockets.hwm, sockets.linger), (Some(5), Some(Duration::from_millis(500))));
    assert!(sockets.batch && !sockets.envelope);
    for (option, expected) in [
        ("envelope=1", "no value"),
        ("batch=no", "no value"),
        ("pattern=fan", "push, pull, pub or sub"),
        ("hwm=-1", "a number of messages"),
        ("linger=ever", "a number of seconds"),
        ("bind&connect", "that an address is either bound or connected"),
    ] {
        let last = option.rsplit('&').next().unwrap_or_default();
        let last = if last.contains('=') { last.into() } else { format!("{last}=") };
        check_wrong(&format!("zmq://h:1?{option}"), &format!("`{last}`: expected {expected}"));
    }
}
