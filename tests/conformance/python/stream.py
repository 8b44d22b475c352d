"""A plain WebSocket client, for the SDKs have none. Every frame is checked for its envelope and sequence."""

import json
import time
from collections import defaultdict

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

PATH = "/trade-api/ws/v2"
WAIT_DEADLINE_S = 10
# What each type of message has in its envelope beside `type` and `sending_ts_ms`, and whether it counts in `seq`.
SEQUENCED = {
    "orderbook_snapshot", "orderbook_delta", "trade", "market_lifecycle_v2", "event_lifecycle", "event_fee_update",
    "multivariate_market_lifecycle", "order_group_updates", "rfq_created", "rfq_deleted", "quote_created",
    "quote_accepted", "quote_executed", "rfq_batch_created", "rfq_batch_deleted", "batch_quote_created",
    "rfq_batch_best_quotes", "batch_quote_accepted", "rfq_batch_executed", "batch_quote_executed",
}
UNSEQUENCED = {"ticker", "fill", "user_order", "market_position"}
ANSWERS = {"subscribed", "unsubscribed", "ok", "error"}


class Stream:
    """One connection of a member. Commands return their answers; other frames are kept until asked for."""

    def __init__(self, address, member, **options):
        headers = member.client.kalshi_auth.create_auth_headers("GET", PATH)
        self.opening = connect(f"ws://{address}{PATH}", additional_headers=headers, close_timeout=0.1, **options)
        self.socket = self.opening.__enter__()
        self.kept = []
        self.last_id = 0
        self.seqs = defaultdict(int)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.opening.__exit__(*error)

    def _read(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no such frame came; these did: {self.kept}")
        frame = json.loads(self.socket.recv(timeout=left))
        self._check(frame)
        return frame

    def _check(self, frame):
        kind = frame["type"]
        assert kind in SEQUENCED | UNSEQUENCED | ANSWERS, frame
        assert isinstance(frame["sending_ts_ms"], int), frame
        if kind in SEQUENCED:
            assert frame["sid"] >= 1 and frame["seq"] >= 1, frame
        if kind in UNSEQUENCED:
            assert frame["sid"] >= 1 and "seq" not in frame, frame
        if "seq" in frame:
            self.seqs[frame["sid"]] += 1
            assert frame["seq"] == self.seqs[frame["sid"]], f"a gap: {frame}"

    def tell(self, message):
        """Sends a message as it is: text, or what JSON makes of it."""
        self.socket.send(message if isinstance(message, str) else json.dumps(message))

    def command(self, cmd, params=None, answers=1):
        """Sends a command and returns the frames that answer it."""
        self.last_id += 1
        message = {"id": self.last_id, "cmd": cmd}
        self.tell(message if params is None else message | {"params": params})
        return [self.take(lambda frame: frame.get("id") == message["id"]) for _ in range(answers)]

    def subscribe(self, *channels, **params):
        """Subscribes and returns the sid of each channel."""
        replies = self.command("subscribe", {"channels": list(channels)} | params, len(channels))
        assert all(reply["type"] == "subscribed" for reply in replies), replies
        sids = {reply["msg"]["channel"]: reply["msg"]["sid"] for reply in replies}
        return sids[channels[0]] if len(channels) == 1 else sids

    def take(self, wanted):
        """Waits for a frame, by its type or by a condition, and returns it."""
        match = wanted if callable(wanted) else lambda frame: frame["type"] == wanted
        for index, frame in enumerate(self.kept):
            if match(frame):
                return self.kept.pop(index)
        deadline = time.monotonic() + WAIT_DEADLINE_S
        while True:
            frame = self._read(deadline)
            if match(frame):
                return frame
            self.kept.append(frame)

    def quiet(self, seconds=0.3):
        """Returns everything that has come, after some quiet."""
        while True:
            try:
                self.kept.append(self._read(time.monotonic() + seconds))
            except TimeoutError:
                kept, self.kept = self.kept, []
                return kept


def refused_upgrade(address, headers):
    """Returns status and body of an upgrade that is refused."""
    try:
        with connect(f"ws://{address}{PATH}", additional_headers=headers):
            pass
    except InvalidStatus as refusal:
        return refusal.response.status_code, refusal.response.body.decode()
    raise AssertionError("the upgrade was accepted")
