"""The errors that a person is meant to read.

```
InfraError            something failed; exit code 1
├── UsageError        what was asked for is wrong; exit code 2
└── NotRunningError   a service that this needs does not answer; exit code 1
```

Each carries what happened, where (a file, a stack, a key), and what to do next. Everything else that is raised is a defect of ours.
"""

FAILED = 1
USAGE = 2
DIFFERENCES = 3
HALTED = 4


class InfraError(Exception):
    """Something failed for a reason a person can act on.

    `message` says what and where, `remedy` what to do next.
    """

    exit_code = FAILED

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class UsageError(InfraError):
    """What was asked for is wrong: a name, a file, an option. Nothing was changed."""

    exit_code = USAGE


class NotRunningError(InfraError):
    """A service that this needs is not there or does not answer."""
