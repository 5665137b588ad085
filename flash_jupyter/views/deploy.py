"""What `flash deploy`, `env` and `app` show: lists, plans before they are applied, what stands, and what is left.

Data in, sheets out (`views/sheet.py`). ✓ stands only beside what was verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flash_jupyter.views.format import age_at, plural
from flash_jupyter.views.sheet import Column, Rows, Sheet

#: marks of a state: what was verified, and what was not; words beside them say it too
VERIFIED, NOT_VERIFIED = "✓", "○"

APP_COLUMNS = (
    Column("name", "app", hint="id"),
    Column("environments", "environments"),
    Column("endpoints", "endpoints", is_number=True),
    Column("builds", "builds", is_number=True),
)
ENVIRONMENT_COLUMNS = (
    Column("name", "environment", hint="id"),
    Column("state", "state"),
    Column("endpoints", "endpoints", is_number=True),
    Column("build", "runs build"),
    Column("age", "age", is_number=True, hint="created_at"),
)
BUILD_COLUMNS = (
    Column("id", "build"),
    Column("age", "age", is_number=True, hint="created_at"),
    Column("runs_in", "runs in"),
)
ENDPOINT_COLUMNS = (
    Column("name", "endpoint"),
    Column("kind", "kind"),
    Column("hardware", "hardware"),
    Column("state", "state"),
    Column("id", "id"),
    Column("build", "build"),
    Column("url", "url", is_whole=True),
)
PLAN_COLUMNS = (
    Column("action", "plan"),
    Column("name", "endpoint", hint="id"),
    Column("field", "field"),
    Column("before", "is"),
    Column("after", "will be"),
)
STANDING_COLUMNS = (
    Column("mark", ""),
    Column("name", "endpoint", hint="id"),
    Column("standing", "state"),
    Column("url", "url", is_whole=True),
    Column("reason", "why"),
)
ITEM_COLUMNS = (Column("verb", ""), Column("kind", "what"), Column("name", "name"), Column("why", "why"))
PRICED_COLUMNS = (*ITEM_COLUMNS, Column("price", "a month", is_number=True))


def apps_sheet(apps: Sequence[Mapping[str, Any]]) -> Sheet:
    """Draw all apps."""
    if not apps:
        return ["no apps; `flash deploy new ENV` makes one with an environment"]
    rows = [
        {
            "name": app["name"],
            "id": app["id"],
            "environments": ", ".join(each["name"] for each in app["environments"]) or "none",
            "endpoints": str(sum(each["endpoints"] for each in app["environments"])),
            "builds": str(len(app["builds"])),
        }
        for app in apps
    ]
    return [Rows(rows, APP_COLUMNS)]


def environments_sheet(app: str, environments: Sequence[Mapping[str, Any]], now: datetime) -> Sheet:
    """Draw the environments of an app."""
    if not environments:
        return [f"app {app} has no environments; `flash deploy new ENV` makes one"]
    return [Rows([_environment_row(each, now) for each in environments], ENVIRONMENT_COLUMNS)]


def app_sheet(app: Mapping[str, Any], now: datetime) -> Sheet:
    """Draw one app: its environments, then its builds."""
    builds = [
        {
            "id": each["id"],
            "age": age_at(now, each["created_at"]),
            "created_at": each["created_at"],
            "runs_in": ", ".join(each["runs_in"]),
        }
        for each in app["builds"]
    ]
    drawn = [Rows(builds, BUILD_COLUMNS)] if builds else ["no builds"]
    return [f"app {app['name']}", *environments_sheet(app["name"], app["environments"], now), *drawn]


def environment_sheet(view: Mapping[str, Any], now: datetime) -> Sheet:
    """Draw one environment with its endpoints and volumes."""
    endpoints = view["endpoints"]
    build = f"runs build {view['build_id']}" if view["build_id"] else "has no build yet"
    age = age_at(now, view["created_at"])
    facts = [view["state"], build, plural(len(endpoints), "endpoint"), f"made {age} ago" if age else ""]
    head = f"{view['app']}/{view['name']}: {' · '.join(filter(None, facts))}"
    # the build of an endpoint is news only where it is another than the environment's
    rows = [
        {
            **{key: each[key] or "" for key in ("name", "kind", "hardware", "state", "id", "url")},
            "build": "" if each["build_id"] == view["build_id"] else each["build_id"],
        }
        for each in endpoints
    ]
    volumes = ", ".join(f"{each['name']} ({each['id']})" for each in view["volumes"])
    before = view["before"][:1]
    return [
        head,
        *([Rows(rows, ENDPOINT_COLUMNS)] if rows else []),
        *([f"network volumes: {volumes}"] if volumes else []),
        *(f"`flash deploy rollback {view['name']}` goes back to build {each}" for each in before),
    ]


def made_text(made: Mapping[str, Any]) -> str:
    """Say what `new` made.

    >>> made_text({"app": "shop", "environment": "live", "is_new_app": True})
    'made environment live in the new app shop; next: flash deploy send live'
    """
    where = f"the new app {made['app']}" if made["is_new_app"] else f"app {made['app']}"
    return f"made environment {made['environment']} in {where}; next: flash deploy send {made['environment']}"


def plan_sheet(steps: Sequence[Mapping[str, Any]], place: str) -> Sheet:
    """Draw what a deploy will do to the endpoints of `place`; a changed field has a row of its own."""
    kept = [step["name"] for step in steps if step["action"] == "keep"]
    acting = [step for step in steps if step["action"] != "keep"]
    unchanged = [f"unchanged: {', '.join(kept)}"] if kept else []
    if not acting:
        return [f"plan for {place}: nothing to change", *unchanged]
    rows = [row for step in acting for row in _step_rows(step)]
    return [f"plan for {place}: {_counts(acting)}", Rows(rows, PLAN_COLUMNS), *unchanged]


def result_sheet(result: Mapping[str, Any]) -> Sheet:
    """Draw what an environment runs now: ✓ for what was verified, another mark and words for the rest."""
    rows = [
        {
            "mark": VERIFIED if each["state"] == "verified" else NOT_VERIFIED,
            "name": each["name"],
            "id": each["endpoint_id"],
            "standing": each["state"],
            "url": each["url"],
            "reason": each["reason"],
        }
        for each in result["endpoints"]
    ]
    head = f"{result['app']}/{result['environment']} runs build {result['build_id']}"
    return [head, *([Rows(rows, STANDING_COLUMNS)] if rows else [])]


def inventory_sheet(inventory: Mapping[str, Any], subject: str) -> Sheet:
    """Draw what would be deleted, and what would stay."""
    items = [{"verb": "deletes", "kind": each["kind"], "name": each["name"]} for each in inventory["items"]]
    rows = items + [_left_row(each, "keeps") for each in inventory["left"]]
    if not rows:
        return [f"{subject} has no endpoints, no volumes and no builds"]
    return [f"{subject}:", Rows(rows, PRICED_COLUMNS)]


def removed_sheet(removed: Mapping[str, Any]) -> Sheet:
    """Draw what is gone, as a listing has shown, what is left, and what that costs."""
    if removed["is_app"]:
        subject = f"app {removed['app']}"
    else:
        subject = f"environment {', '.join(removed['environments'])} of app {removed['app']}"
    counts = _kinds(removed["deleted"])
    head = f"deleted: {subject}" + (f", with {counts}" if counts else "")
    left = [_left_row(each, "left") for each in removed["left"]]
    usd = removed["left_usd_per_month"]
    cost = f"${usd:.2f} a month, until it is deleted" if usd else "nothing, as far as prices are documented"
    return [head, Rows(left, PRICED_COLUMNS), f"what is left costs {cost}"] if left else [head, "nothing is left"]


def choices_sheet(choices: Sequence[Mapping[str, Any]], now: datetime) -> Sheet:
    """Draw endpoints with numbers, for who chooses among them."""
    if not choices:
        return ["no endpoints"]
    columns = (
        Column("number", "nr", is_number=True),
        Column("name", "endpoint", hint="id"),
        Column("place", "app/environment"),
        Column("hardware", "hardware"),
        Column("id", "id"),
        Column("age", "age", is_number=True, hint="created_at"),
        Column("owner", "owner"),
    )
    rows = [
        {
            "number": str(number),
            "age": age_at(now, each["created_at"]),
            **{key: each[key] for key in ("name", "place", "hardware", "id", "created_at", "owner")},
        }
        for number, each in enumerate(choices, 1)
    ]
    return [Rows(rows, columns)]


def _environment_row(environment: Mapping[str, Any], now: datetime) -> dict[str, str]:
    return {
        "name": environment["name"],
        "id": environment["id"],
        "state": environment["state"],
        "endpoints": str(environment["endpoints"]),
        "build": environment["build_id"] or "none",
        "age": age_at(now, environment["created_at"]),
        "created_at": environment["created_at"],
    }


def _step_rows(step: Mapping[str, Any]) -> list[dict[str, str]]:
    """A row for the step, and one more for each further field that it changes."""
    changes = [
        {"field": each["field"], "before": value_text(each["before"]), "after": value_text(each["after"])}
        for each in step["changes"]
    ]
    first = {"action": step["action"], "name": step["name"], "id": step["endpoint_id"] or ""}
    return [{**first, **(changes[0] if changes else {})}, *changes[1:]]


def value_text(value: Any) -> str:
    """Write a value of a configuration.

    >>> value_text(None), value_text(["ADA_24", "AMPERE_80"]), value_text(False), value_text(3)
    ('-', 'ADA_24, AMPERE_80', 'no', '3')
    """
    if value is None or value in ("", [], ()):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _counts(steps: Iterable[Mapping[str, Any]]) -> str:
    actions = [step["action"] for step in steps]
    return ", ".join(f"{actions.count(action)} to {action}" for action in dict.fromkeys(actions))


def _kinds(items: Iterable[Mapping[str, Any]]) -> str:
    kinds = [each["kind"] for each in items]
    return ", ".join(plural(kinds.count(kind), kind) for kind in dict.fromkeys(kinds))


def _left_row(left: Mapping[str, Any], verb: str) -> dict[str, str]:
    usd = left["usd_per_month"]
    price = "" if usd is None else f"${usd:.2f}"
    return {"verb": verb, "kind": left["kind"], "name": left["name"], "why": left["why"], "price": price}
