"""A council's parameters: one validated TOML file, never numbers in code.

`load(path)` refuses a wrong file with one sentence per mistake; a decision names the policy's id and version.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.events import WALL_CLOCK, PolicyRef, Route, Urgency
from shared.folding import fold
from shared.safety_words import SafetyWords
from shared.working_time import day_in_london, due_on

Days = Annotated[int, Field(ge=0, le=3660)]
Months = Annotated[int, Field(ge=0, le=120)]
Count = Annotated[int, Field(ge=1, le=50)]
Share = Annotated[float, Field(ge=0, le=1)]

SHARES_TOLERANCE = 1e-6
"""Shares are decimal fractions: 0.5 + 0.2 + ... may miss 1 by a rounding."""


class InvalidPolicyError(Exception):
    """The file can't be used: its message lists every mistake with its place in the file."""


class PolicyPart(BaseModel):
    """A frozen part of the file; a member that nobody knows is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Ward(PolicyPart):
    """A ward of the policy's authority: open from `opens_on` (that day is in); absent date = not planned yet."""

    code: Annotated[str, Field(pattern=r"^E05[0-9]{6}$")]
    name: str
    opens_on: date | None = None


class Age(PolicyPart):
    """Days are counted from the day of receipt in Europe/London."""

    support_ends_months: Months
    grace_days: Days
    overdue_days: Days
    due_ahead_days: Days
    pregnancy_days: Days
    late_birth_days: Days
    early_birth_days: Days


class Need(PolicyPart):
    """Counts from which a tier is given, and steps between tiers from which a person looks."""

    long_term_domains: Count
    short_term_domains: Count
    targeted_risk_factors: Count
    tier_steps_for_review: Count


class Priority(PolicyPart):
    """Who is seen sooner, by days pregnant, months old or days to the due date; below which age a parent is a child."""

    late_pregnancy_days: Days
    young_baby_months: Months
    due_soon_days: Days
    time_short_months: Months
    young_carer_years: Annotated[int, Field(ge=10, le=25)]


class WorkingTime(PolicyPart):
    """Working days in Europe/London with English bank holidays; what arrives after `cutoff` counts from the next.

    What is due on a day is due when it `closes`.
    """

    cutoff: time
    opens: time = time(9)
    closes: time = time(17)
    seen_days: Days
    decision_days: Days
    first_contact_days: Days
    first_contact_priority_days: Days
    safeguarding_days: Days
    unopened_first_minutes: Annotated[int, Field(ge=1, le=1440)]
    unopened_second_minutes: Annotated[int, Field(ge=1, le=1440)]
    re_referral_months: Months
    hold_review_months: Months = 3
    """How long after a look a family that waits for its ward is looked at again; assumed, REPLACE BY THE TEAM'S."""


class Ring(PolicyPart):
    """A number to ring at once: 999, children's social care, the crisis team. The first listed is the emergency one."""

    who: str
    phone: str
    when: str


class OnCall(PolicyPart):
    """Who is told when something urgent was not opened: by mail, and by a text to each of `mobiles`."""

    name: str
    email: str
    phone: str
    mobiles: tuple[str, ...] = ()


class FamilyMessages(PolicyPart):
    """Messages to families, which a council switches on.

    They say that `signed` rings from `phone`, and nothing that tells what it is about: a council's name, never that of
    a service.
    """

    on: bool = False
    signed: str = ""
    phone: str = ""


class WordLists(PolicyPart):
    """The safety list; how an entry is written: shared/safety_words.py."""

    safety: tuple[str, ...]


class Capacity(PolicyPart):
    """Places of one route, and what a family on its waiting list is offered meanwhile."""

    route: Route
    individual: Annotated[int, Field(ge=0)]
    group: Annotated[int, Field(ge=0)] = 0
    interim_offer: str = ""


class Contract(PolicyPart):
    """What the service is bought to do, and when the buyer hears: contract years count from `starts_on`.

    `payment_from_year`: from that contract year on payment hangs on the KPIs in `paid`. `published_after_days`: working
    days after a month's end on which its report is published. `targets`: KPI code → share that has to be reached.
    `seen_elsewhere`: families a year with a specialist need whom another service sees.
    """

    starts_on: date
    payment_from_year: Annotated[int, Field(ge=1, le=20)]
    published_after_days: Days
    targets: dict[str, Share] = {}
    paid: tuple[str, ...] = ()
    seen_elsewhere: Annotated[int, Field(ge=0)] = 0


