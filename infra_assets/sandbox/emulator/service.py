"""The parts of the emulator's process put together."""

import logging
import os
import threading
import uuid
from pathlib import Path

import psutil

from infra_assets.sandbox.emulator import catalogues, mends, records, speed, warmth
from infra_assets.sandbox.emulator.authority import Authority
from infra_assets.sandbox.emulator.dispatch import Dispatcher
from infra_assets.sandbox.emulator.faults import Faults
from infra_assets.sandbox.emulator.journal import Journal
from infra_assets.sandbox.emulator.records import Emulator
from infra_assets.sandbox.emulator.server import Server
from infra_assets.sandbox.emulator.surface import Surface

LOG = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"


def serve(folder: Path) -> None:
    """Listen, answer from threads, and write the record that `process.find` reads. Returns at once."""
    speed.install()
    catalogues.install()
    mends.install()
    generation, started = str(uuid.uuid4()), psutil.Process().create_time()
    journal, faults, authority = Journal(), Faults(), Authority(folder)
    dispatcher = Dispatcher(journal, faults, Surface(generation, started, journal, faults))
    server = _listen(folder, dispatcher, authority)
    threading.Thread(target=server.serve_forever, name="listener", daemon=True).start()
    url = f"http://{LOOPBACK}:{server.server_address[1]}"
    records.write(folder, Emulator(os.getpid(), started, url, url, authority.bundle, generation))
    threading.Thread(target=warmth.warm, name="warm-up", daemon=True).start()


def _listen(folder: Path, dispatcher: Dispatcher, authority: Authority) -> Server:
    """Take the port that the last process in this folder had, so that what holds its URL goes on working; else any free one."""
    last = records.read(folder)
    if last:
        try:
            return Server((LOOPBACK, int(last.server_url.rsplit(":", 1)[1])), dispatcher, authority)
        except OSError:
            LOG.warning("the last port is taken: another one is used")
    return Server((LOOPBACK, 0), dispatcher, authority)
