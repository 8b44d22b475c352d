"""Fixtures: one exchange for the whole run, and for each SDK and form of key two members of their own.

What must hold is said in the tests. At the end the run fails if an operation was left out, and says what was driven.
"""

import json
import socket
import sys
import time
import urllib.request

sys.dont_write_bytecode = True

import pytest
from exchange import FORMS, make_key, running
from operations import LEDGER
from sdk import SDKS, Sdk

WAIT_DEADLINE_S = 30
OBSERVER = ("observer", "ed25519-pkcs8")
PAIRS = [(sdk, form) for sdk in SDKS for form in FORMS]

socket.setdefaulttimeout(20)


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Returns the keys of two members, A and B, for each SDK and form of key."""
    directory = tmp_path_factory.mktemp("keys")
    return {(pair, who): make_key(pair[1], directory) for pair in [*PAIRS, OBSERVER] for who in "AB"}


@pytest.fixture(scope="session")
def address(keys):
    """Runs the exchange and returns its address."""
    with running(keys.values()) as address:
        yield address


@pytest.fixture(scope="session")
def host(address):
    return f"http://{address}/trade-api/v2"


@pytest.fixture
def control(address):
    """Returns a function that moves the exchange where otherwise only time moves it."""
    def send(path, **body):
        request = urllib.request.Request(f"http://{address}/control/{path}", json.dumps(body).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    return send


@pytest.fixture(scope="session", params=PAIRS, ids=["-".join(pair) for pair in PAIRS])
def pair(request, host, keys):
    """Returns the clients of the two members of one SDK and form of key."""
    clients = [Sdk(request.param[0], keys[request.param, who], host) for who in "AB"]
    clients[0].number = PAIRS.index(request.param)
    yield clients
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def observers(host, keys):
    """Returns two members for what need not be repeated with every SDK and key."""
    clients = [Sdk("kalshi_python_sync", keys[OBSERVER, who], host) for who in "AB"]
    clients[0].number = len(PAIRS)
    return clients


@pytest.fixture(scope="session")
def observer(observers):
    return observers[0]


@pytest.fixture
def client(pair):
    """Returns the first member, without any resting order when the test begins and ends."""
    yield pair[0]
    pair[0].cancel_all_orders()


@pytest.fixture
def other(pair):
    """Returns the second member, who trades against the first."""
    yield pair[1]
    pair[1].cancel_all_orders()


@pytest.fixture(scope="session")
def markets(pair):
    """Returns the markets that stay open all the time, with quotes on both sides, longest first."""
    late = now(pair[0]) + 6 * 3600
    found = pair[0].get_markets(status="open", limit=1000).markets
    lasting = [m for m in found if m.close_time.timestamp() > late]
    quoted = [m for m in lasting if 0.15 < float(m.yes_bid_dollars) < float(m.yes_ask_dollars) < 0.85]
    return sorted(quoted, key=lambda m: (-m.close_time.timestamp(), m.ticker))


@pytest.fixture(scope="session")
def market(pair, markets):
    """Returns a market that only this pair of members trades."""
    return markets[pair[0].number]


def now(client):
    """Returns the exchange's time in seconds; it goes faster than ours."""
    return int(client.get_user_data_timestamp().as_of_time.timestamp())


def wait_until(condition):
    """Waits for a condition and returns what it found."""
    deadline = time.monotonic() + WAIT_DEADLINE_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("the condition did not come true in time")


def pages(fetch, items, **arguments):
    """Reads a list page by page to its end; no page may be repeated."""
    seen, cursors, cursor = [], set(), None
    while True:
        page = fetch(cursor=cursor, **arguments)
        seen += getattr(page, items)
        cursor = page.cursor
        if not cursor:
            return seen
        assert cursor not in cursors, f"page {cursor} came twice"
        cursors.add(cursor)


def is_whole(config):
    """Tells whether all tests were asked for."""
    return not config.getoption("keyword") and config.getoption("file_or_dir") in ([], ["."])


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == 0 and is_whole(session.config) and LEDGER.undriven():
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.section("operations driven")
    for line in LEDGER.table():
        terminalreporter.write_line(line)
    for sdk, operations in LEDGER.undriven().items() if is_whole(config) else ():
        terminalreporter.write_line(f"{sdk} never succeeded with: {', '.join(operations)}", red=True)
