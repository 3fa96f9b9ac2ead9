//! `Line`: what the calls of one side have to know of their connection.

use crate::{Lane, Role, Settings, Shape};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) shape: Shape,
    /// This side can call.
    pub(crate) can_call: bool,
    /// Messages may be lost without anybody knowing.
    pub(crate) is_lossy: bool,
    /// Over exchanges: calls can stream.
    pub(crate) streams: bool,
    /// Over exchanges: calls of ours may be answered by streams, and nothing else is said about
    /// them.
    pub(crate) takes_streams: bool,
    /// The number before that of the first exchange.
    pub(crate) first_lane: u64,
}

impl Line {
    /// Messages both ways, and nothing else.
    pub(crate) const DUPLEX: Self = Self {
        shape: Shape::Messages,
        can_call: true,
        is_lossy: false,
        streams: false,
        takes_streams: false,
        first_lane: 0,
    };

    pub(crate) fn of(settings: &Settings) -> Self {
        let &Settings { role, shape, is_lossy, calls_back, streams, takes_streams, .. } = settings;
        let serves = role == Role::Server;
        let can_call = !serves
            || match shape {
                Shape::Exchange => calls_back,
                Shape::OneWay => false,
                Shape::Stream | Shape::Messages => true,
            };
        let first_lane = if serves { Lane::BACK.0 } else { 0 };
        let streams = streams && shape == Shape::Exchange && !is_lossy;
        let takes_streams = takes_streams && shape == Shape::Exchange;
        Self { shape, can_call, is_lossy, streams, takes_streams, first_lane }
    }

    /// Messages go both ways, in order, and none is lost.
    pub(crate) fn is_duplex(&self) -> bool {
        matches!(self.shape, Shape::Stream | Shape::Messages) && !self.is_lossy
    }
}
