//! `Files`: what the options of the command name: certificates, keys and headers in a folder.

use super::{certificates::Authority, folder::Folder};

/// Files by their names, with paths for a command line. They are gone when this is dropped.
pub(crate) struct Files(Folder);

impl Files {
    /// No files yet.
    pub(crate) fn new() -> Self {
        Self(Folder::new())
    }

    /// An authority's certificate `ca`, and what it signs: `localhost`, `client`, `expired` and
    /// `future`, each with its `.key`. `foreign` and `stranger` are of another authority.
    pub(crate) fn certificates() -> Self {
        let files = Self::new();
        let Authority { pem, localhost, client, expired, future, .. } = Authority::new();
        files.write("ca", &pem);
        let foreign = Authority::new();
        files.write("foreign", &foreign.pem);
        for (name, certificate) in [
            ("localhost", localhost),
            ("client", client),
            ("future", future),
            ("expired", expired),
            ("stranger", foreign.client),
        ] {
            files.write(name, &certificate.chain);
            files.write(&format!("{name}.key"), &certificate.key);
        }
        files
    }

    /// Makes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path(name), text).expect("it can be written");
    }

    /// The path of a file, whether it is there or not.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path(name).to_str().expect("it is UTF-8").to_owned()
    }

    /// Options with `{NAME}` in them, as a command line has them.
    pub(crate) fn filled(&self, options: &[&str]) -> Vec<String> {
        let fill = |option: &&str| match option.strip_prefix('{') {
            Some(name) => self.path(name.trim_end_matches('}')),
            None => (*option).to_owned(),
        };
        options.iter().map(fill).collect()
    }
}
