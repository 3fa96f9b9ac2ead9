//! `stdio:`.

use std::sync::Arc;

use tinyrpc_core::{Connector, Listener};
use tinyrpc_transports::stdio::{StdioConnector, StdioListener};

use super::framed::Framed;
use crate::{SetupError, Url};

pub(super) fn connector(url: &Url) -> Arc<dyn Connector> {
    Arc::new(Framed::new(StdioConnector, url))
}

pub(super) fn listener(url: &Url) -> Result<Box<dyn Listener>, SetupError> {
    let failed = |source| SetupError::Io { address: url.to_string(), source };
    Ok(Box::new(Framed::new(StdioListener::bind().map_err(failed)?, url)))
}
