"""The bodies that the HTTP edge takes."""

import pytest
from fastapi import Request
from starlette.types import Message

from shared.problems import CATALOGUE, Problem
from shared.web import read_json_body


def a_request(headers: dict[str, str], body: bytes = b"") -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": named}, receive)


@pytest.mark.parametrize("headers", [{}, {"content_length": "0"}])
async def test_where_a_body_may_be_empty_none_needs_no_type(headers: dict[str, str]) -> None:
    assert await read_json_body(a_request(headers), may_be_empty=True) == b""
    with pytest.raises(Problem, match="media-type"):
        await read_json_body(a_request(headers))


@pytest.mark.parametrize("headers", [{"content_length": "2"}, {"transfer_encoding": "chunked"}])
async def test_a_body_needs_its_type_also_where_it_may_be_empty(headers: dict[str, str]) -> None:
    with pytest.raises(Problem, match="media-type"):
        await read_json_body(a_request(headers, b"{}"), may_be_empty=True)
    assert await read_json_body(a_request({"content_type": "application/json"}, b"{}"), may_be_empty=True) == b"{}"


@pytest.mark.parametrize("name", [name for name, (status, _) in CATALOGUE.items() if status == 401])
def test_every_401_says_how_to_sign_in(name: str) -> None:
    assert Problem(name).all_headers == {"WWW-Authenticate": "Bearer"}
    assert Problem(name).response("/").headers["www-authenticate"] == "Bearer"
