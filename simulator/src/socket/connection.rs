//! One WebSocket connection: upgrade, then a loop that carries commands in and frames out.
//!
//! The loop knows nothing of channels: a [`Session`] decides what a command means and what is sent.
//! Never holds more than the outbox's bound for a client that does not read; never waits for a client while
//! something else of the connection could go on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_http::body::BodyStream;
use actix_http::ws::{CloseCode, handshake};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::command::Request;
use super::inbox::{Inbound, Inbox};
use super::outbox::Outbox;
use crate::faults::Cut;
use crate::faults::frame::FrameFaults;
use crate::faults::stream::Cuts;
use crate::tape::Track;
use crate::time::Clock;

/// The exchange pings at this pace, with this payload.
const HEARTBEAT: Duration = Duration::from_secs(10);
const HEARTBEAT_PAYLOAD: &[u8] = b"heartbeat";
/// A client that sent nothing for so long, not even a pong, is gone.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// Chunks between the loop and the socket. Few, so that the outbox's own bound is what counts.
const CHUNKS_IN_FLIGHT: usize = 2;
/// How long a closing connection may take to hand over its last bytes.
const FLUSH_MAX: Duration = Duration::from_secs(2);
/// How long a client may take to answer a Close.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// What a connection does with commands, and where its frames come from.
pub(crate) trait Session {
    /// Answers a command.
    fn on_request(&mut self, request: Request, out: &mut Outbox);

    /// Waits until there is something to send and encodes it. Must be safe to drop at any wait.
    async fn pump(&mut self, out: &mut Outbox);

    /// Tells whether [`Session::pump`] may be called with an outbox in this state.
    fn wants_to_send(&self, out: &Outbox) -> bool;
}

/// What a connection is given besides its session.
pub(crate) struct Wire {
    pub(crate) clock: Arc<Clock>,
    /// Where its frames are recorded, if they are.
    pub(crate) track: Option<Track>,
    pub(crate) faults: Option<Box<FrameFaults>>,
    pub(crate) cuts: Cuts,
    /// Cancelled when the exchange stops.
    pub(crate) stop: CancellationToken,
}

/// Upgrades a request and runs the session on the worker's own thread until either side ends it.
pub(crate) fn serve<S: Session + 'static>(
    request: &HttpRequest,
    payload: web::Payload,
    session: S,
    wire: Wire,
) -> HttpResponse {
    let mut builder = match handshake(request.head()) {
        Ok(builder) => builder,
        Err(error) => return HttpResponse::from(actix_http::Response::from(error)),
    };
    let (chunks, body) = mpsc::channel::<Bytes>(CHUNKS_IN_FLIGHT);
    actix_web::rt::spawn(run(Inbox::new(payload), session, chunks, wire));
    let frames = BodyStream::new(ReceiverStream::new(body).map(Ok::<_, Infallible>));
    HttpResponse::from(builder.body(frames)).map_into_boxed_body()
}

async fn run<S: Session>(mut inbox: Inbox, mut session: S, chunks: mpsc::Sender<Bytes>, wire: Wire) {
    let Wire { clock, track, faults, mut cuts, stop } = wire;
    let mut out = Outbox::new(clock, track).with_faults(faults);
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard_at = Instant::now();
    let awaits_answer = loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => {
                out.close(CloseCode::Away, "exchange is going away");
                break true;
            }
            how = cuts.next() => {
                if how != Cut::Close {
                    return;
                }
                out.close(CloseCode::Away, "maintenance");
                break true;
            }
            // Who does not read is not heard either: the answers would pile up.
            inbound = inbox.next(), if !out.is_overflowing() => {
                heard_at = Instant::now();
                if !on_inbound(inbound, &mut session, &mut out) {
                    break false;
                }
            }
            permit = chunks.reserve(), if !out.is_empty() => match permit {
                Ok(permit) => permit.send(out.take_chunk()),
                Err(_) => return,
            },
            _ = heartbeat.tick() => {
                if heard_at.elapsed() > SILENCE_MAX {
                    return;
                }
                // A client that does not read gets no pings on top.
                if out.has_room() {
                    out.ping(HEARTBEAT_PAYLOAD);
                }
            }
            () = sleep_until(out.due_at().unwrap_or_else(Instant::now)), if out.due_at().is_some() => {
                out.release();
            }
            () = session.pump(&mut out), if session.wants_to_send(&out) => {}
        }
    };
    let _ = tokio::time::timeout(FLUSH_MAX, flush(&mut out, &chunks)).await;
    if awaits_answer {
        let _ = tokio::time::timeout(ANSWER_MAX, answered(&mut inbox)).await;
    }
    // Dropping the body's sender ends the connection.
}

/// Waits until the client has closed as well; what it says before that comes too late.
async fn answered(inbox: &mut Inbox) {
    while let Inbound::Text(_) | Inbound::Binary | Inbound::Ping(_) | Inbound::Pong = inbox.next().await {}
}

/// Handles one message of the client; false ends the connection.
fn on_inbound<S: Session>(inbound: Inbound, session: &mut S, out: &mut Outbox) -> bool {
    match inbound {
        Inbound::Text(text) => {
            (0..out.hearings()).for_each(|_| session.on_request(Request::parse(&text), out));
        }
        Inbound::Binary => session.on_request(Request::parse(b""), out),
        Inbound::Ping(payload) => out.pong(&payload),
        Inbound::Pong => {}
        Inbound::Close => {
            out.close(CloseCode::Normal, "");
            return false;
        }
        Inbound::Gone => return false,
        Inbound::TooLarge => {
            out.close(CloseCode::Size, "message too large");
            return false;
        }
        Inbound::ProtocolError => {
            out.close(CloseCode::Protocol, "protocol error");
            return false;
        }
    }
    true
}

async fn flush(out: &mut Outbox, chunks: &mpsc::Sender<Bytes>) {
    while !out.is_empty() {
        if chunks.send(out.take_chunk()).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::dev::Payload;
    use actix_web::test::TestRequest;
    use actix_web::{FromRequest as _, web};

    use super::*;

    /// A session that never has anything to say.
    struct Mute;

    impl Session for Mute {
        fn on_request(&mut self, _request: Request, _out: &mut Outbox) {}

        async fn pump(&mut self, _out: &mut Outbox) {
            std::future::pending().await
        }

        fn wants_to_send(&self, _out: &Outbox) -> bool {
            true
        }
    }

    #[test]
    fn heartbeats_come_every_ten_seconds_until_the_client_counts_as_gone() {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let request = TestRequest::default().to_http_request();
            let silent = futures_util::stream::pending::<Result<Bytes, actix_web::error::PayloadError>>();
            let mut payload: Payload = Payload::Stream { payload: Box::pin(silent) };
            let payload = web::Payload::from_request(&request, &mut payload).await.unwrap();
            let (chunks, mut body) = mpsc::channel(CHUNKS_IN_FLIGHT);
            let begun = Instant::now();
            let (clock, stop) = (Arc::new(Clock::real()), CancellationToken::new());
            let wire = Wire { clock, track: None, faults: None, cuts: Cuts::never(), stop };
            let connection = run(Inbox::new(payload), Mute, chunks, wire);
            let watch = async {
                let mut beats = 0;
                while let Some(chunk) = body.recv().await {
                    beats += 1;
                    assert_eq!(chunk, [b"\x89\x09", HEARTBEAT_PAYLOAD].concat());
                    assert_eq!(begun.elapsed(), HEARTBEAT * beats);
                }
                assert_eq!(beats, 12);
            };
            tokio::join!(connection, watch);
        });
    }
}
