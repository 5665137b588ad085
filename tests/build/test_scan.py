"""`@remote` functions and classes are found in a text, with all that is said of their endpoint; nothing is run."""

from __future__ import annotations

import ast

import pytest

from flash_jupyter.build.evaluate import Evaluator
from flash_jupyter.build.scan import Declared, declared
from flash_jupyter.build.text import Text, read_text
from flash_jupyter.errors import BuildError

IMPORT = "from flash_jupyter import *\n"


def scan(text: str, **modules: str) -> list[Declared]:
    """Scan a file `main.py`, which may import `modules`."""

    def read(name: str) -> Text | None:
        if name not in modules:
            return None
        return read_text(f"{name}.py", ast.parse(modules[name]), module=name, package="")

    main = read_text("main.py", ast.parse(text), module="main", package="")
    return list(declared(main, Evaluator(read)))


SPELLINGS = {
    "bare": "from flash_jupyter import remote\n@remote\ndef f(): ...",
    "called without arguments": "from flash_jupyter import remote\n@remote()\ndef f(): ...",
    "of the package": "import flash_jupyter\n@flash_jupyter.remote\ndef f(): ...",
    "of the package under another name": "import flash_jupyter as fj\n@fj.remote()\ndef f(): ...",
    "under another name": "from flash_jupyter import remote as gpu\n@gpu\ndef f(): ...",
    "of the published package": "from runpod_flash import remote\n@remote\ndef f(): ...",
    "of everything": "from flash_jupyter import *\n@remote\ndef f(): ...",
    "assigned": "import flash_jupyter as fj\nr = fj.remote\n@r\ndef f(): ...",
    "a call that is assigned": "import flash_jupyter as fj\nr = fj.remote()\n@r\ndef f(): ...",
    "without the sign": "import flash_jupyter as fj\ndef g(): ...\nf = fj.remote()(g)",
    "where the import may fail": (
        "try:\n    from flash_jupyter import remote\nexcept ImportError:\n    from runpod_flash import remote\n"
        "@remote\ndef f(): ..."
    ),
    "among other decorators": "import functools, flash_jupyter as fj\n@fj.remote\n@functools.cache\ndef f(): ...",
    "in a branch": "import flash_jupyter as fj\nif True:\n    @fj.remote\n    def f(): ...",
    "from a module of the project": "from helpers import remote\n@remote\ndef f(): ...",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_the_decorator_is_known_under_every_name(text: str) -> None:
    (found,) = scan(text, helpers="from flash_jupyter import remote\n")
    assert (found.function.name, repr(found.resource)) == ("f", "LiveServerless()")


ENDPOINTS = {
    "in the call": '@Endpoint(name="a", cpu="cpu3c-1-2")\n',
    "the name alone": '@Endpoint("a", cpu="cpu3c-1-2")\n',
    "a variable": 'e = Endpoint(name="a", cpu=CpuInstanceType.CPU3C_1_2)\n@e\n',
    "named after its function": '@Endpoint(cpu=["cpu3c-1-2"])\n',
    "constants and numbers": 'NAME = "a"\n@Endpoint(name=NAME, cpu="cpu3c-1-2", workers=(0, 1))\n',
    "of a module of the project": "from helpers import e\n@e\n",
    "of a module, by its name": "import helpers\n@helpers.e\n",
}


@pytest.mark.parametrize("module", ["flash_jupyter", "runpod_flash"])
@pytest.mark.parametrize("text", ENDPOINTS.values(), ids=ENDPOINTS.keys())
def test_an_endpoint_above_a_function_is_a_queue(text: str, module: str) -> None:
    start = f"from {module} import CpuInstanceType, Endpoint\n"
    (found,) = scan(f"{start}{text}def a(x): ...", helpers=f'{start}e = Endpoint("a", cpu="cpu3c-1-2")\n')
    assert found.function.name == "a"
    assert repr(found.resource) == "CpuLiveServerless(name='a', instanceIds=('cpu3c-1-2',), workersMin=0, workersMax=1)"


def test_an_endpoint_with_routes_is_a_load_balancer_and_its_functions_share_it() -> None:
    found = scan(
        """\
from runpod_flash import Endpoint
api = Endpoint(name="shop", gpu="ADA_24", workers=(1, 3), dependencies=["numpy"], system_dependencies=["ffmpeg"])

@api.post("/price")
async def price(item: str): ...

@api.get(path="/items/{item}")
def items(item: str): ...
"""
    )
    assert [(each.function.name, each.function.http_method, each.function.http_path) for each in found] == [
        ("price", "POST", "/price"),
        ("items", "GET", "/items/{item}"),
    ]
    assert found[0].resource == found[1].resource
    assert repr(found[0].resource) == "LiveLoadBalancer(name='shop', gpus=('ADA_24',), workersMin=1, workersMax=3)"
    assert (found[0].dependencies, found[0].system_dependencies) == (("numpy",), ("ffmpeg",))
    assert found[0].config_variable == "api"


def test_a_class_and_what_is_decorated_without_the_sign() -> None:
    text = 'from flash_jupyter import Endpoint\n@Endpoint(name="c")\nclass C:\n    def m(self): ...\n'
    made, plain = scan(f'{text}def g(): ...\nf = Endpoint(name="f", max_concurrency=4)(g)\n')
    assert (made.function.is_class, made.function.class_methods) == (True, ["m"])
    assert (plain.function.name, plain.resource.name) == ("f", "f")
    assert getattr(plain.resource, "max_concurrency", None) == 4


NONE = {
    "no decorator": "def f(): ...",
    "a function of another package": "from celery import remote\n@remote\ndef f(): ...",
    "a function of the file": "def remote(f): return f\n@remote\ndef f(): ...",
    "a route of another package": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/x')\ndef f(): ...",
    "an endpoint that nothing stands on": "from runpod_flash import Endpoint\nv = Endpoint(name='v', image='a/b')",
    "a method that is no route": "from runpod_flash import Endpoint\nv = Endpoint(id='v')\n@v.run\ndef f(): ...",
    "another decorator": "app = make()\n@app.get('/x')\n@a.b[0].c\ndef f(): ...",
    "what stays here": "from flash_jupyter import remote\n@remote(local=True)\ndef f(): ...",
    "what only a script runs": (
        'from flash_jupyter import remote\nif __name__ == "__main__":\n    @remote\n    def f(): ...'
    ),
}


@pytest.mark.parametrize("text", NONE.values(), ids=NONE.keys())
def test_what_is_not_served(text: str) -> None:
    assert scan(text) == []


CONFIGURATIONS = {
    "in the call": ('@remote(LiveServerless(name="a"))', "LiveServerless(name='a')"),
    "by keyword": ('@remote(resource_config=LiveServerless(name="a"))', "LiveServerless(name='a')"),
    "a variable": ('c = CpuLiveServerless(name="a")\n@remote(c)', "CpuLiveServerless(name='a')"),
    "the last of two": (
        'c = LiveServerless(name="a")\nc = LiveServerless(name="b")\n@remote(c)\n',
        "LiveServerless(name='b')",
    ),
    "with a type": ('c: LiveServerless = LiveServerless(name="a")\n@remote(c)', "LiveServerless(name='a')"),
    "names of hardware": (
        "@remote(LiveServerless(gpus=[GpuGroup.AMPERE_80, GpuType.NVIDIA_L4], gpuCount=2))",
        "LiveServerless(gpus=('AMPERE_80', 'NVIDIA L4'), gpuCount=2)",
    ),
    "constants, and texts made of them": (
        (
            'STAGE, GB = "dev", 10 * 2\n'
            '@remote(LiveServerless(name=f"x-{STAGE}-{GB:03d}", networkVolume=NetworkVolume(name="m" + STAGE, size=GB)))'
        ),
        "LiveServerless(name='x-dev-020', networkVolume=NetworkVolume(name='mdev', size=20))",
    ),
    "a template": (
        '@remote(LiveServerless(template=PodTemplate(containerDiskInGb=80), env={"A": str(1)}, workersMin=1))',
        "LiveServerless(workersMin=1, template=PodTemplate(containerDiskInGb=80))",
    ),
    "tables": (
        'T = {"gpu": [GpuGroup.ADA_24], "n": -1}\n@remote(LiveServerless(gpus=T["gpu"], workersMax=-T["n"]))',
        "LiveServerless(gpus=('ADA_24',), workersMax=1)",
    ),
    "arguments in a table": (
        'COMMON = dict(workersMax=2)\n@remote(LiveServerless(**COMMON, **{"name": "a"}))',
        "LiveServerless(name='a', workersMax=2)",
    ),
    "another endpoint's field": (
        'c = LiveServerless(name="a")\n@remote(LiveServerless(name=c.name + "-2"))',
        "LiveServerless(name='a-2')",
    ),
    "a member by its text": (
        '@remote(LiveServerless(gpus=[GpuGroup("ADA_24"), *[GpuGroup.ANY]]))',
        "LiveServerless(gpus=('ADA_24', 'any'))",
    ),
    "from a module of the project": (
        "from helpers import c\n@remote(c)",
        "LiveServerless(name='shared-1')",
    ),
    "from a module under another name": ("import helpers as h\n@remote(h.c)", "LiveServerless(name='shared-1')"),
    "from a module by a star": ("from helpers import *\n@remote(c)", "LiveServerless(name='shared-1')"),
    "from a module that has it from another one": ("from more import c\n@remote(c)", "LiveServerless(name='shared-1')"),
}


@pytest.mark.parametrize(("text", "described"), CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_a_configuration_is_read_whole(text: str, described: str) -> None:
    helpers = f'{IMPORT}N = 1\nc = LiveServerless(name=f"shared-{{N}}")\n'
    (found,) = scan(f"{IMPORT}{text}\ndef f(): ...", helpers=helpers, more="from helpers import c\n")
    assert repr(found.resource) == described


def test_packages_route_and_variable() -> None:
    text = (
        'PACKAGES = ["torch"]\napi = CpuLiveLoadBalancer(name="a")\n'
        '@remote(api, [*PACKAGES, "numpy>=2"], system_dependencies=("ffmpeg",), method="get", path="/x/{n}")\n'
        "def f(n: int, full=False): ..."
    )
    (found,) = scan(IMPORT + text)
    assert found.dependencies == ("torch", "numpy>=2")
    assert found.system_dependencies == ("ffmpeg",)
    assert found.config_variable == "api"
    assert found.where == "main.py, line 5"
    assert (found.function.http_method, found.function.http_path) == ("GET", "/x/{n}")


def test_a_class_is_served_with_its_public_methods() -> None:
    text = (
        "class Base:\n    def load(self): ...\n    def run(self): ...\n@remote\nclass C(Base):\n"
        "    def __init__(self): ...\n    async def run(self): ...\n    def _own(self): ...\n    def stop(self): ...\n"
    )
    (found,) = scan(IMPORT + text)
    assert found.function.is_class
    assert found.function.class_methods == ["load", "run", "stop"]
    assert found.function.input_schema is None


WRONG = {
    "used before it is defined": (
        'from flash_jupyter import *\n@remote(c)\ndef f(): ...\nc = LiveServerless(name="a")',
        (
            "main.py, line 2: `c` is used before it is defined, in main.py, line 4 (configuration of `f`)\n"
            "  → define it above"
        ),
    ),
    "defined nowhere": (
        "from flash_jupyter import *\n@remote(c)\ndef f(): ...",
        "main.py, line 2: `c` is defined nowhere (configuration of `f`)\n  → define it above, or import it",
    ),
    "made by a function": (
        "from flash_jupyter import *\ndef make(): ...\nc = make()\n@remote(c)\ndef f(): ...",
        (
            "main.py, line 3: `make` can't be read without running it (configuration of `f`)\n"
            "  → write plain values, constants of the module, and classes of flash_jupyter there"
        ),
    ),
    "from the environment": (
        'import os\nfrom flash_jupyter import *\n@remote(LiveServerless(env={"T": os.environ["T"]}))\ndef f(): ...',
        (
            "main.py, line 3: `os.environ` can't be read without running it (configuration of `f`)\n"
            "  → write the value there; a secret is stored at Runpod and written {{ RUNPOD_SECRET_name }}"
        ),
    ),
    "from another package": (
        "from flash_jupyter import *\nfrom settings import c\n@remote(c)\ndef f(): ...",
        (
            "main.py, line 3: `c` can't be read without running it (configuration of `f`)\n"
            "  → write plain values, constants of the module, and classes of flash_jupyter there"
        ),
    ),
    "by a condition": (
        (
            "from flash_jupyter import *\nimport sys\nn = 1\nif sys.argv:\n    n = 2\n"
            "@remote(LiveServerless(workersMax=n))\ndef f(): ..."
        ),
        "main.py, line 6: `n` depends on a condition (configuration of `f`)\n  → give it one value",
    ),
    "by a loop": (
        "from flash_jupyter import *\nfor n in [1]: ...\n@remote(LiveServerless(workersMax=n))\ndef f(): ...",
        (
            "main.py, line 3: `n` can't be read without running it (configuration of `f`)\n"
            "  → write plain values, constants of the module, and classes of flash_jupyter there"
        ),
    ),
    "by itself": (
        "from flash_jupyter import *\nfrom loop import n\n@remote(LiveServerless(name=n))\ndef f(): ...",
        "main.py, line 3: `n` is defined by itself (configuration of `f`)\n  → give it a value of its own",
    ),
    "a calculation that fails": (
        'from flash_jupyter import *\n@remote(LiveServerless(name="a" + 1))\ndef f(): ...',
        (
            "main.py, line 2: `LiveServerless(name='a' + 1)` fails: TypeError: can only concatenate str (not \"int\") to str "
            "(configuration of `f`)"
        ),
    ),
    "hardware that does not exist": (
        "from flash_jupyter import *\n@remote(LiveServerless(gpus=[GpuGroup.AMPERE_8]))\ndef f(): ...",
        "main.py, line 2: GpuGroup has no AMPERE_8 (configuration of `f`)\n  → did you mean GpuGroup.AMPERE_80?",
    ),
    "an argument that does not exist": (
        "from flash_jupyter import *\n@remote(LiveServerless(worker_max=1))\ndef f(): ...",
        (
            "main.py, line 2: LiveServerless has no argument worker_max= (configuration of `f`)\n"
            "  → did you mean workers_max=?"
        ),
    ),
    "a class that does not exist": (
        "import flash_jupyter as fj\n@fj.remote(fj.LiveServerles())\ndef f(): ...",
        "main.py, line 2: flash_jupyter has no `LiveServerles` (configuration of `f`)\n  → did you mean LiveServerless?",
    ),
    "an option of the magic": (
        'from flash_jupyter import *\n@remote(gpu="AMPERE_80")\ndef f(): ...',
        (
            "main.py, line 3: @remote has no argument gpu=\n"
            '  → describe the endpoint: @remote(LiveServerless(name="trainer")), or write @Endpoint(name="trainer")'
        ),
    ),
    "a misspelt argument": (
        "from flash_jupyter import *\n@remote(dependencis=[])\ndef f(): ...",
        "main.py, line 3: @remote has no argument dependencis=\n  → did you mean dependencies=?",
    ),
    "an argument twice": (
        "from flash_jupyter import *\n@remote(None, resource_config=None)\ndef f(): ...",
        "main.py, line 3: @remote: resource_config= is given twice\n  → keep one of the two",
    ),
    "the class itself": (
        "from flash_jupyter import *\n@remote(LiveServerless)\ndef f(): ...",
        (
            "main.py, line 3: resource_config is the class LiveServerless itself\n"
            '  → make one: LiveServerless(name="trainer")'
        ),
    ),
    "no endpoint": (
        'from flash_jupyter import *\n@remote("a")\ndef f(): ...',
        (
            "main.py, line 3: resource_config is str, which is no endpoint\n"
            '  → use one of the eight classes, e.g. LiveServerless(name="trainer")'
        ),
    ),
    "a route without a path": (
        'from flash_jupyter import *\n@remote(LiveLoadBalancer(name="a"), method="GET")\ndef f(): ...',
        (
            "main.py, line 3: f is a route of LiveLoadBalancer a and lacks path=\n"
            '  → write @remote(..., method="POST", path="/f")'
        ),
    ),
    "a path that names no parameter": (
        'from flash_jupyter import *\n@remote(LiveLoadBalancer(name="a"), method="GET", path="/{n}")\ndef f(): ...',
        (
            "main.py, line 3: path='/{n}' of f names n, which is no parameter of it\n"
            "  → give f a parameter n, or leave it out of the path"
        ),
    ),
    "a path for a queue": (
        'from flash_jupyter import *\n@remote(path="/x")\ndef f(): ...',
        (
            "main.py, line 3: method= and path= make a route, which the shared endpoint has not\n"
            "  → use a load balanced endpoint, e.g. LiveLoadBalancer, or leave them away"
        ),
    ),
    "a class behind routes": (
        'from flash_jupyter import *\n@remote(LiveLoadBalancer(name="a"))\nclass C: ...',
        (
            "main.py, line 3: LiveLoadBalancer a has routes, and no place for 'C'\n"
            "  → decorate a function, or use a queue endpoint, e.g. LiveServerless"
        ),
    ),
    "a class in a foreign image": (
        'from flash_jupyter import *\n@remote(ServerlessEndpoint(name="a", imageName="b"))\nclass C: ...',
        (
            "main.py, line 3: class C can't live on ServerlessEndpoint a: its image runs a handler of its own\n"
            "  → use LiveServerless or CpuLiveServerless for classes"
        ),
    ),
    "a generator": (
        "from flash_jupyter import *\n@remote\ndef f():\n    yield 1",
        (
            "main.py, line 3: f is a generator function, whose values can't come home one by one\n"
            "  → return them together, as in return list(...), or call a function for each with .map"
        ),
    ),
    "packages as one text": (
        'from flash_jupyter import *\n@remote(dependencies="torch")\ndef f(): ...',
        "main.py, line 3: dependencies='torch' is one text\n  → write a list: dependencies=['torch']",
    ),
    "an endpoint that exists": (
        'from runpod_flash import Endpoint\n@Endpoint(id="a")\ndef f(): ...',
        (
            "main.py, line 3: Endpoint(id=...) runs other code, and has no place for f\n"
            "  → decorate with Endpoint(name=...) without id= and image="
        ),
    ),
    "an argument that an Endpoint has not": (
        'from runpod_flash import Endpoint\n@Endpoint(name="a", idle_timeot=3)\ndef f(): ...',
        "main.py, line 2: Endpoint has no argument idle_timeot= (an Endpoint)\n  → did you mean idle_timeout=?",
    ),
    "a value that an Endpoint can't have": (
        'from runpod_flash import Endpoint\n@Endpoint(name="a", idle_timeout=9999)\ndef f(): ...',
        (
            "main.py, line 3: idle_timeout=9999 does not fit: input should be less than or equal to 3600\n"
            "  → see Endpoint? for what idle_timeout= takes"
        ),
    ),
    "an Endpoint that only running tells": (
        'import os\nfrom runpod_flash import Endpoint\napi = Endpoint(name=os.environ["N"])\n@api.get("/x")\ndef f(): ...',
        (
            "main.py, line 3: `os.environ` can't be read without running it (an Endpoint)\n"
            "  → write the value there; a secret is stored at Runpod and written {{ RUNPOD_SECRET_name }}"
        ),
    ),
    "routes of an Endpoint without a name": (
        'from runpod_flash import Endpoint\napi = Endpoint(cpu="cpu3c-1-2")\n@api.get("/x")\ndef f(): ...',
        'main.py, line 4: an Endpoint with routes needs name=\n  → write Endpoint(name="shop", ...)',
    ),
    "a route that says more than its path": (
        'from runpod_flash import Endpoint\napi = Endpoint(name="a")\n@api.get("/x", timeout=3)\ndef f(): ...',
        'main.py, line 3: a route of an Endpoint takes its path only\n  → write @api.post("/price")',
    ),
    "a path that can't be one": (
        'from runpod_flash import Endpoint\napi = Endpoint(name="a")\n@api.get("x")\ndef f(): ...',
        "main.py, line 4: path='x' of f does not begin with a slash\n  → write path=\"/x\"",
    ),
    "a class behind a route": (
        'from runpod_flash import Endpoint\napi = Endpoint(name="a")\n@api.get("/x")\nclass C: ...',
        (
            "main.py, line 4: LiveLoadBalancer a has routes, and no place for 'C'\n"
            "  → decorate a function, or use a queue endpoint, e.g. LiveServerless"
        ),
    ),
    "inside of a function": (
        "from flash_jupyter import *\ndef make():\n    @remote\n    def f(): ...\n    return f",
        (
            "main.py, line 4: `f` is remote inside of `make`, where nobody can import it\n"
            "  → move `f` to the top of the file"
        ),
    ),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_configuration_that_is_wrong_or_unreadable_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BuildError) as raised:
        scan(text, loop="from loop import n\n")
    assert str(raised.value) == message


def test_nothing_is_run() -> None:
    (found,) = scan("raise SystemExit\nfrom flash_jupyter import remote\nopen('x', 'w')\n@remote\ndef f(): ...")
    assert found.function.name == "f"
