"""Build the engine and the provider from Go modules: one module for both, so that what they share compiles once."""

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from infra_assets.errors import InfraError
from infra_assets.sandbox.tools.mapping import GOBUILD, read_types
from infra_assets.sandbox.tools.official import environment, is_program, on_path
from infra_assets.sandbox.tools.pins import Pins
from infra_assets.sandbox.tools.process import Finished, run, took
from infra_assets.sandbox.tools.smoke import check_engine, check_provider
from infra_assets.sandbox.tools.trim import MODULE, copy_trimmed

Product = Literal["pulumi", "pulumi-resource-aws"]
PACKAGES: dict[Product, str] = {"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "pulumi-resource-aws": "."}
OLDEST_GO = (1, 21)  # from here on a Go fetches the newer one that go.mod asks for
GO_HOMES = (Path("/usr/local/go/bin/go"),)  # where the installer puts it, which leaves PATH to the person
COMPILERS = 4  # at once; the largest takes 3 GiB, so that a build stays below 8
TIME_LIMIT_S = 3 * 3600.0
_LEFTOVER = ".building-"


def build(products: Sequence[Product], target: Path, pins: Pins, progress: Callable[[str], None]) -> None:
    """Build `products` into the folder `target`; each appears there whole and tested, or not at all. Minutes, the first time.

    Callers hold the lock of set-up.

    Raises:
        InfraError: Go is missing or too old, modules cannot be downloaded or are not what is pinned, or a product does not work.
    """
    go = find_go()
    for leftover in target.parent.glob(f"{_LEFTOVER}*"):
        # Of a set-up that was killed. Its Go may still write there, then the next build removes the rest.
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_LEFTOVER, dir=target.parent) as name:
        workspace = Path(name)
        start = time.monotonic()
        _prepare(go, workspace, pins, progress)
        _compile(go, workspace, products, pins, progress)
        _check(workspace, products, pins)
        for product in products:
            place(target, product).parent.mkdir(parents=True, exist_ok=True)
            (workspace / "out" / product).replace(place(target, product))
        progress(f"built {' and '.join(products)} in {took(start)}")


def place(target: Path, product: Product) -> Path:
    """Return where `build` puts a product: each in a folder of its own.

    The SDK puts the engine's folder on PATH, and an engine prefers a provider on PATH to the one in PULUMI_HOME.
    """
    return target / product / product


def find_go() -> Path:
    """Return the Go tool: from PATH, or where its own installer puts it.

    Raises:
        InfraError: there is none that is new enough.
    """
    unfit: list[str] = []
    for go in [*on_path("go"), *filter(is_program, GO_HOMES)]:
        answer = run([go, "env", "GOVERSION"], env=_go_environment(), cwd=Path("/"), timeout_s=60)
        version = re.search(r"go(\d+)\.(\d+)", answer.reason)
        if answer.code == 0 and version and (int(version[1]), int(version[2])) >= OLDEST_GO:
            return go
        unfit.append(f"{go} is {answer.reason}")
    oldest = ".".join(str(part) for part in OLDEST_GO)
    raise InfraError("; ".join(unfit) or "no Go on PATH", remedy=f"Install Go {oldest} or later.")


def _go_environment() -> dict[str, str]:
    # What a person has set for their own Go projects must not change what is built here; their proxies stay.
    env = environment(
        GOFLAGS="",
        GOWORK="off",
        GO111MODULE="on",
        GOTOOLCHAIN="auto",
        CGO_ENABLED="0",  # no C compiler is needed
        GOMEMLIMIT="3GiB",
        GONOSUMDB=f"{os.environ.get('GONOSUMDB', '')},{MODULE}".lstrip(","),  # its checksum is pinned in upstream.sum
    )
    return {name: value for name, value in env.items() if name not in ("GOOS", "GOARCH", "GOBIN", "GOEXPERIMENT")}


def _prepare(go: Path, workspace: Path, pins: Pins, progress: Callable[[str], None]) -> None:
    progress("getting the source of the AWS provider")
    upstream = _upstream(go, workspace, pins)
    services = copy_trimmed(upstream, workspace / "upstream", read_types())
    progress(f"the AWS provider is trimmed to {', '.join(sorted(services))}")
    for path in GOBUILD.iterdir():
        if path.is_file():
            shutil.copyfile(path, workspace / path.name)


def _upstream(go: Path, workspace: Path, pins: Pins) -> Path:
    module = f"{MODULE}@{pins.upstream}"
    finished = run([go, "mod", "download", "-json", module], env=_go_environment(), cwd=workspace, timeout_s=TIME_LIMIT_S)
    _, brace, rest = "\n".join(finished.lines).partition("{")  # Go may say something before
    if finished.code != 0 or not brace:
        raise _failed(f"the Go module {module} cannot be downloaded", finished)
    answer, _ = json.JSONDecoder().raw_decode(brace + rest)
    if answer["Sum"] != pins.upstream_sum:
        raise InfraError(
            f"the Go module {module} is not what is pinned: {answer['Sum']}, not {pins.upstream_sum}",
            remedy="Do not use it. See who changed the module proxy in between, or `go clean -modcache` and try again.",
        )
    return Path(answer["Dir"])


def _compile(go: Path, workspace: Path, products: Sequence[Product], pins: Pins, progress: Callable[[str], None]) -> None:
    start = time.monotonic()
    packages = [PACKAGES[product] for product in products]
    total = _download(go, workspace, packages, progress)
    progress(f"compiling {' and '.join(products)}: at most {total} packages")
    compiled = 0

    def count(line: str) -> None:
        nonlocal compiled
        compiled += " " not in line  # `go build -v` prints the name of each package that it did not have in its cache

    jobs = str(min(os.cpu_count() or 1, COMPILERS))
    flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-v", "-p", jobs, "-ldflags", pins.linker_flags]
    finished = run(
        [go, "build", *flags, "-o", "out/", *packages],
        env=_go_environment(), cwd=workspace, timeout_s=TIME_LIMIT_S,
        on_line=count, on_tick=lambda: progress(f"compiling: {compiled} of at most {total} packages, {took(start)}"),
    )  # fmt: skip
    if finished.code != 0:
        raise _failed(f"{' and '.join(products)} cannot be built", finished)


def _download(go: Path, workspace: Path, packages: Sequence[str], progress: Callable[[str], None]) -> int:
    """Download all modules that `packages` need, and return how many packages there are to compile."""
    start = time.monotonic()
    downloaded = total = 0

    def count(line: str) -> None:
        nonlocal downloaded, total
        downloaded += line.startswith("go: downloading ")
        total += " " not in line

    progress("downloading Go modules")
    finished = run(
        [go, "list", "-mod=readonly", "-deps", *packages],
        env=_go_environment(), cwd=workspace, timeout_s=TIME_LIMIT_S,
        on_line=count, on_tick=lambda: progress(f"downloading Go modules: {downloaded}, {took(start)}"),
    )  # fmt: skip
    if finished.code != 0:
        raise _failed("Go modules cannot be downloaded", finished)
    return total


def _check(workspace: Path, products: Sequence[Product], pins: Pins) -> None:
    if "pulumi" in products:
        check_engine(workspace / "out" / "pulumi", pins.engine)
    if "pulumi-resource-aws" in products:
        check_provider(workspace / "out" / "pulumi-resource-aws", pins.provider)


def _failed(what: str, finished: Finished) -> InfraError:
    said = [finished.reason] if finished.code is None else finished.lines[-12:]
    return InfraError(
        "\n  ".join([f"{what}:", *said]),
        remedy="See that Go reaches its module proxy (`go env GOPROXY`) and that the disk has room; then set up again.",
    )
