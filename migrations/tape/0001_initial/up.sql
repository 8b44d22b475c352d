-- Recorded market data: useful, replaceable, dropped by age.

CREATE TABLE trades (
    trade_id   TEXT NOT NULL,
    ticker     TEXT NOT NULL,
    yes_price  TEXT NOT NULL,
    count      TEXT NOT NULL,
    taker_side TEXT NOT NULL,
    ts_ms      INTEGER NOT NULL,
    recv_us    INTEGER NOT NULL,
    PRIMARY KEY (ticker, trade_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX trades_by_time ON trades (ts_ms);
CREATE INDEX trades_of_market_by_time ON trades (ticker, ts_ms DESC);
