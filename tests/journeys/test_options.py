"""Options: on the line, sticky, misspelt; and what `%flash` says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from flash_jupyter.magics.remote import STICKY

pytestmark = pytest.mark.journey

REFUSED = [
    ("a misspelt option", "%%remote gpus=A\n1", "UsageError: `gpus` is not an option\n  → did you mean `gpu`?\n"),
    (
        "a GPU that does not exist",
        "%%remote gpu=AMPERE_81\n1",
        "UsageError: gpu=AMPERE_81 does not exist\n  → did you mean gpu=AMPERE_80?\n",
    ),
    (
        "a backend that does not exist",
        "%%remote backend=lokal\n1",
        ("UsageError: backend=lokal does not exist\n  → did you mean backend=local?\n"),
    ),
    (
        "two ways to run that exclude each other",
        "%%remote detach local\n1",
        "UsageError: detach and local exclude each other\n  → keep detach or local\n",
    ),
    (
        "a word that a listing does not know",
        "%flash jobs --every",
        "UsageError: %flash jobs: no such option: --every\n  → write %flash jobs [--json] [--limit LIMIT] [--all]; more with --help\n",
    ),
    (
        "an expression that is missing",
        "%remote gpu=AMPERE_80",
        "UsageError: %remote needs an expression: y = %remote gpu=AMPERE_80 f(x)\n",
    ),
    (
        "a word that %flash does not know",
        "%flash stauts",
        "UsageError: `%flash stauts` does not exist\n  → did you mean `%flash status`?\n",
    ),
    (
        "a default that does not exist",
        "%flash config gpus=A",
        "UsageError: `gpus` is not an option\n  → did you mean `gpu`?\n",
    ),
    (
        "a default with a bad value",
        "%flash config timeout=soon",
        "UsageError: timeout=soon: `soon` is not a whole number\n  → write digits only; seconds, where it is a time\n",
    ),
]


@pytest.mark.parametrize(("cell", "text"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_a_mistake_in_the_options_is_said_in_one_line(notebook: Any, cell: str, text: str) -> None:
    notebook.ok("kept = 1")
    seen = notebook.run(cell)
    assert (seen.ename, seen.stderr, seen.traceback) == ("UsageError", text, "")
    assert notebook.value("kept") == 1


@pytest.fixture
def configured(notebook: Any) -> Iterator[Any]:
    yield notebook
    notebook.ok("%flash config " + " ".join(f"{key}=" for key in STICKY))


def test_defaults_hold_for_all_cells_until_they_are_taken_away(configured: Any) -> None:
    assert configured.ok("%flash config env=A=1 timeout=50").displays == ["option   default\nenv      A=1\ntimeout  50"]
    cell = "%%remote\nimport os\nos.environ.get('A')"
    assert configured.ok(cell).result == "'1'"
    assert configured.ok("%flash config env= timeout=").status == "no defaults are set"
    assert configured.ok(cell).result is None


def test_defaults_are_traits(configured: Any) -> None:
    configured.ok("%config RemoteMagics.out = 'b'")
    configured.ok("%%remote\na = 1\nb = 2")
    assert configured.value("'a' in globals(), b") == (False, 2)
    assert "`soon` is not a whole number" in configured.run("%config RemoteMagics.timeout = 'soon'").stderr
    configured.ok("%config RemoteMagics.out = ''")


def test_a_line_wins_over_a_default(configured: Any) -> None:
    configured.ok("%flash config out=a")
    configured.ok("%%remote out=b\na = 1\nb = 2")
    assert configured.value("'a' in globals(), b") == (False, 2)


def test_variables_of_the_notebook_stand_in_the_line(notebook: Any) -> None:
    notebook.ok("what = 'kept'")
    notebook.ok("%%remote out=$what\nkept = 1\nlost = 2")
    assert notebook.value("kept, 'lost' in globals()") == (1, False)


def test_use_says_where_cells_run(configured: Any) -> None:
    assert configured.ok("%flash use local").status_lines == ["cells run on the local Runpod"]
    assert configured.run("%flash use mars").stderr == (
        "UsageError: backend=mars does not exist\n  → use backend=local or backend=runpod\n"
    )


def test_the_cloud_without_a_key_is_refused_with_what_to_do(notebook: Any) -> None:
    cell = notebook.run("%%remote backend=runpod\n1")
    assert cell.traceback == (
        "SettingsError: there is no Runpod API key\n"
        "  → set RUNPOD_API_KEY (in the environment or in .env), or use backend=local, which needs none"
    )


def test_a_detached_job_returns_at_once_and_is_attached_later(notebook: Any) -> None:
    notebook.ok("x = 20")
    notebook.ok("job = None")
    handle = notebook.ok("%%remote detach\nimport time\ntime.sleep(1)\nprint('later')\ny = x + 1\ny")
    assert handle.result is not None
    assert "fj-" in handle.result
    notebook.ok("x = 0")
    job_id = next(word for word in handle.result.replace("'", " ").split() if word.startswith("fj-")).rstrip(",.)")
    attached = notebook.ok(f"%flash attach {job_id}")
    assert attached.stdout == "later\n"
    assert attached.result == "21"
    assert notebook.value("y, x") == (21, 0)


def test_a_detached_job_can_be_cancelled(notebook: Any) -> None:
    handle = notebook.ok("%%remote detach\nwhile True: pass")
    job_id = next(word for word in handle.result.replace("'", " ").split() if word.startswith("fj-")).rstrip(",.)")
    said = notebook.ok(f"%flash cancel {job_id}").status
    assert re.fullmatch(
        rf"{job_id}: cancelled (in the queue, nothing ran|before it was sent)|{job_id}: cancelled, worker stopped \(ran \d+ s\)",
        said,
    )


def test_status_names_the_runpod_and_its_endpoints(notebook: Any) -> None:
    notebook.ok("%%remote\n1")
    shown = "".join(notebook.ok("%flash status").displays)
    assert "the local Runpod" in shown
    assert "flash-any-py3" in shown


def test_an_endpoint_that_was_deleted_is_made_again(notebook: Any) -> None:
    notebook.ok("%%remote name=short-lived\n1")
    assert "short-lived" in str(notebook.ok("%flash endpoints").displays)
    notebook.ok("%flash undeploy short-lived")
    assert "short-lived" not in str(notebook.ok("%flash endpoints").displays)
    assert notebook.ok("%%remote name=short-lived\n2").result == "2"


def test_the_embedded_runpod_is_looked_after_from_the_notebook(notebook: Any, shared_desk: Any) -> None:
    notebook.ok("%%remote\n1")
    assert f"pid {shared_desk.server_pid()}" in notebook.ok("%flash local").status
    wrong = notebook.run("%flash local nonsense")
    assert wrong.stderr.startswith("UsageError: %flash local: no such command 'nonsense'")
    assert "|start|stop|status|logs|env|" in wrong.stderr


def test_warnings_of_a_detached_cell_are_shown(notebook: Any) -> None:
    cell = notebook.ok("%%remote detach\nimport surely_not_there")
    assert cell.status_lines[0] == (
        "`surely_not_there` is neither in deps= nor in the worker's image runpod/flash; add deps=surely-not-there"
    )


def test_listings_are_json_for_programs(notebook: Any) -> None:
    notebook.ok("%%remote\n1")
    (jobs,) = notebook.ok("%flash jobs --json").bundles
    assert jobs["application/json"]["jobs"][0]["state"] == "COMPLETED"
    (endpoints,) = notebook.ok("%flash endpoints --json").bundles
    assert endpoints["application/json"]["endpoints"][0]["owner"] == "tester"
    assert json.loads(endpoints["text/plain"]) == endpoints["application/json"]
    (status,) = notebook.ok("%flash status --json").bundles
    assert status["application/json"]["backend"] == "local"


def test_once_leaves_no_endpoint_behind_however_the_cell_ends(notebook: Any) -> None:
    done = notebook.ok("%%remote once job=run\n6 * 7")
    assert (done.result, notebook.value("run.output")) == ("42", 42)
    failed = notebook.run("%%remote once\n1 / 0")
    assert failed.ename == "ZeroDivisionError"
    running = notebook.start("%%remote once\nprint('running', flush=True)\nwhile True: pass")
    seen = notebook.wait(running, until=lambda cell: "running" in cell.stdout)
    notebook.interrupt()
    stopped = notebook.wait(running)
    for cell in (done, failed, stopped):
        assert [line for line in cell.status_lines if line.endswith(" is deleted")] != [], cell
    assert seen.stdout == "running\n"
    assert "once-" not in str(notebook.ok("%flash endpoints --json").bundles)
    refused = notebook.run("%%remote once\nnot_defined")
    assert [line for line in refused.status_lines if "deleted" in line] == [], "nothing was made"


def test_job_binds_how_the_cell_ended(notebook: Any) -> None:
    notebook.ok("%%remote job=fine\nx = 20\nx + 1")
    assert notebook.value("fine.status, fine.output, fine.result(), fine.id[:3], x") == ("COMPLETED", 21, 21, "fj-", 20)
    assert notebook.value("fine.execution_time_ms >= 0 and bool(fine.worker_id) and fine.started_at <= fine.ended_at")
    notebook.run("%%remote job=broken\n1 / 0")
    assert notebook.value("broken.status, broken.output, broken.error") == (
        "FAILED",
        None,
        "ZeroDivisionError: division by zero",
    )
    notebook.ok("%%remote detach job=later\n1")
    assert notebook.value("later.id[:3]") == "fj-"
    notebook.run("%%remote job=never\nnot_defined")
    assert notebook.value("'never' in globals()") is False


@pytest.mark.slow
def test_a_lost_worker_is_replaced_as_often_as_retries_says(notebook: Any, tmp_path: Any) -> None:
    mark = tmp_path / "lost-once"
    cell = f"import os, pathlib\nmark = pathlib.Path({str(mark)!r})\nif not mark.exists():\n    mark.touch()\n    os._exit(3)\n'alive'"
    assert notebook.ok(f"%%remote name=fragile retries=1\n{cell}").result == "'alive'"
    lost = notebook.run("%%remote name=fragile retries=1\nimport os\nos._exit(3)")
    assert lost.error.splitlines()[0] == "the worker died while it ran the job; so it did in each of 2 tries"


def test_system_packages_are_never_installed_here(notebook: Any) -> None:
    assert notebook.ok("%%remote apt=sh\n1").result == "1", "what is there is there"
    cell = notebook.run("%%remote apt=surely-no-such-package\n1")
    assert (cell.ename, cell.error) == (
        "PackagesMissing",
        (
            "system packages are not installed on this machine: surely-no-such-package\n"
            "  the embedded Runpod never installs them; do it yourself: sudo apt-get install surely-no-such-package"
        ),
    )


def test_a_cell_runs_on_a_load_balanced_endpoint(notebook: Any) -> None:
    notebook.ok("x = 20\nitems = []")
    cell = notebook.ok("%%remote via=lb\nprint('there')\nitems.append(x)\ny = x + 1\ny")
    assert (cell.result, cell.stdout) == ("21", "there\n")
    assert "flash-lb-any-py3" in cell.status
    assert notebook.value("y, items") == (21, [20])
    assert notebook.run("%%remote via=lb\n1 / 0").ename == "ZeroDivisionError"


def test_an_image_of_ones_own_has_an_endpoint_of_its_own(notebook: Any) -> None:
    assert "-mine-1-" in notebook.ok("%%remote image=me/mine:1\n1").status


def test_a_shell_cell_runs_on_the_worker_and_other_magics_say_what_to_do(notebook: Any) -> None:
    notebook.ok("i = 'python'")
    assert notebook.ok("%%remote\n%%bash\nfor i in 1 2; do echo $i; done").stdout == "1\n2\n"
    assert notebook.run("%%remote\n%%time\n1").stderr == (
        "UsageError: %%time can't stand below %%remote: what it would run is on a worker\n  → put %%time above %%remote\n"
    )
    assert notebook.run("%%remote\n%%html\n1").stderr == (
        "UsageError: %%html can't stand below %%remote: what it would run is on a worker\n"
        "  → leave %%html away, or run it in a cell of its own\n"
    )
