"""Whether a bundle gives what its sources give: `flash:test` cells, examples in docstrings, a request of its own.

The notebook's values come from a scratch copy that is run from its first cell to its last. Of plain modules the
examples are run, whose author says in them what is given and what comes. Functions without one are called with their
defaults, here and where they are served, only where the user asks for it (`--try-defaults`), for they have the user's
environment; what most likely acts on something is not called then either. A line that can't be said to be verified
says why.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace

from flash_jupyter.build.asking import SHOW_IT, Served, inputs_of, no_default_call
from flash_jupyter.build.cells import Cell, Notebook, Role, read_notebook
from flash_jupyter.build.examples import shown_docs
from flash_jupyter.build.folder import Ignore, is_notebook
from flash_jupyter.build.manifest import Function
from flash_jupyter.build.notebook import module_of
from flash_jupyter.build.project import Project
from flash_jupyter.build.recorded import Recording
from flash_jupyter.build.rehearsal import NAME
from flash_jupyter.build.scratch import Scratch, in_order
from flash_jupyter.build.slice import SOURCES
from flash_jupyter.build.trying import Tell, Trying, Verdict, ask, try_defaults, try_examples
from flash_jupyter.capture.names import analyse
from flash_jupyter.errors import FlashError
from flash_jupyter.session.local import local_info
from flash_jupyter.settings import Settings

#: why a function is not called where nobody asked for it
UNASKED = f"{SHOW_IT}; functions of a .py module are called with their defaults only with --try-defaults"


def smoke(
    project: Project,
    served: tuple[Served, ...],
    settings: Settings,
    tell: Tell = lambda _text: None,
    *,
    api_key: str | None = None,
    stop: threading.Event | None = None,
    with_defaults: bool = False,
    recordings: list[Recording] | None = None,
) -> tuple[Verdict, ...]:
    """Try every function that is served; at least one verdict for each. Blocking: the notebooks are run.

    `api_key` is that of the platform where they are served; None for the embedded Runpod of these settings. Functions
    of plain modules that have no example are called only `with_defaults`. `recordings` gets what was asked. Raises
    `Stopped` soon after `stop` is set.
    """
    key, stop = api_key or _local_key(settings), stop or threading.Event()
    kept = [] if recordings is None else recordings
    trying = Trying(project.root, served, settings, key, tell, stop, with_defaults, kept)
    functions = {function.name: function for each in served for function in each.functions}
    found: list[Verdict] = []
    plain = dict(functions)
    for notebook, own in _notebooks(project, functions):
        plain = {name: function for name, function in plain.items() if name not in own}
        tell(f"running a scratch copy of {notebook.name}")
        try:
            found += _of_notebook(trying, notebook, own)
        except FlashError as failure:
            found += [Verdict(each, "not verified", "", failure.message) for each in own]
    return (*found, *smoke_modules(trying, [*plain.values()], project.files, {each.function for each in found}))


def _notebooks(project: Project, functions: Mapping[str, Function]) -> Iterator[tuple[Notebook, list[str]]]:
    """The notebooks of which something is served, each named from the root, and what."""
    for path in Ignore(project.root).files():
        if path.suffix in (".py", ".ipynb") and is_notebook(path):
            name = path.relative_to(project.root).as_posix()
            module = module_of(name)
            near = [each for each in functions.values() if f"{each.module}_".startswith(f"{module}_")]
            if not near and name not in project.tests:
                continue
            notebook = replace(read_notebook(path), name=name)
            names = {cell.mark.name for cell in notebook.of_role(Role.HANDLER)}
            names |= {bound for cell in notebook.of_role(*SOURCES) for bound in analyse(cell.plain.text).binds}
            yield notebook, [each.name for each in near if each.module == module or each.name in names]


def _of_notebook(trying: Trying, notebook: Notebook, own: list[str]) -> list[Verdict]:
    with trying.kernel(notebook.name, own, namespace="get_ipython().user_ns") as scratch:
        rehearsal = _Rehearsing(scratch, notebook, own, trying.served)
        stopped = rehearsal.run_cells()
        examples = [] if stopped else rehearsal.try_examples()
        return [*rehearsal.try_tests(stopped), *examples, *rehearsal.try_defaults(stopped)]


def _local_key(settings: Settings) -> str:
    info = local_info(settings)
    assert info is not None, "the preview runs on it"
    return info.api_key


class _Rehearsing:
    """One notebook in its kernel."""

    def __init__(self, scratch: Scratch, notebook: Notebook, own: list[str], served: tuple[Served, ...]) -> None:
        self._scratch, self._notebook, self._own = scratch, notebook, own
        self._functions = {function.name: function for each in served for function in each.functions}
        self._tried: set[str] = set()

    def run_cells(self) -> str:
        """Run the notebook; returns where and why it stopped, empty where it did not."""
        for cell in in_order(self._notebook):
            name = self._handler_name(cell) if cell.role is Role.HANDLER else ""
            if name:
                ask(self._scratch, f"give({name!r})")
            outputs = _outputs(self._functions[name]) if name else None
            kept = f"{NAME}.keep({name!r}, {outputs!r}, get_ipython())" if name else "None"
            failure = self._scratch.run(cell.source, kept)
            if failure is not None:
                return f"the notebook stops at {cell}: {failure.text}"
        return ""

    def try_tests(self, stopped: str) -> Iterator[Verdict]:
        """Run the `flash:test` cells, the bundle's functions under the names of the notebook's."""
        for cell in self._notebook.of_role(Role.TEST):
            how = f"{cell} of {self._notebook.name}"
            if stopped:
                yield from (Verdict(name, "not verified", how, stopped) for name in self._own)
                self._tried |= set(self._own)
                continue
            reads = sorted(analyse(cell.plain.text).reads)  # the bundle, in the notebook's place, may be asked for them
            failure = self._scratch.run(f"{NAME}.enter({reads!r})") or self._scratch.run(cell.source)
            called: dict[str, str] = ask(self._scratch, "leave()")
            self._tried |= set(called)
            if failure is None:
                yield from (
                    Verdict(name, "not verified" if why else "verified", how, why) for name, why in called.items()
                )
            else:
                yield from (Verdict(name, "differs", how, failure.text) for name in called or self._own)
                self._tried |= set(self._own) if not called else set()

    def try_examples(self) -> Iterator[Verdict]:
        """Run the examples in the docstrings of its functions, and in the comments at the top of handler cells."""
        for name in self._own:
            for verdict in try_examples(self._scratch, self._functions[name]):
                self._tried.add(verdict.function)
                yield verdict

    def try_defaults(self, stopped: str) -> Iterator[Verdict]:
        """Ask for each function with its literal defaults; where that can't be, it needs a test cell."""
        for name in self._own:
            reason = stopped or str(ask(self._scratch, f"can_compare({name!r})"))
            if not reason:
                yield try_defaults(self._scratch, name)
            elif name not in self._tried:
                yield Verdict(name, "not verified", "", reason)

    def _handler_name(self, cell: Cell) -> str:
        """The name under which the bundle serves a handler cell; empty where it does not."""
        if cell.mark.name:
            return cell.mark.name if cell.mark.name in self._own else ""
        named = {each.mark.name for each in self._notebook.of_role(Role.HANDLER)}
        functions = [each for name, each in self._functions.items() if name in self._own and name not in named]
        left = [each.name for each in functions if each.output_schema is not None and not each.is_class]
        return left[0] if len(left) == 1 else ""


