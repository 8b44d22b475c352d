//! One client's session. The only file that uses actix-web-actors, which is deprecated upstream.
//!
//! Frames come from the hub by the outbox, all that waits at each wake-up, and are passed on unread. While the client does
//! not read, this actor is not polled: the outbox bounds what waits, the hub ends it, and the socket's own timeout frees it.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_http::ws::Item;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{
    CloseCode, CloseReason, Message, ProtocolError, WebsocketContext, WsResponseBuilder,
};

use outrigger_engine::actors::ClientLink;
use outrigger_engine::domain::Monotonic;
use outrigger_engine::stream::Taken;

use super::protocol::{self, Asked, Joiner, Limits, Said};
use crate::api::ports::Principal;
use crate::api::problem::{self, Problem};
use crate::api::state::ApiState;

const PING_EVERY: Duration = Duration::from_millis(protocol::PING_EVERY_MS);
/// How long a client has to answer a close before the socket is dropped.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// `GET /v1/stream`
pub(crate) async fn upgrade(
    state: web::Data<ApiState>,
    req: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let scope = req.extensions().get::<Principal>().map_or("", |principal| principal.scope.as_str());
    let link = state.parts.announcer.open();
    let link = link.map_err(|error| Problem::new(problem::BUSY, error.to_string()))?;
    let session = Session {
        heard_at: (state.parts.clock)().monotonic,
        state: state.into_inner(),
        link,
        scope,
        joiner: Joiner::default(),
        is_closing: false,
        second_began: Monotonic::default(),
        messages_this_second: 0,
    };
    let answer =
        WsResponseBuilder::new(session, &req, payload).frame_size(protocol::MESSAGE_BYTES_MAX).start();
    answer.map_err(|error| {
        let upgrade = (actix_web::http::header::UPGRADE, "websocket".parse());
        let refusal = Problem::new(problem::UPGRADE, format!("connect with a WebSocket client: {error}"));
        match upgrade {
            (name, Ok(value)) => refusal.with_header(name, value),
            (_, Err(_)) => refusal,
        }
    })
}

struct Session {
    state: Arc<ApiState>,
    link: ClientLink,
    scope: &'static str,
    heard_at: Monotonic,
    joiner: Joiner,
    is_closing: bool,
    second_began: Monotonic,
    messages_this_second: u32,
}

type Context = WebsocketContext<Session>;

impl Session {
    fn now(&self) -> Monotonic {
        (self.state.parts.clock)().monotonic
    }

    fn hear(&mut self) {
        self.heard_at = self.now();
        self.link.outbox().heard();
    }

    fn message(&mut self, text: &str, ctx: &mut Context) {
        if self.is_closing {
            return;
        }
        let now = self.now();
        if now.millis_since(self.second_began) >= 1_000 {
            (self.second_began, self.messages_this_second) = (now, 0);
        }
        self.messages_this_second += 1;
        if self.messages_this_second > protocol::MESSAGES_PER_S_MAX {
            return self.close(ctx, CloseCode::Policy, "more messages than hello allows");
        }
        match protocol::read(text, &self.state.parts.catalog) {
            Ok(Asked::Ping { id }) => ctx.text(Said::Pong { id }.to_text()),
            Ok(Asked::OfHub(request)) => {
                if let Err(error) = self.link.request(request) {
                    let message = format!("{error}; try again");
                    ctx.text(Said::Error { id: None, code: problem::BUSY.code, message: &message }.to_text());
                }
            }
            Err(refusal) => {
                let (id, code) = (refusal.id, refusal.kind.code);
                ctx.text(Said::Error { id, code, message: &refusal.message }.to_text());
            }
        }
    }

    fn fragment(&mut self, item: Item, ctx: &mut Context) {
        let joined = match item {
            Item::FirstText(part) => self.joiner.begin(&part).map(|()| None),
            Item::Continue(part) => self.joiner.push(&part).map(|()| None),
            Item::Last(part) => self.joiner.end(&part).map(Some),
            Item::FirstBinary(_) => Err("binary messages are not understood"),
        };
        match joined {
            Ok(Some(text)) => self.message(&text, ctx),
            Ok(None) => {}
            Err(reason) => self.close(ctx, CloseCode::Protocol, reason),
        }
    }

    /// Says goodbye, and drops the socket when the client does not answer it.
    fn close(&mut self, ctx: &mut Context, code: CloseCode, reason: &str) {
        if !self.is_closing {
            self.is_closing = true;
            ctx.close(Some(CloseReason { code, description: Some(reason.to_owned()) }));
            ctx.run_later(CLOSE_WITHIN, |_, ctx| ctx.stop());
        }
    }
}

impl Actor for Session {
    type Context = Context;

    fn started(&mut self, ctx: &mut Context) {
        let parts = &self.state.parts;
        let hello = Said::Hello {
            version: env!("CARGO_PKG_VERSION"),
            env: &parts.env,
            epoch: &parts.epoch,
            scope: self.scope,
            limits: Limits::of(&parts.stream_limits),
        };
        ctx.text(hello.to_text());
        ctx.add_stream(self.link.batches());
        ctx.run_interval(PING_EVERY, |session, ctx| {
            if session.now().millis_since(session.heard_at) >= protocol::SILENT_AFTER_MS {
                session.close(ctx, CloseCode::Away, "silent: neither a message nor a pong");
            } else {
                ctx.ping(b"");
            }
        });
    }
}

impl StreamHandler<Taken> for Session {
    fn handle(&mut self, taken: Taken, ctx: &mut Context) {
        match taken {
            Taken::Frames(frames) if !self.is_closing => frames.into_iter().for_each(|frame| ctx.text(frame)),
            Taken::Frames(_) => {}
            Taken::Ended(ending) => self.close(ctx, CloseCode::from(ending.code), &ending.reason),
        }
    }

    /// The ending was handled; the socket stays until the client answered the close.
    fn finished(&mut self, _: &mut Context) {}
}

impl StreamHandler<Result<Message, ProtocolError>> for Session {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut Context) {
        self.hear();
        match message {
            Ok(Message::Text(text)) => self.message(&text, ctx),
            Ok(Message::Ping(payload)) => ctx.pong(&payload),
            Ok(Message::Continuation(item)) => self.fragment(item, ctx),
            Ok(Message::Binary(_)) => {
                self.close(ctx, CloseCode::Unsupported, "binary messages are not understood")
            }
            Ok(Message::Close(reason)) => {
                if !self.is_closing {
                    ctx.close(reason);
                }
                ctx.stop();
            }
            Ok(Message::Pong(_) | Message::Nop) => {}
            Err(ProtocolError::Overflow) => {
                self.close(ctx, CloseCode::Size, "a message may have 64 KiB");
                ctx.stop();
            }
            Err(error) => {
                self.close(ctx, CloseCode::Protocol, &error.to_string());
                ctx.stop();
            }
        }
    }

    /// The socket's reading side is over.
    fn finished(&mut self, ctx: &mut Context) {
        ctx.stop();
    }
}
