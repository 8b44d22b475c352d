//! What comes from one client: bytes into frames, fragments into whole messages, all of it bounded.

use actix_http::ws::{Codec, Frame, Item, ProtocolError};
use actix_web::web;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio_util::codec::Decoder as _;

/// The longest command accepted: a subscription of some thousand tickers fits.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// One whole message of the client, or the end of what it says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    Text(Bytes),
    /// The exchange speaks text only.
    Binary,
    Ping(Bytes),
    Pong,
    /// The client closed in order.
    Close,
    /// The connection is gone.
    Gone,
    TooLarge,
    ProtocolError,
}

/// Reads the client's half of the connection.
pub(crate) struct Inbox {
    payload: web::Payload,
    buffer: BytesMut,
    codec: Codec,
    fragments: BytesMut,
    fragments_are_text: bool,
}

impl Inbox {
    pub(crate) fn new(payload: web::Payload) -> Self {
        Self {
            payload,
            buffer: BytesMut::new(),
            codec: Codec::new().max_size(MESSAGE_BYTES_MAX),
            fragments: BytesMut::new(),
            fragments_are_text: false,
        }
    }

    /// Waits for the next whole message. Dropping the future loses nothing: all progress is kept in `self`.
    pub(crate) async fn next(&mut self) -> Inbound {
        loop {
            match self.codec.decode(&mut self.buffer) {
                Ok(Some(frame)) => {
                    if let Some(message) = self.take(frame) {
                        return message;
                    }
                }
                Ok(None) => match self.payload.next().await {
                    Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                    Some(Err(_)) | None => return Inbound::Gone,
                },
                Err(ProtocolError::Overflow) => return Inbound::TooLarge,
                Err(_) => return Inbound::ProtocolError,
            }
        }
    }

    fn take(&mut self, frame: Frame) -> Option<Inbound> {
        match frame {
            Frame::Text(text) => Some(Inbound::Text(text)),
            Frame::Binary(_) => Some(Inbound::Binary),
            Frame::Ping(payload) => Some(Inbound::Ping(payload)),
            Frame::Pong(_) => Some(Inbound::Pong),
            Frame::Close(_) => Some(Inbound::Close),
            Frame::Continuation(Item::FirstText(part)) => self.begin(&part, true),
            Frame::Continuation(Item::FirstBinary(part)) => self.begin(&part, false),
            Frame::Continuation(Item::Continue(part)) => self.join(&part),
            Frame::Continuation(Item::Last(part)) => self.join(&part).or_else(|| {
                let whole = self.fragments.split().freeze();
                Some(if self.fragments_are_text { Inbound::Text(whole) } else { Inbound::Binary })
            }),
        }
    }

    fn begin(&mut self, part: &[u8], is_text: bool) -> Option<Inbound> {
        self.fragments.clear();
        self.fragments_are_text = is_text;
        self.join(part)
    }

    fn join(&mut self, part: &[u8]) -> Option<Inbound> {
        if self.fragments.len().saturating_add(part.len()) > MESSAGE_BYTES_MAX {
            return Some(Inbound::TooLarge);
        }
        self.fragments.extend_from_slice(part);
        None
    }
}
