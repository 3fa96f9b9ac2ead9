//! `Scenario`: one server after the other, until enough calls were made over short connections.

use std::sync::Arc;

use crate::{
    check::Tally,
    era::Era,
    link::{Link, Wire},
    pace::Pace,
    seed::{Chance, Seed},
};

/// One row of the table: a protocol over a link.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) seed: Seed,
    pub(crate) wire: Wire,
    pub(crate) link: Arc<dyn Link>,
    /// How many calls to make, at least.
    pub(crate) calls: usize,
}

impl Scenario {
    /// Runs it, and says what its calls came to.
    pub(crate) async fn run(self) -> Tally {
        let mut rng = self.seed.rng();
        let mut total = Tally::default();
        let mut number = 0;
        while total.calls < self.calls {
            let left = (self.calls - total.calls).min(CALLS_OF_A_SERVER);
            let want = left.min(CALLS_OF_A_SERVER / 16 + rng.spread(left as u64) as usize);
            number += 1;
            let era = Era::open(&self, number, &mut rng).await;
            total.add(&era.live(want, &mut rng).await);
        }
        Seed::say(&format!("chaos: {}: {number} servers, {total}", self.name));
        total
    }

    pub(crate) fn pace(&self) -> &'static Pace {
        self.link.pace()
    }
}

/// Books of this size are looked through in no time.
const CALLS_OF_A_SERVER: usize = 20_000;
