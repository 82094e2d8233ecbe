"""Where a webhook may go: hostile addresses are refused, as text, as what a name stands for, and when that changes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest

from services.notify.webhooks import network
from services.notify.webhooks.addresses import LONGEST_HOST, Target, UrlRefusedError, all_public, is_public, read_url
from services.notify.webhooks.network import (
    RESOLVERS,
    AddressRefusedError,
    CheckedNetwork,
    NameUnknownError,
    Networks,
    SystemNames,
)

LONG_HOST = ".".join(["a" * 49] * 5) + ".info"

HOSTILE_URLS = {
    "http://receiver.example.org/": "url-scheme",
    "ftp://receiver.example.org/": "url-scheme",
    "file:///etc/passwd": "url-scheme",
    "gopher://receiver.example.org/": "url-scheme",
    "//receiver.example.org/": "url-scheme",
    "receiver.example.org": "url-scheme",
    "": "url-scheme",
    "https://": "url-host",
    "https:///hooks": "url-host",
    "https://localhost/": "url-host",
    "https://metadata/": "url-host",
    "https://receiver.example.org./": "url-host",
    "https://a..example.org/": "url-host",
    "https://-a.example.org/": "url-host",
    "https://a_b.example.org/": "url-host",
    "https://%31%32%37.0.0.1/": "url-ip",
    f"https://{LONG_HOST}/": "url-host",
    "https://127.0.0.1/": "url-ip",
    "https://127.1/": "url-ip",
    "https://2130706433/": "url-ip",
    "https://0x7f000001/": "url-ip",
    "https://0x7f.1/": "url-ip",
    "https://0177.0.0.1/": "url-ip",
    "https://169.254.169.254/latest/meta-data/": "url-ip",
    "https://8.8.8.8/": "url-ip",
    "https://[::1]/": "url-ip",
    "https://[::ffff:10.0.0.1]/": "url-ip",
    "https://[fe80::1%25eth0]/": "url-ip",
    "https://[2606:4700::1111]/": "url-ip",
    "https://receiver.example.org:22/": "url-port",
    "https://receiver.example.org:5432/": "url-port",
    "https://receiver.example.org:8443/": "url-port",
    "https://receiver.example.org:0/": "url-port",
    "https://receiver.example.org:/": "url-port",
    "https://receiver.example.org:99999/": "url-unreadable",
    "https://[receiver.example.org/": "url-unreadable",
    "https://user@receiver.example.org/": "url-user",
    "https://user:word@receiver.example.org/": "url-user",
    "https://receiver.example.org@10.0.0.1/": "url-user",
    "https://@receiver.example.org/": "url-user",
    "https://receiver.example.org\\@10.0.0.1/": "url-characters",
    "https://receiver.example.org/a b": "url-characters",
    "https://receiver.example.org/\r\nHost: inside": "url-characters",
    "https://receiver.example.org/\x00": "url-characters",
    "https://rеceiver.example.org/": "url-characters",  # a Cyrillic letter
    "https://①②⑦.⓪.⓪.①/": "url-characters",
    "https://receiver.example.org/#part": "url-fragment",
    "https://receiver.example.org/#": "url-fragment",
    f"https://receiver.example.org/{'a' * 2_000}": "url-too-long",
}
HOSTILE_ADDRESSES = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.8.8.8", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::8.8.8.8", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:224.0.0.1",
    "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "100::1", "2001:db8::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:808:808:0:0:f5ff:fffe", "2002:a00:1::1", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "2002:e000:1::1", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0",
    "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("url", HOSTILE_URLS)
@pytest.mark.parametrize("may_be_local", [False, True])
def test_a_hostile_address_is_refused_and_never_repeated(url: str, may_be_local: bool) -> None:
    if may_be_local and url in ("https://localhost/", "https://127.0.0.1/"):
        assert read_url(url, may_be_local=True).is_local
        return
    with pytest.raises(UrlRefusedError) as refused:
        read_url(url, may_be_local=may_be_local)
    assert refused.value.code == HOSTILE_URLS[url]
    assert not url or url not in str(refused.value)


def test_a_good_address_is_read() -> None:
    whole = read_url("https://Receiver.Example.org:443/hooks/a?of=us&x=%20")
    assert whole == Target("https", "receiver.example.org", 443, "/hooks/a?of=us&x=%20", is_local=False)
    assert read_url("https://receiver.example.org").path == "/"
    assert read_url("https://receiver.example.org?a=1").path == "/?a=1"
    assert read_url("https://xn--bcher-kva.example.org/").host == "xn--bcher-kva.example.org"
    longest = ".".join(["a" * 49] * 5) + ".org"
    assert (len(longest), len(LONG_HOST)) == (LONGEST_HOST, LONGEST_HOST + 1)
    assert read_url(f"https://{longest}/").host == longest


def test_only_in_development_and_only_this_machine_is_local() -> None:
    local = read_url("http://127.0.0.1:8500/hooks", may_be_local=True)
    assert local == Target("http", "127.0.0.1", 8500, "/hooks", is_local=True)
    for url in ("http://127.0.0.1:8500/hooks", "http://localhost/"):
        with pytest.raises(UrlRefusedError):
            read_url(url)
    for url in ("http://127.0.0.2/", "http://10.0.0.1/", "http://127.1/", "http://localhost.example.org/"):
        with pytest.raises(UrlRefusedError):
            read_url(url, may_be_local=True)


@pytest.mark.parametrize("address", HOSTILE_ADDRESSES)
def test_a_hostile_address_of_a_name_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not all_public([*PUBLIC, address])


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_not(address: str) -> None:
    assert is_public(ip_address(address))
    assert all_public([address])


def test_a_name_that_stands_for_nothing_is_refused() -> None:
    assert not all_public([])


class Connecting(httpcore.AsyncMockBackend):
    """Remembers to which address a connection was made; those in `deaf` take none."""

    def __init__(self, *deaf: str) -> None:
        super().__init__([])
        self.made: list[str] = []
        self._deaf = deaf

    async def connect_tcp(self, host: str, *args: object, **more: object) -> httpcore.AsyncNetworkStream:
        self.made.append(host)
        if host in self._deaf:
            raise httpcore.ConnectError
        return await super().connect_tcp(host, 443)


class Names:
    """A name server that says another thing each time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self._answers.pop(0)


