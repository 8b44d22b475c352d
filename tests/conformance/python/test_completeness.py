"""The table of operations against the running exchange: what is said to be served is there, nothing else is."""

import re
import uuid

from operations import NOT_YET, OPERATIONS

NOWHERE = str(uuid.UUID(int=0))


def routed(client, operation):
    """Tells whether the exchange has a route for an operation. A path that names nothing cannot fail to find it."""
    path = re.sub(r"\{\w+\}", NOWHERE, operation.path)
    body = {} if operation.method in ("POST", "PUT") else None
    status, answer = client.raw(operation.method, path, body, counted=False)
    return status != 404 or ("{" in operation.path and "no such path" not in str(answer))


def test_each_operation_is_where_the_table_says(observer):
    here = {name for name, operation in OPERATIONS.items() if routed(observer, operation)}
    served = {name for name, operation in OPERATIONS.items() if not operation.absent}
    assert sorted(here & NOT_YET) == [], "these are served now: take them out of not_yet.txt"
    assert sorted(served - NOT_YET - here) == [], "these are said to be served and are not"
    assert sorted(here - served) == [], "these are said to be absent and are served"
    assert NOT_YET <= served
