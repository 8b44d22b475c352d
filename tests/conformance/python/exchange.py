"""Starts the simulated exchange and makes the members' keys. Every key pair is an account of its own."""

import os
import queue
import subprocess
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from operations import SUITE

START_DEADLINE_S = 30
STOP_DEADLINE_S = 15
# A day without a weekly pause, lived so fast that nobody waits long for timers and settlement.
START = "2026-01-07T15:00:00Z"
PACE = "10x"
FORMS = ("rsa-pkcs1", "rsa-pkcs8", "ed25519-pkcs8")


@dataclass
class Key:
    """A key with its private PEM and the path of its public one."""

    id: str
    form: str
    private_pem: str
    public_path: str


def make_key(form, directory):
    """Makes a key pair of one form and writes its public half to a folder."""
    algorithm, container = form.split("-")
    if algorithm == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    if container == "pkcs1":
        container_format = serialization.PrivateFormat.TraditionalOpenSSL
    else:
        container_format = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, container_format, serialization.NoEncryption())
    id = str(uuid.uuid4())
    path = Path(directory) / f"{id}.pem"
    path.write_text(public_pem(key))
    return Key(id, form, private.decode(), str(path))


def public_pem(key):
    """Returns the public half of a private key, as it is registered at the exchange."""
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


def _read_ready(process):
    lines = queue.Queue()
    threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()
    line = lines.get(timeout=START_DEADLINE_S)
    word, port, _nonce = line.split()
    assert word == "READY", line
    return int(port)


@contextmanager
def running(keys):
    """Runs the exchange on a free port and gives its address."""
    command = [os.environ["OUTRIGGER_BIN"], "exchange", "--listen", "127.0.0.1:0"]
    command += ["--scenario", str(SUITE / "scenario.toml"), "--log-level", "warn"]
    command += ["--control", "--time", PACE, "--start", START]
    for key in keys:
        command += ["--key", f"{key.id}={key.public_path}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"127.0.0.1:{_read_ready(process)}"
    finally:
        process.terminate()
        try:
            assert process.wait(STOP_DEADLINE_S) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            raise
