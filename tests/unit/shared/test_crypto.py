"""Data keys carry the name of the key that wrapped them; two keys open meanwhile, and old forms stay readable."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from shared.crypto import KEY_BYTES, NAMED, LocalKey, Safe, UnreadableSecretError, key_id_of, subkey

OLD, NEW, STRANGER = (LocalKey(bytes([each]) * KEY_BYTES) for each in (1, 2, 3))


def test_a_wrapped_key_says_which_key_wrapped_it_and_nothing_of_that_key() -> None:
    _, stored = Safe(OLD).new_key()
    assert stored.startswith(NAMED + OLD.id)
    assert len(stored) == 1 + 4 + 40
    assert key_id_of(stored) == OLD.id != NEW.id
    assert OLD.id not in bytes([1]) * KEY_BYTES


def test_what_was_wrapped_before_keys_had_names_opens_under_whichever_key_it_is() -> None:
    key = os.urandom(KEY_BYTES)
    stored = aes_key_wrap(bytes([1]) * KEY_BYTES, key)
    assert key_id_of(stored) is None
    assert Safe(OLD).unwrap(stored) == Safe(NEW, OLD).unwrap(stored) == Safe(OLD, NEW).unwrap(stored) == key
    with pytest.raises(UnreadableSecretError):
        Safe(NEW).unwrap(stored)


def test_both_keys_open_while_one_is_changed_for_the_other_and_the_old_one_is_not_needed_after() -> None:
    key, stored = Safe(OLD).new_key()
    again = Safe(NEW, OLD).wrap_again(stored)
    assert Safe(NEW, OLD).unwrap(stored) == Safe(NEW).unwrap(again) == key
    for safe, other in ((Safe(NEW), stored), (Safe(OLD), again), (Safe(STRANGER, OLD), again)):
        with pytest.raises(UnreadableSecretError):
            safe.unwrap(other)


def test_a_stored_key_under_another_name_does_not_open() -> None:
    _, stored = Safe(OLD).new_key()
    renamed = NAMED + NEW.id + stored[5:]
    with pytest.raises(UnreadableSecretError):
        Safe(NEW, OLD).unwrap(renamed)


@pytest.mark.parametrize("place", range(45))
def test_a_changed_byte_of_a_stored_key_never_opens(place: int) -> None:
    _, stored = Safe(OLD).new_key()
    changed = stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :]
    with pytest.raises(UnreadableSecretError):
        Safe(OLD).unwrap(changed)


def test_a_key_may_write_the_form_that_an_older_version_reads() -> None:
    old = LocalKey(bytes([1]) * KEY_BYTES)
    old.writes_names = False
    key, stored = Safe(old).new_key()
    assert key_id_of(stored) is None
    assert Safe(OLD).unwrap(stored) == key


def test_subkeys_differ_by_purpose_and_by_key() -> None:
    made = {subkey(bytes([each]) * KEY_BYTES, purpose) for each in (1, 2) for purpose in ("wrapping", "id")}
    assert len(made) == 4
