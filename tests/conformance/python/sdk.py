"""One face for both Python SDKs: the same calls, synchronous, counted, with every reply compared to its model.

The SDKs stay as they are installed; only base URL and key are theirs to know. A refusal is raised as `Refused`.
"""

import asyncio
import inspect
import json
import time
from contextlib import contextmanager

import kalshi_python_async
import kalshi_python_sync
import pytest
from exchange import Key
from operations import BY_HAND, LEDGER, NOT_YET, operation_of, plain
from pydantic import BaseModel

SDKS = {"kalshi_python_sync": kalshi_python_sync, "kalshi_python_async": kalshi_python_async}
CALL_DEADLINE_S = 20
# Fields of the specification that are younger than the SDK's models.
YOUNGER = {"transfer.client_transfer_id", "transfers[].client_transfer_id"}
LOOP = asyncio.new_event_loop()


class Refused(Exception):
    """The exchange refused: status, code and the whole body."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body or ""


@contextmanager
def refused(status, text=""):
    """Expects a refusal with a status, or one of several, and a text in its body."""
    statuses = status if isinstance(status, tuple) else (status,)
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.status in statuses and text in caught.value.body, caught.value


class Sdk:
    """A client of one SDK that signs with one key. Methods are the SDK's own, by name."""

    def __init__(self, name, key, host):
        self.name = name
        self.key = key
        self.package = SDKS[name]
        configuration = self.package.Configuration(host=host)
        # The SDK retries some failures by itself; the suite wants to see every answer.
        configuration.retries = False if name.endswith("sync") and not name.endswith("async") else None
        if key.id:
            configuration.api_key_id = key.id
            configuration.private_key_pem = key.private_pem
        if name.endswith("async"):
            self.client = LOOP.run_until_complete(_build(self.package, configuration))
        else:
            self.client = self.package.KalshiClient(configuration)
        self._watch()
        LEDGER.methods.setdefault(name, methods_of(self.package))

    @classmethod
    def without_key(cls, name, host):
        """Returns a client that signs nothing."""
        return cls(name, Key("", "none", "", ""), host)

    def _watch(self):
        """Looks at each reply on its way to the caller."""
        deserialize = self.client.response_deserialize

        def watched(response_data, response_types_map=None):
            reply = deserialize(response_data=response_data, response_types_map=response_types_map)
            declared = str(response_data.status) in response_types_map
            assert declared, f"status {response_data.status} is none of {sorted(response_types_map)}"
            if isinstance(reply.data, (BaseModel, list)):
                surplus = set(unknown_fields(json.loads(response_data.data), reply.data)) - YOUNGER
                assert not surplus, f"fields that the model does not know: {surplus}"
            return reply

        self.client.response_deserialize = watched

    def __getattr__(self, method):
        def call(*arguments, **fields):
            return self._call(plain(method), lambda: getattr(self.client, method)(*arguments, **fields))

        return call

    def raw(self, method, path, body=None, query=None, counted=True):
        """Sends a request that the SDK has no method for through its own signing, and returns status and JSON."""
        started = time.monotonic()
        request = self.client.param_serialize(
            method, path, query_params=list((query or {}).items()), body=body,
            header_params={"Content-Type": "application/json"},
        )
        response = self._wait(lambda: self.client.call_api(*request))
        data = self._wait(lambda: response.read())
        if counted:
            operation, accepted = operation_of(method, path), 200 <= response.status < 300
            LEDGER.call(BY_HAND, self.key.form, operation, accepted, time.monotonic() - started)
        return response.status, json.loads(data) if data else None

    def raw_checked(self, method, path, body=None, query=None):
        """Sends a request as `raw` does and returns its JSON; raises a refusal."""
        status, data = self.raw(method, path, body, query)
        if status >= 300:
            raise Refused(status, json.dumps(data))
        return data

    def _call(self, operation, make):
        started, accepted = time.monotonic(), False
        try:
            reply = self._wait(make)
            accepted = True
            return reply
        except self.package.ApiException as refusal:
            if refusal.status == 404 and operation in NOT_YET:
                pytest.xfail(f"{operation} is not served yet")
            raise Refused(refusal.status, refusal.body) from None
        finally:
            LEDGER.call(self.name, self.key.form, operation, accepted, time.monotonic() - started)

    def _wait(self, make):
        made = make()
        if inspect.isawaitable(made):
            return LOOP.run_until_complete(asyncio.wait_for(made, CALL_DEADLINE_S))
        return made

    def close(self):
        """Ends what the asynchronous client holds open."""
        if self.name.endswith("async"):
            LOOP.run_until_complete(self.client.close())


async def _build(package, configuration):
    return package.KalshiClient(configuration)


def methods_of(package):
    """Returns the operations that an SDK has methods for."""
    found = set()
    for name, member in vars(package).items():
        if inspect.isclass(member) and name.endswith("Api"):
            found |= {plain(method) for method in vars(member) if not method.startswith("_")}
    return {name for name in found if not name.endswith(("withhttpinfo", "withoutpreloadcontent"))}


def unknown_fields(value, model, path=""):
    """Names the fields of a reply that have no place in the model it was read into."""
    if isinstance(value, list) and isinstance(model, list):
        for item, read in zip(value, model):
            yield from unknown_fields(item, read, f"{path}[]")
    elif isinstance(value, dict) and isinstance(model, dict):
        for name, item in value.items():
            yield from unknown_fields(item, model.get(name), f"{path}.{name}")
    elif isinstance(value, dict) and isinstance(model, BaseModel):
        fields = {field.alias or name: name for name, field in type(model).model_fields.items()}
        for name, item in value.items():
            if name in fields:
                yield from unknown_fields(item, getattr(model, fields[name]), f"{path}.{name}")
            else:
                yield f"{path}.{name}".removeprefix(".")
