"""What is wrong with a service map, in sentences; and what a person should look at soon, though it can be used.

Warnings are for entries that have run out or will within 30 days, and for routes on which nobody is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Final

from shared.events import Route
from shared.policy import Policy, load_all
from shared.service_map import SIGNPOSTS, InvalidServiceMapError, ServiceMap, load

MAPS: Final = Path(__file__).parents[1] / "service_maps"
POLICIES: Final = Path(__file__).parents[1] / "policies"


def mistakes(service_map: ServiceMap, policies: Iterable[Policy]) -> Iterator[str]:
    """What does not fit the policies of the map's authority: wards, and the age up to which families are supported."""
    own = [policy for policy in policies if policy.authority == service_map.authority]
    if not own:
        yield f"authority: no policy is for {service_map.authority}"
        return
    wards = {code for policy in own for code in policy.ward_by_code}
    ends = max(policy.age.support_ends_months for policy in own)
    for service in service_map.services:
        if unknown := [code for code in service.wards if code not in wards]:
            yield f'service "{service.id}", wards: {own[0].authority_name} has no such ward: {", ".join(unknown)}'
        if Route.SIGNPOST_AGE in service.routes and service.to_months <= ends:
            yield f'service "{service.id}", to_months: signpost_age is for children over {ends} months'


def warnings(service_map: ServiceMap, *, on: date) -> Iterator[str]:
    """What a person should look at soon, though the map can be used."""
    for service in service_map.services:
        if not service.is_live(on):
            yield f'service "{service.id}" ran out on {service.expires_on}: nobody is told of it until it is confirmed'
        elif service.expires_soon(on):
            yield f'service "{service.id}" has to be confirmed by {service.expires_on}'
    for route in SIGNPOSTS:
        if not service_map.signposts(route, ward=None, on=on):
            yield f"nobody is named on {route} for the whole area"


def check(path: Path, *, on: date) -> bool:
    """Print what is wrong with one file; tell whether it can be used."""
    try:
        service_map = load(path)
    except InvalidServiceMapError as error:
        print(error)
        return False
    wrong = [f"  {mistake}" for mistake in mistakes(service_map, load_all(POLICIES).values())]
    print(*[f"{path} is not a usable service map:" if wrong else f"{path} can be used", *wrong], sep="\n")
    print(*[f"  warning: {warning}\n" for warning in warnings(service_map, on=on)], sep="", end="")
    return not wrong
