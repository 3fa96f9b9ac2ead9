//! The test data under `tests/data`: reads its two formats and compares answers with it.
//!
//! [`exchanges`] reads `*.transcript`, [`cases`] reads `malformed/*.txt`. The formats and what it
//! means for an answer to be the same are described in `tests/data/README.md`.

#![allow(dead_code, reason = "each test uses a part of it")]

#[path = "answer.rs"]
mod answer;

use serde_json::Value;

#[allow(unused_imports, reason = "each test uses a part of it")]
pub(crate) use answer::{Answer, Piece, same};

use super::wire::Wire;

/// What is sent and what must come back, from a transcript.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) line: usize,
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) answers: Vec<Answer>,
    /// The answers, and the members of a batch, may come in any order.
    pub(crate) unordered: bool,
    /// What the caller gets, in files that test a client.
    pub(crate) outcome: Option<Outcome>,
}

/// What a caller gets; an empty message stands for any that is not empty.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Ok(Value),
    Error(i64, String),
}

/// One malformed input.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) input: Vec<u8>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) end: End,
}

/// What a malformed input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The beginning of a stream in the protocol's own framing.
    Stream,
    /// The whole of one frame.
    Frame,
    /// The beginning of a stream of netstrings, as it is.
    NetString,
    /// The beginning of a stream of messages behind headers, as it is.
    ContentLength,
}

/// The connection after a malformed input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It serves the next message.
    Lives,
    /// The server has closed it.
    Closes,
    /// It is open and the server waits for the rest of the message.
    Waits,
}

/// Reads a transcript.
pub(crate) fn exchanges(text: &str, wire: Wire) -> Result<Vec<Exchange>, String> {
    blocks(text)?
        .into_iter()
        .map(|(line, block)| in_line(line, exchange(line, &block, wire)))
        .collect()
}

fn exchange(line: usize, block: &[String], wire: Wire) -> Result<Exchange, String> {
    let unordered = block.iter().any(|part| part == "<-- unordered");
    let (mut sent, mut answers, mut outcome) = (Vec::new(), Vec::new(), None);
    for part in block {
        match part.split_once(' ') {
            Some(("-->", text)) => sent.push(decode(text, wire)?),
            Some(("<--", "nothing" | "unordered")) => {}
            Some(("<--", text)) if wire == Wire::Json => {
                answers.push(Answer::Json { text: text.to_owned(), unordered });
            }
            Some(("<--", text)) => answers.push(Answer::MessagePack(pieces(text)?)),
            Some(("==>", text)) => outcome = Some(parse_outcome(text)?),
            _ => return Err(format!("what is {part:?}?")),
        }
    }
    Ok(Exchange { line, sent, answers, unordered, outcome })
}

fn parse_outcome(text: &str) -> Result<Outcome, String> {
    match text.split_once(' ') {
        Some(("ok", value)) => {
            serde_json::from_str(value).map(Outcome::Ok).map_err(|e| e.to_string())
        }
        Some(("error", rest)) => {
            let (code, message) = rest.split_once(' ').unwrap_or((rest, ""));
            Ok(Outcome::Error(number(code)?, message.to_owned()))
        }
        _ => Err(format!("no outcome: {text}")),
    }
}

/// Reads a file of malformed inputs.
pub(crate) fn cases(text: &str, wire: Wire) -> Result<Vec<Case>, String> {
    blocks(text)?.into_iter().map(|(line, block)| in_line(line, case(line, &block, wire))).collect()
}

fn case(line: usize, block: &[String], wire: Wire) -> Result<Case, String> {
    let (mut name, mut place, mut end) = (None, Place::Stream, None);
    let (mut input, mut answers, mut silent) = (Vec::new(), Vec::new(), false);
    for part in block {
        match part.split_once(' ').unwrap_or((part, "")) {
            ("case", text) => name = Some(text.to_owned()),
            ("on", "frame") => place = Place::Frame,
            ("on", "netstring") => place = Place::NetString,
            ("on", "content-length") => place = Place::ContentLength,
            (">", text) => input.push(text),
            ("<", "nothing") => silent = true,
            ("<", text) => answers.push(case_answer(text, wire)?),
            ("=", "lives") => end = Some(End::Lives),
            ("=", "closes") => end = Some(End::Closes),
            ("=", "waits") => end = Some(End::Waits),
            _ => return Err(format!("what is {part:?}?")),
        }
    }
    if input.is_empty() || silent != answers.is_empty() {
        return Err("no input, or neither answers nor `nothing`".to_owned());
    }
    let (name, end) = name.zip(end).ok_or("no name or no end")?;
    let input = decode(&input.join("\n"), wire)?;
    Ok(Case { line, name, place, input, answers, end })
}

