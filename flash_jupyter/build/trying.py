"""What a smoke test tries, what it finds out, and the kernel in which the sources give their own values.

What the cells or functions in there make on the embedded Runpod is removed with the kernel, however it ends.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from flash_jupyter.build.asking import Served
from flash_jupyter.build.examples import shown_docs
from flash_jupyter.build.manifest import Function
from flash_jupyter.build.recorded import Recording
from flash_jupyter.build.rehearsal import NAME
from flash_jupyter.build.scratch import Scratch
from flash_jupyter.errors import ApiError, BuildError, FlashError
from flash_jupyter.resources.endpoint import OWNER
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.local import local_info
from flash_jupyter.session.owner import SCRATCH_WORD, scratch_owner
from flash_jupyter.session.sweep import has_expired
from flash_jupyter.settings import Settings
from flash_jupyter.transport.loop import LoopThread

State = Literal["verified", "differs", "not verified"]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Verdict:
    """What was found out about a function.

    `how` is what was tried: "its defaults", "its docstring's example", "cell 7 of scores.ipynb".
    """

    function: str
    state: State
    how: str
    text: str

    def __str__(self) -> str:
        return f"{self.function}: {self.state}" + "".join(f", {each}" for each in (self.how, self.text) if each)


@dataclass(frozen=True)
class Trying:
    """What is served, and the project that it was built of; who sets `stop` ends all from another thread.

    `with_defaults` lets functions of plain modules be called that have no example: with the user's environment, on this
    machine and there. `recordings` gets what the bundle was asked from each kernel, and what it answered.
    """

    root: Path
    served: tuple[Served, ...]
    settings: Settings
    api_key: str = field(repr=False)
    tell: Tell
    stop: threading.Event
    with_defaults: bool = False
    recordings: list[Recording] = field(default_factory=list)

    @contextmanager
    def kernel(
        self, name: str, own: list[str], *, namespace: str, files: Mapping[str, bytes] | None = None
    ) -> Iterator[Scratch]:
        """Give a kernel beside the file of this name, in a copy of the project, with a `Rehearsal` of these functions.

        `namespace` is the expression of the names that it looks at; with `files` the copy is of these alone. Raises
        `BuildError` where no kernel starts, or the project can't be copied.
        """
        owner = scratch_owner(self.settings.owner)
        resources = [{**vars(each), "resource": each.resource.model_dump(mode="json")} for each in self.served]
        try:
            with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as order:  # nobody else may read it
                json.dump({"key": self.api_key, "served": resources, "own": own}, order)
                order.flush()
                with Scratch(self.root, name, self._variables(owner), stop=self.stop, files=files) as scratch:
                    made = f"{NAME} = {NAME}.begin({namespace}, {order.name!r})"
                    failure = scratch.run(f"from flash_jupyter.build.rehearsal import Rehearsal as {NAME}; {made}")
                    assert failure is None, failure
                    yield scratch
                    with suppress(FlashError):  # what was found out holds, also where the kernel did not outlive it
                        self.recordings.append(ask(scratch, "recorded()"))
        finally:
            self._remove(owner)

    def _variables(self, owner: str) -> dict[str, str]:
        """The scratch copy calls what the notebook calls, but never the cloud."""
        return {
            "FLASH_JUPYTER_HOME": str(self.settings.home),
            "FLASH_JUPYTER_BACKEND": "local",
            "FLASH_JUPYTER_OWNER": owner,
        }

    def _remove(self, owner: str) -> None:
        try:
            remove_left(owner, self.settings)
        except ApiError as failure:
            self.tell(f"not all that the scratch copy made is removed: {failure.message}")


def ask(scratch: Scratch, call: str) -> Any:
    """Call the kernel's side of a smoke test; its answer is JSON. Raises `BuildError` where it has none."""
    return json.loads(scratch.value(f"{NAME}.{call}"))


def try_defaults(scratch: Scratch, name: str) -> Verdict:
    """Ask for a function with its literal defaults, which `can_compare` has allowed."""
    try:
        found = ask(scratch, f"compare({name!r})")
    except BuildError as failure:
        return Verdict(name, "not verified", "its defaults", failure.message)
    return Verdict(name, found["state"], "its defaults", found["text"])


def try_examples(scratch: Scratch, function: Function) -> Iterator[Verdict]:
    """Run the examples of its docstrings, which ask the bundle; they may ask for other functions too."""
    name = function.name
    for owner in shown_docs(function):
        how = "its docstring's example" if owner == name else f"the example of {owner}"
        try:
            found = ask(scratch, f"try_examples({name!r}, {owner!r})")
        except BuildError as failure:
            yield Verdict(name, "not verified", how, failure.message)
            continue
        called, failed = found["called"], found["failure"]
        unsaid = "" if found["compares"] else "it says no value that should come"
        if failed and not (called and found["is_telling"]):
            yield Verdict(name, "not verified", how, failed)
            continue
        for each, unanswered in called.items():
            why = failed or unanswered or unsaid
            state: State = "differs" if failed else "not verified" if why else "verified"
            yield Verdict(each, state, how if each == name else f"the example of {owner}", why)
        if name not in called:
            yield Verdict(name, "not verified", how, f"it does not call {name}")


def remove_left(owner: str, settings: Settings) -> list[str]:
    """Remove the endpoints of a scratch copy, whose kernel has ended, and return their names. Blocking.

    Those that killed ones left go with them when their time is over. Raises `ApiError` where one is still listed.
    """
    if local_info(settings) is None:
        return []
    links, loop = Links(settings), LoopThread("flash_jupyter scratch")
    try:
        return loop.call(_remove(links.open("local"), owner))
    finally:
        loop.close(links.aclose)


async def _remove(link: Link, owner: str) -> list[str]:
    any_of_user, now = owner[: owner.rindex(SCRATCH_WORD) + len(SCRATCH_WORD)], link.http.server_now()
    left = [
        each
        for each in await link.control.endpoints()
        if (label := each.env.get(OWNER, "")) == owner or (label.startswith(any_of_user) and has_expired(each, now))
    ]
    return await link.provisioner.undeploy(left)
