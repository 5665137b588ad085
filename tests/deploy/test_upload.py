"""A bundle on its way to a real embedded Runpod: whole, cut, changed, refused, given up."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from flash_jupyter import limits
from flash_jupyter.deploy.terms import Progress
from flash_jupyter.deploy.upload import check_size, upload
from flash_jupyter.errors import BuildError, UnreachableError
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.local import stop_local
from flash_jupyter.session.local_admin import LocalAdmin
from flash_jupyter.settings import Settings, read_settings
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.loop import LoopThread

pytestmark = pytest.mark.journey
SIZE = 5_000_000
MANIFEST = {"project_name": "shop", "resources": {}}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    return read_settings({"FLASH_JUPYTER_HOME": str(home), "FLASH_JUPYTER_BACKEND": "local"}, project=home)


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    loop = LoopThread()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def link(settings: Settings, loop: LoopThread) -> Iterator[Link]:
    links = Links(settings)
    yield links.open("local")
    loop.call(links.aclose())
    stop_local(settings)


class Desk:
    """One app, what was reported, and what the embedded Runpod has of it."""

    def __init__(self, link: Link, loop: LoopThread, settings: Settings, app: str) -> None:
        self.apps, self._loop, self._settings = Apps(link.http), loop, settings
        self.app = loop.call(self.apps.create_app(app)).id
        self.reports: list[Progress] = []

    def upload(self, archive: Path) -> str:
        return self._loop.call(upload(self.apps, self.app, archive, MANIFEST, self.reports.append))

    def builds(self) -> list[str]:
        return [build.id for build in self._loop.call(self.apps.builds(self.app))]

    def manifest(self, build: str) -> object:
        return self._loop.call(self.apps.manifest(build))

    def files(self) -> list[Path]:
        return sorted((self._settings.local_dir / "artifacts").iterdir())


@pytest.fixture
def desk(link: Link, loop: LoopThread, settings: Settings, request: pytest.FixtureRequest) -> Iterator[Desk]:
    desk = Desk(link, loop, settings, request.node.name)
    yield desk
    LocalAdmin(settings).clear_faults()
    loop.call(desk.apps.delete_app(desk.app))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "artifact.tar.gz"
    path.write_bytes(os.urandom(SIZE))
    return path


def test_a_bundle_becomes_a_build_and_progress_is_in_bytes(desk: Desk, archive: Path) -> None:
    build = desk.upload(archive)
    assert (desk.builds(), desk.manifest(build)) == ([build], MANIFEST)
    assert [path.read_bytes() for path in desk.files()] == [archive.read_bytes()]
    assert desk.reports[0] == Progress("upload", "uploading artifact.tar.gz", 0, SIZE)
    assert desk.reports[-1] == Progress("upload", "uploading artifact.tar.gz", SIZE, SIZE)


def test_an_upload_that_is_cut_in_the_middle_is_repeated(desk: Desk, archive: Path, settings: Settings) -> None:
    LocalAdmin(settings).set_fault("cut-upload", times=1)
    build = desk.upload(archive)
    assert desk.builds() == [build]
    assert [path.read_bytes() for path in desk.files()] == [archive.read_bytes()]
    done = [report.done for report in desk.reports]
    assert sum(later < earlier for earlier, later in pairwise(done)) == 1, "it began again"
    assert LocalAdmin(settings).faults()[0]["hits"] == 1


def test_an_upload_that_never_comes_through_leaves_nothing(desk: Desk, archive: Path, settings: Settings) -> None:
    LocalAdmin(settings).set_fault("cut-upload")
    with pytest.raises(UnreachableError, match=r"the upload of artifact\.tar\.gz to 127\.0\.0\.1 was cut"):
        desk.upload(archive)
    assert (desk.builds(), desk.files()) == ([], [])


def test_an_interrupted_upload_leaves_nothing(desk: Desk, archive: Path, loop: LoopThread) -> None:
    async def interrupted() -> None:
        def report(progress: Progress) -> None:
            if progress.done:
                uploading.cancel()

        uploading = asyncio.ensure_future(upload(desk.apps, desk.app, archive, MANIFEST, report))
        await asyncio.wait({uploading})
        assert uploading.cancelled()
        deadline = asyncio.get_running_loop().time() + 60
        while desk.files():  # the server learns of it a moment later
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.02)

    loop.call(interrupted())
    assert desk.builds() == []


def test_a_file_that_changes_meanwhile_becomes_no_build(desk: Desk, archive: Path, loop: LoopThread) -> None:
    def meddle(progress: Progress) -> None:
        with archive.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\x01" if progress.done else b"\x00")  # at 0 bytes it is not read yet

    archive.write_bytes(archive.read_bytes()[:-1] + b"\x00")
    with pytest.raises(BuildError, match="changed while it was uploaded"):
        loop.call(upload(desk.apps, desk.app, archive, MANIFEST, meddle))
    assert desk.builds() == []


def test_a_finalize_whose_answer_is_lost_made_one_build(desk: Desk, archive: Path, settings: Settings) -> None:
    # the first GraphQL request is the announcement, the second makes the build
    LocalAdmin(settings).set_fault("dropped", route="graphql", every=2, times=1)
    assert [desk.upload(archive)] == desk.builds()


def test_sizes_that_the_platform_does_not_take_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(BuildError) as caught:
        check_size(Path("artifact.tar.gz"), limits.ARTIFACT_BYTES + 1)
    assert str(caught.value) == (
        "artifact.tar.gz has 1,572,864,001 bytes, and Runpod takes 1,572,864,000; nothing was uploaded\n"
        "  → leave out what the image has, or put data on a volume: `flash build` prints what is large"
    )
    with pytest.raises(BuildError, match="is empty"):
        check_size(Path("artifact.tar.gz"), 0)
