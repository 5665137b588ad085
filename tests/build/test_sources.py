"""What a build reads of a notebook, a file and a folder: exports, files, imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from flash_jupyter.build.project import Export, Project, Wanted
from flash_jupyter.build.sources import read_project
from flash_jupyter.errors import BuildError

EXAMPLES = Path(__file__).parents[1] / "examples"


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
    assert [described(export) for export in found.exports] == [
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
    assert found.exports[0].dependencies == ("numpy",)
    assert found.exports[0].where == "getting_started.py, line 11"


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


def test_a_project_without_remote_functions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as raised:
        read(tmp_path, "main.py", "x = 1\n")
    assert str(raised.value) == (
        "main has no remote functions\n  → put @remote above a function, or tag a cell flash:handler"
    )


def test_the_files_of_a_project_say_what_it_requires(tmp_path: Path) -> None:
    script = '# /// script\n# dependencies = ["tabulate"]\n# ///\n'
    write(tmp_path, {"requirements.txt": "six>=1\n", "jobs/helper.py": script + "x = 1\n"})
    cells = f"# %%\n{script}# %%\n@remote(LiveServerless(name='a'))\ndef f(): ...\n# %% tags=[\"flash:test\"]\nf()\n"
    write(tmp_path, {"nb.py": "from flash_jupyter import LiveServerless, remote\n" + cells})
    assert read_project(tmp_path).requirements == (
        Wanted("six>=1", "requirements.txt, line 1"),
        Wanted("tabulate", "the script block of jobs/helper.py"),
        Wanted("tabulate", "the script block of nb.py"),
    )