class Policy(PolicyPart):
    """Everything a council may set. `authority` is its ONS code; `current_wards` its wards as they stand today."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
    version: Annotated[int, Field(ge=1)]
    title: str
    authority: Annotated[str, Field(pattern=r"^E[0-9]{8}$")]
    authority_name: str
    signed_off_by: str = ""
    age: Age
    need: Need
    priority: Priority
    working_time: WorkingTime
    words: WordLists
    ring: tuple[Ring, ...]
    on_call: OnCall
    family_messages: FamilyMessages = FamilyMessages()
    capacity: tuple[Capacity, ...] = ()
    signposts: dict[Route, str] = {}
    need_shares: dict[str, Share] = {}
    contract: Contract | None = None
    wards: tuple[Ward, ...]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if twice := _repeated(ward.code for ward in self.wards):
            raise ValueError(f"a ward is listed twice: {twice}")
        if twice := _repeated(place.route for place in self.capacity):
            raise ValueError(f"the capacity of a route is listed twice: {twice}")
        if not any(ward.opens_on for ward in self.wards):
            raise ValueError("no ward ever opens")
        if not self.ring:
            raise ValueError("numbers to ring are needed: the answer to a danger names them")
        if not self.words.safety or not all(fold(word) for word in self.words.safety):
            raise ValueError("the safety words are empty")
        if not self.working_time.opens < self.working_time.cutoff <= self.working_time.closes:
            raise ValueError("a working day opens before the cut-off, and closes at it or after")
        if self.working_time.unopened_first_minutes >= self.working_time.unopened_second_minutes:
            raise ValueError("the second escalation must come after the first")
        if self.family_messages.on and not (self.family_messages.signed.strip() and self.family_messages.phone.strip()):
            raise ValueError("messages to families say who rings and from which number: signed and phone are needed")
        if sum(self.need_shares.values()) > 1 + SHARES_TOLERANCE:
            raise ValueError("the need shares add up to more than the whole")
        return self

    @cached_property
    def ref(self) -> PolicyRef:
        """Named in every decision."""
        return PolicyRef(id=self.id, version=self.version)

    @cached_property
    def ward_by_code(self) -> dict[str, Ward]:
        """Current wards of the authority by ONS code."""
        return {ward.code: ward for ward in self.wards}

    def is_open(self, ward: str, on: date) -> bool:
        """Tell whether the ward is open: from its opening day on; never for a ward that is not the council's."""
        found = self.ward_by_code.get(ward)
        return bool(found and found.opens_on and found.opens_on <= on)

    def decided_by_person_on(self, urgency: Urgency, *, at: datetime) -> date:
        """The day by which a person decides, from the decision that gave it to them; `now` and `4h` by the clock."""
        times = self.working_time
        if urgency in WALL_CLOCK:
            return day_in_london(at + WALL_CLOCK[urgency])
        days = times.safeguarding_days if urgency is Urgency.WORKING_DAY else times.decision_days
        return due_on(at, days=days, hours=times)

    @cached_property
    def _safety_words(self) -> SafetyWords:
        return SafetyWords(self.words.safety)

    def safety_words_in(self, text: str) -> tuple[str, ...]:
        """What of the safety list stands in `text`, as safety_words.py finds it; empty when nothing does."""
        return self._safety_words.found_in(text)


def _repeated(values: Iterable[str]) -> str:
    """Name what stands in the list more than once; empty when nothing does."""
    return ", ".join(value for value, times in Counter(values).items() if times > 1)


def read(members: Mapping[str, object], *, name: str) -> Policy:
    """Make a policy of what a file (or a draft) holds; `name` stands in the message.

    Raises InvalidPolicyError with every mistake and its place: unknown or missing members, numbers out of range,
    a ward listed twice, no ward that ever opens.
    """
    try:
        return Policy.model_validate(members)
    except ValidationError as error:
        mistakes = (
            f"  {'.'.join(map(str, part['loc'])) or 'the whole'}: {part['msg'].removeprefix('Value error, ')}"
            for part in error.errors()
        )
        raise InvalidPolicyError("\n".join([f"{name} is not a usable policy:", *mistakes])) from error


def load(path: Path) -> Policy:
    """Read one policy file; raises InvalidPolicyError as `read` does, or for a file that is no readable TOML."""
    try:
        members = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidPolicyError(f"{path}: {error}") from error
    return read(members, name=str(path))


def load_all(folder: Path) -> dict[str, Policy]:
    """Every `*.toml` of the folder by its id; raises InvalidPolicyError for a wrong file or an id used twice."""
    policies: dict[str, Policy] = {}
    for path in sorted(folder.glob("*.toml")):
        policy = load(path)
        if policy.id in policies:
            raise InvalidPolicyError(f"{path}: the id {policy.id!r} is used by another file")
        policies[policy.id] = policy
    if not policies:
        raise InvalidPolicyError(f"{folder} holds no policy file (*.toml)")
    return policies
