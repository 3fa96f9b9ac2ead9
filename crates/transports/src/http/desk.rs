//! `Desk`: where requests of one connection are handed over, and where their answers are found.
//!
//! One task polls all that share it, so its lock is never waited for.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::HeaderMap;
use tinyrpc_core::{Ended, Frame, Headers, Hint, Incoming, Lane};

use super::{
    Form, Media,
    flow::{Flow, Flowing},
    headers::text_of,
};

#[derive(Debug, Default)]
pub(crate) struct Desk {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_lane: u64,
    /// Requests that are being read, executed or answered; over HTTP/1 it is one at most.
    busy: usize,
    arrived: Option<Frame>,
    /// The headers of the request that is executed.
    headers: HeaderMap,
    /// Nobody waits for the answer on this lane any more.
    hung_up: Option<Lane>,
    answer: Option<Answer>,
    /// The frame of an answer whose lane has not ended.
    body: Option<(Lane, Bytes)>,
    /// The answer to a request that takes several messages.
    flow: Option<Flow>,
    stage: Stage,
}

/// What has become of the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing yet: it may still become a WebSocket.
    #[default]
    Open,
    /// A connection of exchanges.
    Exchanges,
    /// A WebSocket, with the subprotocol that was agreed on.
    #[cfg(feature = "ws")]
    Socket(Option<std::sync::Arc<str>>),
}

/// What a lane ended with.
#[derive(Debug)]
pub(crate) struct Answer {
    lane: Lane,
    pub(crate) how: Ended,
    pub(crate) body: Option<Bytes>,
    /// How the messages stand in the body, where there may be several.
    pub(crate) form: Option<Form>,
}

/// What is known of an answer when something of it is.
#[derive(Debug)]
pub(crate) enum Found {
    /// All of it.
    Whole(Answer),
    /// It began, in this form.
    Begun(Form),
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request begins.
    pub(crate) fn enter(&self) {
        self.lock().busy += 1;
    }

    /// A request is over.
    pub(crate) fn leave(&self) {
        self.lock().busy -= 1;
    }

    /// True while a request is being read, executed or answered.
    pub(crate) fn is_busy(&self) -> bool {
        self.lock().busy > 0
    }

    /// Hands a message over; gives the lane on which its answer will come.
    pub(crate) fn arrive(
        &self,
        bytes: Bytes,
        media: Media,
        form: Option<Form>,
        headers: HeaderMap,
    ) -> Lane {
        let mut state = self.lock();
        state.last_lane += 1;
        let lane = Lane(state.last_lane);
        state.flow = form.filter(|_| Form::suits(&bytes)).map(|form| Flow::new(lane, form));
        let hint = if state.flow.is_some() { Hint::Streams } else { media.hint() };
        state.arrived = Some(Frame { lane, bytes, hint });
        state.headers = headers;
        if state.stage == Stage::Open {
            state.stage = Stage::Exchanges;
        }
        lane
    }

    /// True when a message waits to be taken.
    pub(crate) fn has_arrived(&self) -> bool {
        self.lock().arrived.is_some()
    }

    /// What has become of the connection.
    pub(crate) fn stage(&self) -> Stage {
        self.lock().stage.clone()
    }

    /// The connection becomes a WebSocket, behind the answer to the request that asks for it.
    #[cfg(feature = "ws")]
    pub(crate) fn become_socket(
        &self,
        subprotocol: Option<std::sync::Arc<str>>,
        headers: HeaderMap,
    ) {
        let mut state = self.lock();
        state.stage = Stage::Socket(subprotocol);
        state.headers = headers;
    }

    /// The headers of the handshake that made a WebSocket of the connection.
    #[cfg(feature = "ws")]
    pub(crate) fn take_headers(&self) -> HeaderMap {
        std::mem::take(&mut self.lock().headers)
    }

