"""The functions of plain modules: with their literal defaults, in a copy of the project and by the bundle."""

from __future__ import annotations

from collections.abc import Iterator

from flash_jupyter.build.manifest import Function
from flash_jupyter.build.trying import Trying, Verdict, ask, try_defaults

#: what the scratch copy is of, in messages; the kernel starts beside a file of this name
NAME = "the project"


def smoke_modules(trying: Trying, functions: list[Function]) -> Iterator[Verdict]:
    """Try these functions, each module imported once; what needs arguments, or can't run here, says so.

    Raises `BuildError` where no kernel starts.
    """
    trying.tell("running the functions in a scratch copy of the project")
    with trying.kernel(NAME, [each.name for each in functions], namespace="{}") as scratch:
        for module in dict.fromkeys(each.module for each in functions):
            names = [each.name for each in functions if each.module == module]
            failure = str(ask(scratch, f"load({module!r}, {names!r})"))
            for name in names:
                refused = f"{module} can't be imported here: {failure}" if failure else ""
                refused = f"{module} can't be imported here: {failure}" if failure else ""
                reason = refused or str(ask(scratch, f"can_compare({name!r})"))
                yield Verdict(name, "not verified", "", reason) if reason else try_defaults(scratch, name)
