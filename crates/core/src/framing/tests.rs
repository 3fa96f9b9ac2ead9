//! Every framing: what it writes is what it reads, whole and byte by byte, up to its limits and no
//! further.

use super::*;

/// How large a message may be in these tests.
const MOST: usize = 1000;

fn framings() -> [Box<dyn Framing>; 4] {
    [Box::new(Lines), Box::new(Length), Box::new(ContentLength), Box::new(NetString)]
}

/// What a reader finds in a stream: messages, and the error that ended it.
#[derive(Debug, Default, PartialEq)]
struct Read {
    messages: Vec<Vec<u8>>,
    error: Option<String>,
    /// How many bytes were not done with.
    left: usize,
}

/// Reads a stream that comes in steps, as a session does.
#[track_caller]
fn read(framing: &dyn Framing, stream: &[u8], step: usize) -> Read {
    let mut reader = framing.reader(MOST);
    let (mut read, mut buffer) = (Read::default(), Vec::new());
    for chunk in stream.chunks(step) {
        buffer.extend_from_slice(chunk);
        loop {
            match reader.find(&buffer) {
                Scan::Need(missing) => {
                    assert!(missing > 0);
                    break;
                }
                Scan::Frame { start, end, consumed } => {
                    read.messages.push(buffer[start..end].to_vec());
                    buffer.drain(..consumed);
                }
                Scan::Skip(count) => _ = buffer.drain(..count),
                Scan::Bad { error, fatal, .. } => {
                    assert!(fatal, "the stream cannot be followed");
                    read.error = Some(error.expect("it is told").message.into_owned());
                    return read;
                }
            }
        }
    }
    read.left = buffer.len();
    read
}

/// The same, whole and in steps of 1, 2, 3 and 7 bytes.
#[track_caller]
fn read_in_every_way(framing: &dyn Framing, stream: &[u8]) -> Read {
    let whole = read(framing, stream, stream.len().max(1));
    for step in [1, 2, 3, 7] {
        let stepwise = read(framing, stream, step);
        let (messages, error) = (&stepwise.messages, &stepwise.error);
        let at = format!("{framing:?} in steps of {step}");
        assert_eq!((messages, error), (&whole.messages, &whole.error), "{at}");
    }
    whole
}

fn write(framing: &dyn Framing, messages: &[Vec<u8>]) -> Vec<u8> {
    // Something stands before the frames already.
    let mut out = b"before".to_vec();
    for message in messages {
        let start = framing.open(&mut out);
        assert_eq!(out.len(), start + framing.head());
        out.extend_from_slice(message);
        framing.close(start, &mut out);
    }
    out.split_off(6)
}

#[test]
fn what_is_written_is_read() {
    // Lengths of one to four digits, bytes that the framings themselves are made of.
    let texts = ["{}", "1:x,", "Content-Length: 5", "[1, 2,\r 3]", "\0\0\0\u{7f}"];
    let mut messages: Vec<_> = texts.map(|text| text.as_bytes().to_vec()).to_vec();
    for size in [9, 10, 99, 100, 999, MOST] {
        messages.push(vec![b'x'; size]);
    }
    for framing in framings() {
        let mut stream = write(&*framing, &messages);
        let read = read_in_every_way(&*framing, &stream);
        assert_eq!(read, Read { messages: messages.clone(), ..Read::default() }, "{framing:?}");
        // Without the last byte the last message is not whole.
        stream.pop();
        let read = read_in_every_way(&*framing, &stream);
        assert_eq!((read.messages.len(), read.error), (messages.len() - 1, None));
        assert!(read.left > MOST / 2);
    }
}

#[test]
fn as_others_write_it() {
    #[track_caller]
    fn check(framing: impl Framing, message: &[u8], expected: &str) {
        let stream = write(&framing, &[message.to_vec()]);
        assert_eq!(String::from_utf8_lossy(&stream), expected);
    }
    check(ContentLength, b"{\"a\": 1}", "Content-Length: 8\r\n\r\n{\"a\": 1}");
    check(ContentLength, b"", "Content-Length: 0\r\n\r\n");
    // The example of the specification of netstrings.
    check(NetString, b"hello world!", "12:hello world!,");
    check(NetString, b"", "0:,");
}

