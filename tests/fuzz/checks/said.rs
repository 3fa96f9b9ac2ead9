//! [`Said`]: what a message says, without its frame, so that two messages can be compared.

use tinyrpc_core::{
    Answer, BatchPart, Decoder, Encoder, Format, FrameRef, Id, Invalid, Message, Payload, RpcError,
};

/// One message, or what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    Call { id: Option<Id<'static>>, method: String, params: Vec<u8> },
    Result { id: Id<'static>, bytes: Vec<u8> },
    Error { id: Id<'static>, code: i64, message: String, data: Option<Vec<u8>> },
    Batch(Vec<Self>),
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
            },
            Ok(Message::Response(response)) => {
                let id = response.id.into_owned();
                match response.outcome {
                    Ok(result) => Self::Result { id, bytes: result.bytes.to_vec() },
                    Err(error) => Self::error(id, &error),
                }
            }
            Ok(Message::Batch(members)) => Self::Batch(members.into_iter().map(Self::of).collect()),
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
            Self::Call { id, method, params } => {
                encoder.request(out, id.as_ref(), method, params).expect("it is sayable");
            }
            Self::Result { id, bytes } => {
                encoder.begin_result(out, id);
                out.extend_from_slice(bytes);
                encoder.end_result(out, id);
            }
            Self::Error { id, code, message, data } => {
                let mut error = RpcError::new(*code, message.clone());
                if let Some(data) = data {
                    error = error.with_payload(Payload { bytes: data.clone().into(), format });
                }
                encoder.error(out, id, &error);
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
            Self::Unknown | Self::Wrong { .. } => return false,
        }
        true
    }

    /// What is read from what [`Said::write`] wrote.
    pub(super) fn written(self, format: Format) -> Self {
        match self {
            // An array is all that stock peers take as params.
            Self::Call { id, method, params } if format == Format::MsgPack => {
                let params = match params.first() {
                    None => vec![0x90],
                    Some(0x90..=0x9f | 0xdc | 0xdd) => params,
                    Some(_) => [vec![0x91], params].concat(),
                };
                Self::Call { id, method, params }
            }
            Self::Batch(members) => {
                let sayable = |said: &Self| !matches!(said, Self::Unknown | Self::Wrong { .. });
                Self::Batch(members.into_iter().filter(sayable).collect())
            }
            other => other,
        }
    }
}
