//! What is written, and where: results on standard output, everything else on standard error.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::OnceLock,
};

use crate::failure::Failure;

/// Writes to standard output, and through to whoever reads it.
///
/// A reader that has gone away took what it wanted: that is no failure.
///
/// # Errors
///
/// It cannot be written.
pub(crate) fn put(bytes: &[u8]) -> Result<(), Failure> {
    put_more(bytes).map(|_| ())
}

/// The same, and says whether the reader is still there for more.
///
/// # Errors
///
/// As there.
pub(crate) fn put_more(bytes: &[u8]) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            Err(Failure::no_answer(format!("standard output cannot be written: {error}")))
        }
    }
}

/// Writes a line to standard error. Where that is closed nobody listens, and nobody misses it.
pub(crate) fn tell(line: &str) {
    let secrets = SECRETS.get().map(Vec::as_slice).unwrap_or_default();
    _ = writeln!(io::stderr().lock(), "{}", without(line, secrets));
}

/// Has these texts cut out of every line that is told from now on: a peer may quote what it was
/// sent. The first word counts, a command has its secrets from its beginning.
pub(crate) fn conceal(secrets: Vec<String>) {
    let mut secrets = secrets;
    // Text of a few characters is found in words that are no secret.
    secrets.retain(|secret| secret.len() >= SHORTEST);
    let escaped: Vec<String> = secrets.iter().map(|secret| escaped(secret)).collect();
    secrets.extend(escaped);
    // A secret may be a part of another one.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    _ = SECRETS.set(secrets);
}

/// A text as it stands in quotes.
fn escaped(secret: &str) -> String {
    secret.escape_default().to_string()
}

fn without(line: &str, secrets: &[String]) -> String {
    secrets.iter().fold(line.to_owned(), |line, secret| cut(&line, secret))
}

/// Cuts a secret out of a line; a long one also where only its beginning is there, because somebody
/// has shortened what it was a part of.
fn cut(line: &str, secret: &str) -> String {
    let begin = secret.get(..BEGINNING).unwrap_or(secret);
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once(begin) {
        let more = secret.get(begin.len()..).unwrap_or_default();
        let equal = more.chars().zip(behind.chars()).take_while(|(one, other)| one == other);
        let equal: usize = equal.map(|(one, _)| one.len_utf8()).sum();
        shown.push_str(before);
        shown.push_str("[cut]");
        rest = behind.get(equal..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

static SECRETS: OnceLock<Vec<String>> = OnceLock::new();
const SHORTEST: usize = 4;
/// Characters of a secret that are cut wherever they are: more than words have.
const BEGINNING: usize = 12;

/// True where a person looks at standard output.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn secrets_are_cut() {
        let secrets = ["Bearer t0ken-of-ada".to_owned(), "t0ken-of-ada".to_owned()];
        for (line, shown) in [
            ("`Bearer t0ken-of-ada`, and t0ken-of-ada.", "`[cut]`, and [cut]."),
            ("Bearer TOKEN, a t0ken", "Bearer TOKEN, a t0ken"),
            ("shortened: Bearer t0ken-o… (8 bytes more)", "shortened: [cut]… (8 bytes more)"),
            ("Bearer t0ken-of-ädaBearer t0ken", "[cut]äda[cut]"),
            ("t0ken-of-ada", "[cut]"),
            ("", ""),
        ] {
            assert_eq!(without(line, &secrets), shown);
        }
    }
}
