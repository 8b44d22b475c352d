-- Since when trades may be missing; no row when none is. A process that dies before it has read them back leaves it here.

CREATE TABLE trade_gap (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    since_ms INTEGER NOT NULL
) STRICT;
