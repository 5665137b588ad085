"""The endpoint of a handler cell: the options that it says, as one of the eight classes.

Options stand in `metadata.flash` of the cell, in its `%%remote` line or in its `#| remote:` comment; the line wins.
Without any it is the endpoint of a bare `%%remote`: any GPU. An editor asks what is wrong with a cell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flash_jupyter.build.cells import Cell, Mark, Role, read_mark
from flash_jupyter.build.plain import make_plain
from flash_jupyter.errors import BuildError, OptionError
from flash_jupyter.resources.classes import (
    CpuLiveLoadBalancer,
    CpuLiveServerless,
    LiveLoadBalancer,
    LiveServerless,
)
from flash_jupyter.resources.comment import line_of
from flash_jupyter.resources.line import Values, merge, parse_line, parse_value
from flash_jupyter.resources.model import Resource
from flash_jupyter.resources.options import RemoteOptions, make_options
from flash_jupyter.resources.values import KEYS
from flash_jupyter.resources.volume import parse_volume

#: option of a cell -> argument of the classes; both `None` and a default mean that nothing was said
_SAME = {"name": "name", "gpu": "gpus", "cpu": "instance_ids", "image": "image_name", "python": "python_version"}
#: how an editor's cell is called in what is said
WHERE = "this cell"


def read_options(cell: Cell, where: str) -> RemoteOptions:
    """Return the options of a cell; `where` names it.

    Raises `BuildError`.
    """
    try:
        line = line_of(cell.source)
        values = merge(_from_metadata(cell.options), parse_line(line) if line else {})
        _refuse_bare(values.get("env") or {})
        return make_options(**values)
    except OptionError as error:
        raise BuildError(f"{where}: {error.message}", fix=error.fix) from None


def endpoint_of(options: RemoteOptions, where: str, default_name: str) -> Resource:
    """Return the endpoint that options describe; one with routes must have a name, and gets `default_name`.

    Raises `BuildError`.
    """
    given: dict[str, Any] = {name: getattr(options, option) for option, name in _SAME.items()}
    low, high = options.workers or (None, None)
    given |= {
        "gpu_count": None if options.count == 1 else options.count,
        "workers_min": low,
        "workers_max": high,
        "idle_timeout": options.idle,
        "execution_timeout_ms": options.timeout and options.timeout * 1000,
        "datacenter": options.datacenter,
        "env": options.env,
    }
    has_routes = options.via == "lb"
    if has_routes:
        given["name"] = options.name or re.sub(r"[^A-Za-z0-9]+", "-", default_name).strip("-")
    queue, routes = (CpuLiveServerless, CpuLiveLoadBalancer) if options.cpu else (LiveServerless, LiveLoadBalancer)
    kind: type[Resource] = routes if has_routes else queue
    try:
        if options.volume:
            given["network_volume"] = parse_volume(options.volume, data_center=options.datacenter)
        return kind(**{name: value for name, value in given.items() if value not in (None, (), {})})
    except OptionError as error:
        raise BuildError(f"{where}: {error.message}", fix=error.fix) from None


def function_name(options: RemoteOptions) -> str:
    """Return the endpoint's name as one for Python, empty where it has none.

    >>> function_name(make_options(name="my-endpoint")), function_name(make_options(name="3d"))
    ('my_endpoint', '_3d')
    """
    plain = re.sub(r"\W", "_", options.name or "")
    return plain if plain.isidentifier() or not plain else f"_{plain}"


def _from_metadata(options: Mapping[str, Any]) -> Values:
    """Read `metadata.flash`: texts as on the line, lists, numbers and flags as JSON has them."""
    if not isinstance(options, Mapping):
        raise OptionError("`flash` in the cell's metadata is no object", fix='write {"flash": {"gpu": ["AMPERE_80"]}}')
    return {name: _typed(name, value) for name, value in options.items() if value not in (None, "", [])}


def _typed(name: str, value: Any) -> Any:
    if isinstance(value, str) and name in KEYS:
        return parse_value(name, value)
    return tuple(value) if isinstance(value, list) else value


def _refuse_bare(env: Mapping[str, str | None]) -> None:
    for name, value in env.items():
        if value is None:
            raise OptionError(
                f"env={name} takes its value from the kernel, which a deployment has not",
                fix=f"write env={name}=VALUE; for a secret, store it at Runpod: {{{{ RUNPOD_SECRET_{name} }}}}",
            )


def check_cell(source: str, tags: Sequence[str], options: Any) -> list[BuildError]:
    """Return what is wrong with a cell's mark, its Python and its options (`metadata.flash`).

    >>> check_cell("x = 1", ["flash:handler:score"], {})
    []
    >>> check_cell("x = 1", ["flash:handler"], {"gpus": "any"})[0].message
    'this cell: there is no option gpus='
    """
    try:
        mark = read_mark(source, tags, WHERE)
    except BuildError as error:
        return [error]
    problems = []
    for check in (_check_python, _check_options):
        try:
            check(source, mark, options)
        except BuildError as error:
            problems.append(error)
    return problems


def _check_python(source: str, mark: Mark, _options: Any) -> None:
    if source.strip():
        make_plain(source, WHERE, is_marked=mark.role not in (Role.NONE, Role.SKIP, Role.PARAMETERS))


def _check_options(source: str, mark: Mark, options: Any) -> None:
    cell = Cell("", 1, source, mark, make_plain("", WHERE, is_marked=False), options=options)
    said = read_options(cell, WHERE)
    if mark.role is Role.HANDLER:
        endpoint_of(said, WHERE, mark.name or "handler")
    elif options and not _is_remote(source):
        raise BuildError(f"{WHERE} has options, and is no handler", fix="mark it as a handler, or empty its options")


def _is_remote(source: str) -> bool:
    try:
        return line_of(source) is not None
    except OptionError:
        return True
