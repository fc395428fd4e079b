"""The emulator's process: `python -m infra_assets.sandbox.emulator FOLDER`. `process.start` runs it."""

import logging
import os
import resource
import signal
import sys
from pathlib import Path

# moto reads its settings when it is imported. The keys are for boto3 sessions that moto itself opens; they go nowhere.
MOTO = {
    "AWS_ACCESS_KEY_ID": "emulator",
    "AWS_SECRET_ACCESS_KEY": "emulator",
    "AWS_EC2_METADATA_DISABLED": "true",
    "MOTO_ALLOW_NONEXISTENT_REGION": "false",
}


def main(folder: Path) -> None:
    """Serve until asked to end (SIGTERM, SIGINT)."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    # Also for the threads that are made later: only the main thread, below, takes these signals.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    # A provider keeps a connection to each of some ten hosts, and a hundred deployments may run at once.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.chdir(folder)
    os.environ.update(MOTO)
    from infra_assets.sandbox.emulator.service import serve

    serve(folder)
    signal.sigwait(ends)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
