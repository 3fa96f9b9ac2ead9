//! The methods of `service.py`, served by us.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use futures_util::stream;
use serde_json::Value;
use tinyrpc::{Blob, Context, Dispatcher, RpcError, produce};
use tokio::sync::Notify;

use super::trials::{checksum, made};
use crate::service::{failure, service};

/// What the methods tell of each other.
#[derive(Clone, Default)]
struct State {
    /// Methods that have begun and not ended.
    alive: Arc<AtomicU32>,
    /// Values that the latest `endless` gave away.
    produced: Arc<AtomicU32>,
    released: Arc<Notify>,
}

/// A method that has begun and not ended.
struct Alive(Arc<AtomicU32>);

impl State {
    fn alive(&self) -> Alive {
        self.alive.fetch_add(1, SeqCst);
        Alive(Arc::clone(&self.alive))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// The methods that all peers are tried with, and those of streams.
pub(crate) fn served() -> Dispatcher {
    let state = State::default();
    up(&state, both(&state, down(&state, service())))
        .method("digest", |data: Blob| (data.len(), checksum(&data)))
        .method("make", |size: usize| Blob::from(made(size)))
        .method("remaining", |context: Context| {
            context.remaining().map(|left| left.as_millis() as u64)
        })
        .method("depth", |context: Context| context.depth())
}

fn down(state: &State, methods: Dispatcher) -> Dispatcher {
    let [numbers, blobs, broken, endless] = [(); 4].map(|()| state.clone());
    let (running, produced) = (Arc::clone(&state.alive), Arc::clone(&state.produced));
    methods
        .stream("numbers", move |n: u32| {
            let alive = numbers.alive();
            produce(move |out| async move {
                let _alive = alive;
                for value in 0..n {
                    out.send(value).await;
                }
                Ok::<_, RpcError>(())
            })
        })
        .stream("blobs", move |n: u8, size: usize| {
            let alive = blobs.alive();
            produce(move |out| async move {
                let _alive = alive;
                for value in 0..n {
                    out.send(Blob::from(vec![value; size])).await;
                }
                Ok::<_, RpcError>(())
            })
        })
        .stream("breaks", move |n: u32| {
            let alive = broken.alive();
            produce(move |out| async move {
                let _alive = alive;
                for value in 0..n {
                    out.send(value).await;
                }
                Err(failure())
            })
        })
        .stream("endless", move |size: usize| {
            let (alive, produced) = (endless.alive(), Arc::clone(&endless.produced));
            produced.store(0, SeqCst);
            // It is asked for a value when there is room for it.
            stream::repeat_with(move || {
                let _ = &alive;
                produced.fetch_add(1, SeqCst);
                Blob::from(vec![b'e'; size])
            })
        })
        .method("running", move || running.load(SeqCst))
        .method("sent", move || produced.load(SeqCst))
}

fn both(state: &State, methods: Dispatcher) -> Dispatcher {
    let [double, asked] = [(); 2].map(|()| state.clone());
    methods
        .stream("double", move |context: Context| {
            let (alive, mut values) = (double.alive(), context.input::<i64>());
            produce(move |out| async move {
                let _alive = alive;
                while let Some(value) = values.next().await {
                    out.send(2 * value?).await;
                }
                Ok::<_, RpcError>(())
            })
        })
        .stream("asked", move |context: Context, method: String, n: u32| {
            let alive = asked.alive();
            produce(move |out| async move {
                let _alive = alive;
                for value in 0..n {
                    let answer = context.peer().call::<_, Value>(&method, (value, value)).await;
                    out.send(answer.map_err(|error| RpcError::server(error.to_string()))?).await;
                }
                Ok::<_, RpcError>(())
            })
        })
}

fn up(state: &State, methods: Dispatcher) -> Dispatcher {
    let [sum, caught, first, hold, wait] = [(); 5].map(|()| state.clone());
    let released = Arc::clone(&state.released);
    methods
        .method("sum", move |context: Context| {
            let alive = sum.alive();
            async move {
                let (_alive, mut values, mut sum) = (alive, context.input::<i64>(), 0);
                while let Some(value) = values.next().await {
                    sum += value?;
                }
                Ok::<_, RpcError>(sum)
            }
        })
        .method("caught", move |context: Context| {
            let alive = caught.alive();
            async move {
                let (_alive, mut values, mut came) = (alive, context.input::<Value>(), 0);
                while let Some(value) = values.next().await {
                    match value {
                        Ok(_) => came += 1,
                        Err(error) => return (came, error.code.0, error.message.into_owned()),
                    }
                }
                (came, 0, String::new())
            }
        })
        .method("first", move |context: Context, n: usize| {
            let alive = first.alive();
            async move {
                let (_alive, mut values, mut read) = (alive, context.input::<Value>(), Vec::new());
                while read.len() < n
                    && let Some(value) = values.next().await
                {
                    read.push(value?);
                }
                Ok::<_, RpcError>(read)
            }
        })
        .method("hold", move |context: Context| {
            let (alive, released) = (hold.alive(), Arc::clone(&hold.released));
            async move {
                let (_alive, mut values, mut count) = (alive, context.input::<Value>(), 0);
                released.notified().await;
                while let Some(value) = values.next().await {
                    value?;
                    count += 1;
                }
                Ok::<_, RpcError>(count)
            }
        })
        .method("release", move || released.notify_one())
        .method("wait", move || {
            let alive = wait.alive();
            async move {
                let _alive = alive;
                std::future::pending::<()>().await;
            }
        })
}
