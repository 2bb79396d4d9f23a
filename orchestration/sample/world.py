"""The municipalities of the sample: size, framework conditions, effort, results, and how many are on each benefit.

Everything is a function of the seed and the month, so that a month's figures do not depend on how many months are made.
"""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from orchestration.lib.contracts import PROJECT_ROOT, ContractError

Floats = npt.NDArray[np.float64]

# Persons aged 16-66 as a share of all, and their yearly growth.
WORKING_AGE_SHARE = 0.636
POPULATION_GROWTH = 0.004

# The position in this list is the number that the arrays hold.
BENEFITS = (
    "sygedagpenge",
    "jobafklaring",
    "dagpenge",
    "ressourceforloeb",
    "revalidering",
    "ledighedsydelse",
    "kontanthjaelp",
    "uddannelseshjaelp",
    "sho",
    "foertidspension",
)
SYGEDAGPENGE, JOBAFKLARING, DAGPENGE, RESSOURCEFORLOEB, REVALIDERING = range(5)
LEDIGHEDSYDELSE, KONTANTHJAELP, UDDANNELSESHJAELP, SHO, FOERTIDSPENSION = range(5, 10)

# Persons on each benefit on an average day, per cent of those aged 16-66.
STOCK_PERCENT = np.array([1.95, 0.58, 2.55, 1.00, 0.11, 0.53, 2.85, 1.32, 0.42, 6.60])
# Which pattern of framework conditions explains the level of a benefit (a column of _LEVEL_WEIGHTS).
_LEVEL_PATTERN = np.array([1, 1, 0, 2, 1, 1, 2, 2, 2, 3])
# How far municipalities lie from each other, on the log scale: explained by the conditions, and not.
_EXPLAINED_SPREAD = np.array([0.16, 0.13, 0.27, 0.24])
_OWN_SPREAD = np.array([0.06, 0.06, 0.09, 0.05])
# More (or fewer) on the benefit by calendar month, per cent.
_SEASON = {
    SYGEDAGPENGE: (6, 7, 5, 1, -2, -4, -7, -5, -2, 0, 2, 3),
    DAGPENGE: (9, 9, 6, 1, -4, -6, 2, 3, -4, -6, -5, -1),
    KONTANTHJAELP: (2, 2, 1, 0, -1, -2, -1, 0, 0, -1, 0, 1),
    UDDANNELSESHJAELP: (4, 3, 2, 1, 0, 1, 4, -4, -6, -4, -2, 0),
}