/// `CODE ID`, `ok ID = VALUE`, or in JSON several of them as `[A; B]`.
fn case_answer(text: &str, wire: Wire) -> Result<Answer, String> {
    if let Some(text) = text.strip_prefix("json ") {
        return case_answer(text, Wire::Json);
    }
    if let Some(members) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let members: Result<Vec<_>, _> = members.split("; ").map(json_answer).collect();
        return Ok(Answer::Json { text: format!("[{}]", members?.join(",")), unordered: true });
    }
    if wire == Wire::Json {
        return Ok(Answer::Json { text: json_answer(text)?, unordered: false });
    }
    let (head, rest) = text.split_once(' ').ok_or("no id")?;
    let mut answer = vec![Piece::Bytes(vec![0x94, 1])];
    if head == "ok" {
        let (id, value) = rest.split_once(" = ").ok_or("no value")?;
        answer.extend([Piece::Int(number(id)?), Piece::Bytes([vec![0xc0], hex(value)?].concat())]);
    } else {
        answer.extend([Piece::Int(number(rest)?), Piece::Bytes(vec![0x92])]);
        answer.extend([Piece::Int(number(head)?), Piece::Text, Piece::Bytes(vec![0xc0])]);
    }
    Ok(Answer::MessagePack(answer))
}

