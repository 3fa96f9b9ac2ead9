//! Certificates and keys of the command line: files in, TLS settings out.

#[cfg(feature = "tls")]
use std::io;
use std::{fs::File, io::Read as _, path::Path};

use tinyrpc::ClientBuilder;
#[cfg(feature = "tls")]
use tinyrpc::transports::tls::{ClientTls, ServerTls};

use crate::{
    command::{Peer, Serve},
    failure::Failure,
    scheme::Scheme,
};

/// The TLS settings of a client.
#[cfg(feature = "tls")]
pub(crate) type Client = ClientTls;
/// The TLS settings of a server.
#[cfg(feature = "tls")]
pub(crate) type Server = ServerTls;
/// There are none in this build.
#[cfg(not(feature = "tls"))]
pub(crate) type Client = std::convert::Infallible;
/// There are none in this build.
#[cfg(not(feature = "tls"))]
pub(crate) type Server = std::convert::Infallible;

/// What a command was told of certificates, for each of the sides that it has.
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there are none in this build"))]
#[derive(Debug, Default)]
pub(crate) struct Sides {
    /// Where it connects; `None` where that is nothing.
    pub(crate) connecting: Option<Client>,
    /// Where it listens.
    pub(crate) listening: Option<Server>,
}

/// What `call` and `notify` were told of certificates.
///
/// # Errors
///
/// A file is not what it is to be, or nothing goes over TLS; or who listens over TLS has no
/// certificate.
pub(crate) fn client(peer: &Peer) -> Result<Sides, Failure> {
    let is_told = peer.ca.is_some() || peer.pair.cert.is_some();
    let is_tls = peer.urls().any(|url| Scheme::of(url).is_tls());
    if is_told
        && !is_tls
        && let Some(url) = peer.urls().next()
    {
        return Err(Failure::usage(format!("`{}` has no certificates", Scheme::of(url).0))
            .hint("only URLs of tls, https and wss have them"));
    }
    let ca = peer.ca.as_deref().map(|path| Pem::read(path, CERTIFICATE)).transpose()?;
    let pair = pair(peer.pair.cert.as_deref(), peer.pair.key.as_deref())?;
    let listening = match peer.bind.iter().find(|bind| Scheme::of(bind).is_tls()) {
        None => None,
        Some(bind) => {
            let pair = pair.clone().ok_or_else(|| without_certificate(bind))?;
            Some(server_of(ca.clone(), pair)?)
        }
    };
    let connects = peer.servers().any(|url| Scheme::of(url).is_tls());
    let connecting = if is_told && connects { Some(client_of(ca, pair)?) } else { None };
    Ok(Sides { connecting, listening })
}

/// Whoever listens over TLS shows a certificate.
fn without_certificate(bind: &str) -> Failure {
    Failure::usage(format!("{bind}: a server over TLS needs a certificate and its key"))
        .hint("--cert FILE and --key FILE give them")
}

/// What `serve` was told of certificates.
///
/// # Errors
///
/// A file is not what it is to be, an address over TLS has no certificate, or none needs one; or
/// clients could come without the certificate that they have to show.
pub(crate) fn server(serve: &Serve) -> Result<Sides, Failure> {
    let mut tls = serve.bind.iter().filter(|bind| Scheme::of(bind).is_tls());
    let connects = serve.connect.iter().any(|connect| Scheme::of(connect).is_tls());
    let pair = pair(serve.pair.cert.as_deref(), serve.pair.key.as_deref())?;
    let is_bound = tls.clone().next().is_some();
    if let (None, Some(bind)) = (&pair, tls.next()) {
        return Err(without_certificate(bind));
    }
    if pair.is_none() && serve.ca.is_some() && !connects {
        return Err(Failure::usage(
            "--ca wants certificates of clients, and there is none of the server",
        )
        .hint("--cert FILE and --key FILE give it"));
    }
    let is_served = is_bound || serve.bind.iter().any(|bind| is_for_everything(bind, serve));
    if pair.is_some() && !is_served && !connects {
        return Err(Failure::usage("there is a certificate, and no address is served over TLS")
            .hint("tls, https and wss are, as in --bind tls://127.0.0.1:0"));
    }
    let open = serve.bind.iter().find(|bind| Scheme::of(bind).is_open());
    if let (Some(_), Some(open)) = (&serve.ca, open) {
        return Err(Failure::usage(format!(
            "--ca wants certificates of clients, and {open} lets them in without"
        ))
        .hint("tls, https and wss do not"));
    }
    let ca = serve.ca.as_deref().map(|path| Pem::read(path, CERTIFICATE)).transpose()?;
    let listening = match &pair {
        Some(pair) if is_served => Some(server_of(ca.clone(), pair.clone())?),
        _ => None,
    };
    let is_told = ca.is_some() || pair.is_some();
    let connecting = if is_told && connects { Some(client_of(ca, pair)?) } else { None };
    Ok(Sides { connecting, listening })
}

/// True for a port that takes whatever comes, TLS included.
fn is_for_everything(bind: &str, serve: &Serve) -> bool {
    let is_auto = bind.starts_with("tcp:") || bind.starts_with("auto+tcp:");
    is_auto && serve.framing.is_none() && !bind.contains("framing=")
}

/// A certificate and its key, where they are given; the command line has both or none.
fn pair(cert: Option<&Path>, key: Option<&Path>) -> Result<Option<(Pem, Pem)>, Failure> {
    match (cert, key) {
        (Some(cert), Some(key)) => {
            Ok(Some((Pem::read(cert, CERTIFICATE)?, Pem::read(key, PRIVATE_KEY)?)))
        }
        _ => Ok(None),
    }
}

