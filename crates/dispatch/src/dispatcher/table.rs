//! `Table`: methods by their names, and the services for everything else.

use std::sync::Arc;

use super::nest::Nest;
use crate::Method;

/// Methods, sorted so that a search compares numbers.
///
/// For the methods that a service has this is faster than a hash that withstands floods of chosen
/// names, and it has no worst case that a peer could choose.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// INVARIANT: sorted by key, then by name.
    entries: Vec<Entry>,
    nests: Arc<Vec<Nest>>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: u64,
    name: Arc<str>,
    method: Arc<Method>,
}

impl Table {
    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<&Arc<Method>> {
        let place = self.place(name).ok()?;
        self.entries.get(place).map(|entry| &entry.method)
    }

    /// Adds a method, or gives it back where the name is taken.
    pub(super) fn insert(&mut self, name: &str, method: Arc<Method>) -> Result<(), Arc<Method>> {
        match self.place(name) {
            Ok(_) => Err(method),
            Err(place) => {
                let entry = Entry { key: key(name), name: name.into(), method };
                self.entries.insert(place, entry);
                Ok(())
            }
        }
    }

    /// Takes a method out.
    pub(super) fn remove(&mut self, name: &str) -> Option<Arc<Method>> {
        let place = self.place(name).ok()?;
        Some(self.entries.remove(place).method)
    }

    /// All names, in alphabetical order.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.entries.iter().map(|entry| entry.name.to_string()).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn nests(&self) -> &Arc<Vec<Nest>> {
        &self.nests
    }

    pub(super) fn push_nest(&mut self, nest: Nest) {
        Arc::make_mut(&mut self.nests).push(nest);
    }

    /// Where the name is, or where it belongs.
    #[inline]
    fn place(&self, name: &str) -> Result<usize, usize> {
        let wanted = key(name);
        self.entries.binary_search_by(|entry| {
            entry.key.cmp(&wanted).then_with(|| entry.name.as_bytes().cmp(name.as_bytes()))
        })
    }
}

/// The length of a name and its last seven bytes, in which names differ most: it settles nearly
/// every comparison.
#[inline]
fn key(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let tail = match bytes.last_chunk::<8>() {
        Some(tail) => u64::from_le_bytes(*tail) >> 8,
        None => bytes.iter().fold(0, |tail, byte| tail << 8 | u64::from(*byte)),
    };
    (bytes.len() as u64) << 56 | tail
}
