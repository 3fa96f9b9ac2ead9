//! `Digests`: whom a secret belongs to, without the secret.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tinyrpc_dispatch::Identity;

/// Digests of secrets, each with its owner.
#[derive(Clone, Default)]
pub(super) struct Digests {
    known: Vec<([u8; 32], Identity)>,
}

impl Digests {
    pub(super) fn add(&mut self, secret: &str, owner: Identity) {
        self.known.push((digest(secret), owner));
    }

    /// Whose secret it is. All are compared, in a time that does not depend on what is in them.
    pub(super) fn find(&self, secret: &str) -> Option<Identity> {
        let told = digest(secret);
        let mut found = None;
        for (known, owner) in &self.known {
            if bool::from(known.ct_eq(&told)) {
                found = Some(owner.clone());
            }
        }
        found
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owners = self.known.iter().map(|(_, owner)| owner);
        f.debug_list().entries(owners).finish()
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}
