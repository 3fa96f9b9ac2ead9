//! [`Said`]: what a message says, without its frame, so that two messages can be compared.

use tinyrpc_core::{
    Allowance, Answer, BatchPart, Chunk, Credit, Decoder, Encoder, Format, FrameRef, Id, Invalid,
    Message, Meta, Payload, RpcError, StreamEnd, StreamItem, Way,
};

/// One message, or what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    Call { id: Option<Id<'static>>, method: String, params: Vec<u8>, meta: Meta },
    Result { id: Id<'static>, bytes: Vec<u8> },
    Error { id: Id<'static>, code: i64, message: String, data: Option<Vec<u8>> },
    Batch(Vec<Self>),
    Item { id: Id<'static>, way: Way, value: Payload },
    End { id: Id<'static>, error: Option<Box<Self>> },
    Credit { id: Id<'static>, way: Way, more: Allowance },
    Stop(Id<'static>),
    Cancel(Id<'static>),
    Chunk { message: u32, last: bool, bytes: Vec<u8> },
    Window(u32),
    Unknown,
    Wrong { code: i64, message: String, answer: Answered },
}

/// How a message that is none is answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answered {
    Error(Id<'static>),
    Close(Id<'static>),
    Nothing,
}

impl Said {
    /// Decodes a frame.
    pub(super) fn read(decoder: &mut dyn Decoder, frame: FrameRef<'_>) -> Self {
        Self::of(decoder.decode(frame))
    }

    fn of(decoded: Result<Message<'_>, Invalid<'_>>) -> Self {
        match decoded {
            Ok(Message::Request(request)) => Self::Call {
                id: request.id.map(Id::into_owned),
                method: request.method.into_owned(),
                params: request.params.bytes.to_vec(),
                meta: request.meta.map(|meta| *meta).unwrap_or_default(),
            },
            Ok(Message::Response(response)) => {
                let id = response.id.into_owned();
                match response.outcome {
                    Ok(result) => Self::Result { id, bytes: result.bytes.to_vec() },
                    Err(error) => Self::error(id, &error),
                }
            }
            Ok(Message::Batch(members)) => Self::Batch(members.into_iter().map(Self::of).collect()),
            Ok(Message::StreamItem(StreamItem { id, way, value, .. })) => {
                Self::Item { id: id.into_owned(), way, value: value.to_payload() }
            }
            Ok(Message::StreamEnd(StreamEnd { id, way: Way::ToCallee, outcome, .. })) => {
                let id = id.into_owned();
                let error = outcome.err().map(|error| Box::new(Self::error(id.clone(), &error)));
                Self::End { id, error }
            }
            Ok(Message::Credit(Credit { id, way, more, .. })) => {
                Self::Credit { id: id.into_owned(), way, more }
            }
            Ok(Message::Stop(id)) => Self::Stop(id.into_owned()),
            Ok(Message::Cancel(id)) => Self::Cancel(id.into_owned()),
            Ok(Message::Chunk(Chunk { message, last, bytes })) => {
                Self::Chunk { message, last, bytes: bytes.into_owned() }
            }
            Ok(Message::Window(amount)) => Self::Window(amount),
            Ok(Message::Unknown) => Self::Unknown,
            Ok(other) => panic!("neither protocol can say {other:?}"),
            Err(Invalid { error, answer }) => Self::Wrong {
                code: error.code.0,
                message: error.message.into_owned(),
                answer: match answer {
                    Answer::Error(id) => Answered::Error(id.into_owned()),
                    Answer::Close(id) => Answered::Close(id.into_owned()),
                    Answer::Nothing => Answered::Nothing,
                    other => panic!("no answer of ours: {other:?}"),
                },
            },
        }
    }

    fn error(id: Id<'static>, error: &RpcError) -> Self {
        let data = error.payload().map(|data| data.bytes.to_vec());
        Self::Error { id, code: error.code.0, message: error.message.clone().into_owned(), data }
    }

    /// Appends the message in the words of an encoder; false for what nobody would send.
    pub(super) fn write(&self, encoder: &dyn Encoder, format: Format, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Call { id, method, params, meta } => {
                let id = id.as_ref();
                encoder.request_with(out, id, method, params, meta).expect("it is sayable");
            }
            Self::Result { id, bytes } => {
                encoder.begin_result(out, id);
                out.extend_from_slice(bytes);
                encoder.end_result(out, id);
            }
            Self::Error { id, .. } => {
                encoder.error(out, id, &self.to_error(format));
            }
            Self::Batch(members) => {
                encoder.batch(out, BatchPart::Begin);
                let mut any = false;
                for member in members {
                    let mut text = Vec::new();
                    if !member.write(encoder, format, &mut text) {
                        continue;
                    }
                    if std::mem::replace(&mut any, true) {
                        encoder.batch(out, BatchPart::Between);
                    }
                    out.extend(text);
                }
                encoder.batch(out, BatchPart::End);
                return any;
            }
            Self::Item { id, way, value } => {
                let (id, way, value) = (id.clone(), *way, value.as_ref());
                let item = StreamItem { id, way, value, meta: None };
                say(encoder, out, &Message::StreamItem(item));
            }
            Self::End { id, error } => {
                let outcome = error.as_ref().map_or(Ok(()), |said| Err(said.to_error(format)));
                let end = StreamEnd { id: id.clone(), way: Way::ToCallee, outcome, meta: None };
                say(encoder, out, &Message::StreamEnd(end));
            }
            Self::Credit { id, way, more } => {
                let credit = Credit { id: id.clone(), way: *way, more: *more, meta: None };
                say(encoder, out, &Message::Credit(credit));
            }
            Self::Stop(id) => say(encoder, out, &Message::Stop(id.clone())),
            Self::Cancel(id) => say(encoder, out, &Message::Cancel(id.clone())),
            Self::Chunk { message, last, bytes } => {
                let chunk = Chunk { message: *message, last: *last, bytes: bytes.into() };
                say(encoder, out, &Message::Chunk(chunk));
            }
            Self::Window(amount) => say(encoder, out, &Message::Window(*amount)),
            Self::Unknown | Self::Wrong { .. } => return false,
        }
        true
    }

    fn to_error(&self, format: Format) -> RpcError {
        let Self::Error { code, message, data, .. } = self else { panic!("no error: {self:?}") };
        let error = RpcError::new(*code, message.clone());
        match data {
            Some(data) => error.with_payload(Payload { bytes: data.clone().into(), format }),
            None => error,
        }
    }

    /// What is read from what [`Said::write`] wrote.
    pub(super) fn written(self, format: Format) -> Self {
        match self {
            // An array is all that stock peers take as params.
            Self::Call { id, method, params, meta } if format == Format::MsgPack => {
                let params = match params.first() {
                    None => vec![0x90],
                    Some(0x90..=0x9f | 0xdc | 0xdd) => params,
                    Some(_) => [vec![0x91], params].concat(),
                };
                Self::Call { id, method, params, meta }
            }
            Self::Batch(members) => {
                let sayable = |said: &Self| !matches!(said, Self::Unknown | Self::Wrong { .. });
                Self::Batch(members.into_iter().filter(sayable).collect())
            }
            other => other,
        }
    }
}

fn say(encoder: &dyn Encoder, out: &mut Vec<u8>, message: &Message<'_>) {
    encoder.message(out, message).expect("it is sayable");
}
