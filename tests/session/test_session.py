"""The session over a real embedded Runpod: what comes home, what is raised, what is still there afterwards."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulated import wait_for

from flash_jupyter.errors import (
    JobError,
    JobTimedOut,
    OptionError,
    PayloadTooLargeError,
    RemoteExecutionError,
    ResultLost,
    SerializationError,
    SettingsError,
    UndefinedNameError,
    WorkerLost,
)
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.events import Event, Notice, Stream
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.links import Links
from flash_jupyter.session.local import local_info, stop_local
from flash_jupyter.session.session import CellOutcome, CellRequest, Session
from flash_jupyter.settings import Settings
from flash_jupyter.states import JobState
from flash_jupyter.transport.loopback import LoopbackTransport

Kernel = Callable[[], Session]


class Notebook:
    """A namespace, and the output of the last cell."""

    def __init__(self, session: Session, **names: Any) -> None:
        self.session = session
        self.names: dict[str, Any] = {"__name__": "__main__", **names}
        self.events: list[Event] = []

    def request(self, cell: str, **options: Any) -> CellRequest:
        return CellRequest(cell, self.names, make_options(**options), "<cell 3>", "nb.ipynb", "id-3")

    def run(self, cell: str, **options: Any) -> CellOutcome:
        self.events = []
        return self.session.run_cell(self.request(cell, **options), self.events.append)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Stream))


def test_a_cell_runs_and_comes_home(kernel: Kernel) -> None:
    notebook = Notebook(kernel(), x=20)
    outcome = notebook.run("y = x + 1\nprint('on the worker')\ny * 2")
    assert notebook.names["y"] == 21
    assert notebook.text == "on the worker\n"
    assert (outcome.value, outcome.has_value, outcome.bound) == (42, True, ["y"])
    assert (outcome.backend, outcome.state, outcome.cost_usd) == ("local", JobState.COMPLETED, None)
    assert outcome.endpoint.startswith("flash-any-py3")
    assert outcome.worker_id
    assert outcome.events_log is not None
    notebook.session.jobs()
    assert outcome.events_log.read_text() == "on the worker\n"


def test_the_job_is_remembered(kernel: Kernel) -> None:
    notebook = Notebook(kernel(), x=1)
    outcome = notebook.run("y = x")
    job = notebook.session.jobs()[0]
    assert (job.id, job.state, job.has_result) == (outcome.job_id, JobState.COMPLETED, True)
    assert (job.notebook, job.cell_id, job.source, job.names) == ("nb.ipynb", "id-3", "y = x", ("x",))
    assert (job.worker_id, job.endpoint_id, job.name) == (outcome.worker_id, outcome.endpoint_id, outcome.endpoint)
    assert job.platform_id
    assert job.finished_at


def test_what_is_written_down_comes_into_the_file_itself_when_nobody_waits(kernel: Kernel, tmp_path: Path) -> None:
    session = kernel()
    job_id = Notebook(session).run("import os\nx = os.urandom(600_000)").job_id

    def is_in_the_file() -> bool:
        copy = tmp_path / "jobs.sqlite"
        copy.write_bytes(session.settings.job_store.read_bytes())  # without the log that is ahead of it
        with closing(JobStore(copy)) as store:
            return store.answer(job_id) is not None

    wait_for(is_in_the_file)


def test_env_is_there_and_is_written_nowhere(kernel: Kernel, local_settings: Settings) -> None:
    notebook = Notebook(kernel())
    notebook.run("import os; found = os.environ['FJ_TOKEN']", env={"FJ_TOKEN": "correct-horse-battery"})
    assert notebook.names["found"] == "correct-horse-battery"
    notebook.run("found = 1; quiet = os.environ['FJ_TOKEN'] == 'x'", env={"FJ_TOKEN": "staple-horse-battery"})
    notebook.session.close()
    for path in local_settings.home.rglob("*"):
        if path.is_file() and "cache" not in path.parts:
            assert b"staple-horse-battery" not in path.read_bytes(), path


def test_out_and_drop(kernel: Kernel) -> None:
    notebook = Notebook(kernel(), secretive=1)
    notebook.run("a = 1; b = 2; c = 'secretive' in globals()", out=("b", "c"), drop=("secretive",))
    assert {name: notebook.names.get(name) for name in "abc"} == {"a": None, "b": 2, "c": False}


def test_the_users_exception_has_the_cells_lines_and_what_was_bound_stays(kernel: Kernel) -> None:
    notebook = Notebook(kernel())
    with pytest.raises(RemoteExecutionError) as caught:
        notebook.run("before = 1\nprint('out')\n1 / 0\nafter = 2")
    assert isinstance(caught.value, ZeroDivisionError)
    assert str(caught.value) == "division by zero"
    assert [(f["filename"], f["line"], f["text"]) for f in caught.value.frames] == [("<cell 3>", 3, "1 / 0")]
    assert notebook.text == "out\n"
    assert notebook.names["before"] == 1
    assert "after" not in notebook.names


BEFORE: list[tuple[str, str, dict[str, Any], type[Exception]]] = [
    ("a syntax error", "x = (", {}, SyntaxError),
    ("an undefined name", "y = nowhere", {}, UndefinedNameError),
    ("an unpicklable value", "lock", {}, SerializationError),
    ("a payload over the limit", "len(big)", {}, PayloadTooLargeError),
    ("a Python that this machine has not got", "1", {"python": "3.99"}, OptionError),
]


@pytest.mark.parametrize(("cell", "options", "error"), [c[1:] for c in BEFORE], ids=[c[0] for c in BEFORE])
def test_what_is_wrong_is_said_before_anything_is_started(
    cell: str, options: dict[str, Any], error: type[Exception], tmp_path: Path, local_settings: Settings
) -> None:
    from dataclasses import replace

    session = Session(replace(local_settings, home=tmp_path / "fresh"))
    notebook = Notebook(session, lock=threading.Lock(), big=os.urandom(9_000_000))
    with pytest.raises(error):
        notebook.run(cell, **options)
    session.close()
    assert not (tmp_path / "fresh").exists()


def test_an_unpicklable_value_is_named_with_a_way_out(kernel: Kernel) -> None:
    notebook = Notebook(kernel(), cfg={"k": [threading.Lock()]})
    with pytest.raises(SerializationError) as caught:
        notebook.run("cfg")
    assert str(caught.value) == (
        "can't be pickled: cfg → ['k'] → [0]: _thread.lock (cannot pickle '_thread.lock' object)\n"
        "  → build it in the cell itself, or leave it out with drop=cfg"
    )


def test_a_payload_over_the_limit_has_a_table(kernel: Kernel) -> None:
    notebook = Notebook(kernel(), big=os.urandom(9_000_000), small=1)
    with pytest.raises(PayloadTooLargeError) as caught:
        notebook.run("len(big) + small")
    assert list(caught.value.sizes) == ["big", "small"]
    assert "leave it out with drop=big" in str(caught.value)


def test_an_explanation_sends_nothing(kernel: Kernel) -> None:
    notebook = Notebook(kernel(), x=1, big=os.urandom(9_000_000))
    before = len(notebook.session.jobs())
    explanation = notebook.session.explain(notebook.request("y = x", out=("y",)))
    assert [(row.name, row.type, row.why) for row in explanation.sent] == [("x", "int", "line 1")]
    assert (explanation.returns, explanation.changes, explanation.problems) == (["y"], [], [])
    assert explanation.size_bytes is not None
    assert explanation.price_per_hour_usd is None
    (problem,) = notebook.session.explain(notebook.request("y = big")).problems
    assert isinstance(problem, PayloadTooLargeError)
    assert len(notebook.session.jobs()) == before


def test_a_timeout(kernel: Kernel) -> None:
    notebook = Notebook(kernel())
    with pytest.raises(JobTimedOut, match=r"its execution timeout \(5 s\) passed"):
        notebook.run("while True: pass", timeout=5)
    assert notebook.session.jobs()[0].state is JobState.TIMED_OUT


def test_a_worker_that_dies(kernel: Kernel) -> None:
    notebook = Notebook(kernel(), kept=1)
    with pytest.raises(WorkerLost) as caught:
        notebook.run("import os; kept = 2; os._exit(3)")
    assert "exit code 3" in str(caught.value)
    assert caught.value.worker_id
    assert notebook.names["kept"] == 1
    assert notebook.run("kept + 1").value == 2


def test_an_interrupt_stops_the_worker_and_says_so(kernel: Kernel) -> None:
    notebook = Notebook(kernel())
    notebook.run("1")
    threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match=r"^cancelled, worker stopped \(ran \d+ s\)$"):
        notebook.run("print('begun')\nwhile True: pass")
    assert time.monotonic() - started < 30
    assert notebook.text == "begun\n"
    job = notebook.session.jobs()[0]
    assert job.state is JobState.CANCELLED


def test_an_endpoint_that_has_gone_is_made_again(kernel: Kernel) -> None:
    notebook = Notebook(kernel())
    first = notebook.run("1", name="short-lived")
    assert kernel().undeploy("short-lived") == ["short-lived"]
    second = notebook.run("2", name="short-lived")
    assert second.value == 2
    assert second.endpoint_id != first.endpoint_id


def test_an_embedded_runpod_that_has_ended_is_started_again(kernel: Kernel, local_settings: Settings) -> None:
    notebook = Notebook(kernel(), x=1)
    notebook.run("y = x")
    assert stop_local(local_settings)
    assert notebook.run("y = x + 1").bound == ["y"]
    assert notebook.names["y"] == 2


def test_an_embedded_runpod_that_is_killed_under_a_job_comes_back_with_it(
    kernel: Kernel, local_settings: Settings
) -> None:
    notebook = Notebook(kernel())
    notebook.run("1")
    info = local_info(local_settings)
    assert info is not None
    threading.Timer(0.5, os.kill, [info.pid, signal.SIGKILL]).start()
    notebook.run("import time\nprint('before')\ntime.sleep(1.5)\nprint('after')\ny = 7")
    assert notebook.names["y"] == 7
    assert notebook.text == "before\nafter\n"


class Counting(LoopbackTransport):
    """Remembers which verbs were called."""

    def __init__(self) -> None:
        super().__init__()
        self.verbs: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        words = request.url.path.split("/")
        self.verbs.append(next((word for word in ("run", "status", "logs") if word in words), "other"))
        return await super().handle_async_request(request)


COSTS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("its answer is in the log", {}, ["run"]),
    ("job= tells the platform's times", {"job": "how"}, ["run", "status"]),
    ("with values of env= no answer is in a log", {"env": {"TOKEN": "hf_abcdefgh"}}, ["run", "status"]),
]


@pytest.mark.parametrize(("options", "verbs"), [c[1:] for c in COSTS], ids=[c[0] for c in COSTS])
def test_what_a_warm_cell_costs_beside_the_stream(
    options: dict[str, Any], verbs: list[str], local_settings: Settings
) -> None:
    counting = Counting()
    session = Session(local_settings, links=Links(local_settings, transport=lambda _backend: counting))
    notebook = Notebook(session)
    costs = []
    for x in range(20):
        counting.verbs.clear()
        notebook.names["x"] = x
        outcome = notebook.run("y = x", **options)
        costs.append(list(counting.verbs))
        assert (notebook.names["y"], bool(outcome.worker_id)) == (x, True)
    session.close()
    assert min(costs, key=len) == verbs  # a slow machine's take longer, and are asked for more often


def test_fifty_megabytes_of_output_arrive_in_order(kernel: Kernel) -> None:
    notebook = Notebook(kernel())
    outcome = notebook.run("for i in range(50_000): print(i, 'x' * 1000)\nn = i")
    lines = notebook.text.splitlines()
    assert not [event for event in notebook.events if isinstance(event, Notice)]
    assert [line.split()[0] for line in lines] == [str(i) for i in range(50_000)]
    notebook.session.jobs()
    assert outcome.events_log is not None
    assert outcome.events_log.stat().st_size == len(notebook.text)


def test_a_detached_cell_is_attached_by_its_own_kernel(kernel: Kernel) -> None:
    shared: list[int] = [1]
    notebook = Notebook(kernel(), shared=shared)
    handle = notebook.session.submit_cell(
        notebook.request("print('hello'); shared.append(2); y = 5; y"), lambda _: None
    )
    assert "shared" in notebook.names
    outcome = notebook.session.attach(handle.id, notebook.names, notebook.events.append)
    assert (outcome.value, outcome.bound) == (5, ["y"])
    assert notebook.text == "hello\n"
    assert shared == [1, 2]


def test_a_detached_cell_is_attached_by_another_kernel(kernel: Kernel) -> None:
    notebook = Notebook(kernel())
    handle = notebook.session.submit_cell(
        notebook.request("import time; time.sleep(1); print('hello'); y = 5; y"), notebook.events.append
    )
    notebook.session.close()  # at once: the platform has it
    later = Notebook(kernel())
    outcome = later.session.attach(handle.id[:8], later.names, later.events.append)
    assert (outcome.value, later.names["y"], later.text) == (5, 5, "hello\n")
    again = Notebook(kernel())
    assert again.session.attach(handle.id, again.names, again.events.append).value == 5
    assert again.text == "hello\n"


def test_a_detached_cell_that_is_not_accepted_fails_in_its_cell(kernel: Kernel) -> None:
    session, ends = kernel(), list[BaseException | None]()
    with pytest.raises(SettingsError, match="there is no Runpod API key"):
        session.submit_cell(
            Notebook(session).request("1", backend="runpod"), print, ended=lambda _job, failure: ends.append(failure)
        )
    wait_for(lambda: [type(failure) for failure in ends] == [SettingsError], within_s=60)
    assert session.jobs()[0].state is JobState.FAILED


@pytest.mark.parametrize("own", [True, False], ids=["by its own kernel", "by another kernel"])
def test_a_detached_cell_is_cancelled(own: bool, kernel: Kernel) -> None:
    notebook = Notebook(kernel())
    handle = notebook.session.submit_cell(notebook.request("while True: pass"), notebook.events.append)
    session = notebook.session if own else kernel()
    first = session.cancel(handle.id)
    assert (first.state, first.is_confirmed) == (JobState.CANCELLED, True)
    second = session.cancel(handle.id)
    assert (second.state, second.text.split(",")[0].split(" ")[0]) == (JobState.CANCELLED, "cancelled")
    with pytest.raises((ResultLost, JobError)):
        session.attach(handle.id, notebook.names, notebook.events.append)


class Spent(LoopbackTransport):
    """The control plane's minute is used up; the data plane answers."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.startswith("/v2/serverless"):
            return await super().handle_async_request(request)
        self.refused.append(request.url.path)
        return httpx.Response(429, headers={"Retry-After": "59"}, json={"detail": "too many"}, request=request)


