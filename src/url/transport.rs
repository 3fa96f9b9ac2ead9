//! `Transport`: the transports that a URL can name.

use std::str::FromStr;

use super::{UrlError, list};

/// One line for each transport: its variant, its names, its feature, and whether this system has
/// what it needs. What a name leads to is in `open`.
macro_rules! transports {
    ($($variant:ident: $($name:literal)|+, feature $feature:literal, on $system:meta;)*) => {
        /// A transport that this build has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Transport {
            $(
                #[cfg(all(feature = $feature, $system))]
                $variant,
            )*
        }

        impl FromStr for Transport {
            type Err = UrlError;

            fn from_str(name: &str) -> Result<Self, UrlError> {
                match name {
                    $(
                        #[cfg(all(feature = $feature, $system))]
                        $($name)|+ => Ok(Self::$variant),
                        #[cfg(not(feature = $feature))]
                        $($name)|+ => Err(UrlError(format!(
                            concat!("{}:// needs the feature `", $feature, "`"), name
                        ))),
                        #[cfg(all(feature = $feature, not($system)))]
                        $($name)|+ => Err(UrlError(format!(
                            "{name}:// is not there on this system"
                        ))),
                    )*
                    _ => {
                        let known = list([$($($name),+),*], "and");
                        Err(UrlError(format!("unknown transport `{name}`: there are {known}")))
                    }
                }
            }
        }
    };
}

transports! {
    Tcp: "tcp", feature "tcp", on all();
    Unix: "unix" | "ipc", feature "unix", on unix;
}