    /// Moves what waits into `into`; false where nothing does.
    pub(crate) fn take_arrived(&self, into: &mut Incoming) -> bool {
        let mut state = self.lock();
        let (hung_up, arrived) = (state.hung_up.take(), state.arrived.take());
        drop(state);
        let any = hung_up.is_some() || arrived.is_some();
        hung_up.into_iter().for_each(|lane| into.close_lane(lane));
        arrived.into_iter().for_each(|frame| into.push(frame));
        any
    }

    /// Whoever waited on a lane is gone.
    pub(crate) fn hang_up(&self, lane: Lane) {
        let mut state = self.lock();
        state.flow.take_if(|flow| flow.lane == lane);
        if state.arrived.take_if(|frame| frame.lane == lane).is_none() {
            state.hung_up = Some(lane);
        }
    }

    /// False while a body has more to take than should wait for it: what comes next stays in the
    /// queue.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().flow.as_ref().is_none_or(Flow::has_room)
    }

    /// A frame of an answer; its lane ends next, or it is one of several. True where it can be taken
    /// at once.
    pub(crate) fn write(&self, frame: Frame) -> bool {
        let mut state = self.lock();
        match &mut state.flow {
            Some(flow) if flow.lane == frame.lane => {
                flow.push(frame.bytes);
                true
            }
            _ => {
                state.body = Some((frame.lane, frame.bytes));
                false
            }
        }
    }

    /// A lane ended: its answer is complete.
    pub(crate) fn end(&self, lane: Lane, how: Ended) {
        let mut state = self.lock();
        if let Some(flow) = &mut state.flow
            && flow.lane == lane
        {
            return flow.end(how);
        }
        let body = state.body.take_if(|(written, _)| *written == lane).map(|(_, bytes)| bytes);
        state.answer = Some(Answer { lane, how, body, form: None });
    }

    /// No answer will come any more: whoever waits for one is told.
    pub(crate) fn give_up(&self) {
        let mut state = self.lock();
        if state.busy > 0 && state.answer.is_none() {
            let lane = Lane(state.last_lane);
            // What nobody has taken is certainly not executed.
            let taken = state.arrived.take().is_none();
            let how = if taken { Ended::Abandoned } else { Ended::Refused };
            match &mut state.flow {
                Some(flow) => flow.end(how),
                None => state.answer = Some(Answer { lane, how, body: None, form: None }),
            }
        }
    }

    /// The answer on a lane, once something of it is there.
    pub(crate) fn take_answer(&self, lane: Lane) -> Option<Found> {
        let mut state = self.lock();
        let Some(flow) = state.flow.as_mut().filter(|flow| flow.lane == lane) else {
            return state.answer.take_if(|answer| answer.lane == lane).map(Found::Whole);
        };
        let (form, ended) = (flow.form, flow.ended());
        let Some(how) = ended else { return flow.has_begun().then_some(Found::Begun(form)) };
        let body = match how {
            Ended::Answered => match flow.take() {
                Ok(Flowing::Some(body)) => Some(body),
                _ => None,
            },
            // A part of an answer says nothing.
            Ended::Abandoned => None,
            _ => flow.take_plain(),
        };
        state.flow = None;
        let form = (how == Ended::Answered).then_some(form);
        Some(Found::Whole(Answer { lane, how, body, form }))
    }

    /// What there is of an answer that has begun.
    ///
    /// # Errors
    ///
    /// It will never be complete.
    pub(crate) fn take_flowing(&self, lane: Lane) -> io::Result<Flowing> {
        let mut state = self.lock();
        let flow = state.flow.as_mut().filter(|flow| flow.lane == lane);
        let flowing = flow.map_or(Ok(Flowing::End), Flow::take);
        if matches!(flowing, Ok(Flowing::End) | Err(_)) {
            state.flow = None;
        }
        flowing
    }
}

impl Headers for Desk {
    fn get(&self, lane: Lane, name: &str) -> Option<String> {
        let state = self.lock();
        // Over HTTP/1 there is one request at a time.
        if state.last_lane == lane.0 { text_of(&state.headers, name) } else { None }
    }
}
