-- The journal is the truth: append-only, gapless, chained by hash. The other tables are what it says, for people and checks.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE journal (
    seq     INTEGER PRIMARY KEY,
    at_us   INTEGER NOT NULL,
    cause   TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    payload TEXT    NOT NULL,
    -- SHA-256 over the hash before it and this row.
    hash    BLOB    NOT NULL
) STRICT;

CREATE TRIGGER journal_is_append_only_update BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER journal_is_append_only_delete BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TABLE orders (
    order_id        TEXT PRIMARY KEY,
    client_order_id TEXT,
    venue_order_id  TEXT,
    ticker          TEXT NOT NULL,
    side            TEXT NOT NULL,
    price           TEXT NOT NULL,
    count           TEXT NOT NULL,
    filled          TEXT NOT NULL,
    remaining       TEXT NOT NULL,
    status          TEXT NOT NULL,
    time_in_force   TEXT NOT NULL,
    fees            TEXT NOT NULL,
    source          TEXT NOT NULL,
    reason          TEXT,
    created_us      INTEGER NOT NULL,
    updated_us      INTEGER NOT NULL
) STRICT;

CREATE INDEX orders_by_ticker ON orders (ticker);
CREATE UNIQUE INDEX orders_by_venue_id ON orders (venue_order_id) WHERE venue_order_id IS NOT NULL;

CREATE TABLE fills (
    trade_id       TEXT NOT NULL,
    order_id       TEXT NOT NULL,
    venue_order_id TEXT NOT NULL,
    ticker         TEXT NOT NULL,
    side           TEXT NOT NULL,
    price          TEXT NOT NULL,
    count          TEXT NOT NULL,
    fee            TEXT NOT NULL,
    is_taker       INTEGER NOT NULL,
    ts_ms          INTEGER NOT NULL,
    seq            INTEGER NOT NULL REFERENCES journal (seq),
    PRIMARY KEY (trade_id, order_id)
) STRICT;

CREATE TABLE idempotency (
    key         TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    order_id    TEXT NOT NULL,
    client      TEXT NOT NULL,
    seq         INTEGER NOT NULL REFERENCES journal (seq)
) STRICT;

CREATE TABLE settlements (
    ticker     TEXT PRIMARY KEY,
    result     TEXT NOT NULL,
    revenue    TEXT NOT NULL,
    fee        TEXT NOT NULL,
    settled_ms INTEGER NOT NULL
) STRICT;

-- Entries the database refused for good, with why. Their loss is announced and trading stops.
CREATE TABLE dead_letters (
    id      INTEGER PRIMARY KEY,
    at_us   INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
    name       TEXT PRIMARY KEY,
    scope      TEXT NOT NULL CHECK (scope IN ('read', 'trade', 'admin')),
    -- SHA-256 of the token; the token itself is shown once and never stored.
    hash       BLOB NOT NULL UNIQUE,
    created_us INTEGER NOT NULL,
    revoked_us INTEGER
) STRICT;

CREATE VIEW intents AS
SELECT seq, at_us, json_extract(payload, '$.order.order_id') AS order_id,
       json_extract(payload, '$.order.client_order_id') AS client_order_id, payload
FROM journal WHERE kind = 'intent_recorded';

CREATE VIEW v_orders AS
SELECT order_id, ticker, side, price, count, filled, remaining, status, reason, source,
       datetime(created_us / 1000000, 'unixepoch') AS created, datetime(updated_us / 1000000, 'unixepoch') AS updated
FROM orders ORDER BY created_us DESC;

CREATE VIEW v_fills AS
SELECT trade_id, order_id, ticker, side, price, count, fee, CASE is_taker WHEN 1 THEN 'taker' ELSE 'maker' END AS role,
       datetime(ts_ms / 1000, 'unixepoch') AS traded
FROM fills ORDER BY ts_ms DESC;
