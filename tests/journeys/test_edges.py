"""The edge of the intake: whose referral it is, what can't be read, and answers that repeat nothing."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.families import a_referral
from tests.journeys.people import Agency, request
from tests.system import Reply, System

NOT_THERE = (
    "PIR-444-444",
    "PIR-000-000",
    "pir",
    "1",
    "019a0000-0000-7000-8000-000000000001",
    "PIR-4K7-29M' OR '1'='1",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%ff%fe",
    quote("ＰＩＲ－４Ｋ７－２９Ｍ"),
    "P" * 3000,
    "%F0%9F%91%B6",
    "*",
    "null",
)


def assert_problem(reply: Reply, status: int, name: str | None = None) -> None:
    assert reply.status == status, reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.body["status"] == status
    assert reply.body["type"].startswith("urn:pir:problem:")
    if name:
        assert reply.body["type"] == f"urn:pir:problem:{name}"


@pytest.mark.parametrize("reference", NOT_THERE)
def test_a_reference_that_is_nobodys_is_404(health_visiting: Agency, reference: str) -> None:
    path = f"/referrals/{quote(reference, safe='%')}"
    assert_problem(health_visiting.call("GET", path), 404, "not-found")
    assert_problem(health_visiting.call("PATCH", path, {"notes": "x"}), 404)
    assert_problem(health_visiting.call("POST", f"{path}/withdrawal", {"reason": "other"}), 404)
    assert_problem(health_visiting.call("POST", f"{path}/information", {"notes": "x"}), 404)


def test_another_agencys_referral_is_404_like_one_that_does_not_exist(
    health_visiting: Agency, social_care: Agency
) -> None:
    reference = health_visiting.refers()
    for method, path, body in (
        ("GET", f"/referrals/{reference}", None),
        ("PATCH", f"/referrals/{reference}", {"notes": "x"}),
        ("POST", f"/referrals/{reference}/withdrawal", {"reason": "other"}),
        ("POST", f"/referrals/{reference}/information", {"notes": "x"}),
    ):
        theirs = social_care.call(method, path, body)
        missing = social_care.call(method, path.replace(reference, "PIR-444-444"), body)
        assert_problem(theirs, 404)
        asked = theirs.body.pop("instance"), missing.body.pop("instance")
        assert asked == (path, path.replace(reference, "PIR-444-444"))
        assert (theirs.status, theirs.body) == (missing.status, missing.body)
    assert health_visiting.sees(reference)["version"] == 1


@pytest.mark.parametrize("said", ["lower", "spaced", "bare"])
def test_a_reference_may_be_written_as_people_say_it(health_visiting: Agency, said: str) -> None:
    reference = health_visiting.refers()
    ways = {"lower": reference.lower(), "spaced": reference.replace("-", "%20"), "bare": reference[4:].replace("-", "")}
    assert health_visiting.call("GET", f"/referrals/{ways[said]}").body["reference"] == reference


def test_without_a_valid_key_nothing_is_said(system: System, health_visiting: Agency) -> None:
    reference = health_visiting.refers()
    url = system.url("referral")
    staff = system.staff_token("triage-lead")
    internal = system.credentials["secrets"]["PIR_TOKEN_TRIAGE_REFERRAL"]
    for token in (None, "nobodys-key", "dev_health-visiting_", staff, internal, "é"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for method, path in (("GET", f"/referrals/{reference}"), ("GET", "/referrals"), ("POST", "/referrals")):
            reply = request(method, url + path, headers=headers, body=b"{}" if method == "POST" else None)
            assert_problem(reply, 401, "credentials-unknown" if token else "credentials-missing")
            assert reply.headers["www-authenticate"] == "Bearer"


def test_identities_are_for_our_own_services(system: System, health_visiting: Agency) -> None:
    receipt = health_visiting.call("POST", "/referrals", a_referral())
    url = f"{system.url('referral')}/internal/referrals/{receipt.body['id']}/identity"
    others = system.credentials["secrets"]["PIR_TOKEN_TRIAGE_NOTIFY"]
    for token in (system.agency_key(), system.staff_token("triage-lead"), "nobodys", others):
        reply = request("GET", url, headers={"Authorization": f"Bearer {token}", "X-PIR-Actor": "dev-triage-lead"})
        assert_problem(reply, 401)


@pytest.mark.parametrize("key", ["", " ", "with space", "é", "k" * 256, "tab\tbed"])
def test_an_idempotency_key_that_can_not_be_one_is_400(health_visiting: Agency, key: str) -> None:
    reply = health_visiting.call("POST", "/referrals", a_referral(), Idempotency_Key=key)
    assert_problem(reply, 400, "idempotency-key-missing")


def test_an_idempotency_key_is_needed(system: System) -> None:
    headers = {"Authorization": f"Bearer {system.agency_key()}", "Content-Type": "application/json"}
    reply = request("POST", f"{system.url('referral')}/referrals", headers=headers, body=b"{}")
    assert_problem(reply, 400, "idempotency-key-missing")


@pytest.mark.parametrize("key", ["k", "k" * 255, "!~"])
def test_the_shortest_and_the_longest_key_are_taken(system: System, key: str) -> None:
    midwifery = Agency(system, "midwifery")
    assert midwifery.call("POST", "/referrals", a_referral(), key=key).status == 201


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "application/json; charset=latin-1", "", "application/jsonp"]
)
def test_another_media_type_is_415(health_visiting: Agency, media_type: str) -> None:
    reply = health_visiting.call("POST", "/referrals", a_referral(), Content_Type=media_type)
    assert_problem(reply, 415, "media-type")


@pytest.mark.parametrize("coding", ["gzip", "identity", "br"])
def test_a_content_encoding_is_415(health_visiting: Agency, coding: str) -> None:
    reply = health_visiting.call("POST", "/referrals", a_referral(), Content_Encoding=coding)
    assert_problem(reply, 415, "media-type")


def test_a_body_over_the_limit_is_413(health_visiting: Agency) -> None:
    at_most = 256 * 1024
    whole = json.dumps(a_referral(notes=None)).encode()
    padded = whole + b" " * (at_most - len(whole))
    assert health_visiting.call("POST", "/referrals", padded).status == 201
    assert_problem(health_visiting.call("POST", "/referrals", padded + b" "), 413, "too-large")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b'"\\ud800"', b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"[" * 5000],
    ids=["empty", "cut", "twice", "nan", "surrogate", "bom", "utf-16", "deep"],
)
def test_what_can_not_be_read_is_400(health_visiting: Agency, body: bytes) -> None:
    assert_problem(health_visiting.call("POST", "/referrals", body), 400, "unreadable")


@pytest.mark.parametrize("body", [[], "text", 1, True], ids=["list", "text", "number", "true"])
def test_a_body_that_is_no_object_is_422(health_visiting: Agency, body: object) -> None:
    assert_problem(health_visiting.call("POST", "/referrals", body), 422, "invalid")


def test_every_mistake_is_named_at_once_and_none_is_repeated(health_visiting: Agency) -> None:
    family = a_referral(safety=["no-such-tick"], home={"postcode": "Qqzx 999"}, surprise="Qqzx")
    family["babies"][0]["date_of_birth"] = "31/12/2025 Qqzx"
    family["referrer"]["email"] = "Qqzx"
    reply = health_visiting.call("POST", "/referrals", family)
    assert_problem(reply, 422, "invalid")
    pointers = {error["pointer"] for error in reply.body["errors"]}
    assert pointers >= {"/safety/0", "/home/postcode", "/babies/0/date_of_birth", "/referrer/email", "/surprise"}
    assert "Qqzx" not in json.dumps(reply.body)
    assert "no-such-tick" not in json.dumps(reply.body)


@pytest.mark.parametrize("service", ["referral", "triage", "notify", "metrics"])
def test_an_address_that_is_not_there_is_a_problem(system: System, service: str) -> None:
    assert_problem(request("GET", f"{system.url(service)}/no/such/place"), 404, "not-found")
    assert_problem(request("DELETE", f"{system.url(service)}/health/live"), 405, "method-not-allowed")


def test_methods_that_an_address_does_not_take_are_405(health_visiting: Agency) -> None:
    for method, path in (("DELETE", "/referrals/PIR-4K7-29M"), ("PUT", "/referrals"), ("PATCH", "/referrals")):
        reply = health_visiting.call(method, path)
        assert_problem(reply, 405, "method-not-allowed")
        assert set(reply.headers["allow"].split(", ")) == {"GET", "PATCH" if path.count("/") > 1 else "POST"}


@pytest.mark.parametrize(
    "path", ["/referrals/", "//referrals", "/referrals//", "/referrals/PIR-4K7-29M/", "/referrals/a/b"]
)
def test_an_address_with_a_slash_too_many_is_not_there(health_visiting: Agency, path: str) -> None:
    assert_problem(health_visiting.call("GET", path), 404, "not-found")
    assert_problem(health_visiting.call("POST", path, a_referral()), 404)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%00", "a" * 300, "9d1f" * 8])
def test_a_cursor_that_is_not_ours_is_refused(health_visiting: Agency, cursor: str) -> None:
    reply = health_visiting.call("GET", f"/referrals?changed_since={cursor}")
    assert_problem(reply, 400, "cursor-unknown")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", "1e2"])
def test_a_limit_out_of_range_is_422(health_visiting: Agency, limit: str) -> None:
    assert_problem(health_visiting.call("GET", f"/referrals?limit={limit}"), 422, "invalid")
