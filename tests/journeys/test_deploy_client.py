"""A notebook calls what is deployed: values, signatures, errors, and an interrupt that cancels."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from deployments import deploy, remove
from emulated import wait_for

from flash_jupyter.build.bundle import Bundle, build
from flash_jupyter.session.local import local_info

pytestmark = pytest.mark.journey

NOTEBOOK = """# %% tags=["flash:setup"]
WORDS = {"tea": 3, "cake": 4}

# %%
text = "tea"

# %% tags=["flash:handler:score"]
# How much a text is liked.
liked = WORDS[text]

# %%
from flash_jupyter import CpuLiveLoadBalancer, CpuLiveServerless, remote

# %%
@remote(CpuLiveLoadBalancer(name="web"), method="GET", path="/price/{item}")
def price(item: str, count: int = 1) -> float:
    \"\"\"What so many cost.\"\"\"
    return WORDS[item] * count

# %%
@remote(CpuLiveLoadBalancer(name="web"), method="GET", path="/rest/{seconds}")
def rest(seconds: float, begun: str) -> None:
    import pathlib
    import time

    pathlib.Path(begun).touch()
    time.sleep(seconds)

# %%
@remote(CpuLiveServerless(name="till"))
class Basket:
    \"\"\"Things to buy.\"\"\"

    def __init__(self, owner="ann"):
        self.owner, self.items = owner, []

    def add(self, item: str, count: int = 1):
        \"\"\"Put it in.\"\"\"
        self.items += [item] * count
        return self.owner, set(self.items)

# %%
@remote(CpuLiveServerless(name="till"))
def slow(seconds: float):
    import time

    time.sleep(seconds)
    return "done"