fn json_answer(text: &str) -> Result<String, String> {
    match text.split_once(' ').ok_or("no id")? {
        ("ok", rest) => {
            let (id, value) = rest.split_once(" = ").ok_or("no value")?;
            Ok(format!(r#"{{"jsonrpc":"2.0","result":{value},"id":{id}}}"#))
        }
        (code, id) => Ok(format!(
            r#"{{"jsonrpc":"2.0","error":{{"code":{},"message":"any"}},"id":{id}}}"#,
            number::<i64>(code)?
        )),
    }
}

/// Groups lines by the blank lines between them: comments dropped, continuations joined, repeats
/// written out.
fn blocks(text: &str) -> Result<Vec<(usize, Vec<String>)>, String> {
    let mut blocks: Vec<(usize, Vec<String>)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let expanded = in_line(at + 1, expand(line))?;
        match blocks.last_mut().filter(|_| open) {
            _ if line.is_empty() => open = false,
            Some((_, block)) => match block.last_mut().filter(|_| line.starts_with("  ")) {
                Some(last) => *last = format!("{last}\n{expanded}"),
                None => block.push(expanded),
            },
            None => {
                blocks.push((at + 1, vec![expanded]));
                open = true;
            }
        }
    }
    Ok(blocks)
}

fn in_line<T>(line: usize, result: Result<T, String>) -> Result<T, String> {
    result.map_err(|error| format!("line {line}: {error}"))
}

/// Replaces each `{repeat "TEXT" COUNT}`.
fn expand(line: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{repeat \"") {
        let (text, after) = after.split_once("\" ").ok_or("a repeat without end")?;
        let (count, after) = after.split_once('}').ok_or("a repeat without count")?;
        out.push_str(before);
        out.push_str(&text.repeat(number(count)?));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The bytes of an input: text with `\xNN` for bytes, or hexadecimal digits.
pub(crate) fn decode(text: &str, wire: Wire) -> Result<Vec<u8>, String> {
    if wire == Wire::MessagePack {
        return hex(text);
    }
    let mut parts = text.split("\\x");
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or("two digits follow \\x")?;
        out.extend(hex(digits)?);
        out.extend(rest.as_bytes());
    }
    Ok(out)
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    let mut digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let mut out = Vec::with_capacity(text.len() / 2);
    while let Some(high) = digits.next() {
        let pair = [high, digits.next().unwrap_or_default()];
        let byte =
            std::str::from_utf8(&pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(byte.ok_or_else(|| format!("not hex: {text:.60}"))?);
    }
    Ok(out)
}

/// Hexadecimal digits with `{text}`, `{int N}` and `{id}` between them.
fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut parts = text.split('{');
    let mut pieces = vec![Piece::Bytes(hex(parts.next().unwrap_or_default())?)];
    for part in parts {
        let (what, bytes) = part.split_once('}').ok_or("a brace is not closed")?;
        pieces.push(match what.split_once(' ') {
            None if what == "text" => Piece::Text,
            None if what == "id" => Piece::Id,
            Some(("int", int)) => Piece::Int(number(int)?),
            _ => return Err(format!("what is {{{what}}}?")),
        });
        pieces.push(Piece::Bytes(hex(bytes)?));
    }
    Ok(pieces)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fs, path::Path};

    use super::*;

    #[test]
    fn a_transcript_is_read() {
        let text =
            "# comment\n\n--> [\n  1]\n--> a\\xff\n<-- unordered\n<-- {}\n\n\n--> b\n<-- nothing\n";
        let read = exchanges(text, Wire::Json).expect("it is valid");
        assert_eq!(read.len(), 2);
        assert_eq!(
            (read[0].line, &read[0].sent),
            (3, &vec![b"[\n  1]".to_vec(), b"a\xff".to_vec()])
        );
        assert_eq!(read[0].answers, [Answer::Json { text: "{}".to_owned(), unordered: true }]);
        assert_eq!((read[1].line, read[1].answers.len(), read[1].unordered), (10, 0, false));
    }

    #[test]
    fn a_transcript_for_a_client_is_read() {
        let text = "<-- 94 01 {id} a3626164 c0\n==> error -32000 bad thing\n\n<-- 94 01 {id} c0 05\n==> ok 5\n";
        let read = exchanges(text, Wire::MessagePack).expect("it is valid");
        assert_eq!(read[0].answers[0].to_bytes(&[7]), b"\x94\x01\x07\xa3bad\xc0");
        assert_eq!(read[0].outcome, Some(Outcome::Error(-32000, "bad thing".to_owned())));
        assert_eq!(read[1].outcome, Some(Outcome::Ok(5.into())));
    }

    #[test]
    fn a_case_is_read() {
        let text =
            "case a\non frame\n> {repeat \"[\" 3}\\x0a\n>\n< [-32600 null; ok 1 = 3]\n= lives\n";
        let read = cases(text, Wire::Json).expect("it is valid");
        assert_eq!((read[0].name.as_str(), read[0].place), ("a", Place::Frame));
        assert_eq!(read[0].end, End::Lives);
        assert_eq!(read[0].input, b"[[[\n\n");
        assert!(read[0].answers[0].matches(
            br#"[{"jsonrpc":"2.0","result":3,"id":1},{"jsonrpc":"2.0","error":{"code":-32600,"message":"x"},"id":null}]"#
        ));
        let text = "case b\n> {repeat \"91\" 2} c0\n< -32600 7\n< json -32700 null\n= closes\n";
        let read = cases(text, Wire::MessagePack).expect("it is valid");
        assert_eq!((&read[0].input[..], read[0].answers.len()), (&[0x91, 0x91, 0xc0][..], 2));
        assert!(read[0].answers[0].matches(b"\x94\x01\x07\x92\xd1\x80\xa8\xa1x\xc0"));
    }

    #[test]
    fn mistakes_are_found() {
        for text in
            ["case a\n> x\n= lives", "case a\n< nothing\n= lives", "> x\n< nothing\n= lives"]
        {
            assert!(cases(text, Wire::Json).is_err(), "{text}");
        }
        for text in ["-> x", "--> 9", "--> zz", "<-- {txt}", "--> {repeat \"9\" x}"] {
            assert!(exchanges(text, Wire::MessagePack).is_err(), "{text}");
        }
    }

    #[test]
    fn every_file_is_read() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        let read = |file: &str| fs::read_to_string(data.join(file)).expect("the file is there");
        for (folder, wire) in [("jsonrpc", Wire::Json), ("msgpack", Wire::MessagePack)] {
            for file in fs::read_dir(data.join(folder)).expect("the folder is there") {
                let path = file.expect("it can be listed").path();
                let text = fs::read_to_string(&path).expect("it is text");
                let read =
                    exchanges(&text, wire).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                assert!(!read.is_empty());
            }
        }
        for (file, wire) in
            [("jsonrpc", Wire::Json), ("msgpack", Wire::MessagePack), ("framing", Wire::Json)]
        {
            let cases = cases(&read(&format!("malformed/{file}.txt")), wire).expect("it is valid");
            let names: HashSet<_> = cases.iter().map(|case| &case.name).collect();
            assert_eq!(names.len(), cases.len(), "a name comes twice in {file}");
        }
    }
}
