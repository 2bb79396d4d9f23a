"""Short words for hand-worked worlds in tests."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from .calendar import month_range
from .world import BenefitRow, ConversationRow, HoursRow, OfferRow, World, split_by_month

HOME = "0101"


def day(text: str) -> date:
    """``2024-02-29`` as a date; ``2024-02`` as the first of the month."""
    return date.fromisoformat(text if len(text) == 10 else f"{text}-01")


def empty_world(first: str, months: int, *, holes: tuple[str, ...] = (), municipalities: tuple[str, ...] = ()) -> World:
    """A world with nobody in it that reports one municipality (0101) unless told otherwise."""
    loaded = tuple(month for month in month_range(day(first), months) if month not in [day(hole) for hole in holes])
    return World(loaded_months=loaded, municipalities=municipalities or (HOME,))


def benefit(
    world: World,
    person_id: str,
    kind: str,
    first: str,
    last: str,
    match_group: str | None = None,
    municipality: str = HOME,
    fraction: str = "1",
) -> None:
    """A benefit from one day to another, one row per month, without the months that are not loaded."""
    for part_first, part_last in split_by_month(day(first), day(last)):
        if world.is_loaded(part_first.replace(day=1)):
            row = BenefitRow(person_id, kind, match_group, municipality, part_first, part_last, Decimal(fraction))
            world.benefit_rows.append(row)


def talk(
    world: World,
    person_id: str,
    *days: str,
    type_code: int = 7,
    status: str = "held",
    requested: str | None = None,
    municipality: str = HOME,
) -> None:
    """A conversation on each of the days."""
    for text in days:
        name = f"c{len(world.conversation_rows)}"
        asked = None if requested is None else day(requested)
        row = ConversationRow(name, person_id, municipality, type_code, day(text), status, asked)
        world.conversation_rows.append(row)


def offer(world: World, person_id: str, first: str, last: str, municipality: str = HOME) -> None:
    """An active offer from one day to another, one row per month."""
    for part_first, part_last in split_by_month(day(first), day(last)):
        world.offer_rows.append(OfferRow(f"o-{person_id}", person_id, municipality, part_first, part_last))


def hours(world: World, person_id: str, month: str, paid: str) -> None:
    """Paid ordinary hours of a month."""
    world.hours_rows.append(HoursRow(person_id, day(month), Decimal(paid)))
