//! Requests that two readers may understand in two ways.

/// What is in the head and the body, behind `POST / HTTP/1.1` and the host. `CALL` stands for a
/// call, `SIZE` and `HEX` for its length, and `NEXT` for a whole request with one.
///
/// Then how many calls may be executed at most, and whether the connection must end.
pub(crate) const VECTORS: &[(&str, &str, usize, bool)] = &[
    ("CL+TE", "Content-Length: SIZE\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nNEXT", 0, true),
    ("TE+CL", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nNEXT", 0, true),
    (
        "CL+TE, a whole body",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n",
        1,
        true,
    ),
    ("two lengths", "Content-Length: SIZE\r\nContent-Length: 1\r\n\r\nCALL", 0, true),
    ("two lengths, turned", "Content-Length: 0\r\nContent-Length: SIZE\r\n\r\nCALL", 0, true),
    ("a list of lengths", "Content-Length: SIZE, 0\r\n\r\nCALL", 0, true),
    ("+", "Content-Length: +SIZE\r\n\r\nCALL", 0, true),
    ("-", "Content-Length: -1\r\n\r\nCALL", 0, true),
    ("hexadecimal", "Content-Length: 0xHEX\r\n\r\nCALL", 0, true),
    ("a fraction", "Content-Length: SIZE.0\r\n\r\nCALL", 0, true),
    ("an exponent", "Content-Length: 1e1\r\n\r\nCALL", 0, true),
    ("a word", "Content-Length: SIZEx\r\n\r\nCALL", 0, true),
    ("no digits", "Content-Length: \r\n\r\nCALL", 0, true),
    ("a space between", "Content-Length: 1 2\r\n\r\nCALL", 0, true),
    ("2^64", "Content-Length: 18446744073709551616\r\n\r\nCALL", 0, true),
    ("2^64-1", "Content-Length: 18446744073709551615\r\n\r\nCALL", 0, true),
    ("a space before the colon", "Content-Length : SIZE\r\n\r\nCALL", 0, true),
    (
        "TE with a space before the colon",
        "Transfer-Encoding : chunked\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n",
        0,
        true,
    ),
    ("a folded line", "X: y\r\n Content-Length: SIZE\r\n\r\nCALL", 0, true),
    ("a folded TE", "Transfer-Encoding:\r\n chunked\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n", 0, true),
    ("NUL in a value", "X: a\0b\r\nContent-Length: SIZE\r\n\r\nCALL", 0, true),
    ("CR in a value", "X: a\rContent-Length: SIZE\r\n\r\nCALL", 0, true),
    ("no name", ": x\r\nContent-Length: SIZE\r\n\r\nCALL", 0, true),
    ("a line without a colon", "Content-Length\r\n\r\nCALL", 0, true),
    ("TE identity", "Transfer-Encoding: identity\r\n\r\nCALL", 0, true),
    ("TE gzip", "Transfer-Encoding: gzip\r\n\r\nCALL", 0, true),
    (
        "TE chunked, gzip",
        "Transfer-Encoding: chunked, gzip\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n",
        0,
        true,
    ),
    (
        "TE gzip, chunked",
        "Transfer-Encoding: gzip, chunked\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n",
        0,
        true,
    ),
    ("TE xchunked", "Transfer-Encoding: xchunked\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n", 0, true),
    ("TE of VT", "Transfer-Encoding: \x0bchunked\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n", 0, true),
    (
        "a chunk of 2^64",
        "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nCALL\r\n0\r\n\r\n",
        0,
        true,
    ),
    (
        "a chunk of 2^68 and more",
        "Transfer-Encoding: chunked\r\n\r\n10000000000000000HEX\r\nCALL\r\n0\r\n\r\n",
        0,
        true,
    ),
    ("a chunk of -1", "Transfer-Encoding: chunked\r\n\r\n-1\r\nCALL\r\n0\r\n\r\n", 0, true),
    ("a chunk of +", "Transfer-Encoding: chunked\r\n\r\n+HEX\r\nCALL\r\n0\r\n\r\n", 0, true),
    ("a chunk of 0x", "Transfer-Encoding: chunked\r\n\r\n0xHEX\r\nCALL\r\n0\r\n\r\n", 0, true),
    ("a chunk without a size", "Transfer-Encoding: chunked\r\n\r\n\r\nCALL\r\n0\r\n\r\n", 0, true),
    ("a chunk of LF", "Transfer-Encoding: chunked\r\n\r\nHEX\nCALL\r\n0\r\n\r\n", 0, true),
    (
        "a chunk that is too short",
        "Transfer-Encoding: chunked\r\n\r\n1\r\nCALL\r\n0\r\n\r\n",
        0,
        true,
    ),
    (
        "an extension with LF",
        "Transfer-Encoding: chunked\r\n\r\nHEX;a\nb\r\nCALL\r\n0\r\n\r\n",
        0,
        true,
    ),
    (
        "a request as a trailer",
        "Transfer-Encoding: chunked\r\n\r\nHEX\r\nCALL\r\n0\r\nNEXT",
        1,
        true,
    ),
    ("a length that is too long", "Content-Length: 9999\r\n\r\nCALLNEXT", 0, false),
    ("a call behind an empty body", "Content-Length: 0\r\n\r\nCALL", 0, true),
    ("a call behind a body", "Content-Length: SIZE\r\n\r\nCALLCALL", 1, true),
    ("bare LF", "Content-Length: SIZE\n\nCALL", 1, false),
    ("equal lengths", "Content-Length: SIZE\r\nContent-Length: SIZE\r\n\r\nCALL", 1, false),
    (
        "TE twice",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n",
        0,
        true,
    ),
    (
        "TE chunked twice",
        "Transfer-Encoding: chunked, chunked\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n",
        0,
        true,
    ),
    ("TE in quotes", "Transfer-Encoding: \"chunked\"\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n", 0, true),
    (
        "TE with a parameter",
        "Transfer-Encoding: chunked;q=1\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n",
        0,
        true,
    ),
    ("TE with NUL", "Transfer-Encoding: chunked\0\r\n\r\nHEX\r\nCALL\r\n0\r\n\r\n", 0, true),
    (
        "TE and a length, other cases",
        "transfer-ENCODING: CHUNKED\r\ncontent-LENGTH: 0\r\n\r\n0\r\n\r\nNEXT",
        0,
        true,
    ),
    (
        "a TE that the connection names",
        "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nNEXT",
        0,
        true,
    ),
    (
        "a length that the connection names",
        "Connection: Content-Length\r\nContent-Length: SIZE\r\n\r\nCALLCALL",
        1,
        true,
    ),
    (
        "a length in a trailer",
        "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: SIZE\r\n\r\nCALL",
        0,
        true,
    ),
    ("a chunk of spaces", "Transfer-Encoding: chunked\r\n\r\n HEX\r\nCALL\r\n0\r\n\r\n", 0, true),
    (
        "a chunk with a quoted extension",
        "Transfer-Encoding: chunked\r\n\r\nHEX;a=\"\r\n0\r\n\r\nNEXT",
        0,
        true,
    ),
    ("a chunk of CR alone", "Transfer-Encoding: chunked\r\n\r\nHEX\rCALL\r\n0\r\n\r\n", 0, true),
    (
        "a chunk whose end is missing",
        "Transfer-Encoding: chunked\r\n\r\nHEX\r\nCALL0\r\n\r\n",
        0,
        true,
    ),
    ("an underscore for a dash", "Content_Length: SIZE\r\n\r\nCALL", 0, true),
    (
        "a header with a line end in its name",
        "X\r\n: y\r\nContent-Length: SIZE\r\n\r\nCALL",
        0,
        true,
    ),
    (
        "an upgrade to h2c",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nContent-Length: SIZE\r\n\r\nCALLNEXT",
        2,
        false,
    ),
];

/// The bytes of a vector, with the call and the whole request that it may hold.
pub(crate) fn bytes(vector: &str, call: &str, next: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: localhost\r\n{vector}")
        .replace("CALL", call)
        .replace("SIZE", &call.len().to_string())
        .replace("HEX", &format!("{:x}", call.len()))
        .replace("NEXT", next)
        .into_bytes()
}