@pytest.fixture
def spent(local_settings: Settings) -> Iterator[tuple[Session, Spent]]:
    """A session that finds the control plane's minute used up."""
    transport = Spent()
    session = Session(local_settings, links=Links(local_settings, transport=lambda _backend: transport))
    yield session, transport
    session.close()


def test_a_cancel_waits_for_no_control_plane(kernel: Kernel, spent: tuple[Session, Spent]) -> None:
    notebook = Notebook(kernel())
    handle = notebook.session.submit_cell(notebook.request("while True: pass"), notebook.events.append)
    wait_for(lambda: notebook.session.job(handle.id).state is JobState.IN_PROGRESS, within_s=60)
    began = time.monotonic()
    cancellation = spent[0].cancel(handle.id)
    assert time.monotonic() - began < 30
    assert (cancellation.state, cancellation.is_confirmed) == (JobState.CANCELLED, True)


def test_nor_do_a_listing_of_jobs_and_an_attach(kernel: Kernel, spent: tuple[Session, Spent]) -> None:
    session, transport = spent
    notebook = Notebook(kernel())
    handle = notebook.session.submit_cell(
        notebook.request("import time; time.sleep(2); print('hello'); y = 5"), notebook.events.append
    )
    notebook.session.close()
    session.refresh_jobs()
    assert transport.refused == []
    later = Notebook(session)
    session.attach(handle.id, later.names, later.events.append)
    assert (later.names["y"], later.text) == (5, "hello\n")


