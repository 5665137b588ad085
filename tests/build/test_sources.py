"""What a build reads of a notebook, a file and a folder: exports, files, imports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.build.project import Export, Project
from flash_jupyter.build.sources import read_project
from flash_jupyter.errors import BuildError

EXAMPLES = Path(__file__).parents[1] / "examples"
QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files, path -> text, and return the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def described(export: Export) -> tuple[str, str, str]:
    return export.function.name, export.function.module, repr(export.resource)


def read(folder: Path, name: str, text: str) -> Project:
    (folder / name).write_text(text, "utf-8")
    return read_project(folder / name)


def test_every_published_script_is_read_with_its_whole_configuration() -> None:
    found = read_project(EXAMPLES)
    shop = "CpuLiveLoadBalancer(name='shop', instanceIds=('cpu3c-1-2',), workersMin=0, workersMax=3)"
    assert [described(export) for export in found.exports] == [
        (
            "scale",
            "endpoint",
            "CpuLiveServerless(name='scaler', instanceIds=('cpu3c-1-2',), workersMin=0, workersMax=2)",
        ),
        ("price", "endpoint", shop),
        ("alive", "endpoint", shop),
        ("summarise", "getting_started", "LiveServerless(name='first-worker')"),
        ("add", "load_balancer", "CpuLiveLoadBalancer(name='api-service')"),
        ("health", "load_balancer", "CpuLiveLoadBalancer(name='api-service')"),
        ("square", "parallel", "CpuLiveServerless(name='squares', workersMax=5)"),
        ("clean", "pipeline", "LiveServerless(name='preprocessor', instanceIds=('cpu5c-4-8',))"),
        (
            "score",
            "pipeline",
            "LiveServerless(name='inference', gpus=('AMPERE_80',), workersMax=2, idleTimeout=300)",
        ),
        ("Counter", "stateful_class", "CpuLiveServerless(name='counter')"),
    ]
    assert list(found.files) == [path.name for path in sorted(EXAMPLES.glob("*.py"))]
    assert found.imports == {"numpy"}
    summarise = found.exports[3]
    assert summarise.dependencies == ("numpy",)
    assert summarise.where == "getting_started.py, line 11"


def test_a_single_file_brings_the_modules_that_it_imports(tmp_path: Path) -> None:
    files = {
        "main.py": "from flash_jupyter import remote\nfrom pkg.a import f\nimport pandas\n\n@remote\ndef g(): return f()\n",
        "pkg/__init__.py": "",
        "pkg/a.py": "from .b import f\n",
        "pkg/b.py": "import numpy\nf = numpy.sum\n",
        "pkg/unused.py": "import torch\n",
        "other.py": "",
    }
    write(tmp_path, files)
    found = read_project(tmp_path / "main.py")
    assert list(found.files) == ["main.py", "pkg/__init__.py", "pkg/a.py", "pkg/b.py"]
    assert found.imports == {"numpy", "pandas"}
    assert [described(export) for export in found.exports] == [("g", "main", "LiveServerless()")]


NOTEBOOK = """# %%
%load_ext flash_jupyter
import flash_jupyter as fj
from flash_jupyter import LiveServerless
from helpers import SCALE, NAME
import pandas as pd
config = LiveServerless(name=f"{NAME}-1", gpus=[fj.GpuGroup.AMPERE_80])
# %% tags=["flash:init"]
model = pd.DataFrame()
# %%
@fj.remote(config, dependencies=["pandas"])
async def score(rows: list, k: int = 3):
    return len(model) * SCALE
