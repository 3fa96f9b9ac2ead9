//! What went wrong in a handshake, in words for whoever has to mend it.

use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// The words that rustls has for experts, and ours for everybody.
pub(super) fn explain(error: io::Error, host: &str) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let advice = match inner {
        Some(Error::InvalidCertificate(wrong)) => certificate(wrong, host),
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            Some(format!("{host} does not speak TLS on this port"))
        }
        Some(Error::AlertReceived(alert)) => alerted(*alert, host),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            Some(format!("{host} closed the connection during the handshake"))
        }
        _ => None,
    };
    match advice {
        Some(advice) => io::Error::new(error.kind(), format!("{advice} ({error})")),
        None => error,
    }
}

fn certificate(wrong: &CertificateError, host: &str) -> Option<String> {
    Some(match wrong {
        // An authority of the same name, but not the same one, is told by its signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "the certificate of {host} is signed by nobody who is trusted here: name its authority"
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate is not for {host}")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate of {host} has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet")
        }
        _ => return None,
    })
}

fn alerted(alert: AlertDescription, host: &str) -> Option<String> {
    Some(match alert {
        AlertDescription::CertificateRequired => {
            format!("{host} wants a certificate of the client, and none was given")
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::DecryptError => {
            format!("{host} does not trust whoever signed the client's certificate")
        }
        AlertDescription::CertificateExpired => {
            format!("{host} finds the client's certificate expired, or not valid yet")
        }
        AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => {
            format!("{host} does not accept the client's certificate")
        }
        _ => return None,
    })
}