#[cfg(feature = "tls")]
fn client_of(ca: Option<Pem>, pair: Option<(Pem, Pem)>) -> Result<Client, Failure> {
    let mut tls = ClientTls::new();
    if let Some(ca) = &ca {
        tls = tls.authority(&ca.bytes).map_err(|error| ca.wrong(&error))?;
    }
    if let Some((cert, key)) = &pair {
        tls = tls.certificate(&cert.bytes, &key.bytes).map_err(|error| unfit(cert, key, &error))?;
    }
    Ok(tls)
}

#[cfg(feature = "tls")]
fn server_of(ca: Option<Pem>, (cert, key): (Pem, Pem)) -> Result<Server, Failure> {
    let alone = ServerTls::new(&cert.bytes, &key.bytes);
    let alone = alone.map_err(|error| unfit(&cert, &key, &error))?;
    match &ca {
        None => Ok(alone),
        Some(ca) => ServerTls::with_clients(&cert.bytes, &key.bytes, &ca.bytes)
            .map_err(|error| ca.wrong(&error)),
    }
}

/// Gives a client its settings, where it has some.
#[cfg(feature = "tls")]
pub(crate) fn give_client(sides: &Sides, mut builder: ClientBuilder) -> ClientBuilder {
    if let Some(tls) = &sides.connecting {
        builder = builder.tls(tls.clone());
    }
    if let Some(tls) = &sides.listening {
        builder = builder.bind_tls(tls.clone());
    }
    builder
}

/// Gives a server its settings, where it has some.
#[cfg(feature = "tls")]
pub(crate) fn give_server(sides: Sides, mut builder: tinyrpc::Server) -> tinyrpc::Server {
    if let Some(tls) = sides.connecting {
        builder = builder.connect_tls(tls);
    }
    if let Some(tls) = sides.listening {
        builder = builder.tls(tls);
    }
    builder
}

#[cfg(not(feature = "tls"))]
fn client_of(_: Option<Pem>, _: Option<(Pem, Pem)>) -> Result<Client, Failure> {
    Err(Failure::usage("certificates need the feature `tls`"))
}

#[cfg(not(feature = "tls"))]
fn server_of(_: Option<Pem>, _: (Pem, Pem)) -> Result<Server, Failure> {
    Err(Failure::usage("certificates need the feature `tls`"))
}

/// There are no settings to give.
#[cfg(not(feature = "tls"))]
pub(crate) fn give_client(_: &Sides, builder: ClientBuilder) -> ClientBuilder {
    builder
}

/// There are no settings to give.
#[cfg(not(feature = "tls"))]
pub(crate) fn give_server(_: Sides, builder: tinyrpc::Server) -> tinyrpc::Server {
    builder
}

/// A certificate and a key that are not one another's, or that nobody can use.
#[cfg(feature = "tls")]
fn unfit(cert: &Pem, key: &Pem, error: &io::Error) -> Failure {
    Failure::usage(format!("{} and {}: {error}", cert.name, key.name)).hint(
        "--key FILE is the private key that the first certificate of --cert FILE was made for",
    )
}

/// A PEM file.
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "nobody uses what is in it"))]
#[derive(Clone, Debug)]
struct Pem {
    name: String,
    bytes: Vec<u8>,
}

/// What a PEM file is to have in it.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    /// The ends of the lines that it begins with.
    labels: &'static [&'static str],
}

impl Pem {
    /// Reads a file, and looks whether it can be meant.
    fn read(path: &Path, kind: Kind) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
        if let Err(error) = read {
            return Err(Failure::usage(format!("{name} cannot be read: {error}"))
                .hint(format!("expected a PEM file with {}", kind.name)));
        }
        if bytes.len() as u64 > MOST {
            return Err(Failure::usage(format!("{name} has more than {MOST} bytes"))
                .hint(format!("expected a PEM file with {}", kind.name)));
        }
        let found = labels(&bytes);
        if found.iter().any(|label| kind.labels.contains(&label.as_str())) {
            return Ok(Self { name, bytes });
        }
        let failure = Failure::usage(format!(
            "{name}: expected a PEM file with {}, found {}",
            kind.name,
            described(&found)
        ));
        Err(match found.iter().any(|label| label == "ENCRYPTED PRIVATE KEY") {
            true => failure.hint("`openssl pkey -in FILE -out NEW` takes the passphrase away"),
            false if found.is_empty() => failure.hint(
                "the file begins with -----BEGIN; one in DER becomes that by `openssl x509 -inform DER` or `openssl pkey -inform DER`",
            ),
            false => failure.hint("--ca and --cert have certificates, --key has the private key"),
        })
    }

    #[cfg(feature = "tls")]
    fn wrong(&self, error: &io::Error) -> Failure {
        Failure::usage(format!("{}: {error}", self.name))
            .hint("expected a PEM file with the certificates of authorities")
    }
}

/// What the parts of a PEM text say that they are.
fn labels(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let label = |line: &str| {
        let label = line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
        // What is no label is not quoted: it may be a part of a key.
        let is_label =
            |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
        (label.len() < 40 && label.bytes().all(is_label)).then(|| label.to_owned())
    };
    text.lines().filter_map(label).collect()
}

fn described(labels: &[String]) -> String {
    match labels {
        [] => "no PEM text".into(),
        [first, ..] => format!("`{first}`"),
    }
}

const CERTIFICATE: Kind = Kind { name: "a certificate", labels: &["CERTIFICATE"] };
const PRIVATE_KEY: Kind =
    Kind { name: "a private key", labels: &["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] };
/// Bytes of a PEM file: all authorities of a system are a quarter of it.
const MOST: u64 = 1_048_576;
