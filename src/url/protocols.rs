//! The protocols that a URL can name.

use std::sync::Arc;

use tinyrpc_core::Protocol;

use super::{UrlError, list};

/// A protocol of this project.
struct Known {
    name: &'static str,
    feature: &'static str,
    /// Whether `auto` recognises it.
    auto: bool,
    /// `None` where the feature is off.
    make: fn() -> Option<Arc<dyn Protocol>>,
}

/// Makes a protocol if the feature is on.
macro_rules! make {
    ($feature:literal, $protocol:ident) => {
        || {
            #[cfg(feature = $feature)]
            return Some(Arc::new(tinyrpc_protocols::$protocol));
            #[cfg(not(feature = $feature))]
            None
        }
    };
}

/// Every protocol, in the order in which `auto` asks them.
const PROTOCOLS: &[Known] = &[
    Known { name: "jsonrpc", feature: "jsonrpc", auto: true, make: make!("jsonrpc", JsonRpc) },
    Known { name: "jsonrpc1", feature: "jsonrpc", auto: false, make: make!("jsonrpc", JsonRpc1) },
    Known { name: "msgpack", feature: "msgpack", auto: true, make: make!("msgpack", MsgPackRpc) },
];

/// A protocol by its name.
pub(super) fn named(name: &str) -> Result<Arc<dyn Protocol>, UrlError> {
    let Some(known) = PROTOCOLS.iter().find(|known| known.name == name) else {
        let names = ["auto"].into_iter().chain(PROTOCOLS.iter().map(|known| known.name));
        let names = list(names, "and");
        return Err(UrlError(format!("unknown protocol `{name}`: there are {names}")));
    };
    (known.make)().ok_or_else(|| UrlError(format!("{name} needs the feature `{}`", known.feature)))
}

/// Every protocol of this build that `auto` recognises.
pub(crate) fn protocols() -> Vec<Arc<dyn Protocol>> {
    PROTOCOLS.iter().filter(|known| known.auto).filter_map(|known| (known.make)()).collect()
}
