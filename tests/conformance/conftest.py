"""Starts one exchange for the whole run, with a key of each form that the real one hands out.

Fixtures only; what must hold is said in the tests.
"""

import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from kalshi_python_sync import Configuration, KalshiClient

sys.dont_write_bytecode = True

START_DEADLINE_S = 30
STOP_DEADLINE_S = 15
WAIT_DEADLINE_S = 60


@dataclass
class Key:
    """A key with its private PEM and the path of its public one."""

    id: str
    private_pem: str
    public_path: str


def _private_pem(key, pem_format):
    pem = key.private_bytes(serialization.Encoding.PEM, pem_format, serialization.NoEncryption())
    return pem.decode()


def _make_keys():
    pkcs1 = serialization.PrivateFormat.TraditionalOpenSSL
    pkcs8 = serialization.PrivateFormat.PKCS8
    rsa_one = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    rsa_two = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    edwards = ed25519.Ed25519PrivateKey.generate()
    return {
        "rsa-pkcs1": (rsa_one, _private_pem(rsa_one, pkcs1)),
        "rsa-pkcs8": (rsa_two, _private_pem(rsa_two, pkcs8)),
        "ed25519-pkcs8": (edwards, _private_pem(edwards, pkcs8)),
    }


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Returns a key of each form, by the form's name."""
    directory = tmp_path_factory.mktemp("keys")
    made = {}
    for form, (key, private_pem) in _make_keys().items():
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        path = directory / f"{form}.pem"
        path.write_bytes(public)
        made[form] = Key(str(uuid.uuid4()), private_pem, str(path))
    return made


def _read_ready(process):
    lines = queue.Queue()
    threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()
    line = lines.get(timeout=START_DEADLINE_S)
    word, port, _nonce = line.split()
    assert word == "READY", line
    return int(port)


@pytest.fixture(scope="session")
def host(keys):
    """Runs the exchange on a free port and returns its base URL."""
    command = [os.environ["OUTRIGGER_BIN"], "exchange", "--listen", "127.0.0.1:0"]
    for key in keys.values():
        command += ["--key", f"{key.id}={key.public_path}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{_read_ready(process)}/trade-api/v2"
    finally:
        process.terminate()
        try:
            assert process.wait(STOP_DEADLINE_S) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def make_client(host, key):
    """Returns an SDK client that signs with a key."""
    configuration = Configuration(host=host)
    # The SDK retries some failures by itself; the suite wants to see every answer.
    configuration.retries = False
    configuration.api_key_id = key.id
    configuration.private_key_pem = key.private_pem
    return KalshiClient(configuration)


@pytest.fixture(params=["rsa-pkcs1", "rsa-pkcs8", "ed25519-pkcs8"])
def client(request, host, keys):
    """Returns a client for each key form in turn."""
    return make_client(host, keys[request.param])


@pytest.fixture
def one_client(host, keys):
    """Returns a client where the form of the key does not matter."""
    return make_client(host, keys["ed25519-pkcs8"])


@pytest.fixture
def market(one_client):
    """Returns an open market that closes last, with quotes on both sides."""
    markets = one_client.get_markets(status="open", limit=1000).markets
    quoted = [m for m in markets if 0.15 < float(m.yes_bid_dollars) and float(m.yes_ask_dollars) < 0.85]
    return max(quoted, key=lambda m: (m.close_time, m.ticker))


def wait_until(condition):
    """Waits for a condition and returns what it found."""
    deadline = time.monotonic() + WAIT_DEADLINE_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("the condition did not come true in time")
