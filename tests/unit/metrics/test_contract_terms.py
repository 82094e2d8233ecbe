"""Under which changes of a policy a published report is still corrected: all but those of what was agreed."""

from __future__ import annotations

from typing import Any

import pytest

from services.metrics.reports.agreeing import terms_under
from services.metrics.reports.model import ReportKind
from services.metrics.reports.terms import Terms, contract_terms
from services.metrics.spans import read_month
from shared.policy import InvalidPolicyError, Policy
from tests.builders import a_policy

POLICY = a_policy()
IN_THE_TERMS = {"id", "authority", "contract", "working_time", "age", "wards"}
NOT_IN_THEM = {
    "family_messages",
    *("version", "title", "authority_name", "signed_off_by", "need", "priority", "words", "ring", "on_call"),
    *("capacity", "signposts", "need_shares"),
}


def terms_of(**changes: Any) -> Terms:
    terms = terms_under(changed(**changes), None)
    assert terms is not None
    return terms


def changed(**changes: Any) -> Policy:
    """A later version; `working_time={"opens": ...}` changes one member of a part."""
    parts = {
        name: getattr(POLICY, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in changes.items()
    }
    return POLICY.model_copy(update={"version": POLICY.version + 1, **parts})


def is_corrected(terms: Terms) -> bool:
    """Whether a report that was made under the policy as it was is corrected under these."""
    before = terms_under(POLICY, None)
    assert before is not None
    return terms.are_those_of(before.heading(ReportKind.CONTRACT, read_month("2026-06")))


def test_a_new_member_of_the_policy_is_a_decision_whether_reports_depend_on_it() -> None:
    assert set(Policy.model_fields) == IN_THE_TERMS | NOT_IN_THEM


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"on_call": {"phone": "0115 496 0199"}},
        {"signed_off_by": "Dr Example, 1 June 2026"},
        {"working_time": {"unopened_first_minutes": 20}},
        {"priority": {"young_baby_months": 7}},
        {"need": {"targeted_risk_factors": 3}},
        {"wards": tuple(ward.model_copy(update={"opens_on": None}) for ward in POLICY.wards[1:]) + POLICY.wards[:1]},
    ],
)
def test_what_no_figure_depends_on_ends_no_corrections(changes: dict[str, Any]) -> None:
    assert is_corrected(terms_of(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"contract": {"targets": {"decided_in_time": 0.5}}},
        {"contract": {"paid": ()}},
        {"working_time": {"first_contact_days": 15}},
        {"working_time": {"closes": POLICY.working_time.closes.replace(hour=18)}},
        {"age": {"support_ends_months": 30}},
        {"wards": POLICY.wards[1:]},
    ],
)
def test_other_terms_of_the_contract_end_corrections(changes: dict[str, Any]) -> None:
    assert not is_corrected(terms_of(**changes))


def test_of_a_report_from_before_terms_were_kept_the_policy_version_tells() -> None:
    older = terms_of().heading(ReportKind.CONTRACT, read_month("2026-06")).model_copy(update={"terms": ""})
    assert terms_of().are_those_of(older)
    assert not terms_of(version=POLICY.version + 2).are_those_of(older)


def test_every_policy_has_terms_also_one_without_a_contract() -> None:
    assert contract_terms(POLICY.model_copy(update={"contract": None}))["contract"] is None


@pytest.mark.parametrize("wrong", [{"targets": {"contact_in_tiem": 0.95}}, {"paid": ("contact_in_tiem",)}])
def test_a_target_or_payment_of_a_figure_that_there_is_not_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidPolicyError, match="no figure with contact_in_tiem; there are "):
        terms_of(contract=wrong)