def _outputs(function: Function) -> list[str] | None:
    """The names that a handler cell gives; None where its last expression is the output."""
    schema = function.output_schema or {}
    if schema.get("type") == "null":
        return []
    return list(schema["properties"]) if "properties" in schema else None


def smoke_modules(
    trying: Trying, functions: list[Function], files: Mapping[str, bytes], tried: Set[str] = frozenset()
) -> list[Verdict]:
    """Try these functions in a copy of these files of the project; what is not tried, nor was before, says why."""
    places = {function.name: each for each in trying.served for function in each.functions}
    reasons = {each.name: why_not(each, places[each.name], asked=trying.with_defaults) for each in functions}
    shown = [each for each in functions if shown_docs(each)]
    called = [each for each in functions if each not in shown and each.name not in tried and not reasons[each.name]]
    found: list[Verdict] = []
    failed = ""
    if shown or called:
        try:
            found += _in_a_copy(trying, shown, called, files)
        except FlashError as failure:
            failed = failure.message
            reasons |= dict.fromkeys((each.name for each in shown), failed)
    told = {*tried, *(each.function for each in found)}
    left = [each.name for each in functions if each.name not in told]
    return [*found, *(Verdict(name, "not verified", "", reasons[name] or failed) for name in left)]


def why_not(function: Function, served: Served, *, asked: bool) -> str:
    """Return why a function is not called with its defaults, empty where it is; `asked`: the user wants it."""
    if reason := no_default_call(function):
        return reason
    if served.resource.is_load_balanced and function.verb != "GET":
        return f"not called: a {function.verb} may change something; {SHOW_IT}"
    if not inputs_of(function):
        return f"not called: it takes no parameters, so it may be there to act; {SHOW_IT}"
    return "" if asked else UNASKED


def _in_a_copy(
    trying: Trying, shown: list[Function], called: list[Function], files: Mapping[str, bytes]
) -> Iterator[Verdict]:
    """Import the modules, run the examples of `shown`, and call those of the others that no example called."""
    trying.tell("running the functions in a scratch copy of the project")
    functions, tried = [*shown, *called], set[str]()
    # the name is for messages: the kernel starts beside a file of this name
    with trying.kernel("the project", [each.name for each in functions], namespace="{}", files=files) as scratch:
        missing = {
            module: str(
                ask(scratch, f"load({module!r}, {[each.name for each in functions if each.module == module]!r})")
            )
            for module in dict.fromkeys(each.module for each in functions)
        }
        for each in shown:
            for verdict in try_examples(scratch, each):
                tried.add(verdict.function)
                yield verdict
        for each in called:
            if each.name not in tried:
                reason = missing[each.module] or str(ask(scratch, f"can_compare({each.name!r})"))
                yield Verdict(each.name, "not verified", "", reason) if reason else try_defaults(scratch, each.name)