# covariate: mean, then what one standard deviation of urban, deprived, young and remote adds, own noise, and its
# weight in the four level patterns (dagpenge, sickness, cash benefit, foertidspension).
_COVARIATES: dict[str, tuple[float, ...]] = {
    "age_16_24": (17.5, 0.3, 0.0, 1.4, -0.6, 0.5, 0.1, -0.1, 0.2, -0.2),
    "age_25_39": (26.5, 1.4, -0.2, 1.9, -1.5, 0.7, 0.3, -0.1, 0.2, -0.3),
    "age_40_54": (30.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "age_55_66": (26.0, -1.2, 0.4, -1.8, 1.6, 0.7, 0.1, 0.3, -0.1, 0.5),
    "living_alone": (27.0, 1.6, 1.7, 1.5, 0.2, 1.1, 0.4, 0.1, 0.7, 0.4),
    "single_parents": (5.4, 0.1, 0.6, -0.2, 0.1, 0.3, 0.1, 0.2, 0.4, 0.1),
    "education_none": (22.0, -1.3, 2.9, -0.7, 1.4, 1.1, 0.3, 0.4, 0.9, 0.7),
    "education_vocational": (33.0, -2.6, 0.7, -2.0, 1.6, 1.3, 0.2, 0.4, -0.2, 0.1),
    "education_short": (5.6, 0.2, -0.3, 0.1, -0.3, 0.3, 0.1, 0.0, -0.1, 0.0),
    "education_medium": (16.5, 0.5, -1.3, 0.5, -0.6, 0.8, -0.1, -0.1, -0.3, -0.2),
    "education_long": (10.5, 2.6, -1.9, 2.0, -1.3, 0.9, -0.2, -0.3, -0.4, -0.4),
    "origin_western": (6.5, 0.9, 0.0, 0.5, -0.2, 0.6, 0.2, -0.1, 0.0, -0.2),
    "origin_non_western": (8.0, 1.5, 1.2, 0.4, -0.7, 0.9, 0.3, 0.0, 0.7, 0.1),
    "origin_descendants": (2.4, 0.7, 0.4, 0.2, -0.3, 0.3, 0.1, 0.0, 0.3, 0.0),
    "diagnosis_chronic_or_psychiatric": (23.0, -0.2, 1.5, -0.3, 0.9, 0.9, 0.0, 0.6, 0.5, 0.8),
    "criminal_conviction_5y": (2.1, 0.1, 0.4, 0.1, 0.0, 0.15, 0.2, 0.1, 0.5, 0.2),
    "social_housing": (17.0, 3.1, 3.4, 1.0, -1.5, 2.2, 0.2, 0.1, 0.6, 0.2),
    "industry_manufacturing": (12.0, -1.8, 0.4, -0.9, 0.6, 1.6, 0.2, 0.2, -0.1, 0.0),
    "industry_construction": (7.0, -0.4, 0.1, -0.3, 0.1, 0.5, 0.2, 0.1, 0.0, 0.0),
    "industry_trade": (21.0, 0.9, -0.3, 0.2, -0.8, 1.2, 0.0, 0.0, 0.0, 0.0),
    "industry_public_service": (32.0, 0.1, 0.6, 0.9, 0.8, 1.4, -0.1, 0.1, 0.1, 0.1),
    "commuting_full_time_employed": (62.0, 0.6, -1.8, -0.6, -0.9, 0.9, -0.6, -0.3, -0.5, -0.3),
    "distance_large_city_km": (34.0, -13.0, 2.0, -6.0, 15.0, 8.0, 0.2, 0.1, 0.0, 0.2),
}
_REFERENCE_AGE = "age_40_54"
_AGES = ("age_16_24", "age_25_39", "age_55_66")

_STREAM_WORLD, _STREAM_CONDITIONS = 1, 2


@dataclass(frozen=True)
class Effort:
    """What the municipalities are like in one month; each array has one number per municipality.

    ``on_time_probability``: that a first conversation is planned within its deadline. ``conversation_interval``:
    factor on the time between conversations. ``offer_interval``: factor on the time between offers. ``spell_length``:
    factor on how long spells last. ``retention``: chance that somebody who leaves has work.
    """

    on_time_probability: Floats
    conversation_interval: Floats
    offer_interval: Floats
    spell_length: Floats
    retention: Floats


class World:
    """The 98 municipalities as one seed makes them."""

    def __init__(self, seed: int, scale: float, project_root: Path = PROJECT_ROOT) -> None:
        self.seed = seed
        self.scale = scale
        rows = _read_seed(project_root, "municipalities.csv", ("municipality_code", "population_total_rounded"))
        self.municipality_codes = tuple(row["municipality_code"] for row in rows)
        self.working_age_2020 = np.array([float(row["population_total_rounded"]) for row in rows]) * WORKING_AGE_SHARE
        self.move_weights = self.working_age_2020 / self.working_age_2020.sum()
        self.covariate_codes = self._covariate_codes(project_root)
        self._make_conditions()
        self._make_effort()

    @staticmethod
    def _covariate_codes(project_root: Path) -> tuple[str, ...]:
        rows = _read_seed(project_root, "framework_covariates.csv", ("covariate_code",))
        codes = tuple(row["covariate_code"] for row in rows)
        if set(codes) != set(_COVARIATES):
            differing = ", ".join(sorted(set(codes) ^ set(_COVARIATES)))
            raise ContractError(f"framework_covariates.csv: the generator knows other covariates: {differing}")
        return codes

    def _make_conditions(self) -> None:
        rng = np.random.default_rng([self.seed, _STREAM_WORLD])
        count = len(self.municipality_codes)
        size = _standardised(np.log(self.working_age_2020))
        urban = _standardised(0.8 * size + 0.6 * rng.standard_normal(count))
        deprived = _standardised(rng.standard_normal(count))
        young = _standardised(0.5 * size + 0.8 * rng.standard_normal(count))
        remote = _standardised(-0.6 * urban + 0.8 * rng.standard_normal(count))
        latent = np.column_stack([urban, deprived, young, remote])
        table = np.array([_COVARIATES[code] for code in self.covariate_codes])
        noise = rng.standard_normal((count, len(table)))
        values = table[:, 0] + latent @ table[:, 1:5].T + noise * table[:, 5]
        lowest = np.maximum(0.1 * table[:, 0], 0.2)
        self._conditions = np.maximum(values, lowest)
        self._drift = rng.standard_normal((count, len(table))) * 0.02 * table[:, 5]
        standard = (self._conditions - self._conditions.mean(0)) / np.maximum(self._conditions.std(0), 1e-9)
        explained = _standardised(standard @ table[:, 6:10]) * _EXPLAINED_SPREAD
        self._own_level = _standardised(rng.standard_normal((count, 4))) * _OWN_SPREAD
        self._level = np.exp(explained + self._own_level)
        # The country's level must not depend on the draw.
        self._level /= (self._level * self.move_weights[:, None]).sum(0)
        self._cycle_phase = rng.uniform(0, 2 * np.pi, (count, len(BENEFITS)))
        self._cycle_months = rng.uniform(20, 50, (count, len(BENEFITS)))

    def _make_effort(self) -> None:
        rng = np.random.default_rng([self.seed, _STREAM_WORLD, 1])
        count = len(self.municipality_codes)
        self._diligence = _standardised(rng.standard_normal(count))
        self._activity = _standardised(0.4 * self._diligence + rng.standard_normal(count))
        # What the conditions do not explain shows in how long people stay, and little in how often one talks to them.
        own = self._own_level.mean(1) / self._own_level.mean(1).std()
        self._stay = _standardised(0.7 * own - 0.2 * self._activity + 0.5 * rng.standard_normal(count))
        self._effort_phase = rng.uniform(0, 2 * np.pi, count)

    def effort(self, month: date) -> Effort:
        """What the municipalities do in a month; it moves slowly."""
        years = month.year - 2020 + (month.month - 1) / 12
        wave = 0.35 * np.sin(self._effort_phase + years * 1.3)
        diligence, activity = self._diligence + wave, self._activity - wave
        return Effort(
            on_time_probability=1 / (1 + np.exp(-(1.4 + 0.7 * diligence))),
            conversation_interval=np.exp(-0.16 * diligence),
            offer_interval=np.exp(-0.33 * activity),
            spell_length=np.exp(0.07 * self._stay),
            retention=1 / (1 + np.exp(-(0.25 - 0.2 * self._stay))),
        )

    def population_16_66(self, month: date) -> npt.NDArray[np.int64]:
        """Persons aged 16-66 at the end of the month, as many as the scale asks for; at least 1."""
        grown = self._grown(month)
        return np.maximum(np.rint(grown), 1).astype(np.int64)

    def _grown(self, month: date) -> Floats:
        years = month.year - 2020 + month.month / 12
        grown: Floats = self.working_age_2020 * self.scale * (1 + POPULATION_GROWTH * years)
        return grown

    def target_stock(self, month: date) -> Floats:
        """Persons on each benefit (columns) in each municipality (rows) on the last day of the month."""
        ordinal = month.year * 12 + month.month
        country = STOCK_PERCENT / 100 * _calendar(month)
        cycle = 1 + 0.03 * np.sin(self._cycle_phase + 2 * np.pi * ordinal / self._cycle_months)
        target: Floats = self._grown(month)[:, None] * country * self._level[:, _LEVEL_PATTERN] * cycle
        return target

    def framework_conditions(self, month: date) -> Floats:
        """Covariates (columns, as ``covariate_codes``) of the municipalities (rows) in June or December."""
        rng = np.random.default_rng([self.seed, _STREAM_CONDITIONS, month.year * 12 + month.month])
        noise = np.array([_COVARIATES[code][5] for code in self.covariate_codes]) * 0.01
        values: Floats = self._conditions + self._drift * (month.year - 2020 + month.month / 12)
        values = np.maximum(np.round(values + noise * rng.standard_normal(values.shape), 2), 0.01)
        position = {code: number for number, code in enumerate(self.covariate_codes)}
        others = values[:, [position[code] for code in _AGES]].sum(1)
        values[:, position[_REFERENCE_AGE]] = np.round(100 - others, 2)
        return values


def _calendar(month: date) -> Floats:
    """Factors on the country's stock of each benefit: season, slow trends, the spring of 2020."""
    years = month.year - 2023 + (month.month - 1) / 12
    factors = np.ones(len(BENEFITS))
    for benefit, season in _SEASON.items():
        factors[benefit] *= 1 + season[month.month - 1] / 100
    factors[KONTANTHJAELP] *= np.exp(-0.02 * years)
    factors[UDDANNELSESHJAELP] *= np.exp(-0.02 * years)
    factors[FOERTIDSPENSION] *= np.exp(0.012 * years)
    factors[DAGPENGE] *= 1 + 0.04 * np.sin(years * 1.1)
    if date(2020, 4, 1) <= month <= date(2021, 3, 1):
        factors[DAGPENGE] *= 1.35
    return factors


def _standardised(values: Floats) -> Floats:
    result: Floats = (values - values.mean(0)) / values.std(0)
    return result


def _read_seed(project_root: Path, name: str, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    path = project_root / "seeds" / "reference" / name
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        missing = [column for column in columns if column not in (reader.fieldnames or [])]
        if missing:
            raise ContractError(f"seeds/reference/{name}: has no column {', '.join(missing)}")
        return list(reader)
