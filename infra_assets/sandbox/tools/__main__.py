"""`python -m infra_assets.sandbox.tools [--again]`: set-up on its own; progress on stderr, the result as JSON on stdout."""

import argparse
import signal
import sys
from types import FrameType

from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.sandbox.tools import get


def main() -> int:
    """Run set-up and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra_assets.sandbox.tools", description="Get the engine and the AWS provider.")
    parser.add_argument("--again", action="store_true", help="look again, although an earlier set-up found both")
    again: bool = parser.parse_args().again
    signal.signal(signal.SIGTERM, _stop)
    try:
        tools = get(settings.load(), _say, again=again)
    except InfraError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    sys.stdout.write(f"{tools.to_json()}\n")
    return 0


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal.SIGTERM)  # by way of an exception, so that the compilers are stopped, too


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
