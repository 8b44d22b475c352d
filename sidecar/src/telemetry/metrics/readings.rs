//! Families read at each scrape from what the parts count themselves.

use std::sync::atomic::Ordering::Relaxed;

use super::Scrape;
use super::family::{Family, Kind};

type Read = fn(&Scrape<'_>) -> u64;

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name, unit: None, kind: Kind::Counter, labels: &[], help }
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, unit: None, kind: Kind::Gauge, labels: &[], help }
}

const fn with_unit(family: Family, unit: &'static str) -> Family {
    Family { unit: Some(unit), ..family }
}

pub(super) const READINGS: &[(Family, Read)] = &[
    // Readiness and risk
    (gauge("ready", "1 when every readiness latch is set"), |s| s.is_ready.into()),
    (gauge("halt_mode", "0 active, 1 reduce only, 2 halted"), |s| s.halt),
    (gauge("orders_open", "Orders that rest, are pending or unknown"), |s| s.orders.open),
    (gauge("orders_unknown", "Orders whose fate at the exchange is not known; counted at full risk"), |s| {
        s.orders.unknown
    }),
    // The account
    (counter("account_position_breaks", "Fills after which the exchange's position was not ours"), |s| {
        s.counted.desk.position_breaks.load(Relaxed)
    }),
    (counter("account_fill_count_breaks", "Orders of which more had filled than their fills made"), |s| {
        s.counted.desk.fill_count_breaks.load(Relaxed)
    }),
    (
        counter("account_fills_missed", "Fills that a live stream did not bring and that were read back"),
        |s| s.counted.desk.fills_missed.load(Relaxed),
    ),
    // The exchange
    (gauge("venue_connected", "1 while the exchange's stream is live"), |s| s.venue.is_connected.into()),
    (counter("venue_connections", "Connections made to the exchange's stream"), |s| s.venue.connections),
    (
        counter(
            "venue_reconnections",
            "Attempts and connections to the exchange's stream that ended and were made anew",
        ),
        |s| s.venue.reconnections,
    ),
    (counter("venue_frames", "Frames received from the exchange"), |s| s.venue.frames),
    (counter("venue_frames_unknown", "Types and fields in frames that this version does not know"), |s| {
        s.venue.frames_unknown
    }),
    (counter("venue_frames_unreadable", "Frames that could not be decoded"), |s| s.venue.frames_unreadable),
    // Books
    (gauge("books", "Books kept"), |s| s.counted.books.books.load(Relaxed)),
    (gauge("books_live", "Books that may be traded on"), |s| s.counted.books.books_live.load(Relaxed)),
    (gauge("books_suspect", "Books that wait for a snapshot because their levels may be wrong"), |s| {
        s.counted.books.books_suspect.load(Relaxed)
    }),
    (gauge("books_wanted", "Markets followed on the exchange's stream"), |s| {
        s.counted.books.books_wanted.load(Relaxed)
    }),
    (counter("book_wants_refused", "Markets not followed because there were too many"), |s| {
        s.counted.books.wants_refused.load(Relaxed)
    }),
    (counter("book_snapshots", "Snapshots applied"), |s| s.counted.books.snapshots.load(Relaxed)),
    (counter("book_deltas", "Deltas applied"), |s| s.counted.books.deltas.load(Relaxed)),
    (counter("book_deltas_ignored", "Deltas not applied because the book was not live"), |s| {
        s.counted.books.deltas_ignored.load(Relaxed)
    }),
    (counter("book_gaps", "Gaps seen in a subscription's sequence"), |s| s.counted.books.gaps.load(Relaxed)),
    (counter("book_duplicates", "Frames seen twice"), |s| s.counted.books.duplicates.load(Relaxed)),
    (counter("book_contradictions", "Deltas and snapshots that could not be true of their book"), |s| {
        s.counted.books.contradictions.load(Relaxed)
    }),
    (
        counter(
            "book_snapshots_old",
            "Snapshots not applied because they were older than what is held or missing",
        ),
        |s| s.counted.books.snapshots_old.load(Relaxed),
    ),
    (
        counter("book_deltas_spliced", "Deltas that came before their snapshot and were applied after it"),
        |s| s.counted.books.deltas_spliced.load(Relaxed),
    ),
    (counter("book_deltas_contained", "Deltas that the snapshot before them contained already"), |s| {
        s.counted.books.deltas_contained.load(Relaxed)
    }),
    (counter("book_resets", "Subscriptions whose numbering began anew"), |s| {
        s.counted.books.resets.load(Relaxed)
    }),
    (counter("book_grid_changes", "Books that began anew because their price grid changed"), |s| {
        s.counted.books.grid_changes.load(Relaxed)
    }),
    (counter("book_resyncs", "Snapshots asked for because books were suspect"), |s| {
        s.counted.books.resyncs.load(Relaxed)
    }),
    (
        counter(
            "book_strand_duplicates",
            "Changes of books that one of two strands brought after the other one had",
        ),
        |s| s.counted.books.strand_duplicates.load(Relaxed),
    ),
    (counter("market_trades", "Public trades received"), |s| s.counted.books.trades.load(Relaxed)),
    (counter("trade_backfills", "Reads of public trades after a break"), |s| {
        s.counted.books.trade_backfills.load(Relaxed)
    }),
    (counter("trade_backfill_failures", "Such reads that failed and were tried again"), |s| {
        s.counted.books.trade_backfill_failures.load(Relaxed)
    }),
    (counter("trade_backfills_cut", "Such reads that did not reach back to the break's beginning"), |s| {
        s.counted.books.trade_backfills_cut.load(Relaxed)
    }),
    (counter("trades_backfilled", "Public trades a break had hidden and that were read back"), |s| {
        s.counted.books.trades_backfilled.load(Relaxed)
    }),
    // The local stream
    (gauge("stream_clients", "Clients connected to the local stream"), |s| {
        s.counted.stream.clients.load(Relaxed)
    }),
    (gauge("stream_subscriptions", "Subscriptions of all clients"), |s| {
        s.counted.stream.subscriptions.load(Relaxed)
    }),
    (counter("stream_frames_encoded", "Frames written, each once"), |s| {
        s.counted.stream.frames_encoded.load(Relaxed)
    }),
    (counter("stream_frames_delivered", "Frames queued for clients, once for each"), |s| {
        s.counted.stream.frames_delivered.load(Relaxed)
    }),
    (counter("stream_frames_coalesced", "Frames a slow client got as newest state instead"), |s| {
        s.counted.stream.frames_coalesced.load(Relaxed)
    }),
    (counter("stream_clients_closed_slow", "Clients closed because they read too slowly"), |s| {
        s.counted.stream.clients_closed_slow.load(Relaxed)
    }),
    (counter("stream_clients_closed_silent", "Clients closed because they said nothing for too long"), |s| {
        s.counted.stream.clients_closed_silent.load(Relaxed)
    }),
    (counter("stream_clients_refused", "Clients refused because there were too many"), |s| {
        s.counted.stream.clients_refused.load(Relaxed)
    }),
    (counter("stream_resumes", "Resumes answered with everything missed"), |s| {
        s.counted.stream.resumes_complete.load(Relaxed)
    }),
    (counter("stream_resumes_impossible", "Resumes answered with a snapshot"), |s| {
        s.counted.stream.resumes_impossible.load(Relaxed)
    }),
    // The ledger, the tape and the captures
    (
        gauge("ledger_healthy", "1 while the ledger takes what is to be recorded; at 0 trading is stopped"),
        |s| s.counted.ledger.is_healthy.load(Relaxed).into(),
    ),
    (gauge("ledger_queue_batches", "Batches that wait for the disk"), |s| {
        s.counted.ledger.queued_batches.load(Relaxed)
    }),
    (counter("ledger_entries", "Journal entries committed"), |s| s.counted.ledger.entries.load(Relaxed)),
    (gauge("ledger_dead_letters", "Rows and entries the ledger refused since start and kept aside"), |s| {
        s.counted.ledger.dead_letters.load(Relaxed)
    }),
    (with_unit(gauge("ledger_queue_oldest", "How long the oldest batch has waited"), "microseconds"), |s| {
        let age = s.counted.ledger.oldest_age(std::time::Instant::now());
        u64::try_from(age.as_micros()).unwrap_or(u64::MAX)
    }),
    (counter("tape_trades", "Public trades recorded"), |s| s.counted.tape.recorded.load(Relaxed)),
    (counter("tape_dropped", "Public trades not recorded"), |s| s.counted.tape.dropped.load(Relaxed)),
    (gauge("capture_running", "1 while raw frames of the exchange are being recorded"), |s| {
        s.counted.capture.is_running.load(Relaxed).into()
    }),
    (counter("capture_frames", "Raw frames and commands recorded"), |s| {
        s.counted.capture.frames.load(Relaxed)
    }),
    (
        counter(
            "capture_dropped",
            "Raw frames and commands not recorded: the lane was full or the disk refused",
        ),
        |s| s.counted.capture.dropped.load(Relaxed),
    ),
    (with_unit(counter("capture_written", "Written to captures, compressed"), "bytes"), |s| {
        s.counted.capture.bytes.load(Relaxed)
    }),
    (gauge("capture_files", "Captures kept"), |s| s.counted.capture.files.load(Relaxed)),
    // The process
    (with_unit(gauge("process_resident_memory", "Memory in use"), "bytes"), |s| s.process.resident_bytes),
    (with_unit(counter("process_cpu", "Processor time used, user and system"), "milliseconds"), |s| {
        s.process.cpu_ms
    }),
    (gauge("process_open_files", "Open file descriptors"), |s| s.process.open_files),
    (counter("panics", "Panics that did not end the process"), |_| super::PANICS.load(Relaxed)),
    (gauge("process_threads", "Threads"), |s| s.process.threads),
    (
        with_unit(gauge("process_start_time", "When the process started, since the Unix epoch"), "seconds"),
        |s| s.process.started_seconds,
    ),
];
