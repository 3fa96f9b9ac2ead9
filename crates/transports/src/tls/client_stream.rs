//! `ClientTlsStream`: TLS on a client's side, with errors in words for whoever has to mend them.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{
    client::TlsStream,
    rustls::{AlertDescription, Error, ProtocolVersion},
};

use super::explain::explain;

/// In TLS 1.3 a client is done before the server has looked at its certificate: a refusal comes
/// where the first bytes of the server are read.
#[derive(Debug)]
pub(crate) struct ClientTlsStream {
    inner: TlsStream<TcpStream>,
    host: Arc<str>,
    /// The server has sent something inside of TLS.
    heard: bool,
}

/// What a client knows of how far a server came.
#[derive(Clone, Copy, Debug)]
struct Progress {
    version: Option<ProtocolVersion>,
    /// Tickets are sent after the handshake, to a client that was let in.
    tickets: u32,
    heard: bool,
}

impl Progress {
    /// True where an alert says that the handshake failed on the server's side, so that it has
    /// read nothing of what was sent behind it. The same alert later, or of a server whose
    /// handshake is over, says nothing about what was executed.
    fn is_refused_by(self, alert: AlertDescription) -> bool {
        self.version == Some(ProtocolVersion::TLSv1_3)
            && self.tickets == 0
            && !self.heard
            && matches!(
                alert,
                AlertDescription::CertificateRequired
                    | AlertDescription::UnknownCA
                    | AlertDescription::BadCertificate
                    | AlertDescription::DecryptError
                    | AlertDescription::UnsupportedCertificate
                    | AlertDescription::CertificateExpired
                    | AlertDescription::CertificateRevoked
                    | AlertDescription::CertificateUnknown
            )
    }
}

impl ClientTlsStream {
    pub(crate) fn new(inner: TlsStream<TcpStream>, host: &str) -> Self {
        Self { inner, host: host.into(), heard: false }
    }

    fn failed(&self, error: io::Error) -> io::Error {
        let (_, session) = self.inner.get_ref();
        let progress = Progress {
            version: session.protocol_version(),
            tickets: session.tls13_tickets_received(),
            heard: self.heard,
        };
        let alert = match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(Error::AlertReceived(alert)) => Some(*alert),
            _ => None,
        };
        let error = explain(error, &self.host);
        match alert {
            Some(alert) if progress.is_refused_by(alert) => {
                io::Error::new(io::ErrorKind::ConnectionRefused, error.to_string())
            }
            _ => error,
        }
    }
}

impl AsyncRead for ClientTlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, into);
        self.heard |= into.filled().len() > before;
        read.map_err(|error| self.failed(error))
    }
}

impl AsyncWrite for ClientTlsStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_handshake_that_failed_is_a_refusal() {
        let fresh = Progress { version: Some(ProtocolVersion::TLSv1_3), tickets: 0, heard: false };
        let required = AlertDescription::CertificateRequired;
        let table = [
            ("none was given", fresh, required, true),
            ("nobody knows who signed it", fresh, AlertDescription::UnknownCA, true),
            ("it has expired", fresh, AlertDescription::CertificateExpired, true),
            ("not about a certificate", fresh, AlertDescription::InternalError, false),
            ("let in, then denied", fresh, AlertDescription::AccessDenied, false),
            ("let in: it gave a ticket", Progress { tickets: 1, ..fresh }, required, false),
            ("let in: it has answered", Progress { heard: true, ..fresh }, required, false),
            (
                "before TLS 1.3 a handshake is over for both",
                Progress { version: Some(ProtocolVersion::TLSv1_2), ..fresh },
                required,
                false,
            ),
        ];
        for (what, progress, alert, refused) in table {
            assert_eq!(progress.is_refused_by(alert), refused, "{what}");
        }
    }
}
