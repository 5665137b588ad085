"""The functions of plain modules: with their literal defaults, in a copy of the project and by the bundle.

They run with the user's environment, here and where they are served, so they are called only where the user asks for it
(`--try-defaults`), and what most likely acts on something is not called then either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flash_jupyter.build.asking import Served, inputs_of, no_default_call
from flash_jupyter.build.manifest import Function
from flash_jupyter.build.trying import Trying, Verdict, ask, try_defaults

#: what the scratch copy is of, in messages; the kernel starts beside a file of this name
NAME = "the project"
#: why a function is not called where nobody asked for it
UNASKED = "functions of a .py module are called with their defaults only with --try-defaults"


def smoke_modules(trying: Trying, functions: list[Function], files: Mapping[str, bytes]) -> Iterator[Verdict]:
    """Try these functions in a copy of these files of the project; those that are not called say why.

    Raises `BuildError` where no kernel starts.
    """
    places = {function.name: each for each in trying.served for function in each.functions}
    reasons = {each.name: why_not(each, places[each.name], asked=trying.with_defaults) for each in functions}
    yield from (Verdict(name, "not verified", "", reason) for name, reason in reasons.items() if reason)
    if called := [each for each in functions if not reasons[each.name]]:
        yield from _call(trying, called, files)


def why_not(function: Function, served: Served, *, asked: bool) -> str:
    """Return why a function is not called with its defaults, empty where it is; `asked`: the user wants it."""
    if reason := no_default_call(function):
        return reason
    method = (function.http_method or "POST").upper()
    if served.resource.is_load_balanced and method != "GET":
        return f"not called: a {method} may change something; call it in a flash:test cell"
    if not inputs_of(function):
        return "not called: it takes no parameters, so it may be there to act; call it in a flash:test cell"
    return "" if asked else UNASKED


def _call(trying: Trying, functions: list[Function], files: Mapping[str, bytes]) -> Iterator[Verdict]:
    """Import each module once, and call its functions; what can't run here says so."""
    trying.tell("running the functions in a scratch copy of the project")
    with trying.kernel(NAME, [each.name for each in functions], namespace="{}", files=files) as scratch:
        for module in dict.fromkeys(each.module for each in functions):
            names = [each.name for each in functions if each.module == module]
            failure = str(ask(scratch, f"load({module!r}, {names!r})"))
            for name in names:
                refused = f"{module} can't be imported here: {failure}" if failure else ""
                reason = refused or str(ask(scratch, f"can_compare({name!r})"))
                yield Verdict(name, "not verified", "", reason) if reason else try_defaults(scratch, name)