def test_a_job_whose_endpoint_was_deleted_says_so(kernel: Kernel) -> None:
    notebook = Notebook(kernel())
    handle = notebook.session.submit_cell(notebook.request("while True: pass", name="deleted"), notebook.events.append)
    notebook.session.close()
    later = Notebook(kernel())
    later.session.undeploy("deleted")
    with pytest.raises(ResultLost, match="its endpoint deleted was deleted, and its results with it"):
        later.session.attach(handle.id, later.names, later.events.append)


def test_an_unknown_job(kernel: Kernel) -> None:
    with pytest.raises(OptionError, match="there is no job fj-nothing"):
        kernel().cancel("fj-nothing")


def test_listings(kernel: Kernel) -> None:
    notebook = Notebook(kernel())
    outcome = notebook.run("1")
    session = notebook.session
    assert outcome.endpoint in {endpoint.name for endpoint in session.endpoints()}
    status = session.status()
    assert (status["backend"], status["local_running"]) == ("local", True)
    assert str(status["url"]).startswith("http://127.0.0.1:")
    with pytest.raises(OptionError, match="there is no endpoint nowhere"):
        session.undeploy("nowhere")


def test_nothing_is_listed_where_nothing_runs(tmp_path: Path, local_settings: Settings) -> None:
    from dataclasses import replace

    session = Session(replace(local_settings, home=tmp_path / "fresh"))
    assert session.endpoints() == []
    session.close()


def test_the_cloud_without_a_key(kernel: Kernel) -> None:
    with pytest.raises(SettingsError, match="there is no Runpod API key"):
        Notebook(kernel()).run("1", backend="runpod")


def test_a_home_that_can_not_be_made(broken_home: Settings) -> None:
    session = Session(broken_home)
    with pytest.raises(SettingsError, match="the job store"):
        Notebook(session).run("1")
    session.close()


def test_closing_is_idempotent_and_leaves_no_thread() -> None:
    before = threading.active_count()
    session = Session(Settings(Path("/nonexistent"), Path("/nonexistent"), "ann", "local"))
    session.close()
    session.close()
    assert threading.active_count() == before
