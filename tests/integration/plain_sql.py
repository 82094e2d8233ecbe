"""Every KPI once more, in plain SQL straight from the events: what the reports' own counting is held against.

Nothing here is shared with the counting: working days, deadlines and stopped clocks are worked out by PostgreSQL from
the raw events in `told.event`. The definitions are those of the contract, read from the words of the KPIs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

import asyncpg

from shared.events import Envelope
from shared.policy import Policy
from shared.working_time import BANK_HOLIDAYS

SCHEMA: Final = """
CREATE SCHEMA told;
CREATE TABLE told.event (
    id uuid PRIMARY KEY, key uuid NOT NULL, topic text NOT NULL, type text NOT NULL, sequence integer NOT NULL,
    at timestamptz NOT NULL, data jsonb NOT NULL
);
CREATE TABLE told.working_day (day date PRIMARY KEY, number integer UNIQUE NOT NULL);
CREATE TABLE told.month (first_day date PRIMARY KEY, ends_at timestamptz NOT NULL);
CREATE TABLE told.terms (
    authority text, wards text[], support_months integer, back_months integer, cutoff time, opens time, closes time,
    seen integer, decision integer, contact integer, contact_priority integer, safeguarding integer
);

CREATE FUNCTION told.day(at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE
    AS $$ SELECT (at AT TIME ZONE 'Europe/London')::date $$;
CREATE FUNCTION told.month_of(day date) RETURNS date LANGUAGE sql IMMUTABLE
    AS $$ SELECT date_trunc('month', day)::date $$;
CREATE FUNCTION told.months_later(day date, months integer) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN extract(day FROM later) < extract(day FROM day) THEN later + 1 ELSE later END
    FROM (SELECT (day + make_interval(months => months))::date AS later) t
$$;
CREATE FUNCTION told.worked(since date, until date) RETURNS bigint LANGUAGE sql STABLE
    AS $$ SELECT count(*) FROM told.working_day w WHERE w.day > since AND w.day <= until $$;
CREATE FUNCTION told.plus(start date, days bigint) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN days = 0 THEN start ELSE (
        SELECT w.day FROM told.working_day w
        WHERE w.number = (SELECT max(number) FROM told.working_day WHERE day <= start) + days) END
$$;
CREATE FUNCTION told.due_on(at timestamptz, days integer) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT told.plus((SELECT min(w.day) FROM told.working_day w
                      WHERE w.day > local::date OR (w.day = local::date AND local::time <= cutoff)), days)
    FROM (SELECT at AT TIME ZONE 'Europe/London' AS local) t, told.terms
$$;
CREATE FUNCTION told.hours_of(day date) RETURNS tstzrange LANGUAGE sql STABLE AS $$
    SELECT tstzrange((day + opens) AT TIME ZONE 'Europe/London', (day + closes) AT TIME ZONE 'Europe/London')
    FROM told.terms
$$;
"""

READING: Final = """
INSERT INTO told.event (id, key, topic, type, sequence, at, data)
SELECT (item ->> 'work_item_id')::uuid, key, topic, 'work-item.opened.v1', sequence, at, data || item
FROM told.event, jsonb_array_elements(data -> 'opened') item WHERE type = 'referral.triaged.v1';

CREATE TABLE told.referral AS
SELECT r.key AS id, (r.data ->> 'received_at')::timestamptz AS received_at,
    told.day((r.data ->> 'received_at')::timestamptz) AS received_on,
    jsonb_array_length(r.data -> 'gaps') > 0 AS had_gaps, last.data -> 'facts' -> 'links' ? 're_referral' AS came_back,
    CASE WHEN e.key IS NULL THEN last.data || coalesce(monitored.data, '{}') END AS told
FROM told.event r
JOIN LATERAL (SELECT v.data FROM told.event v
              WHERE v.key = r.key AND v.type IN ('referral.received.v1', 'referral.amended.v1')
              ORDER BY v.sequence DESC LIMIT 1) last ON true
LEFT JOIN LATERAL (SELECT v.data FROM told.event v WHERE v.key = r.key AND v.type = 'referral.monitored.v1'
                   ORDER BY v.sequence DESC LIMIT 1) monitored ON true
LEFT JOIN told.event e ON e.key = r.key AND e.type = 'referral.erased.v1'
WHERE r.type = 'referral.received.v1';
ALTER TABLE told.referral ADD PRIMARY KEY (id);

CREATE TABLE told.item AS
SELECT (data ->> 'work_item_id')::uuid AS id, key AS referral, data ->> 'about' AS about, data ->> 'route' AS route,
    min(at) FILTER (WHERE type = 'work-item.opened.v1') AS opened_at,
    min(at) FILTER (WHERE type = 'work-item.claimed.v1') AS claimed_at,
    min(at) FILTER (WHERE type = 'work-item.waiting.v1' AND data ->> 'waiting_for' = 'referrer') AS asked_at,
    min(at) FILTER (WHERE type = 'work-item.waiting.v1' AND data ->> 'waiting_for' = 'place') AS listed_at,
    min(at) FILTER (WHERE type = 'work-item.accepted.v1') AS accepted_at,
    min(data ->> 'place') FILTER (WHERE type = 'work-item.accepted.v1') AS place,
    min(coalesce((data ->> 'on')::date, told.day(at))) FILTER (WHERE type = 'work-item.first-contact.v1') AS contacted_on,
    min(at) FILTER (WHERE type = 'work-item.declined.v1') AS declined_at,
    min(at) FILTER (WHERE type = 'work-item.closed.v1') AS closed_at,
    min(data ->> 'reason') FILTER (WHERE type = 'work-item.closed.v1') AS closed_because,
    min((data ->> 'held_on')::date) FILTER (WHERE type = 'work-item.closed.v1') AS held_on,
    min((data ->> 'attendees')::integer) FILTER (WHERE type = 'work-item.closed.v1') AS attendees
FROM told.event WHERE type LIKE 'work-item.%' GROUP BY 1, 2, 3, 4;
UPDATE told.item SET closed_at = e.at, closed_because = 'erased'
FROM told.event e WHERE e.key = item.referral AND e.type = 'referral.erased.v1' AND closed_at IS NULL;
CREATE INDEX ON told.item (referral);

CREATE TABLE told.stop AS
SELECT asked.key AS referral, tstzrange(asked.at, (
    SELECT min(later.at) FROM told.event later
    WHERE later.key = asked.key AND later.at > asked.at AND (
        later.type = 'referral.informed.v1'
        OR later.data ->> 'work_item_id' = asked.data ->> 'work_item_id' AND (
            later.type IN ('work-item.opened.v1', 'work-item.claimed.v1', 'work-item.accepted.v1',
                           'work-item.declined.v1', 'work-item.closed.v1')
            OR later.data ->> 'waiting_for' = 'place')))) AS stop
FROM told.event asked
WHERE asked.data ->> 'waiting_for' = 'referrer' AND (asked.data ->> 'stops_clock')::boolean;
CREATE INDEX ON told.stop (referral);

CREATE FUNCTION told.moved(of uuid, due date, done date) RETURNS date LANGUAGE plpgsql STABLE AS $$
DECLARE stood tstzrange; worked interval := '0'; later date := due; a_day interval;
BEGIN
    SELECT closes - opens INTO a_day FROM told.terms;
    FOR stood IN
        SELECT unnest(range_agg(stop)) FROM told.stop
        WHERE referral = of AND coalesce(told.day(lower(stop)) <= done, true) ORDER BY 1
    LOOP
        EXIT WHEN lower(stood) > upper(told.hours_of(later));
        IF upper_inf(stood) THEN RETURN CASE WHEN done IS NOT NULL THEN later END; END IF;
        SELECT worked + coalesce(sum(upper(hours * stood) - lower(hours * stood)), '0') INTO worked
        FROM told.working_day w, told.hours_of(w.day) hours
        WHERE w.day BETWEEN told.day(lower(stood)) AND told.day(upper(stood)) AND hours && stood;
        later := told.plus(due, ceil(extract(epoch FROM worked) / extract(epoch FROM a_day))::bigint);
    END LOOP;
    RETURN later;
END $$;

CREATE FUNCTION told.is_over(of uuid, withdrawn date, day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    WITH opened AS (
        SELECT opened_at, declined_at, told.day(declined_at) AS declined_on,
            coalesce(told.day(coalesce(closed_at, declined_at)) <= day, false) AS has_ended
        FROM told.item WHERE referral = of AND told.day(opened_at) <= day
    )
    SELECT coalesce(withdrawn <= day, false) OR coalesce(bool_and(has_ended), false)
        OR coalesce(max(declined_at) FILTER (WHERE declined_on <= day) >= max(opened_at), false)
    FROM opened
$$;

CREATE TABLE told.course AS
SELECT r.*, i.*, d.*, w.withdrawn_at, w.withdrawn_because, told.day(w.withdrawn_at) AS withdrawn_on, m.acknowledged_at,
    least(w.withdrawn_at, i.all_ended_at,
          CASE WHEN NOT coalesce(i.opened_last_at > i.declined_last_at, false) THEN i.declined_last_at END) AS ended_at
FROM told.referral r
LEFT JOIN LATERAL (
    SELECT min(accepted_at) FILTER (WHERE route IN ('universal', 'targeted', 'pir_short', 'pir_long', 'pnmh',
                                                    'pnmh_emergency', 'adult_mh')) AS accepted_at,
        min(accepted_at) AS taken_on_at, min(contacted_on) AS contacted_on, min(declined_at) AS declined_at,
        max(declined_at) AS declined_last_at, min(asked_at) AS asked_at, max(opened_at) AS opened_last_at,
        CASE WHEN bool_and(coalesce(closed_at, declined_at) IS NOT NULL)
                AND max(closed_at) FILTER (WHERE closed_because NOT IN ('withdrawn', 'decided_again', 'erased'))
                    = max(coalesce(closed_at, declined_at))
            THEN max(closed_at) END AS person_ended_at,
        CASE WHEN bool_and(coalesce(closed_at, declined_at) IS NOT NULL) THEN max(coalesce(closed_at, declined_at)) END
            AS all_ended_at,
        min(least(claimed_at, listed_at, accepted_at, declined_at,
                  CASE WHEN route <> 'info_request' THEN asked_at END,
                  CASE WHEN closed_because NOT IN ('withdrawn', 'decided_again', 'erased') THEN closed_at END)) AS touched_at
    FROM told.item WHERE item.referral = r.id
) i ON true
LEFT JOIN LATERAL (
    SELECT min(at) FILTER (WHERE data ->> 'decided_by' = 'person' OR data -> 'decision' ->> 'mode' = 'auto_route')
            AS standing_at,
        min(at) FILTER (WHERE data ->> 'decided_by' = 'person') AS by_person_at,
        min(at) FILTER (WHERE (data ->> 'is_release')::boolean) AS released_at,
        (array_agg(data -> 'decision' ->> 'eligibility' ORDER BY sequence DESC))[1] = 'not_yet' AS is_not_yet,
        (array_agg(data -> 'decision' ->> 'tier' ORDER BY sequence DESC))[1] AS tier,
        coalesce(bool_or(data -> 'decision' -> 'rules' ? 'M1'), false) AS has_priority
    FROM told.event WHERE key = r.id AND type = 'referral.triaged.v1'
) d ON true
LEFT JOIN LATERAL (SELECT min(at) AS withdrawn_at, min(data ->> 'reason') AS withdrawn_because FROM told.event
                   WHERE key = r.id AND type = 'referral.withdrawn.v1') w ON true
LEFT JOIN LATERAL (SELECT min(at) AS acknowledged_at FROM told.event
                   WHERE key = r.id AND type = 'message.sent.v1' AND data ->> 'kind' = 'receipt') m ON true;
CREATE INDEX ON told.course ((told ->> 'family_id'));

CREATE TABLE told.dated AS
SELECT c.*, told.day(c.accepted_at) AS accepted_on, told.day(c.declined_at) AS declined_on,
    least(told.day(least(c.touched_at, c.by_person_at)), c.contacted_on) AS seen_on,
    told.day(least(c.standing_at, c.declined_at, c.taken_on_at, c.person_ended_at)) AS decided_on,
    told.day(c.ended_at) AS ended_on,
    CASE WHEN c.released_at IS NOT NULL OR c.is_not_yet
        THEN coalesce(told.day(least(c.released_at, c.by_person_at, c.accepted_at)), 'infinity') END AS held_until,
    told.due_on(c.received_at, seen) AS seen_due,
    told.moved(c.id, told.due_on(asked.from_at, decision),
               told.day(least(c.standing_at, c.declined_at, c.taken_on_at, c.person_ended_at))) AS decision_due,
    told.moved(c.id, told.due_on(asked.from_at, CASE WHEN has_priority THEN contact_priority ELSE contact END),
               c.contacted_on) AS contact_due,
    told.months_later((c.told -> 'facts' -> 'infant' ->> 'born_on')::date, support_months) AS support_ends_on,
    c.had_gaps OR coalesce(told.day(c.asked_at) <= told.due_on(c.received_at, decision), false) AS is_incomplete
FROM told.terms, told.course c
CROSS JOIN LATERAL (
    SELECT CASE WHEN c.released_at <= coalesce(least(c.by_person_at, c.accepted_at), 'infinity') THEN c.released_at
                WHEN c.is_not_yet AND c.by_person_at IS NULL AND c.accepted_at IS NULL THEN NULL
                ELSE c.received_at END AS from_at
) asked;
"""

_ETHNICITY: Final = """
    CASE WHEN {code} IN ('A', 'B', 'C') THEN 'white' WHEN {code} IN ('D', 'E', 'F', 'G') THEN 'mixed'
        WHEN {code} IN ('H', 'J', 'K', 'L') THEN 'asian' WHEN {code} IN ('M', 'N', 'P') THEN 'black'
        WHEN {code} IN ('R', 'S') THEN 'other' WHEN {code} = 'Z' THEN 'not_stated' ELSE 'not_known' END"""

CATEGORIES: Final[dict[str, str]] = {
    "source": "coalesce(told -> 'facts' ->> 'source', 'not_known')",
    "ward": """
        CASE WHEN told -> 'facts' -> 'place' ->> 'ward' = ANY(wards) THEN told -> 'facts' -> 'place' ->> 'ward'
            WHEN told -> 'facts' -> 'place' ->> 'authority' <> authority THEN 'elsewhere' ELSE 'not_known' END""",
    "tier": "coalesce(tier, 'none')",
    "carer": "coalesce(told -> 'facts' ->> 'carer', 'not_known')",
    **{
        f"{who}_ethnicity": _ETHNICITY.format(code=f"(told -> 'monitoring' ->> '{who}_ethnicity')")
        for who in ("mother", "father", "baby")
    },
    "language": "coalesce(lower(split_part(told -> 'monitoring' ->> 'language', '-', 1)), 'not_known')",
    "carer_age": """
        CASE WHEN told -> 'facts' ->> 'carer_age' IS NULL THEN 'not_known'
            ELSE (ARRAY['under_20', '20_24', '25_29', '30_34', '35_39', '40_plus'])[
                1 + width_bucket((told -> 'facts' ->> 'carer_age')::integer, ARRAY[20, 25, 30, 35, 40])] END""",
    "deprivation": "coalesce(told -> 'monitoring' ->> 'deprivation_decile', 'not_known')",
}
"""Dimension → the category of a referral."""

OF_RECEIVED: Final = (
    "SELECT told.month_of(received_on), count(*) FILTER (WHERE {met}), count(*) FROM told.dated GROUP BY 1"
)
OF_DUE: Final = """
    SELECT told.month_of({due}), count(*) FILTER (WHERE {done} <= {due}), count(*) FROM told.dated
    WHERE {due} IS NOT NULL AND {also} AND NOT coalesce(withdrawn_on <= {due} AND ({done} IS NULL OR {done} > withdrawn_on), false)
    GROUP BY 1
"""
CONTACT: Final = """
    SELECT told.month_of(contact_due), {counted} FROM told.dated
    WHERE has_priority = {priority} AND (
        contacted_on <= contact_due
        OR NOT told.is_over(id, withdrawn_on, contact_due) AND NOT coalesce(held_until > contact_due, false))
    GROUP BY 1
"""
MET: Final = "count(*) FILTER (WHERE contacted_on <= contact_due), count(*)"
NOT_TAKEN_ON: Final = """
    count(*) FILTER (WHERE (contacted_on <= contact_due OR accepted_on <= contact_due) IS NOT TRUE), NULL
"""
BY_DAY: Final = "SELECT told.month_of({day}), count(*), NULL FROM told.dated WHERE {day} IS NOT NULL GROUP BY 1"
HELD: Final = """
    SELECT told.month_of(held_on), {what}, NULL FROM told.item
    WHERE held_on IS NOT NULL AND closed_because = 'completed' AND route = '{route}' GROUP BY 1
"""
PLACES: Final = """
    SELECT month, sum(least(taken, there)), sum(there) FROM (
        SELECT m.first_day AS month, places.there, count(i.id) AS taken
        FROM told.month m
        CROSS JOIN LATERAL (
            SELECT DISTINCT ON (data ->> 'route') data ->> 'route' AS route, (data ->> '{kind}')::integer AS there
            FROM told.event WHERE type = 'capacity.changed.v1' AND at < m.ends_at
            ORDER BY data ->> 'route', at DESC
        ) places
        LEFT JOIN told.item i ON i.route = places.route AND i.place = '{kind}' AND i.accepted_at < m.ends_at
            AND (i.closed_at IS NULL OR i.closed_at >= m.ends_at)
        WHERE places.there > 0 GROUP BY 1, 2, places.route
    ) used GROUP BY 1
"""
BOUNCED: Final = """EXISTS (
    SELECT 1 FROM told.dated earlier
    WHERE earlier.told ->> 'family_id' = dated.told ->> 'family_id' AND earlier.id <> dated.id
        AND earlier.received_at < dated.received_at AND earlier.ended_at < dated.received_at
        AND earlier.contacted_on IS NULL AND NOT coalesce(earlier.withdrawn_because IN ('sent_in_error', 'duplicate'), false)
        AND told.months_later(earlier.ended_on, (SELECT back_months FROM told.terms)) >= dated.received_on)"""

KPIS: Final[dict[str, str]] = {
    "received": BY_DAY.format(day="received_on"),
    "accepted": BY_DAY.format(day="accepted_on"),
    "declined": BY_DAY.format(day="declined_on"),
    "withdrawn": BY_DAY.format(day="withdrawn_on"),
    "acknowledged_at_once": OF_RECEIVED.format(met="acknowledged_at <= received_at + interval '15 minutes'"),
    "seen_by_a_person": OF_DUE.format(due="seen_due", done="seen_on", also="true"),
    "decided_in_time": OF_DUE.format(
        due="decision_due", done="decided_on", also="NOT coalesce(held_until > decision_due, false)"
    ),
    "contacted_in_time": CONTACT.format(counted=MET, priority="false"),
    "not_taken_on": CONTACT.format(counted=NOT_TAKEN_ON, priority="false"),
    "contacted_in_time_priority": CONTACT.format(counted=MET, priority="true"),
    "not_taken_on_priority": CONTACT.format(counted=NOT_TAKEN_ON, priority="true"),
    "safeguarding_acknowledged": """
        SELECT told.month_of(due), count(*) FILTER (WHERE told.day(taken_up_at) <= due), count(*) FROM (
            SELECT told.due_on(opened_at, (SELECT safeguarding FROM told.terms)) AS due, least(accepted_at,
                CASE WHEN closed_because NOT IN ('withdrawn', 'decided_again', 'erased') THEN closed_at END) AS taken_up_at,
            CASE WHEN accepted_at IS NULL AND closed_because IN ('withdrawn', 'decided_again', 'erased')
                THEN told.day(closed_at) END AS fell_away_on
            FROM told.item WHERE route IN ('mash', 'mash_home_la')
        ) passed_on WHERE NOT coalesce(fell_away_on <= due, false) GROUP BY 1
    """,
    "aged_out_waiting": """
        SELECT told.month_of(support_ends_on), count(*), NULL FROM told.dated
        WHERE support_ends_on > received_on AND NOT coalesce(contacted_on < support_ends_on, false)
            AND NOT coalesce(ended_on < support_ends_on, false)
        GROUP BY 1
    """,
    "re_referred": OF_RECEIVED.format(met="came_back"),
    "bounced": OF_RECEIVED.format(met=BOUNCED),
    "incomplete": OF_RECEIVED.format(met="is_incomplete"),
    "consultations": HELD.format(what="count(*)", route="consultation"),
    "trainings": HELD.format(what="count(*)", route="training"),
    "trained_people": HELD.format(what="sum(attendees)", route="training"),
    "fathers": OF_RECEIVED.format(met="told -> 'facts' ->> 'carer' = 'father'"),
    "parent_was_asked": """
        SELECT told.month_of(received_on), count(*) FILTER (WHERE (told -> 'monitoring' ->> 'parent_was_asked')::boolean),
            count(*) FROM told.dated WHERE told -> 'monitoring' ->> 'parent_was_asked' IS NOT NULL GROUP BY 1
    """,
    "places_individual": PLACES.format(kind="individual"),
    "places_group": PLACES.format(kind="group"),
    "undeliverable": """
        SELECT told.month_of(told.day(at)), count(*) FILTER (WHERE type = 'message.undeliverable.v1'), count(*)
        FROM told.event WHERE type IN ('message.sent.v1', 'message.undeliverable.v1') GROUP BY 1
    """,
}
"""KPI → month, numerator, denominator (NULL for a count)."""

WAITS: Final = """
    SELECT told.month_of(contacted_on), tier, count(*), (array_agg(days ORDER BY days))[count(*) / 2 + 1] FROM (
        SELECT contacted_on, tier, told.worked(received_on, contacted_on) AS days FROM told.dated
        WHERE contacted_on IS NOT NULL AND tier IS NOT NULL
    ) waits GROUP BY 1, 2
"""
"""Month, tier, first contacts, median of working days (the upper of two)."""

BREAKDOWN: Final = """
    SELECT told.month_of({day}), {category}, count(*) FROM told.dated, told.terms WHERE {day} IS NOT NULL GROUP BY 1, 2
"""
BY_AGENCY: Final = """
    SELECT told.month_of(received_on), coalesce(known.slug, 'unknown'), count(*), count(*) FILTER (WHERE is_incomplete)
    FROM told.dated LEFT JOIN LATERAL (
        SELECT data ->> 'slug' AS slug FROM told.event
        WHERE type = 'agency.updated.v1' AND key = (told ->> 'agency_id')::uuid ORDER BY sequence DESC LIMIT 1
    ) known ON true GROUP BY 1, 2
"""


async def tell(
    connection: asyncpg.Connection[Any], events: Iterable[Envelope[Any]], *, policy: Policy, months: Iterable[date]
) -> None:
    """Write the raw events down, with the calendar and the policy's numbers, and read them once."""
    await connection.execute(SCHEMA)
    rows = [
        (
            event.id,
            event.key,
            event.data.topic,
            event.type,
            event.sequence,
            event.occurred_at,
            event.data.model_dump_json(),
        )
        for event in events
    ]
    await connection.copy_records_to_table("event", schema_name="told", records=rows)
    await connection.copy_records_to_table("working_day", schema_name="told", records=_calendar())
    for month in months:
        await connection.execute(
            "INSERT INTO told.month VALUES ($1, ($1::date + interval '1 month') AT TIME ZONE 'Europe/London')",
            month,
        )
    times = policy.working_time
    terms = (
        policy.authority,
        [ward.code for ward in policy.wards],
        policy.age.support_ends_months,
        times.re_referral_months,
        times.cutoff,
        times.opens,
        times.closes,
        times.seen_days,
        times.decision_days,
        times.first_contact_days,
        times.first_contact_priority_days,
        times.safeguarding_days,
    )
    await connection.copy_records_to_table("terms", schema_name="told", records=[terms])
    await connection.execute("CREATE INDEX ON told.event (key, type)")
    await connection.execute("ANALYZE")
    await connection.execute(READING)


def _calendar() -> list[tuple[date, int]]:
    """Working days of the years around, numbered."""
    with BANK_HOLIDAYS.open(encoding="utf-8", newline="") as lines:
        holidays = {date.fromisoformat(row["date"]) for row in csv.DictReader(lines)}
    days = (date(2019, 1, 1) + timedelta(days=number) for number in range(365 * 9))
    return [
        (day, number) for number, day in enumerate(day for day in days if day.weekday() < 5 and day not in holidays)
    ]


Cells = Mapping[tuple[date, str, str], int]
"""Month, category, column → count; what is zero is left out."""


async def numbers(connection: asyncpg.Connection[Any], kpi: str) -> dict[date, tuple[int, int | None]]:
    """Month → numerator and denominator, months with nothing left out."""
    return {row[0]: (int(row[1]), None if row[2] is None else int(row[2])) for row in await connection.fetch(KPIS[kpi])}


async def waits(connection: asyncpg.Connection[Any]) -> dict[tuple[date, str], tuple[int, int]]:
    """Month and tier → first contacts and their median wait."""
    return {(row[0], row[1]): (row[2], row[3]) for row in await connection.fetch(WAITS)}


async def breakdown(connection: asyncpg.Connection[Any], dimension: str) -> Cells:
    """What was received, accepted, declined and withdrawn, by category."""
    cells = {}
    for column in ("received", "accepted", "declined", "withdrawn"):
        query = BREAKDOWN.format(day=f"{column}_on", category=CATEGORIES[dimension])
        cells |= {(row[0], row[1], column): row[2] for row in await connection.fetch(query)}
    return cells


async def by_agency(connection: asyncpg.Connection[Any]) -> Cells:
    """What was received, and what of it was incomplete, by the agency's slug."""
    cells = {}
    for month, slug, received, incomplete in await connection.fetch(BY_AGENCY):
        cells |= {(month, slug, "received"): received, (month, slug, "incomplete"): incomplete}
    return {cell: number for cell, number in cells.items() if number}
