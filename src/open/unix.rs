//! `unix:///PATH`, also `ipc:///PATH`.

use std::sync::Arc;

use tinyrpc_core::{Connector, Listener};
use tinyrpc_transports::unix::{UnixConnector, UnixListener};

use super::framed::Framed;
use crate::{SetupError, Url, UrlError};

pub(super) fn connector(url: &Url) -> Result<Arc<dyn Connector>, SetupError> {
    Ok(Arc::new(Framed::new(UnixConnector::new(path(url)?), url)))
}

/// Listens for the processes of this user.
pub(super) fn listener(url: &Url) -> Result<Box<dyn Listener>, SetupError> {
    let failed = |source| SetupError::Io { address: url.to_string(), source };
    let listener = UnixListener::bind(path(url)?).map_err(failed)?;
    Ok(Box::new(Framed::new(listener, url)))
}

/// With two slashes a path would lose its first directory to what is a host elsewhere.
fn path(url: &Url) -> Result<&str, UrlError> {
    if url.address.starts_with(['/', '.']) {
        return Ok(&url.address);
    }
    Err(UrlError(format!("`{url}`: expected a path, as in unix:///run/user/1000/app.sock")))
}
