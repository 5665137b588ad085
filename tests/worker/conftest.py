"""Workers as processes: one with all that the test has, one with nothing but the standard library and cloudpickle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cloudpickle
import pytest
from cells import Notebook, WorkerProcess


@pytest.fixture(scope="module")
def bare_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    folder = tmp_path_factory.mktemp("bare")
    (folder / "cloudpickle").symlink_to(Path(cloudpickle.__file__).parent)
    process = WorkerProcess("-S", python_path=folder)
    yield process
    process.close()


@pytest.fixture
def bare(bare_worker: WorkerProcess) -> Notebook:
    """A notebook whose worker has neither IPython nor matplotlib."""
    return Notebook(bare_worker)
