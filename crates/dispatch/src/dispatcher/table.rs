//! `Table`: methods sorted by their names, and the services for everything else.

use std::{cmp::Ordering, sync::Arc};

use super::nest::Nest;
use crate::Method;

/// Methods by name.
///
/// Sorted by the length of the name and then by the name: comparing lengths settles most steps of a
/// search. For the few methods that a service has this is several times faster than a hash that
/// withstands floods of chosen names, and it has no worst case that a peer could choose.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    methods: Vec<(Arc<str>, Arc<Method>)>,
    nests: Arc<Vec<Nest>>,
}

impl Table {
    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<&Arc<Method>> {
        let place = self.place(name).ok()?;
        self.methods.get(place).map(|(_, method)| method)
    }

    /// Adds a method, or gives it back where the name is taken.
    pub(super) fn insert(&mut self, name: &str, method: Arc<Method>) -> Result<(), Arc<Method>> {
        match self.place(name) {
            Ok(_) => Err(method),
            Err(place) => {
                self.methods.insert(place, (name.into(), method));
                Ok(())
            }
        }
    }

    /// Takes a method out.
    pub(super) fn remove(&mut self, name: &str) -> Option<Arc<Method>> {
        let place = self.place(name).ok()?;
        Some(self.methods.remove(place).1)
    }

    /// All names, in alphabetical order.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.methods.iter().map(|(name, _)| name.to_string()).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn nests(&self) -> &Arc<Vec<Nest>> {
        &self.nests
    }

    pub(super) fn push_nest(&mut self, nest: Nest) {
        Arc::make_mut(&mut self.nests).push(nest);
    }

    #[inline]
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.methods.binary_search_by(|(known, _)| order(known, name))
    }
}

#[inline]
fn order(known: &str, name: &str) -> Ordering {
    known.len().cmp(&name.len()).then_with(|| known.cmp(name))
}
