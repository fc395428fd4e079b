"""One stack, as a plain Automation API script deploys it: what the shell loop calls for each. Knows nothing of the control plane.

usage: python loop_stack.py JOB    (a JSON file: project, stack, program, backend, config)
"""

import json
import runpy
import sys
from pathlib import Path

from pulumi import automation as auto


def main() -> None:
    """Create or select the stack, set its configuration, and run `up`."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.path.insert(0, job["root"])

    def program() -> None:
        runpy.run_path(job["program"], run_name="__main__")

    settings = auto.ProjectSettings(name=job["project"], runtime="python", backend=auto.ProjectBackend(url=job["backend"]))
    stack = auto.create_or_select_stack(
        stack_name=job["stack"],
        project_name=job["project"],
        program=program,
        opts=auto.LocalWorkspaceOptions(project_settings=settings),
    )
    stack.set_all_config(
        {key: auto.ConfigValue(value if isinstance(value, str) else json.dumps(value)) for key, value in job["config"].items()}
    )
    result = stack.up()
    sys.stdout.write(f"{job['project']}/{job['stack']} {result.summary.resource_changes}\n")


if __name__ == "__main__":
    main()
