//! `Identity`: who a peer has proved to be.

use std::{any::Any, fmt, sync::Arc};

/// A name, and whatever else a program knows about its owner. Cheap to clone.
///
/// It is given by whoever authenticates peers, and found by handlers in their
/// [`Context`](crate::Context).
///
/// ```
/// use tinyrpc_dispatch::Identity;
///
/// struct Rights { may_write: bool }
///
/// let alice = Identity::new("alice").with_data(Rights { may_write: true });
/// assert_eq!(alice.name(), "alice");
/// assert!(alice.data::<Rights>().is_some_and(|rights| rights.may_write));
/// ```
#[derive(Clone)]
pub struct Identity {
    name: Arc<str>,
    data: Option<Arc<dyn Any + Send + Sync>>,
}

impl Identity {
    /// An identity with nothing but a name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), data: None }
    }

    /// The same with a value, such as rights.
    pub fn with_data<T: Any + Send + Sync>(self, data: T) -> Self {
        Self { data: Some(Arc::new(data)), ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, if it is of type `T`.
    pub fn data<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.data.as_deref()?.downcast_ref()
    }
}

impl From<&str> for Identity {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Identity {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.name).finish()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
