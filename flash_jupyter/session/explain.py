"""What a cell would send, why, how large, and what it would cost: read here, with nothing sent and nothing made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from flash_jupyter import limits
from flash_jupyter.capture.measure import describe, least_bytes
from flash_jupyter.capture.namespace import Capture
from flash_jupyter.capture.preflight import look, name_warnings, undeclared
from flash_jupyter.errors import CaptureError, FlashError, SerializationError
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.session.cost import price_per_hour_usd
from flash_jupyter.session.prepare import PYTHON, CellRequest, Prepared, pack, read_cell
from flash_jupyter.session.shipping import request_bytes
from flash_jupyter.settings import BackendName


@dataclass(frozen=True)
class Travelling:
    """A name or a local module that travels; `why` says who reads it. The size is the least where not `is_exact`."""

    name: str
    type: str
    size_bytes: int
    is_exact: bool
    why: str


@dataclass(frozen=True)
class Explanation:
    """One cell before it runs. `size_bytes` is the whole request's, None where it was not made.

    `returns` are the names that it binds, `changes` those that come back if the cell changes their objects.
    `undeclared` maps modules to what `deps=` should have for them. `problems` would stop it.
    """

    endpoint: str
    backend: BackendName
    hardware: str
    image: str | None
    python: str
    price_per_hour_usd: float | None
    sent: list[Travelling]
    size_bytes: int | None
    limit_bytes: int
    returns: list[str]
    changes: list[str]
    deps: list[str]
    apt: list[str]
    undeclared: dict[str, str]
    env: list[str]
    warnings: list[str]
    problems: list[FlashError] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        problems = [{"text": problem.message, "fix": problem.fix} for problem in self.problems]
        return {**plain, "sent": [asdict(row) for row in self.sent], "problems": problems}


def explain(request: CellRequest, spec: EndpointSpec, backend: BackendName, *, image_family: str) -> Explanation:
    """Look at a cell as `prepare` does, and go on where that would stop.

    Raises `SyntaxError`, and `OptionError`: without these there is nothing to explain.
    """
    options, namespace = request.options, request.namespace
    python = options.python or PYTHON
    captured = read_cell(request)
    problems, warnings = look(
        captured, namespace=namespace, deps=options.deps, image_family=image_family, python=python
    )
    warnings += name_warnings(captured, namespace=namespace, out=options.out or (), drop=options.drop)
    prepared = _try_to_pack(request, captured, problems)
    names = captured.names
    comes = {name for name in names.binds if name not in options.drop}
    changed = set(captured.mutable) - comes - names.deletes
    if options.out is not None:
        comes, changed = comes & {*options.out}, changed & {*options.out}
    return Explanation(
        endpoint=spec.name,
        backend=backend,
        hardware=hardware_text(spec),
        image=spec.image,
        python=python,
        price_per_hour_usd=price_per_hour_usd(spec, backend),
        sent=[*_values(captured, prepared), *_modules(captured)],
        size_bytes=request_bytes(prepared.capsule) if prepared else None,
        limit_bytes=limits.RUN_PAYLOAD_BYTES,
        returns=sorted(comes),
        changes=sorted(changed),
        deps=list(options.deps),
        apt=list(options.apt),
        undeclared=undeclared(captured.imports, options.deps, image_family, python),
        env=sorted(options.env),
        warnings=warnings,
        problems=list(problems),
    )


def hardware_text(spec: EndpointSpec) -> str:
    """Say on what the workers of an endpoint run.

    >>> hardware_text(EndpointSpec("e", None, "me", gpus=("AMPERE_80",), gpu_count=2))
    '2 x AMPERE_80'
    """
    if spec.cpus:
        return ", ".join(spec.cpus)
    gpus = ", ".join("any GPU" if gpu == "any" else gpu for gpu in spec.gpus)
    return f"{spec.gpu_count} x {gpus}" if spec.gpu_count > 1 else gpus


def _try_to_pack(request: CellRequest, captured: Capture, problems: list[Any]) -> Prepared | None:
    try:
        return pack(request, captured)
    except (CaptureError, SerializationError) as problem:
        problems.append(problem)
        return None


def _values(captured: Capture, prepared: Prepared | None) -> list[Travelling]:
    rows = []
    for name, value in captured.values.items():
        size = prepared.sizes[name] if prepared else least_bytes(value)
        rows.append(Travelling(name, describe(value), size, prepared is not None, _why(name, captured)))
    return sorted(rows, key=lambda row: -row.size_bytes)


def _modules(captured: Capture) -> list[Travelling]:
    return [
        Travelling(path, "local module", len(text.encode()), True, "imported")
        for path, text in captured.modules.items()
    ]


def _why(name: str, captured: Capture) -> str:
    line = captured.names.reads.get(name) or captured.names.builtins.get(name)
    if line:
        return f"line {line}"
    reader = captured.readers.get(name)
    return f"{reader} reads it" if reader else "include="
