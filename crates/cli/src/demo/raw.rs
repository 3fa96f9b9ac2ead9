//! Params as the bytes they came as.

use serde::de::DeserializeOwned;
use tinyrpc::{PayloadRef, RpcError};

use crate::parts::Parts;

/// The params of a request by their names; `None` where one was not given.
///
/// Over MessagePack-RPC named params travel as the one element of an array: it is taken so where
/// all of its keys are names of params.
///
/// # Errors
///
/// More params than names, or names that are unknown or there twice.
pub(super) fn params<'p, const N: usize>(
    params: PayloadRef<'p>,
    names: [&str; N],
) -> Result<[Option<PayloadRef<'p>>; N], RpcError> {
    if params.is_absent() {
        return Ok([None; N]);
    }
    let elements = match open(params)? {
        Parts::Sequence(elements) => elements,
        Parts::Map(entries) => return named(params, &entries, names),
        Parts::Scalar => return Err(RpcError::invalid_params("params are an array or an object")),
    };
    if let [element] = elements[..]
        && !params.format.is_text()
        && let Parts::Map(entries) = open(PayloadRef { bytes: element, ..params })?
        && !entries.is_empty()
        && let Ok(named) = named(params, &entries, names)
    {
        return Ok(named);
    }
    if elements.len() > N {
        let found = elements.len();
        return Err(RpcError::invalid_params(format!("{found} params, and there are at most {N}")));
    }
    let mut values = [None; N];
    for (value, bytes) in values.iter_mut().zip(elements) {
        *value = Some(PayloadRef { bytes, ..params });
    }
    Ok(values)
}

/// Decodes one that must be there.
pub(super) fn typed<T: DeserializeOwned>(
    param: Option<PayloadRef<'_>>,
    name: &str,
) -> Result<T, RpcError> {
    let param = param.ok_or_else(|| RpcError::invalid_params(format!("missing param `{name}`")))?;
    param.decode().map_err(|error| RpcError::invalid_params(error.under(name).to_string()))
}

fn named<'p, const N: usize>(
    params: PayloadRef<'p>,
    entries: &[(Option<std::borrow::Cow<'p, str>>, &'p [u8])],
    names: [&str; N],
) -> Result<[Option<PayloadRef<'p>>; N], RpcError> {
    let mut values = [None; N];
    for (key, bytes) in entries {
        let place = names.iter().position(|name| key.as_deref() == Some(*name));
        let Some(place) = place else {
            return Err(RpcError::invalid_params(format!("params are {}", names.join(", "))));
        };
        if values[place].replace(PayloadRef { bytes, ..params }).is_some() {
            return Err(RpcError::invalid_params(format!("`{}` is given twice", names[place])));
        }
    }
    Ok(values)
}

fn open(value: PayloadRef<'_>) -> Result<Parts<'_>, RpcError> {
    let parts = if value.format.is_text() {
        Parts::of_json(value.bytes)
    } else {
        #[cfg(feature = "msgpack")]
        let parts = Parts::of_msgpack(value.bytes);
        #[cfg(not(feature = "msgpack"))]
        let parts = None;
        parts
    };
    parts.ok_or_else(|| RpcError::invalid_params("params cannot be read"))
}
