"""How the figures are made, and the rules."""

from __future__ import annotations

from datetime import date

from orchestration.site.context import Site
from orchestration.site.data import Row
from orchestration.site.parts import LONGEST_TABLE, Cell, Column, Page, Paragraph, Section, Table

# The dates with which rules say "always".
_EVER = (date(1900, 1, 1), date(9999, 12, 31))
_GOAL_NAMES = {"offers": "of_offers", "conversations": "of_conversations", "result": "rule_result"}


def page(site: Site) -> Page:
    """How the figures are made, and every dated rule."""
    w = site.w
    sections = [
        Section(paragraphs=[Paragraph(w.text("methods_text")), Paragraph(w.text("methods_uncertainty"))]),
        Section(
            w.text("suppression"),
            "suppression",
            paragraphs=[Paragraph(w.text("suppression_text", maximum=site.data.release["hidden_maximum"]))],
        ),
    ]
    rules = Section(w.text("rules"), "rules", paragraphs=[Paragraph(w.text("rules_text"))], tables=[_rules(site)])
    return Page("methods.html", w.text("methods"), [*sections, rules])


def _rules(site: Site) -> Table:
    """Every dated rule."""
    w = site.w
    rows = site.data.table("dim_rules", "rule_id")
    columns = [
        Column(w.text("rule"), running=True),
        Column(w.text("value")),
        Column(w.text("from"), date=True),
        Column(w.text("to"), date=True),
        Column(w.text("legal_reference"), running=True),
        Column(w.text("evidence")),
        Column(w.text("technical_key")),
    ]
    body = []
    for row in rows[:LONGEST_TABLE]:
        start, end, evidence = row["valid_from_date"], row["valid_to_date"], f"evidence_{row.get('evidence')}"
        body.append(
            [
                Cell(rule_name(site, row)),
                Cell(rule_value(site, row)),
                Cell(w.text("since_ever") if start == _EVER[0] else str(start)),
                Cell(w.text("still_valid") if end == _EVER[1] else str(end)),
                Cell(str(row.get("legal_reference") or "")),
                Cell(w.text(evidence) if w.has(evidence) else ""),
                Cell(str(row["rule_id"])),
            ]
        )
    return Table(
        "rules-table",
        w.text("rules"),
        columns,
        body,
        note=site.shortened(len(rows), "dim_rules"),
        empty=w.text("missing_table", table="dim_rules"),
    )


def rule_name(site: Site, row: Row) -> str:
    """What a rule is about, in words: its name, and the group, goal or scenario that it is for."""
    w, code, key = site.w, str(row["rule_code"]), str(row["rule_key"])
    name = w.text(f"rule_{code}") if w.has(f"rule_{code}") else code
    if key == "all" and code != "unit_cost":
        return name
    if code == "category_decision":
        states = zip(("result", "offers", "conversations"), key.split("/"), strict=True)
        about = w.text("rule_decision", **{goal: w.text(f"rule_{state}") for goal, state in states})
    elif code in ("goal_limit", "goal_suspension", "threshold_grid"):
        about = w.text(_GOAL_NAMES[key.split("/")[0]])
    elif code == "scenario":
        about = site.scenario_names.get(key, key)
    elif code in ("conversation_type", "contact_form"):
        about = str(row.get(f"detail_{w.language}") or key)
    else:
        about = site.group_name(key.replace("/", ":"))
    return f"{name}: {about}"


def rule_value(site: Site, row: Row) -> str:
    """A rule's value with its unit, and what its detail adds."""
    w, unit = site.w, str(row.get("unit"))
    value = row.get("value")
    if unit == "is_counted":
        return w.text("counts_yes" if value else "counts_no")
    # What a decision is about stands in its name.
    detail = None if row["rule_code"] == "category_decision" else row.get(f"detail_{w.language}")
    parts = ["" if value is None else _with_unit(site, float(value), unit), str(detail or "")]
    return ", ".join(part for part in parts if part)


def _with_unit(site: Site, value: float, unit: str) -> str:
    """A rule's number with the decimals that it has, and its unit; a share as a percentage."""
    w = site.w
    number = 100 * value if unit == "share" else value
    decimals = len(f"{number:.6f}".rstrip("0").partition(".")[2])
    if unit == "share":
        return w.percent(number, decimals)
    one, many, other = f"rule_unit_{unit}_one", f"rule_unit_{unit}", f"unit_{unit}"
    name = next((key for key in ((one,) if value == 1 else ()) + (many, other) if w.has(key)), None)
    return f"{w.number(number, decimals)} {w.text(name)}" if name else w.number(number, decimals)
