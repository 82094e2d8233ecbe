"""Staff tokens: whose signature is believed, and from when on a new key is."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from shared.access import LONGEST_SECONDS, Role, SignedStaff
from shared.sign_in.public_keys import KEPT_SECONDS, PAUSE_SECONDS, PublicKeys

ISSUER, AUDIENCE = "https://identity.example.org/", "parent-infant-referrals"
SOON: Final = int(time.time()) + 3600


class Clock:
    at = 1_000.0

    def __call__(self) -> float:
        return self.at


def a_key() -> ECKey:
    return ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)


def a_token(key: ECKey, *, typ: str | None = None, **changes: Any) -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": SOON, "sub": "tess", "name": "Tess", "roles": ["triage-worker"]}
    header = {"alg": "ES256", "kid": key.kid} | ({"typ": typ} if typ else {})
    return jwt.encode(header, claims | changes, key)


def published(*keys: ECKey) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


def staff_of(source: Path | str, clock: Clock) -> SignedStaff:
    return SignedStaff(PublicKeys(source, now=clock), issuer=ISSUER, audience=AUDIENCE)


class Address:
    """Where keys are published by HTTP."""

    def __init__(self) -> None:
        self.body, self.asked = "", 0
        address = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address.asked += 1
                self.send_response(200 if address.body else 503)
                self.end_headers()
                self.wfile.write(address.body.encode())

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/jwks"


@pytest.fixture
def address() -> Iterator[Address]:
    address = Address()
    thread = threading.Thread(target=address.server.serve_forever, args=(0.05,))
    thread.start()
    yield address
    address.server.shutdown()
    thread.join()
    address.server.server_close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"exp": 1},
        {"roles": ["manager", "auditor"]},
        {"roles": []},
        {"roles": "triage-worker"},
        {"exp": SOON + LONGEST_SECONDS},
        {"nonce": "of a sign-in"},
        {"typ": "logout+jwt"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_token_that_fails_a_check_is_nobodys(tmp_path: Path, wrong: dict[str, Any]) -> None:
    key, file = a_key(), tmp_path / "keys.json"
    file.write_text(published(key))
    staff = staff_of(file, Clock())
    person = staff.find(a_token(key))
    assert person is not None
    assert (person.id, person.name, person.role) == ("tess", "Tess", Role.WORKER)
    assert staff.find(a_token(key, **wrong)) is None
    assert all(staff.find(a_token(key, typ=typ)) for typ in ("JWT", "at+jwt", "application/at+jwt"))


def test_a_key_that_is_new_in_the_file_is_believed_at_its_first_token(tmp_path: Path) -> None:
    old, new, clock, file = a_key(), a_key(), Clock(), tmp_path / "keys.json"
    file.write_text(published(old))
    staff = staff_of(file, clock)
    file.write_text(published(old, new))
    clock.at += PAUSE_SECONDS
    assert staff.find(a_token(new))
    assert staff.find(a_token(old))


def test_a_key_that_is_withdrawn_is_believed_for_an_hour_at_most(tmp_path: Path) -> None:
    old, new, clock, file = a_key(), a_key(), Clock(), tmp_path / "keys.json"
    file.write_text(published(old))
    staff = staff_of(file, clock)
    file.write_text(published(new))
    clock.at += KEPT_SECONDS - 1
    assert staff.find(a_token(old))
    clock.at += 1
    assert staff.find(a_token(old)) is None
    assert staff.find(a_token(new))


def test_keys_come_from_an_address_and_outlast_its_absence(address: Address) -> None:
    key, clock = a_key(), Clock()
    staff = staff_of(address.url, clock)
    assert staff.find(a_token(key)) is None
    address.body = published(key)
    clock.at += PAUSE_SECONDS
    assert staff.find(a_token(key))
    address.body = ""
    clock.at += 2 * KEPT_SECONDS
    assert staff.find(a_token(key))


def test_invented_key_ids_do_not_make_us_ask_all_the_time(address: Address) -> None:
    key, clock = a_key(), Clock()
    address.body = published(key)
    staff = staff_of(address.url, clock)
    for _ in range(20):
        assert staff.find(a_token(a_key())) is None
    assert address.asked == 1
    clock.at += PAUSE_SECONDS
    for _ in range(20):
        staff.find(a_token(a_key()))
    assert address.asked == 2


def test_a_file_that_can_not_be_read_at_the_start_ends_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        staff_of(tmp_path / "none.json", Clock())
