from __future__ import annotations

import base64
from typing import Any

import cloudpickle
import pytest

from flash_jupyter.worker import function
from flash_jupyter.worker.function import execute, lacking


def encoded(value: Any) -> str:
    return base64.b64encode(cloudpickle.dumps(value)).decode()


def decoded(response: dict[str, Any]) -> Any:
    assert response["success"], response["error"]
    return cloudpickle.loads(base64.b64decode(response["result"]))


def call(code: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    named = {name: encoded(value) for name, value in kwargs.items()}
    return execute({"function_name": "f", "function_code": code, "args": [encoded(a) for a in args], "kwargs": named})


def method(instance_id: str | None, name: str, *args: Any, new: bool = False, code: str = "") -> dict[str, Any]:
    counter = "class C:\n    def __init__(self, n): self.n = n\n    def add(self, k): self.n += k; return self.n\n"
    return execute(
        {
            "execution_type": "class",
            "class_name": "C",
            "class_code": code or counter,
            "constructor_args": [encoded(10)],
            "method_name": name,
            "args": [encoded(arg) for arg in args],
            "instance_id": instance_id,
            "create_new_instance": new,
        }
    )


def test_a_function_is_called_with_its_arguments() -> None:
    assert decoded(call("def f(a, b=0):\n    return a - b\n", 5, b=3)) == 2


def test_a_coroutine_function_is_awaited() -> None:
    assert decoded(call("async def f(a):\n    return a\n", 1)) == 1


def test_a_response_has_every_key_of_the_wire() -> None:
    assert call("def f():\n    print('out')\n") == {
        "success": True,
        "result": encoded(None),
        "json_result": None,
        "error": None,
        "stdout": "out\n",
        "instance_id": None,
        "instance_info": None,
    }


def test_the_namespace_is_new_for_every_request() -> None:
    code = "seen = []\ndef f(x):\n    seen.append(x)\n    return seen\n"
    assert [decoded(call(code, n)) for n in (1, 2)] == [[1], [2]]


def test_code_that_asks_for_it_keeps_its_namespace() -> None:
    code = "__flash_jupyter_keep__ = True\nseen = []\ndef f(x):\n    seen.append(x)\n    return seen\n"
    assert [decoded(call(code, n)) for n in (1, 2)] == [[1], [1, 2]]


def test_a_blocking_form_is_called_instead_and_captures_its_output_itself(capsys: pytest.CaptureFixture[str]) -> None:
    code = "async def f(x):\n    raise RuntimeError\ndef g(x):\n    print('mine')\n    return x\nf.blocking, f.ends_worker = g, lambda: False\n"
    response = call(code, 1)
    assert (decoded(response), response["stdout"]) == (1, "")
    assert capsys.readouterr().out == "mine\n"


def test_json_goes_in_and_out_as_it_is() -> None:
    response = execute(
        {
            "function_name": "f",
            "function_code": "def f(a, b):\n    return [a, b]\n",
            "args": [1],
            "kwargs": {"b": {"c": None}},
            "serialization_format": "json",
        }
    )
    assert (response["json_result"], response["result"]) == ([1, {"c": None}], None)


def test_an_exception_is_its_text_and_its_traceback() -> None:
    response = call("def f():\n    {}['k']\n")
    assert (response["success"], response["result"]) == (False, None)
    assert response["error"].startswith("'k'\nTraceback (most recent call last):")
    assert '"<function_code>", line 2, in f' in response["error"]


FAILURES = [
    ("exit", "def f():\n    raise SystemExit(3)\n", "3\nTraceback"),
    ("syntax", "def f(:\n", "SyntaxError"),
    ("a result that can't be pickled", "def f():\n    return (x for x in ())\n", "cannot pickle 'generator' object"),
    ("another name", "def g():\n    pass\n", "function 'f' is not defined by function_code"),
    ("no code", "", "a function request needs function_name and function_code"),
]


@pytest.mark.parametrize(("code", "error"), [case[1:] for case in FAILURES], ids=[case[0] for case in FAILURES])
def test_what_fails_says_why(code: str, error: str) -> None:
    response = call(code)
    assert not response["success"]
    assert error in response["error"]


def test_what_was_printed_before_a_failure_is_there() -> None:
    assert call("def f():\n    print('before')\n    raise ValueError\n")["stdout"] == "before\n"


def test_an_interrupt_is_not_an_error_of_the_function() -> None:
    with pytest.raises(KeyboardInterrupt):
        call("def f():\n    raise KeyboardInterrupt\n")


def test_an_endless_output_does_not_fill_the_response(capsys: pytest.CaptureFixture[str]) -> None:
    response = call("def f():\n    for _ in range(3):\n        print('x' * 1_000_000)\n")
    assert len(response["stdout"]) < function.STDOUT_CHARACTERS + 100
    assert response["stdout"].endswith("[the rest is in the worker's log]\n")
    assert len(capsys.readouterr().out) == 3_000_003


def test_an_instance_outlives_its_request() -> None:
    assert [decoded(method("C_1", "add", 1)) for _ in range(2)] == [11, 12]
    assert method("C_1", "add", 1)["instance_info"]["method_calls"] == 3


def test_a_new_instance_is_made_when_asked_for() -> None:
    assert [decoded(method("C_2", "add", 1, new=True)) for _ in range(2)] == [11, 11]


def test_an_instance_gets_an_id_where_it_has_none() -> None:
    response = method(None, "add", 1)
    assert response["instance_id"].startswith("C_")
    assert set(response["instance_info"]) == {"class_name", "created_at", "method_calls", "last_used"}


def test_a_missing_method_is_named() -> None:
    assert method("C_3", "nope")["error"] == "Method 'nope' not found in class 'C'"


def test_modules_that_come_with_a_request_can_be_imported() -> None:
    code = "def f(x):\n    from helpers.numbers import twice\n    return twice(x)\n"
    sources = {"helpers/__init__.py": "", "helpers/numbers.py": "def twice(x):\n    return 2 * x\n"}
    request = {"function_name": "f", "function_code": code, "args": [encoded(4)], "modules": sources}
    assert decoded(execute(request)) == 8
    changed = {**sources, "helpers/numbers.py": "def twice(x):\n    return x + x + 1\n"}
    assert decoded(execute({**request, "modules": changed})) == 9


@pytest.mark.parametrize("path", ["../out.py", "/tmp/out.py", "a/../../out.py"])
def test_a_module_path_that_leads_out_of_its_folder_is_refused(path: str) -> None:
    response = execute({"function_name": "f", "function_code": "def f(): pass", "modules": {path: ""}})
    assert response["error"].startswith(f"the module path {path!r} leads out of its folder\n")


def test_dependencies_that_are_there_are_not_installed() -> None:
    request = {"function_name": "f", "function_code": "def f():\n    return 1\n", "dependencies": ["cloudpickle>=3"]}
    assert decoded(execute(request)) == 1


def test_a_dependency_that_is_no_requirement_is_named() -> None:
    request = {"function_name": "f", "function_code": "def f():\n    return 1\n", "dependencies": ["no such thing"]}
    assert execute(request)["error"].startswith("`no such thing` is not a requirement that pip understands: ")


IMPORTS = [
    ("what is here", "import json\nfrom httpx import Client", ()),
    ("what neither this machine nor an image has", "import nothing_like_this", ()),
    (
        "what is inside of a function, as a client's stub has it",
        "async def f():\n    import tqdm_loggable as t",
        ("tqdm-loggable",),
    ),
    ("a submodule", "from tqdm_loggable.auto import tqdm", ("tqdm-loggable",)),
    ("a relative import", "from .tqdm_loggable import tqdm", ()),
    ("code that is none", "def f(:", ()),
]


@pytest.mark.parametrize(("code", "packages"), [case[1:] for case in IMPORTS], ids=[case[0] for case in IMPORTS])
def test_what_the_images_have_and_this_interpreter_lacks(code: str, packages: tuple[str, ...]) -> None:
    assert lacking(code) == packages
