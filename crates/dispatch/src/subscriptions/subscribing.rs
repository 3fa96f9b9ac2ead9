//! Methods that subscribe: `Now` gives its stream at once, `Later` when its future is done.

use std::{future::Future, marker::PhantomData, sync::Arc};

use tinyrpc_core::{Code, Error, Payload, Reason, ReplyTo, RpcError, SubscriptionId};

use super::{
    Channel, Source,
    outlet::Outlet,
    pump::pump,
    table::{Place, Subscriptions},
};
use crate::{
    Arguments, Invocation, Scope, Started,
    arguments::{Reader, Rules},
    cancels::Cancels,
    fail,
    handler::{Function, Surroundings},
    method::Erased,
};

/// A plain function that gives a stream.
pub(super) struct Now<F, C, K, A> {
    function: F,
    reader: Reader<A>,
    channel: Arc<Channel>,
    kind: PhantomData<fn() -> (C, K)>,
}

/// An async function that gives one.
pub(super) struct Later<F, C, K, A> {
    now: Now<F, C, K, A>,
}

/// A subscription whose handler has not given its stream.
struct Opening {
    place: Place,
    scope: Arc<Scope>,
    channel: Arc<Channel>,
    number: u64,
}

impl<F, C, K, A: Arguments> Now<F, C, K, A> {
    pub(super) fn new(function: F, channel: Arc<Channel>) -> Self {
        Self { function, reader: Reader::new(), channel, kind: PhantomData }
    }
}

impl<F, C, K, A: Arguments> Later<F, C, K, A> {
    pub(super) fn new(function: F, channel: Arc<Channel>) -> Self {
        Self { now: Now::new(function, channel) }
    }
}

impl Opening {
    /// Takes a place, where the peer can have a subscription.
    fn new(
        invocation: &Invocation<'_, '_>,
        channel: &Arc<Channel>,
        reply: &ReplyTo<'_>,
    ) -> Result<Self, RpcError> {
        let scope = invocation.scope;
        if reply.is_notification() {
            let why = "a subscription needs a request: the answer is its id";
            return Err(RpcError::new(Code::INVALID_REQUEST, why));
        }
        if let Err(Error::NotExecuted(Reason::Unsupported(missing))) = scope.caller.can_call() {
            let why = format!("no subscriptions here, which come as notifications: {missing}");
            return Err(RpcError::new(Code::METHOD_NOT_FOUND, why));
        }
        let most = scope.caller.limits().max_subscriptions;
        let place = Subscriptions::reserve(&scope.subscriptions, most)
            .map_err(|reached| RpcError::refused(format!("too many subscriptions: {reached}")))?;
        Ok(Self {
            place,
            scope: Arc::clone(scope),
            channel: Arc::clone(channel),
            number: invocation.number,
        })
    }

    /// Makes the subscription of what the handler gave.
    fn open<S: Source<K>, K>(self, source: S) -> Result<SubscriptionId, RpcError> {
        let Self { place, scope, channel, number } = self;
        let stream = source.into_stream()?;
        let id = place.fill(number, &channel, |id, place| {
            let outlet = Outlet::new(&scope.caller, &channel, id);
            Box::pin(pump::<_, S::Items>(stream, outlet, place))
        });
        // The handler may run in a task, and whoever drives the connection sleep.
        scope.caller.wake_driver();
        Ok(id)
    }
}

impl<F, C, K, A> Erased for Now<F, C, K, A>
where
    F: Function<C, A, Output: Source<K>>,
    C: Surroundings,
    A: Arguments,
{
    fn arity(&self) -> usize {
        A::COUNT
    }

    fn is_plain(&self) -> bool {
        true
    }

    fn channel(&self) -> Option<&Channel> {
        Some(&self.channel)
    }

    fn begin(
        &self,
        rules: Rules<'_>,
        invocation: &mut Invocation<'_, '_>,
        reply: &mut ReplyTo<'_>,
    ) -> Started {
        let opened = Opening::new(invocation, &self.channel, reply).and_then(|opening| {
            let arguments = self.reader.read(invocation.request, rules)?;
            opening.open(self.function.call(C::give(invocation), arguments))
        });
        let begun = opened.map(|id| {
            reply.result(&id);
            Started::Done
        });
        fail::begun(reply, begun)
    }
}

impl<F, C, K, A, T> Erased for Later<F, C, K, A>
where
    F: Function<C, A, Output: Future<Output = T> + Send + 'static>,
    C: Surroundings,
    K: 'static,
    A: Arguments,
    T: Source<K>,
{
    fn arity(&self) -> usize {
        A::COUNT
    }

    fn is_plain(&self) -> bool {
        false
    }

    fn channel(&self) -> Option<&Channel> {
        Some(&self.now.channel)
    }

    fn begin(
        &self,
        rules: Rules<'_>,
        invocation: &mut Invocation<'_, '_>,
        reply: &mut ReplyTo<'_>,
    ) -> Started {
        let now = &self.now;
        let begun = Opening::new(invocation, &now.channel, reply).and_then(|opening| {
            let arguments = now.reader.read(invocation.request, rules)?;
            let given = C::give(invocation);
            let future = now.function.call(given.clone(), arguments);
            let cancels = Cancels::<C>::new(given);
            let format = reply.format();
            Ok(Started::Pending(Box::pin(async move {
                let source = future.await;
                cancels.disarm();
                let id = opening.open(source)?;
                Payload::encode(&id, format).map_err(RpcError::internal)
            })))
        });
        fail::begun(reply, begun)
    }
}