async def test_the_connection_goes_to_the_address_that_was_checked_and_the_name_is_asked_once() -> None:
    connecting, names = Connecting(), Names(["8.8.8.8"], ["10.0.0.1"])
    await CheckedNetwork(names, connecting).connect_tcp("receiver.example.org", 443)
    assert (connecting.made, names.asked) == (["8.8.8.8"], 1)


async def test_a_name_that_changes_after_the_registration_opens_nothing() -> None:
    connecting, names = Connecting(), Names(["8.8.8.8"], ["169.254.169.254"])
    target = read_url("https://rebinding.example.org/")
    networks = Networks(names, connecting)
    await networks.check(target)
    with pytest.raises(AddressRefusedError):
        await networks.of(target).connect_tcp(target.host, target.port)
    assert connecting.made == []


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    connecting = Connecting()
    with pytest.raises(AddressRefusedError):
        await CheckedNetwork(Names(["8.8.8.8", "127.0.0.1"]), connecting).connect_tcp("mixed.example.org", 443)
    with pytest.raises(NameUnknownError):
        await CheckedNetwork(Names([]), connecting).connect_tcp("nothing.example.org", 443)
    assert connecting.made == []


async def test_the_next_address_is_tried_when_one_takes_no_connection() -> None:
    connecting = Connecting("2606:4700:4700::1111")
    await CheckedNetwork(Names(["2606:4700:4700::1111", "8.8.8.8"]), connecting).connect_tcp("two.example.org", 443)
    assert connecting.made == ["2606:4700:4700::1111", "8.8.8.8"]


async def test_a_name_server_that_does_not_answer_holds_up_no_other_name(monkeypatch: pytest.MonkeyPatch) -> None:
    over, asked = threading.Event(), []

    def ask(host: str, port: int) -> list[Any]:
        asked.append(host)
        if host == "dead.example.org":
            over.wait(10)
            raise OSError
        return [(2, 1, 6, "", ("8.8.8.8", port))]

    monkeypatch.setattr(network, "_ask", ask)
    names = SystemNames()
    for _ in range(2 * RESOLVERS):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(names("dead.example.org", 443), 0.02)
    assert await asyncio.wait_for(names("receiver.example.org", 443), 1) == ["8.8.8.8"]
    assert asked == ["dead.example.org", "receiver.example.org"]
    last = asyncio.create_task(names("dead.example.org", 443))
    await asyncio.sleep(0)
    over.set()
    with pytest.raises(NameUnknownError):
        await last
    names.close()