# %% tags=["flash:handler:run"] flash={"gpu": ["AMPERE_80"], "deps": ["torch"], "name": "scorer-1"}
x = len(model)
n + x
# %% tags=["flash:handler:double"]
#| remote: cpu=cpu3c-2-4 via=lb out=y
y = n * SCALE
# %% tags=["flash:test"]
assert True
"""


def test_functions_of_one_endpoint_share_a_module_and_others_have_their_own(tmp_path: Path) -> None:
    write(tmp_path, {"helpers.py": 'import numpy\nSCALE = 3\nNAME = "scorer"\n'})
    found = read(tmp_path, "nb.py", NOTEBOOK)
    assert [described(export) for export in found.exports] == [
        ("score", "notebook_nb_score", "LiveServerless(name='scorer-1', gpus=('AMPERE_80',))"),
        ("run", "notebook_nb_score", "LiveServerless(name='scorer-1', gpus=('AMPERE_80',))"),
        ("double", "notebook_nb_double", "CpuLiveLoadBalancer(name='nb-double', instanceIds=('cpu3c-2-4',))"),
    ]
    assert found.files["notebook_nb_score.py"].decode() == (
        '"""`score`, `run` of nb.py, written by `flash build`; change the notebook, not this file."""\n\n\n'
        "# %% nb.py#1\nimport flash_jupyter as fj\nfrom flash_jupyter import LiveServerless\n"
        "from helpers import SCALE\nfrom helpers import NAME\nimport pandas as pd\n"
        'config = LiveServerless(name=f"{NAME}-1", gpus=[fj.GpuGroup.AMPERE_80])\n\n\n'
        "# %% nb.py#2\nmodel = pd.DataFrame()\n\n\n"
        '# %% nb.py#3\n@fj.remote(config, dependencies=["pandas"])\nasync def score(rows: list, k: int = 3):\n'
        "    return len(model) * SCALE\n\n\n"
        "# %% nb.py#4\ndef run(*, n):\n    x = len(model)\n    return n + x\n"
    )
    assert list(found.files) == ["helpers.py", "notebook_nb_double.py", "notebook_nb_score.py"]
    assert found.imports == {"numpy", "pandas"}
    assert list(found.tests) == ["nb.py"]
    assert found.exports[1].dependencies == ("torch",)


def test_cells_on_a_worker_are_handlers_for_who_asks(tmp_path: Path) -> None:
    text = (
        "# %%\nK = 3\ndef scale(x): return x * K\n"
        "# %%\n#| remote: gpu=AMPERE_80 deps=torch name=my-trainer timeout=60 volume=models:20\ny = scale(n)\n"
        "# %%\n#| remote: cpu=cpu3c-2-4\nz = scale(m)\nz + 1\n"
        "# %%\n#| remote: local\nhere = 1\n# %%\n#| remote: dry\nhere = 1\n"
    )
    (tmp_path / "nb.py").write_text(text, "utf-8")
    found = read_project(tmp_path / "nb.py", from_magics=True)
    assert [described(export) for export in found.exports] == [
        (
            "my_trainer",
            "notebook_nb_my_trainer",
            (
                "LiveServerless(name='my-trainer', gpus=('AMPERE_80',), executionTimeoutMs=60000, "
                "networkVolume=NetworkVolume(name='models', size=20))"
            ),
        ),
        ("cell_3", "notebook_nb_cell_3", "CpuLiveServerless(instanceIds=('cpu3c-2-4',))"),
    ]
    assert found.exports[0].dependencies == ("torch",)


def test_the_line_of_a_handler_cell_wins_over_its_metadata(tmp_path: Path) -> None:
    text = (
        '# %% tags=["flash:handler:run"] flash={"gpu": ["ADA_24"], "workers": [0, 2], "idle": 30, "deps": "a>=1,b"}\n'
        "#| remote: cpu=cpu3c-2-4 workers=1-4 env=A=1 apt=ffmpeg\nx = 1\n"
    )
    (export,) = read(tmp_path, "nb.py", text).exports
    assert repr(export.resource) == (
        "CpuLiveServerless(instanceIds=('cpu3c-2-4',), workersMin=1, workersMax=4, idleTimeout=30)"
    )
    assert export.resource.env == {"A": "1"}
    assert (export.dependencies, export.system_dependencies) == (("a>=1", "b"), ("ffmpeg",))


def test_a_project_brings_its_modules_and_data_but_no_tests_notebooks_secrets(tmp_path: Path) -> None:
    files = {
        "main.py": "from workers.gpu import f\nfrom tests.data import rows\n",
        "workers/gpu.py": "from flash_jupyter import remote\nimport torch\nfrom tests.data import rows\n@remote\ndef f(): ...",
        "workers/words.txt": "a",
        "workers/README.md": "a",
        "tests/data.py": "rows = 1\n",
        "tests/test_f.py": "import pytest\n",
        "test_g.py": "import pytest\n",
        "setup.py": "import setuptools\n",
        "unused.py": "import pandas\n",
        "notes.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        "paired.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        "paired.py": "# ---\n# jupyter:\n#   jupytext:\n# ---\n# %%\nx = 1\n",
        ".env": "KEY=1",
        "key.pem": "x",
        "requirements.txt": "torch\n",
        "big.csv": "1",
        ".flashignore": "*.csv\n",
    }
    found = read_project(write(tmp_path, files))
    assert list(found.files) == ["main.py", "tests/data.py", "unused.py", "workers/gpu.py", "workers/words.txt"]
    assert found.imports == {"torch"}
    assert found.name == tmp_path.name


def test_a_notebook_finds_modules_beside_itself_and_in_the_project(tmp_path: Path) -> None:
    files = {
        "common.py": "import numpy\n",
        "notebooks/helpers.py": "import common\nK = 1\n",
        "notebooks/nb.py": '# %% tags=["flash:setup"]\nfrom helpers import K\n# %% tags=["flash:handler:run"]\nx = K\n',
    }
    found = read_project(write(tmp_path, files))
    assert list(found.files) == ["common.py", "helpers.py", "notebook_notebooks_nb.py", "notebooks/helpers.py"]
    assert found.imports == {"numpy"}
    assert found.exports[0].where == "cell 2 of notebooks/nb.py"


def test_two_handlers_that_need_different_things_of_one_name_have_a_module_each(tmp_path: Path) -> None:
    text = (
        '# %%\ndef f(): return 1\n# %% tags=["flash:handler:one"]\nx = f()\n'
        '# %%\ndef f(): return 2\n# %% tags=["flash:handler:two"]\nx = f()\n'
    )
    found = read(tmp_path, "nb.py", text)
    values = {}
    for export in found.exports:
        namespace: dict[str, Any] = {}
        exec(found.files[f"{export.function.module}.py"], namespace)
        values[export.function.name] = namespace[export.function.name]()
    assert values == {"one": {"x": 1}, "two": {"x": 2}}


def test_a_file_of_a_package_has_its_name_from_above_the_package(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": "K = 1\n",
        "pkg/gpu.py": f"{REMOTE}from .a import K\n@remote\ndef f(): ...",
    }
    write(tmp_path, files)
    found = read_project(tmp_path / "pkg" / "gpu.py")
    assert found.exports[0].function.module == "pkg.gpu"
    assert list(found.files) == ["pkg/__init__.py", "pkg/a.py", "pkg/gpu.py"]


def test_a_source_folder_is_where_names_begin(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "",
        "src/shop/__init__.py": "",
        "src/shop/prices.py": "K = 1\n",
        "src/shop/gpu.py": f"{REMOTE}from shop.prices import K\n@remote\ndef f(): ...",
        "src/shop/words.txt": "a",
        "nb/nb.py": '# %%\nfrom shop.prices import K\n# %% tags=["flash:handler:g"]\nx = K\n',
    }
    found = read_project(write(tmp_path, files))
    names = ["notebook_nb_nb.py", "shop/__init__.py", "shop/gpu.py", "shop/prices.py", "shop/words.txt"]
    assert list(found.files) == names
    assert [export.function.module for export in found.exports] == ["shop.gpu", "notebook_nb_nb"]
    assert found.imports == frozenset()


def test_a_file_alone_that_needs_the_project_above_says_so(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "",
        "src/shop/__init__.py": "",
        "nb/nb.py": '# %%\nimport shop\n# %% tags=["flash:handler:g"]\nx = shop.K\n',
    }
    write(tmp_path, files)
    with pytest.raises(BuildError) as raised:
        read_project(tmp_path / "nb" / "nb.py")
    assert str(raised.value) == (
        "nb.py imports shop, which is ../src/shop/__init__.py, outside of its folder\n"
        "  → build the whole project: flash build .."
    )


def test_a_constant_that_describes_an_endpoint_is_an_input_of_a_handler(tmp_path: Path) -> None:
    text = (
        f"# %%\n{REMOTE}from flash_jupyter import LiveServerless\nN = 2\nc = LiveServerless(workersMax=N)\n"
        '# %%\n@remote(c)\ndef f(): return N\n# %% tags=["flash:handler:g"]\nx = N\n'
    )
    found = read(tmp_path, "nb.py", text)
    schema = found.exports[1].function.input_schema
    assert schema is not None
    assert schema["properties"] == {"N": {"type": "integer", "default": 2}}


UNMADE = [
    ("no other cell makes", "", "no other cell makes"),
    ("its own cell binds only after reading it", '# %% tags=["flash:test"]\nassert h\n', "no other cell makes"),
    ("only a skipped cell makes", '# %% tags=["flash:skip"]\nwords = 1\n', "only cell 1 makes, which is flash:skip"),
    ("a cell makes that is not exported", "# %%\nwords = len('ab')\n", ""),
    ("an exported cell and a skipped one make", '# %%\nwords = 1\n# %% tags=["flash:skip"]\nwords = 2\n', ""),
    ("another handler makes", '# %% tags=["flash:handler:g"]\nwords = 1\n', ""),
]


@pytest.mark.parametrize(("text", "why"), [case[1:] for case in UNMADE], ids=[case[0] for case in UNMADE])
def test_an_input_that_no_cell_makes_is_told_of(tmp_path: Path, text: str, why: str) -> None:
    """A misspelt name would be one too, and nobody would see it before the first request."""
    handler = text.count("# %%") + 1
    found = read(tmp_path, "nb.py", f'{text}# %% tags=["flash:handler:h"]\nwords = words + 1\n')
    said = f"cell {handler} of nb.py reads `words`, which {why}: an input, which every request has to give"
    assert found.notes == ((said,) if why else ())


REMOTE = "from flash_jupyter import remote\n"
FUNCTION = f"{REMOTE}@remote\ndef f(): ...\n"
HANDLER = '# %% tags=["flash:handler"]\n'

WRONG = {
    "no remote function": (
        {"main.py": "x = 1\n", "b/c.py": ""},
        (
            "shop has no remote functions; looked at b/c.py, main.py\n"
            "  → put @remote above a function, or tag a cell of a notebook flash:handler"
        ),
    ),
    "many files without one": (
        {f"m{number}.py": "" for number in range(8)},
        (
            "shop has no remote functions; looked at m0.py, m1.py, m2.py, m3.py, m4.py, m5.py and 2 more\n"
            "  → put @remote above a function, or tag a cell of a notebook flash:handler"
        ),
    ),
    "no source at all": (
        {"data.csv": "1"},
        "shop has no Python file and no notebook\n  → give the path of a notebook, a Python file or a project",
    ),
    "only cells with the magic": (
        {"nb.py": "# %%\n#| remote: gpu=ADA_24\nx = 1\n"},
        (
            "shop has no remote functions, but %%remote cells: 1 in nb.py\n"
            "  → flash build --from-magics serves these; or tag a cell flash:handler"
        ),
    ),
    "all in ignored files": (
        {
            "main.py": "",
            "gpu/a.py": FUNCTION,
            "b.py": FUNCTION,
            ".gitignore": "# no\n\ngpu/\n",
            ".flashignore": "b*.py\n",
        },
        (
            "the ignore files keep all remote functions of shop away: b.py (the rule b*.py of .flashignore), "
            "gpu/a.py (the rule gpu/ of .gitignore)\n"
            "  → take that rule out, or take the file back with !FILE in .flashignore"
        ),
    ),
    "a syntax error": (
        {"a.py": FUNCTION, "b.py": "x = 1\ndef g(:\n"},
        "b.py, line 2: invalid syntax\n    def g(:\n  → mend it; nothing was built",
    ),
    "a function of a file and of another": (
        {"a.py": FUNCTION, "b.py": FUNCTION},
        (
            "two functions are called `f`: a.py, line 3 and b.py, line 3\n"
            "  → rename one of them; a handler cell has its name of its tag, flash:handler:NAME"
        ),
    ),
    "a function of a file and a handler": (
        {"a.py": FUNCTION, "nb.py": '# %% tags=["flash:handler:f"]\nx = 1\n'},
        (
            "two functions are called `f`: a.py, line 3 and cell 1 of nb.py\n"
            "  → rename one of them; a handler cell has its name of its tag, flash:handler:NAME"
        ),
    ),
    "handlers without a name": (
        {"nb.py": f"{HANDLER}x = 1\n{HANDLER}y = 1\n{HANDLER}z = 1\n"},
        "cell 1, cell 2 and cell 3 of nb.py are handlers without a name\n  → tag them flash:handler:NAME, each its own",
    ),
    "an import of an ignored file": (
        {"a.py": f"import secret\n{FUNCTION}", "secret.py": "", ".gitignore": "secret*\n"},
        (
            "a.py imports secret, and the rule secret* of .gitignore keeps secret.py out of the bundle\n"
            "  → write !secret.py into .flashignore"
        ),
    ),
    "an import of an ignored file by another import": (
        {"a.py": f"import b\n{FUNCTION}", "b.py": "from pkg import c\n", "pkg/c.py": "", ".gitignore": "pkg/\n"},
        (
            "b.py imports pkg.c, and the rule pkg/ of .gitignore keeps pkg/c.py out of the bundle\n"
            "  → write !pkg/c.py into .flashignore"
        ),
    ),
    "an import of an ignored file by a notebook": (
        {"nb.py": f"# %%\nimport secret\n{HANDLER}x = secret.x\n", "secret.py": "", ".gitignore": "secret*\n"},
        (
            "nb.py imports secret, and the rule secret* of .gitignore keeps secret.py out of the bundle\n"
            "  → write !secret.py into .flashignore"
        ),
    ),
    "an import of a file beside": (
        {"workers/a.py": f"import helper\n{FUNCTION}", "workers/helper.py": ""},
        (
            "workers/a.py imports helper, which is workers/helper.py: in the bundle its name is workers.helper\n"
            "  → write `from workers import helper`"
        ),
    ),
    "an import of a file beside, below src": (
        {"src/shop/gpu.py": f"import helper\n{FUNCTION}", "src/shop/helper.py": ""},
        (
            "src/shop/gpu.py imports helper, which is src/shop/helper.py: in the bundle its name is shop.helper\n"
            "  → write `from shop import helper`"
        ),
    ),
    "two files for one place": (
        {
            "helpers.py": "K = 1\n",
            "nb/helpers.py": "K = 2\n",
            "nb/nb.py": f"# %%\nfrom helpers import K\n{HANDLER}x = K\n",
        },
        "nb/helpers.py and another file of shop would both be helpers.py in the bundle\n  → rename one of them",
    ),
    "a name that nobody can import": (
        {"my-worker.py": FUNCTION},
        (
            "my-worker.py has remote functions, and a name that Python can't import\n"
            "  → use letters, digits and _ in the names of files and folders"
        ),
    ),
    "a remote function in a handler": (
        {"nb.py": f"# %%\n{REMOTE}{HANDLER}@remote\ndef g(): ...\nx = 1\n"},
        "cell 2 of nb.py is a handler and defines the remote function `g`\n  → define `g` in a cell of its own",
    ),
    "what a remote function needs is not exported": (
        {"nb.py": f"# %%\n# %load_ext flash_jupyter\n{REMOTE}rows = load()\n# %%\n@remote\ndef g(): return rows\n"},
        (
            "`rows`, which cell 2 reads in line 2, is made by cell 1, which is not exported\n"
            "  → tag cell 1 flash:init (it runs once a worker), or flash:setup where it is cheap"
        ),
    ),
    "options that are wrong": (
        {"nb.py": f"{HANDLER}#| remote: gpus=ADA_24\nx = 1\n"},
        "cell 1 of nb.py: `gpus` is not an option\n  → did you mean `gpu`?",
    ),
    "options in the metadata that are wrong": (
        {"nb.py": '# %% tags=["flash:handler:f"] flash={"gpu": ["AMPERE_81"]}\nx = 1\n'},
        "cell 1 of nb.py: gpu=AMPERE_81 does not exist\n  → did you mean gpu=AMPERE_80?",
    ),
    "a variable of the kernel": (
        {"nb.py": f"{HANDLER}#| remote: env=TOKEN\nx = 1\n"},
        (
            "cell 1 of nb.py: env=TOKEN takes its value from the kernel, which a deployment has not\n"
            "  → write env=TOKEN=VALUE; for a secret, store it at Runpod: {{ RUNPOD_SECRET_TOKEN }}"
        ),
    ),
    "an output that is not there": (
        {"nb.py": f"{HANDLER}#| remote: out=y\nx = 1\n"},
        "cell 1 of nb.py: out=y, and the cell has no `y`\n  → give names that it binds",
    ),
    "a display": (
        {"nb.py": f"{HANDLER}x = 1\ndisplay(x)\n"},
        (
            "cell 1, line 2: only a notebook has `display` by itself\n"
            "  → leave it out of what is exported: a deployed function has nobody to show it to"
        ),
    ),
    "a display in a function": (
        {"nb.py": f"# %%\nK = 1\ndef show(x): display(x)\n{HANDLER}show(1)\n"},
        (
            "cell 1, line 2: only a notebook has `display` by itself\n"
            "  → leave it out of what is exported: a deployed function has nobody to show it to"
        ),
    ),
    "a keyword as a name": (
        {"nb.py": '# %% tags=["flash:handler:class"]\nx = 1\n'},
        "cell 1: `class` can't be the name of a handler\n  → use letters, digits and _",
    ),
    "options in the line and in the comment": (
        {"nb.py": f"{HANDLER}#| remote: gpu=ADA_24\n%%remote\nx = 1\n"},
        ("cell 1 of nb.py: the cell says its options twice, in %%remote and in #| remote:\n  → keep one of the two"),
    ),
    "a magic with an effect": (
        {"nb.py": f"{HANDLER}!ls\nx = 1\n"},
        "cell 1, line 1: !ls has no place in a module\n  → do it in Python, or in a cell that is not exported",
    ),
}


@pytest.mark.parametrize(("files", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_can_not_be_built_is_said_with_its_place_and_a_way_out(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(BuildError) as raised:
        read_project(write(tmp_path / "shop", files))
    assert str(raised.value) == message


def test_what_is_not_there_or_no_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"there is no .*nothing\.py"):
        read_project(tmp_path / "nothing.py")
    with pytest.raises(BuildError) as raised:
        read(tmp_path, "data.csv", "1")
    assert str(raised.value) == ("data.csv is no notebook and no Python file\n  → give the path of one, or of a folder")


@pytest.mark.parametrize("text", ["{}", "not JSON", ""], ids=["no cells", "no JSON", "nothing"])
def test_a_file_that_is_no_notebook_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(BuildError, match=r"nb\.ipynb can't be read as a notebook: .*\n  → open it in Jupyter"):
        read(tmp_path, "nb.ipynb", text)


def test_the_quickstart_says_which_cells_to_tag() -> None:
    with pytest.raises(BuildError, match=r"no remote functions, but %%remote cells: \d+ in quickstart\.ipynb"):
        read_project(QUICKSTART)
    with pytest.raises(BuildError, match=r"is made by cell \d+, which is not exported\n  → tag cell \d+ flash:init"):
        read_project(QUICKSTART, from_magics=True)


def test_a_notebook_brings_modules_of_the_folders_that_it_adds_to_the_path(tmp_path: Path) -> None:
    files = {
        "lib/geo.py": "from shapes import AREA\n",
        "lib/shapes.py": "import numpy\nAREA = 2\n",
        "book/geo.py": "AREA = 1\n",
        "book/near.py": "NEAR = 1\n",
    }
    write(tmp_path, files)
    cells = (
        '# %% tags=["flash:skip"]\nimport sys\nsys.path.insert(0, "../lib")\n'
        '# %% tags=["flash:handler:area"]\nimport geo, near\ngeo.AREA * n\n'
    )
    found = read(tmp_path / "book", "nb.py", cells)
    assert list(found.files) == ["geo.py", "near.py", "notebook_nb.py", "shapes.py"]
    assert found.files["geo.py"] == b"from shapes import AREA\n"
    assert found.imports == {"numpy"}
    assert found.unread_paths == ()


def test_modules_of_a_project_are_found_where_any_of_them_adds_a_folder(tmp_path: Path) -> None:
    main = (
        "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), 'shared'))\nfrom workers import gpu\n"
    )
    files = {
        "main.py": main,
        "shared/tools.py": "import numpy\n",
        "workers/__init__.py": "",
        "workers/gpu.py": "import tools\nfrom flash_jupyter import remote\n@remote\ndef f(): return tools\n",
    }
    found = read_project(write(tmp_path, files))
    assert {"tools.py", "shared/tools.py"} <= set(found.files)
    assert found.imports == {"numpy"}


def test_a_folder_that_can_not_be_read_is_remembered_with_its_place(tmp_path: Path) -> None:
    text = 'import sys\nsys.path.append(find_lib())\n# %% tags=["flash:handler:area"]\nimport geo_of_mine\ngeo_of_mine.f(n)\n'
    found = read(tmp_path, "nb.py", f"# %%\n{text}")
    assert found.unread_paths == ("`sys.path.append(find_lib())` of cell 1 of nb.py",)


def area_with(folder: str) -> str:
    """A notebook whose function needs `geo` of a folder that it adds to the path."""
    return (
        f'# %% tags=["flash:skip"]\nimport sys\nsys.path.append("{folder}")\n'
        '# %% tags=["flash:handler:area"]\nimport geo\ngeo.AREA * n\n'
    )


def test_what_is_installed_in_an_added_folder_stays_a_package(tmp_path: Path) -> None:
    write(tmp_path, {"python3/dist-packages/geo.py": "AREA = 1\n", "book/near.py": ""})
    found = read(tmp_path / "book", "nb.py", area_with("../python3/dist-packages"))
    assert list(found.files) == ["notebook_nb.py"]
    assert found.imports == {"geo"}


KEPT_ELSEWHERE = [
    (
        "an ignore file of the added folder",
        {"lib/geo.py": "", "lib/.flashignore": "geo.py\n"},
        (
            "the rule geo.py of .flashignore in ../lib keeps ../lib/geo.py out of the bundle\n"
            "  → write !geo.py into ../lib/.flashignore"
        ),
    ),
    (
        "an ignore file of the project that it is in",
        {"lib/geo.py": "", "pyproject.toml": "", ".gitignore": "lib/\n"},
        (
            "the rule lib/ of .gitignore in .. keeps ../lib/geo.py out of the bundle\n"
            "  → write !lib/geo.py into ../.flashignore"
        ),
    ),
    (
        "a rule of every build",
        {"lib/.ssh/geo.py": ""},
        (
            "a rule of every build keeps ../lib/.ssh/geo.py out of the bundle\n"
            "  → move ../lib/.ssh/geo.py to another place"
        ),
    ),
]


@pytest.mark.parametrize(
    ("files", "why"), [case[1:] for case in KEPT_ELSEWHERE], ids=[case[0] for case in KEPT_ELSEWHERE]
)
def test_ignore_files_hold_where_an_added_folder_is(files: dict[str, str], why: str, tmp_path: Path) -> None:
    write(tmp_path, {**files, "book/near.py": ""})
    added = next(name for name in files if name.endswith("geo.py")).rpartition("/")[0]
    with pytest.raises(BuildError) as raised:
        read(tmp_path / "book", "nb.py", area_with(f"../{added}"))
    assert str(raised.value) == f"nb.py imports geo, and {why}"
