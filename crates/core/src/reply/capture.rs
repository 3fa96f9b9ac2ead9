//! An answer as a value in place of bytes for the wire.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Member, ReplyTo};
use crate::{Encoder, Format, Id, Payload, Profile, RpcError, Shape, Unsupported, wire::Wire};

impl ReplyTo<'_> {
    /// Runs `write` and gives what it answered, encoded in `format`.
    ///
    /// For layers and adapters that begin a request away from its connection. A notification,
    /// which has no id, is answered with nothing.
    ///
    /// # Errors
    ///
    /// The error that was answered.
    pub fn capture(
        format: Format,
        id: Option<&Id<'_>>,
        write: impl FnOnce(&mut ReplyTo<'_>),
    ) -> Result<Payload, RpcError> {
        let encoder = Arc::new(Bare::default());
        let wire = Wire {
            encoder: Arc::clone(&encoder) as Arc<dyn Encoder>,
            framing: None,
            profile: Profile::new(format),
            shape: Shape::Exchange,
            // The limits of the connection come later, when the answer is sent.
            max_message: usize::MAX,
            most: Arc::default(),
        };
        let mut answer = Vec::new();
        write(&mut ReplyTo::new(&wire, &mut answer, id, Member::Frame));
        match encoder.error().take() {
            Some(error) => Err(error),
            None => Ok(Payload { bytes: answer.into(), format }),
        }
    }
}

/// An envelope that is empty: a result is its own encoding, an error stays here.
#[derive(Debug, Default)]
struct Bare(Mutex<Option<RpcError>>);

impl Bare {
    fn error(&self) -> MutexGuard<'_, Option<RpcError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Encoder for Bare {
    fn request(
        &self,
        _out: &mut Vec<u8>,
        _id: Option<&Id<'_>>,
        _method: &str,
        _params: &[u8],
    ) -> Result<(), Unsupported> {
        Err(Unsupported { who: "a captured answer", what: "make calls" })
    }

    fn begin_result(&self, _out: &mut Vec<u8>, _id: &Id<'_>) {
        self.error().take();
    }

    fn error(&self, _out: &mut Vec<u8>, _id: &Id<'_>, error: &RpcError) {
        *Self::error(self) = Some(error.clone());
    }
}
