"""The table of operations, what the exchange does not serve yet, and what each SDK has driven."""

import re
import time
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

SUITE = Path(__file__).resolve().parent.parent



@dataclass(frozen=True)
class Operation:
    """One operation: its name, method, path, and why it is absent or always refuses, if so."""

    id: str
    method: str
    path: str
    absent: str | None
    refuses: str | None


def plain(name):
    """Returns the form in which an operation's name and an SDK's name for it are equal."""
    return name.replace("_", "").lower()


# The name under which requests are counted that were made without a method of an SDK.
BY_HAND = "by hand"


def _read_table():
    table = tomllib.loads((SUITE / "operations.toml").read_text())
    return {
        plain(id): Operation(id, *entry["call"].split(" "), entry.get("absent"), entry.get("refuses")) for id, entry in table.items()
    }


def _read_not_yet():
    lines = (SUITE / "not_yet.txt").read_text().splitlines()
    return {plain(line) for line in lines if line and not line.startswith("#")}


OPERATIONS = _read_table()
NOT_YET = _read_not_yet()


def operation_of(method, path):
    """Returns the name of the operation with a method and a path; a path of its own comes before a placeholder."""
    candidates = [
        (operation.path.count("{"), name)
        for name, operation in OPERATIONS.items()
        if operation.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation.path), path)
    ]
    return min(candidates, default=(0, f"{method} {path}"))[1]


@dataclass
class Driven:
    """What one SDK has done with one form of key."""

    answered: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)
    seconds: float = 0.0


class Ledger:
    """Counts calls by SDK, key form and operation."""

    def __init__(self):
        self.rows = defaultdict(Driven)
        self.methods = {}
        self.started = time.monotonic()

    def call(self, sdk, form, operation, accepted, seconds):
        row = self.rows[sdk, form]
        (row.answered if accepted else row.refused)[operation] += 1
        row.seconds += seconds

    def undriven(self):
        """Returns, for each SDK, the served operations it has a method for and that never succeeded with it."""
        missing = {}
        with_method = set().union(*self.methods.values())
        for sdk, methods in (self.methods | {BY_HAND: OPERATIONS.keys() - with_method}).items():
            wanted = {o for o in methods & OPERATIONS.keys() if not OPERATIONS[o].absent} - NOT_YET
            rows = [row for (name, _), row in self.rows.items() if name == sdk]
            done = {o for row in rows for o in row.answered}
            done |= {o for row in rows for o in row.refused if o in OPERATIONS and OPERATIONS[o].refuses}
            if left := wanted - done:
                missing[sdk] = sorted(OPERATIONS[o].id for o in left)
        return missing

    def table(self):
        """Returns the lines that end a run."""
        served = sum(not o.absent for o in OPERATIONS.values()) - len(NOT_YET)
        yield f"{'SDK':<22}{'key':<16}{'operations':>12}{'calls':>8}{'refusals':>10}{'seconds':>9}"
        for (sdk, form), row in sorted(self.rows.items()):
            if not row.answered:
                continue
            calls, refusals = row.answered.total(), row.refused.total()
            yield f"{sdk:<22}{form:<16}{len(row.answered):>12}{calls:>8}{refusals:>10}{row.seconds:>9.1f}"
        yield f"{served} of {len(OPERATIONS)} operations are served; {len(NOT_YET)} are not served yet"


LEDGER = Ledger()
