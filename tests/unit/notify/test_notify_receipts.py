"""Reports of GOV.UK Notify: early, late, twice, in any order, the furthest state stays."""

from __future__ import annotations

from itertools import permutations, product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.content import State
from services.notify.family_messages.receipts import RETURNED, change_by
from services.notify.family_messages.sending import MOST_ACCEPTED, read_reference, reference_of
from services.notify.senders.govuk_notify import STATUSES, Known

ID = UUID(int=7)


def after(*reports: tuple[Known, int], state: State = State.SENT, accepted: int = 1) -> tuple[State, int]:
    """The state and count of sends after these reports, each kept as callbacks.py keeps it."""
    for known, nth in reports:
        if change := change_by(known, nth=nth, state=state, accepted=accepted):
            state, accepted = change.state, max(accepted, nth)
    return state, accepted


@pytest.mark.parametrize("reports", list(permutations([Known.ON_ITS_WAY, Known.DELIVERED, Known.TRY_AGAIN])))
def test_in_every_order_what_arrived_has_arrived(reports: tuple[Known, ...]) -> None:
    assert after(*((each, 1) for each in reports))[0] is State.DELIVERED


@pytest.mark.parametrize(("first", "second"), list(product(Known, repeat=2)))
def test_twice_is_once(first: Known, second: Known) -> None:
    once, twice = after((first, 1), (second, 1)), after((first, 1), (first, 1), (second, 1), (second, 1))
    assert once == twice


@pytest.mark.parametrize("known", [Known.DELIVERED, Known.TRY_AGAIN, Known.GIVEN_UP])
def test_a_report_before_our_own_word_of_the_send_counts(known: Known) -> None:
    expected = {Known.DELIVERED: State.DELIVERED, Known.TRY_AGAIN: State.FAILED, Known.GIVEN_UP: State.UNDELIVERABLE}
    assert after((known, 1), state=State.DUE, accepted=0) == (expected[known], 1)


def test_a_failure_that_may_pass_is_tried_three_times_and_then_a_persons() -> None:
    state, accepted = State.SENT, 1
    for nth in range(1, MOST_ACCEPTED + 1):
        state, accepted = after((Known.TRY_AGAIN, nth), state=State.SENT, accepted=nth)
        assert state is (State.FAILED if nth < MOST_ACCEPTED else State.UNDELIVERABLE)
    assert accepted == MOST_ACCEPTED == 3


def test_a_late_failure_of_an_earlier_send_does_not_undo_a_later_one() -> None:
    assert after((Known.TRY_AGAIN, 1), state=State.SENT, accepted=2) == (State.SENT, 2)
    assert after((Known.GIVEN_UP, 1), state=State.SENT, accepted=2) == (State.SENT, 2)
    assert after((Known.DELIVERED, 1), state=State.SENT, accepted=2)[0] is State.DELIVERED


def test_what_was_given_up_and_arrives_after_all_has_arrived() -> None:
    assert after((Known.GIVEN_UP, 1), (Known.DELIVERED, 1))[0] is State.DELIVERED


def test_a_letter_that_comes_back_is_a_persons_though_it_was_printed() -> None:
    change = change_by(Known.GIVEN_UP, nth=1, state=State.DELIVERED, accepted=1, is_returned=True)
    assert change is not None
    assert (change.state, change.error) == (State.UNDELIVERABLE, RETURNED)


@given(st.lists(st.tuples(st.sampled_from(Known), st.integers(1, 3)), max_size=8))
def test_whatever_comes_delivered_is_never_lost(reports: list[tuple[Known, int]]) -> None:
    state, _ = after(*reports)
    has_arrived = any(known is Known.DELIVERED for known, _ in reports)
    assert (state is State.DELIVERED) is has_arrived


def test_a_reference_says_which_message_and_which_send() -> None:
    assert reference_of(ID, 1) == str(ID)
    for nth in (1, 2, 3):
        assert read_reference(reference_of(ID, nth)) == (ID, nth)


@given(st.text(max_size=60))
def test_any_other_reference_is_nobodys(text: str) -> None:
    found = read_reference(text)
    assert found is None or isinstance(found[0], UUID)


def test_every_final_status_of_notifys_docs_is_known() -> None:
    named = {"delivered", "sent", "permanent-failure", "temporary-failure", "technical-failure", "received", "cancelled",
             "virus-scan-failed", "validation-failed"}  # fmt: skip
    assert set(STATUSES) == named
