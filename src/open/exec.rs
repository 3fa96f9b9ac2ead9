//! `exec:PROGRAM ARG…`.

use std::sync::Arc;

use tinyrpc_core::Connector;
use tinyrpc_transports::exec::ExecConnector;

use crate::{SetupError, Url, UrlError};

/// There is no room for a framing in such a URL.
pub(super) fn connector(url: &Url) -> Result<Arc<dyn Connector>, SetupError> {
    let connector = ExecConnector::from_line(&url.address).ok_or_else(|| {
        UrlError(format!("`{url}`: expected a line as for a shell, as in exec:python3 server.py"))
    })?;
    Ok(Arc::new(connector))
}

pub(super) fn no_listener(url: &Url) -> SetupError {
    UrlError(format!("`{url}` starts a program to call it; to be called by one, listen on stdio:"))
        .into()
}
