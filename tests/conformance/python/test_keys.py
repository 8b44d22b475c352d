"""API keys: listed, registered, generated in both kinds, used, limited, deleted; and signatures that are refused."""

import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from exchange import Key, public_pem
from orders import new_order
from sdk import Sdk, refused


def second(client, host, id, pem):
    """Returns a client of the same SDK with another key."""
    return Sdk(client.name, Key(id, client.key.form, pem, ""), host)


@pytest.mark.parametrize("kind", ["rsa", "ed25519", None])
def test_a_generated_key_signs_until_it_is_deleted(client, host, market, kind):
    chosen = {"key_type": kind} if kind else {}
    made = client.generate_api_key(name=f"made {kind}", scopes=["read", "write"], **chosen)
    assert made.key_type in (kind or "rsa", None)
    assert ("RSA PRIVATE KEY" if kind != "ed25519" else "BEGIN PRIVATE KEY") in made.private_key
    listed = {key.api_key_id: key for key in client.get_api_keys().api_keys}
    assert listed[made.api_key_id].name == f"made {kind}"
    assert set(listed[made.api_key_id].scopes) == {"read", "write"}
    fresh = second(client, host, made.api_key_id, made.private_key)
    created = fresh.create_order_v2(**new_order(market))
    assert client.get_order(created.order_id).order.order_id == created.order_id
    client.delete_api_key(made.api_key_id)
    assert made.api_key_id not in {key.api_key_id for key in client.get_api_keys().api_keys}
    with refused(401, "NOT_FOUND"):
        fresh.get_balance()
    fresh.close()


@pytest.mark.parametrize("make", [ed25519.Ed25519PrivateKey.generate, lambda: rsa.generate_private_key(65537, 2048)])
def test_a_registered_key(client, make):
    made = client.create_api_key(name="brought", public_key=public_pem(make()))
    listed = {key.api_key_id: key for key in client.get_api_keys().api_keys}
    assert set(listed[made.api_key_id].scopes) == {"read", "write"}
    client.delete_api_key(made.api_key_id)
    with refused(400):
        client.create_api_key(name="broken", public_key="-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----")


def test_a_key_that_may_only_read(client, host, market):
    made = client.generate_api_key(name="reader", key_type="ed25519", scopes=["read"])
    reader = second(client, host, made.api_key_id, made.private_key)
    assert reader.get_balance().balance > 0
    with refused(403):
        reader.create_order_v2(**new_order(market))
    with refused(400):
        client.generate_api_key(name="writer", key_type="ed25519", scopes=["write"])
    client.delete_api_key(made.api_key_id)
    reader.close()


def test_a_key_of_one_subaccount(client, host, market):
    number = client.create_subaccount().subaccount_number
    made = client.generate_api_key(name="locked", key_type="ed25519", scopes=["read", "write"], subaccount=number)
    assert {k.api_key_id: k.subaccount for k in client.get_api_keys().api_keys}[made.api_key_id] == number
    locked = second(client, host, made.api_key_id, made.private_key)
    assert locked.get_balance(subaccount=number).balance == 0
    with refused(403):
        locked.get_balance(subaccount=0)
    with refused(403):
        locked.create_order_v2(**new_order(market, subaccount=0))
    with refused(400, "insufficient_balance"):
        locked.create_order_v2(**new_order(market, subaccount=number))
    client.delete_api_key(made.api_key_id)
    locked.close()


def test_a_key_that_is_not_there(client):
    with refused(404):
        client.delete_api_key(str(uuid.uuid4()))


def test_strangers_are_refused(client, other, host):
    wrong = second(client, host, other.key.id, client.key.private_pem)
    with refused(401, "INCORRECT_API_KEY_SIGNATURE"):
        wrong.get_balance()
    stranger = second(client, host, str(uuid.uuid4()), client.key.private_pem)
    with refused(401, "NOT_FOUND"):
        stranger.get_balance()
    wrong.close()
    stranger.close()


def test_what_needs_no_key(client, host):
    public = Sdk.without_key(client.name, host)
    assert public.get_markets(limit=1).markets
    assert public.get_exchange_status().trading_active
    with refused(401):
        public.get_balance()
    public.close()
