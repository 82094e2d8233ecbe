import json

import pytest

from shared.strict_json import Unreadable, canonical, parse_json


def code_of(body: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        parse_json(body)
    return caught.value.code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty-body"),
        (b" \r\n\t", "empty-body"),
        (b"\xef\xbb\xbf{}", "byte-order-mark"),
        ('{"a":1}'.encode("utf-16"), "not-utf-8"),
        ('{"a":1}'.encode("utf-16-be"), "not-json"),
        (b'{"a":"\xc0\xaf"}', "not-utf-8"),
        (b'{"a":1}}', "not-json"),
        (b"{'a':1}", "not-json"),
        (b'{"a":1,}', "not-json"),
        (b'{"a":01}', "not-json"),
        (b'{"a":1} // why', "not-json"),
        (b'{"a":"\n"}', "not-json"),
        (b'{"a":1,"a":2}', "duplicate-member"),
        (b'{"a":1,"\\u0061":2}', "duplicate-member"),
        (b'[{"b":{"a":1,"a":1}}]', "duplicate-member"),
        (b'{"a":NaN}', "not-a-number"),
        (b'{"a":-Infinity}', "not-a-number"),
        (b'{"a":1e999}', "number-too-long"),
        (b'{"a":' + b"9" * 5000 + b"}", "number-too-long"),
        (b'{"a":"\\ud800"}', "lone-surrogate"),
        (b'{"\\udc00":1}', "lone-surrogate"),
        (b'{"a":["\\ud83d\\ud83d\\ude00"]}', "lone-surrogate"),
        (b"[" * 100_000, "too-deep"),
        (b"[" * 65 + b"]" * 65, "too-deep"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "too-deep"),
    ],
)
def test_what_parsers_disagree_about_is_unreadable(body: bytes, code: str) -> None:
    assert code_of(body) == code


def test_a_surrogate_pair_is_one_character() -> None:
    assert parse_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_sixty_four_levels_are_read() -> None:
    assert parse_json(b"[" * 64 + b"]" * 64)


def test_many_brackets_in_a_text_are_no_nesting() -> None:
    assert parse_json(json.dumps({"notes": "[" * 5000}).encode())


def test_the_detail_never_shows_what_was_sent() -> None:
    for body in (b'{"Zq7canary" 1}', b'{"a":"Zq7canary\n"}', b'{"Zq7canary":1,"Zq7canary":2}', b"Zq7canary"):
        with pytest.raises(Unreadable) as caught:
            parse_json(body)
        assert "Zq7canary" not in caught.value.detail


def test_spacing_order_and_escapes_do_not_change_the_canonical_form() -> None:
    one = parse_json(b'{"b":[1, 2],"a":{"d":"\\u00e9","c":null}}')
    other = parse_json('{ "a": {"c":null, "d":"é"},\n "b":[1,2] }'.encode())
    assert canonical(one) == canonical(other)


def test_the_order_of_a_list_changes_the_canonical_form() -> None:
    assert canonical([1, 2]) != canonical([2, 1])
