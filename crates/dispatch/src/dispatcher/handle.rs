//! `DispatcherHandle`: changes methods while they are served.

use std::{fmt, sync::Arc};

use super::Shared;
use crate::Handler;

/// Adds and removes methods of a dispatcher that is being served. Cheap to clone.
///
/// From the first change on, every call takes a lock for its look at the methods (about 10 ns);
/// handlers never run under it.
///
/// ```
/// use tinyrpc_dispatch::Dispatcher;
///
/// let dispatcher = Dispatcher::new().method("ping", || "pong");
/// let handle = dispatcher.handle();
/// handle.try_insert("add", |a: i64, b: i64| a + b)?;
/// assert_eq!(handle.names(), ["add", "ping"]);
/// assert!(handle.try_insert("ping", || "again").is_err());
/// assert!(handle.remove("ping"));
/// # Ok::<_, tinyrpc_dispatch::NameTaken>(())
/// ```
#[derive(Clone)]
pub struct DispatcherHandle {
    shared: Arc<Shared>,
}

/// There is a method under this name already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTaken {
    /// The name.
    pub name: String,
}

impl DispatcherHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Adds a method: a function or closure, or a [`Method`](crate::Method) where its params have
    /// names.
    ///
    /// # Errors
    ///
    /// The name is taken.
    ///
    /// # Panics
    ///
    /// When the handler returns a `Result` whose error cannot travel.
    #[track_caller]
    pub fn try_insert<Marker>(
        &self,
        name: &str,
        handler: impl Handler<Marker>,
    ) -> Result<(), NameTaken> {
        let method = Arc::new(handler.into_method());
        // The handler is dropped behind the lock where it cannot be added.
        let added = self.shared.change(|table| table.insert(name, method));
        added.map_err(|_| NameTaken { name: name.to_owned() })
    }

    /// Removes a method; false where there was none. Calls that go on are not disturbed.
    ///
    /// What the handler holds is dropped when the last of them ended, or with the dispatcher where
    /// the method was there before it was served.
    pub fn remove(&self, name: &str) -> bool {
        let removed = self.shared.change(|table| table.remove(name));
        removed.is_some()
    }

    /// The names of all methods, nested services excepted.
    pub fn names(&self) -> Vec<String> {
        self.shared.look(|table| table.names())
    }
}

impl fmt::Display for NameTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is a method `{}` already", self.name)
    }
}

impl std::error::Error for NameTaken {}

impl fmt::Debug for DispatcherHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatcherHandle").field("methods", &self.names()).finish()
    }
}
