//! `Reader`: from the params of a request to the arguments of a handler.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, SeqAccess, Visitor},
};
use tinyrpc_core::{FormatError, PayloadRef, Request, RpcError, format::Shape};

use super::{
    Fault, Rules, Slots,
    seed::{Collected, Form, Seed},
};

/// Reads the arguments of one method.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<A> {
    /// How many params a caller must give at least.
    required: usize,
    arguments: PhantomData<fn() -> A>,
}

impl<A: Slots> Reader<A> {
    pub(crate) fn new() -> Self {
        Self { required: A::required(), arguments: PhantomData }
    }

    /// The arguments of one request.
    ///
    /// # Errors
    ///
    /// Invalid params, with what is wrong and where.
    #[inline]
    pub(crate) fn read(&self, request: &Request<'_>, rules: Rules<'_>) -> Result<A, RpcError> {
        request.params.lend(|| self.read_lent(request, rules))
    }

    #[inline]
    fn read_lent(&self, request: &Request<'_>, rules: Rules<'_>) -> Result<A, RpcError> {
        // Most requests are like this. All others, and what is wrong with them, are seen by the
        // general way, which begins anew.
        let Request { params, named, .. } = *request;
        let lens = self.required..=A::COUNT;
        if named.is_none()
            && let Some(Some(arguments)) =
                params.format.decode_sequence(params.bytes, lens, || Plain(PhantomData))
        {
            return Ok(arguments);
        }
        self.read_any(request, rules)
    }

    /// The arguments in whatever form they come.
    #[inline(never)]
    fn read_any(&self, request: &Request<'_>, rules: Rules<'_>) -> Result<A, RpcError> {
        let collected = match self.form(request.params, rules) {
            Ok(Some(form)) => match decode(request.params, form, rules) {
                Ok(collected) => collected,
                Err(error) => self.read_wrapped(error, form, request.params, rules)?,
            },
            Ok(None) => Collected::default(),
            Err(fault) => return Err(self.describe(fault, rules)),
        };
        match request.named {
            None => self.take(collected, rules),
            Some(named) => self.read_mixed(collected, named, rules),
        }
    }

    /// In which form params came; `None` where there are none.
    #[inline]
    fn form(&self, params: PayloadRef<'_>, rules: Rules<'_>) -> Result<Option<Form>, Fault> {
        if params.is_absent() {
            return Ok(None);
        }
        match params.format.shape(params.bytes) {
            Shape::Sequence { len: Some(1) }
                if self.required > 1 && rules.names().is_some() && holds_map(params) =>
            {
                Ok(Some(Form::Wrapped))
            }
            Shape::Sequence { .. } => Ok(Some(Form::Positional)),
            Shape::Map { .. } if A::COUNT == 1 && rules.names().is_none() => Ok(Some(Form::Whole)),
            Shape::Map { .. } => Ok(Some(Form::Named)),
            Shape::Null => Ok(None),
            Shape::Scalar => Err(Fault::Scalar),
        }
    }

    #[inline]
    fn take(&self, collected: Collected<A>, rules: Rules<'_>) -> Result<A, RpcError> {
        match collected.fault {
            Some(fault) => Err(self.describe(*fault, rules)),
            None => A::take(collected.places).map_err(|fault| self.describe(fault, rules)),
        }
    }

    /// Positional params that do not fit may be named ones, in the way of MessagePack-RPC.
    #[cold]
    fn read_wrapped(
        &self,
        error: FormatError,
        form: Form,
        params: PayloadRef<'_>,
        rules: Rules<'_>,
    ) -> Result<Collected<A>, RpcError> {
        let named = rules.names().is_some() && holds_map(params) && count(params) == 1;
        if form == Form::Positional && named {
            match decode(params, Form::Wrapped, rules) {
                Ok(collected) if collected.is_foreign(rules) => {}
                Ok(collected) => return Ok(collected),
                Err(error) => return Err(invalid(error, Form::Wrapped)),
            }
        }
        match count(params) {
            found if form == Form::Positional && found > A::COUNT && !rules.ignores_more() => {
                Err(self.describe(Fault::TooMany { found }, rules))
            }
            _ => Err(invalid(error, form)),
        }
    }

    /// Positional params with named ones beside them, where a protocol has both.
    #[cold]
    fn read_mixed(
        &self,
        mut collected: Collected<A>,
        named: PayloadRef<'_>,
        rules: Rules<'_>,
    ) -> Result<A, RpcError> {
        if let Some(form) = self.form(named, rules).map_err(|fault| self.describe(fault, rules))? {
            let more: Collected<A> =
                decode(named, form, rules).map_err(|error| invalid(error, form))?;
            collected.fault = collected.fault.or(more.fault);
            if let Some(index) = A::merge(&mut collected.places, more.places) {
                collected.fault.get_or_insert_with(|| Box::new(Fault::Twice { index }));
            }
        }
        self.take(collected, rules)
    }

    #[cold]
    fn describe(&self, fault: Fault, rules: Rules<'_>) -> RpcError {
        fault.describe(rules.names(), A::COUNT, self.required)
    }
}

/// Decodes positional params that are all there.
struct Plain<A>(PhantomData<fn() -> A>);

impl<'de, A: Slots> Visitor<'de> for Plain<A> {
    type Value = Option<A>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params")
    }

    #[inline]
    fn visit_seq<S: SeqAccess<'de>>(self, mut params: S) -> Result<Option<A>, S::Error> {
        A::read(&mut params)
    }
}

#[inline]
fn decode<A: Slots>(
    params: PayloadRef<'_>,
    form: Form,
    rules: Rules<'_>,
) -> Result<Collected<A>, FormatError> {
    let params = if form == Form::Wrapped { element(params) } else { params };
    params.format.decode_seed(params.bytes, || Seed::new(form, rules))
}

#[cold]
fn invalid(error: FormatError, form: Form) -> RpcError {
    let root = if form == Form::Wrapped { "params[0]" } else { "params" };
    RpcError::invalid_params(error.under(root).to_string())
}

/// True where the first element of a sequence is a map.
#[inline]
fn holds_map(params: PayloadRef<'_>) -> bool {
    let element = element(params);
    matches!(element.format.shape(element.bytes), Shape::Map { .. })
}

/// The element of a sequence of one, or that and what follows it.
#[inline]
fn element(params: PayloadRef<'_>) -> PayloadRef<'_> {
    let bytes = match params.format.shape(params.bytes) {
        // A small number before the elements takes one byte.
        Shape::Sequence { len: Some(_) } => params.bytes.get(1..),
        // There are brackets around them.
        _ => params.bytes.trim_ascii().get(1..).and_then(|rest| rest.strip_suffix(b"]")),
    };
    PayloadRef { bytes: bytes.unwrap_or_default(), ..params }
}

/// How many elements a sequence has.
fn count(params: PayloadRef<'_>) -> usize {
    params.format.decode_seed(params.bytes, || Count).unwrap_or_default()
}

/// Counts the elements of a sequence.
struct Count;

impl<'de> DeserializeSeed<'de> for Count {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, params: D) -> Result<usize, D::Error> {
        params.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Count {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut params: S) -> Result<usize, S::Error> {
        let mut count = 0;
        while params.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}