"""


@pytest.fixture(scope="module")
def built(own_desk: Any) -> Bundle:
    path = own_desk.folder / "shop.py"
    path.write_text(NOTEBOOK)
    return build(path, settings=own_desk.settings)


@pytest.fixture(scope="module")
def shop(own_desk: Any, built: Bundle) -> dict[str, str]:
    """The app `shop` in production; resource -> endpoint id."""
    return deploy(own_desk.settings, built.archive, built.manifest, "shop")


@pytest.fixture(scope="module")
def kernel(own_desk: Any, shop: dict[str, str]) -> Any:
    assert len(shop) == 3
    notebook = own_desk.open()
    notebook.ok('import flash_jupyter\napp = flash_jupyter.app("shop")')
    return notebook


def test_functions_routes_and_classes_give_their_values(kernel: Any) -> None:
    assert kernel.value('app.score("cake")') == {"liked": 4}
    assert kernel.value("await app.score.aio(text='tea')") == {"liked": 3}
    assert kernel.value('app.price("cake", count=3)') == 12
    kernel.ok('basket = app.Basket(owner="bob")\nbasket.add("tea")')
    assert kernel.value('basket.add("cake", 2)') == ("bob", {"tea", "cake"})


def test_names_signatures_and_texts_are_those_of_the_manifest(kernel: Any) -> None:
    assert kernel.value("dir(app)") == ["Basket", "price", "rest", "score", "slow"]
    kernel.ok("import inspect")
    assert kernel.value("str(inspect.signature(app.score))") == "(text: str = 'tea') -> dict"
    assert kernel.value("str(inspect.signature(app.Basket().add))") == "(item: str, count: int = 1)"
    said = kernel.value("[app.score.__doc__, app.price.__doc__, app.Basket.__doc__, app.Basket().add.__doc__]")
    assert said == ["How much a text is liked.", "What so many cost.", "Things to buy.", "Put it in."]
    assert {"score", "slow"} <= {each.rpartition(".")[2] for each in kernel.complete("app.s")}


def test_what_a_function_raises_is_raised_here_with_its_frames(kernel: Any) -> None:
    failed = kernel.run('app.score(text="nothing")')
    assert failed.ename == "KeyError"
    assert "liked = WORDS[text]" in failed.traceback
    assert "functions.py" not in failed.traceback
    failed = kernel.run('app.price("nothing")')
    assert failed.ename == "KeyError"
    assert "return WORDS[item] * count" in failed.traceback


WRONG = [
    ("a function", "app.scor", "shop/production serves no scor\n  → did you mean score?"),
    ("a method", 'app.Basket().ad("tea")', "class Basket has no method ad\n  → did you mean add?"),
    ("an environment", 'flash_jupyter.app("shop", "productoin")', "app shop has no environment productoin\n  → did you mean production?"),
    ("an app", 'flash_jupyter.app("shpo")', "there is no app shpo on the local Runpod\n  → did you mean shop?"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), [c[1:] for c in WRONG], ids=[c[0] for c in WRONG])
def test_what_does_not_exist_is_said_with_what_is_nearest(kernel: Any, code: str, text: str) -> None:
    assert kernel.run(code).error == text


UNFIT = [
    ("a name that is unknown", "app.score(txt='tea')", "score() got an unexpected keyword argument 'txt'\n  → score(text: str = 'tea') -> dict"),
    ("too many in a coroutine", "await app.score.aio('tea', 1)", "score() got too many positional arguments\n  → score(text: str = 'tea') -> dict"),
    ("one that a route lacks", "app.price(count=2)", "price() missing a required argument: 'item'\n  → price(item: str, count: int = 1)"),
    ("one of a constructor", "app.Basket(ownr='bob')", "Basket() got an unexpected keyword argument 'ownr'\n  → Basket(owner: str = 'ann')"),
    ("one of a method", "app.Basket().add()", "Basket.add() missing a required argument: 'item'\n  → Basket.add(item: str, count: int = 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), [c[1:] for c in UNFIT], ids=[c[0] for c in UNFIT])
def test_arguments_that_do_not_fit_are_shown_as_those_of_a_function_of_the_notebook(
    kernel: Any, call: str, text: str
) -> None:
    begins = "async def ask():" if call.startswith("await") else "def ask():"
    cell = kernel.run(f"{begins}\n    return {call}\n{'await ' if call.startswith('await') else ''}ask()")
    assert (cell.ename, cell.error) == ("TypeError", text)
    assert "flash_jupyter" not in cell.traceback
    assert "----> 3 " in cell.traceback  # the cell's line
    assert f"----> 2     return {call}" in cell.traceback
    assert cell.traceback.endswith(f"TypeError: {text}")


def test_an_interrupt_cancels_the_job(kernel: Any, own_desk: Any, shop: dict[str, str]) -> None:
    started = kernel.start("app.slow(600)")
    wait_for(lambda: health(own_desk, shop["till"])["jobs"]["inProgress"] == 1, within_s=60)
    kernel.interrupt()
    stopped = kernel.wait(started)
    assert stopped.ename == "KeyboardInterrupt"
    assert stopped.error.startswith("cancelled (ran ")
    wait_for(lambda: health(own_desk, shop["till"])["jobs"]["inProgress"] == 0, within_s=60)


@pytest.mark.parametrize(
    ("call", "ename"),
    [("app.rest(30, {!r})", "KeyboardInterrupt"), ("await app.rest.aio(30, {!r})", "CancelledError")],
    ids=["waited for", "awaited"],
)
def test_an_interrupt_drops_the_request_of_a_route(kernel: Any, tmp_path: Path, call: str, ename: str) -> None:
    begun = tmp_path / "begun"
    started = kernel.start(call.format(str(begun)))
    wait_for(begun.exists, within_s=60)
    kernel.interrupt()
    cell = kernel.wait(started)
    assert (cell.ename, cell.error) == (ename, "the request was dropped; its worker may run the function to its end")


@pytest.mark.skipif(shutil.which("curl") is None, reason="its lines are for curl")
def test_the_lines_for_a_terminal_work_as_they_stand(kernel: Any, own_desk: Any) -> None:
    lines = [kernel.value("app.score.curl"), kernel.value("app.price.curl").replace("/price/...", "/price/cake")]
    shown = kernel.ok("app").result or ""
    assert lines[0] in shown
    assert [run(own_desk, line).partition(',"id"')[0] for line in lines] == ['{"output": {"liked": 3}', "4"]


def test_an_endpoint_that_was_made_anew_is_found(
    kernel: Any, own_desk: Any, built: Bundle, shop: dict[str, str]
) -> None:
    assert kernel.value("app.score()") == {"liked": 3}
    name = next(name for name in shop if name not in ("till", "web"))
    remove(own_desk.settings, shop[name])
    assert kernel.run("app.score()").error == (
        f"the resource {name} has no endpoint: it was deleted, or never made\n"
        "  → send the build again: flash deploy send ENV"
    )
    again = deploy(own_desk.settings, built.archive, built.manifest, "shop")
    assert again[name] != shop[name]
    shop |= again
    assert kernel.value("app.score()") == {"liked": 3}


def health(desk: Any, endpoint_id: str) -> Any:
    info = local_info(desk.settings)
    assert info is not None
    headers = {"Authorization": f"Bearer {info.api_key}"}
    url = f"{info.url}/v2/{endpoint_id}/health"
    return httpx.get(url, headers=headers, timeout=60, trust_env=False).json()


def run(desk: Any, line: str) -> str:
    info = local_info(desk.settings)
    assert info is not None
    path = f"{Path(shutil.which('curl') or '').parent}:/usr/bin:/bin"
    env = {"RUNPOD_API_KEY": info.api_key, "PATH": path, "no_proxy": "*"}
    return subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True, check=True).stdout