#[test]
fn limits_of_messages() {
    for framing in framings() {
        let stream = write(&*framing, &[vec![b'x'; MOST], vec![b'y'; MOST + 1]]);
        let read = read_in_every_way(&*framing, &stream);
        assert_eq!(read.messages, [vec![b'x'; MOST]], "{framing:?}");
        let error = read.error.expect("one byte too many");
        assert!(error.contains("`max_message` of 1000 bytes"), "{framing:?}: {error}");
    }
}

#[test]
fn any_bytes_are_carried() {
    let message: Vec<u8> = (0..=255).collect();
    for framing in [&ContentLength as &dyn Framing, &NetString, &Length] {
        let stream = write(framing, std::slice::from_ref(&message));
        assert_eq!(read_in_every_way(framing, &stream).messages, std::slice::from_ref(&message));
    }
}

/// A header of so many bytes in lines of so many, both with their ends.
fn header(size: usize, line: usize) -> String {
    let mut text = "Content-Length: 2\r\n".to_owned();
    while size - text.len() > line + 2 {
        text += &format!("X: {}\r\n", "x".repeat(line - 5));
    }
    let last = size - text.len() - 2;
    text += &format!("Y: {}\r\n\r\n", "y".repeat(last - 5));
    assert_eq!(text.len(), size);
    text
}

#[test]
fn headers_that_are_read() {
    #[track_caller]
    fn check(header: &str) {
        let stream = format!("{header}{{}}Content-Length: 3\r\n\r\n[1]");
        let read = read_in_every_way(&ContentLength, stream.as_bytes());
        let messages = vec![b"{}".to_vec(), b"[1]".to_vec()];
        assert_eq!(read, Read { messages, ..Read::default() }, "{header:?}");
    }
    check("Content-Length: 2\r\n\r\n");
    check("content-length:2\r\n\r\n");
    check("CONTENT-LENGTH: \t 2 \t\r\n\r\n");
    check("Content-Length: 2\n\n");
    check("Content-Length: 0000000002\r\n\r\n");
    check("Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n");
    check("Content-Type: text/plain\r\nX-Content-Length: 7\r\nContent-Length: 2\r\nEmpty:\r\n\r\n");
    check("Server: caf\u{e9} : a\r\nContent-Length: 2\r\n\r\n");
    check(&header(ContentLength::MAX_HEADER, 100));
    check(&header(ContentLength::MAX_HEADER, ContentLength::MAX_LINE + 2));
}

