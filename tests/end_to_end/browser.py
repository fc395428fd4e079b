"""Debian's chromium, for what a person looks at."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
# Nothing but the page itself: no look-ups of the vendor's hosts, no sandbox (tests may run as root), no GPU.
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def needs_browser() -> None:
    """Leave a test out where there is no browser; in CI there has to be one."""
    if not CHROMIUM.exists():
        missing = f"THE LOOK AT THE UI IS LEFT OUT: no browser at {CHROMIUM}; Debian's package is `chromium`"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)


@contextmanager
def opened(*, width: int = 1400, height: int = 900, scale: float = 1) -> Generator[Page]:
    """Yield a page of a fresh browser; `scale` is how many dots a picture of it has to a pixel."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        try:
            page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale)
            page.set_default_timeout(30_000)
            yield page
        finally:
            browser.close()
