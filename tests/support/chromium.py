"""The distribution's Chromium under Playwright; nothing is ever downloaded from a browser vendor."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
#: the sandbox needs rights that a container does not give; the others keep the browser from calling home
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def start_chromium() -> Iterator[Any]:
    """Start the browser and end it. Skips the test where it is not there, but fails it where `CI` is set."""
    executable = next(filter(None, map(shutil.which, EXECUTABLES)), None)
    if executable is None:
        _give_up("no Chromium is installed: `make chromium`, or `apt-get install chromium` as root")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _give_up("Playwright is not installed: `pip install flash-jupyter[browser]`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"browser tests can't run: {reason}", pytrace=False)
    pytest.skip(f"BROWSER TESTS DO NOT RUN: {reason}")