#[test]
fn headers_that_end_the_stream() {
    #[track_caller]
    fn check(header: &str, expected: &str) {
        let stream = format!("{header}{{}}");
        let read = read_in_every_way(&ContentLength, stream.as_bytes());
        assert!(read.messages.is_empty(), "{header:?}");
        let error = read.error.unwrap_or_else(|| panic!("{header:?} was read"));
        assert!(error.contains(expected), "{header:?}: {error}");
    }
    check("\r\n", "no Content-Length");
    check("\n", "no Content-Length");
    check("Content-Type: text/plain\r\n\r\n", "no Content-Length");
    check("Content-Length: 2\r\ncontent-length: 2\r\n\r\n", "twice");
    for number in [
        "",
        "-1",
        "-2147483648",
        "+2",
        "2.0",
        "2e0",
        "0x2",
        "2 2",
        "2,2",
        "2;",
        "two",
        "\u{ff12}",
        "1_0",
    ] {
        check(&format!("Content-Length: {number}\r\n\r\n"), "not a decimal number");
    }
    check("Content-Length: 00000000002\r\n\r\n", "more than 10 digits");
    check("Content-Length: 18446744073709551618\r\n\r\n", "more than 10 digits");
    // The limit comes before anything else, the rest of the header included.
    for number in ["1001", "4294967295", "4294967298", "9999999999"] {
        check(&format!("Content-Length: {number}\r\n"), "`max_message` of 1000 bytes");
    }
    check("Content-Length 2\r\n\r\n", "no `:`");
    check("{\"jsonrpc\":\"2.0\"}\r\n\r\n", "name of a header field");
    check("{}\r\n", "no `:`");
    check(": 2\r\n\r\n", "name of a header field");
    check("Content-Length : 2\r\n\r\n", "name of a header field");
    check(" Content-Length: 2\r\n\r\n", "name of a header field");
    check("Content-Length: 2\r\n folded: 1\r\n\r\n", "name of a header field");
    check("Caf\u{e9}: 2\r\n\r\n", "name of a header field");
    check("Content-Length: 2\0\r\n\r\n", "control characters");
    check("X: a\rContent-Length: 2\r\n\r\n", "control characters");
    for line in ["POST / HTTP/1.1", "GET / HTTP/1.1", "M-SEARCH * HTTP/1.1"] {
        check(&format!("{line}\r\nContent-Length: 2\r\n\r\n"), "no `:`");
    }
    for line in ["POST /a:b HTTP/1.1", "CONNECT a:443 HTTP/1.1", "GET http://a/ HTTP/1.1"] {
        check(&format!("{line}\r\nContent-Length: 2\r\n\r\n"), "name of a header field");
    }
    check(&header(ContentLength::MAX_HEADER + 1, 100), "limit of 8192 bytes");
    let long = |size: usize| format!("X: {}", "x".repeat(size - 3));
    check(&format!("{}\r\n\r\n", long(ContentLength::MAX_LINE + 1)), "limit of 1024 bytes");
    // And without any end.
    check(&long(ContentLength::MAX_LINE + 1), "limit of 1024 bytes");
    check(&long(100_000), "limit of 1024 bytes");
}

#[test]
fn netstrings_that_end_the_stream() {
    #[track_caller]
    fn check(stream: &str, expected: &str) {
        let read = read_in_every_way(&NetString, stream.as_bytes());
        assert!(read.messages.is_empty(), "{stream:?}");
        let error = read.error.unwrap_or_else(|| panic!("{stream:?} was read"));
        assert!(error.contains(expected), "{stream:?}: {error}");
    }
    for stream in [":{},", "-2:{},", "+2:{},", " 2:{},", "2 :{},", "2;{},", "2,{},", "x", "\n2:{},"]
    {
        check(stream, "begins with its length");
    }
    for stream in ["02:{},", "00:,", "0000000000000000"] {
        check(stream, "begins with a zero");
    }
    for stream in ["2:{}2:{},", "2:{}\n", "2:{}}"] {
        check(stream, "no comma");
    }
    check("1:{},", "no comma");
    for stream in
        ["1001", "1001:", "4294967298:", "99999999999999999999999999", "18446744073709551618:"]
    {
        check(stream, "`max_message` of 1000 bytes");
    }
}

/// However long a line or message takes to come, no byte of it is looked at twice.
#[test]
fn nothing_is_read_again() {
    let mut header = "Content-Length: 1000\r\n".to_owned();
    header += &"X: y\r\n".repeat(1000);
    let mut reader = ContentLength.reader(MOST);
    for end in 1..=header.len() {
        assert!(matches!(reader.find(&header.as_bytes()[..end]), Scan::Need(1)));
        // What was read may be gone: the reader knows it.
        let kept = header.as_bytes()[..end].iter().rposition(|byte| *byte == b'\n');
        let (read, line) = header.as_bytes()[..end].split_at(kept.map_or(0, |at| at + 1));
        let forgotten = [vec![b'!'; read.len()].as_slice(), line].concat();
        assert!(matches!(reader.find(&forgotten), Scan::Need(1)), "at {end}");
    }
    let whole = [header.as_bytes(), b"\r\n", &[b'z'; 999]].concat();
    assert!(matches!(reader.find(&whole), Scan::Need(1)));
}
