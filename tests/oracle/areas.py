"""The long table by region, RAR area or job centre: computed from persons, each once per area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from .measures import measure_results
from .rows import KEYS, MartRows
from .world import World

KEYS["area_measure_results"] = ("area_type_code", "area_code", "measure_id", "month", "group_code")


def area_world(world: World, area_of: Mapping[str, str]) -> World:
    """The same world with areas in the place of municipalities.

    The winning rows (§2) are found first, among municipalities; an area's population is null when one of its
    municipalities lacks.
    """
    areas = tuple(sorted(set(area_of.values())))
    members = {area: [code for code, own in area_of.items() if own == area] for area in areas}
    population: dict[tuple[date, str], int] = {}
    for quarter in {quarter for quarter, _ in world.population}:
        for area in areas:
            values = [world.population.get((quarter, code)) for code in members[area]]
            if None not in values:
                population[quarter, area] = sum(value for value in values if value is not None)
    persons = {}
    for name, person in world.persons.items():
        moved = {id(row): replace(row, municipality=area_of[row.municipality]) for row in person.row_of_day.values()}
        persons[name] = replace(person, row_of_day={day: moved[id(row)] for day, row in person.row_of_day.items()})
    return replace(
        world,
        benefit_rows=[],
        conversation_rows=[replace(row, municipality=area_of[row.municipality]) for row in world.conversation_rows],
        population=population,
        framework_conditions={},
        published_rows=[],
        municipalities=areas,
        memo={"persons": persons, "quarters": sorted({quarter for quarter, _ in world.population})},
    )


def compute(world: World, area_type: str, area_of: Mapping[str, str]) -> MartRows:
    """One row per area of the type, monthly measure, month and group; ``area_of``: municipality -> area code."""
    result = MartRows("area_measure_results")
    for (measure, first, _, area, group), values in measure_results.compute(area_world(world, area_of)).items():
        if area != "0000":
            result.put((area_type, area, measure, first, group), values)
    return result
