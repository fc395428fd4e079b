"""What the control plane writes itself from the fleet's register: `fleet/<tep>`, facts and logins of every TEP."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from hashlib import sha1

from infra_assets.environments.language.model import Document
from infra_assets.environments.layers import FLEET, LOGIN_DURATION, LOGINS, READ_ONLY, READING
from infra_assets.environments.names import canonical_name
from infra_assets.environments.providers.aws_login import session_name
from infra_assets.environments.sources.protocol import MissingEnvironmentError, MissingRevisionError, Source, without_tags
from infra_assets.fleet.accounts import role_arn
from infra_assets.fleet.models import Ring, Tep

PLACE = "the register"

FACTS = """\
# Written from the fleet's register.
description: What is known of {name}
values:
  tep:
    name: {name}
    tenant: {tenant}
    environment: {environment}
    ring: {ring}
    region: {region}
    account: {account}
    externalId: {external_id}
  aws:
{logins}
  pulumiConfig:
    account:external_id: {external_id}
    account:deployer_arn: arn:aws:iam::{operations}:root
"""
LOGIN = """\
    {path}:
      fn::open::aws-login:
        assumeRole:
          roleArn: {role}
          externalId: {external_id}
          sessionName: {session}"""
LASTING = f"""
          duration: {LOGIN_DURATION}"""
"""What `aws-login` does by itself: it is left out where it is not for people, for every plan reads each line of every TEP."""
LIMITED = f"""
          policyArns: [{READ_ONLY}]"""
"""For a role that may do more than its session is to do."""
EXAMPLE = Tep("acme", "prod", Ring.REGULAR, "us-east-1", "000000000000", "acme")


class WithFacts:
    """A source, with `fleet/<tep>` written from the register: those are nobody else's to give."""

    def __init__(self, facts: "FleetSource", below: Source) -> None:
        self._facts = facts
        self._below = below
        self._lists: tuple[Mapping[str, str], Mapping[str, str]] | None = None
        self._union: Mapping[str, str] = {}

    def list(self) -> Mapping[str, str]:
        """Return the current revision of every environment.

        Raises:
            SourceError: the source does not answer.
        """
        lists = (self._facts.list(), self._below.list())
        if self._lists is None or lists[0] is not self._lists[0] or lists[1] is not self._lists[1]:
            self._lists, self._union = lists, {**lists[1], **lists[0]}
        return self._union

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return an environment.

        Raises:
            MissingEnvironmentError: there is none.
            SourceError: it cannot be had.
        """
        return self._of(name).read(name, revision)

    def tag(self, name: str, tag: str) -> str:
        """Return the revision that a tag means.

        Raises:
            MissingRevisionError: no such tag.
            SourceError: it cannot be had.
        """
        return self._of(name).tag(name, tag)

    def _of(self, name: str) -> Source:
        return self._facts if name.startswith(f"{FLEET}/") else self._below


class FleetSource:
    """`fleet/<tep>` of every TEP: facts, logins, and what the project `account` must be told. Each is written when it is asked for."""

    def __init__(self, teps: Callable[[], Sequence[Tep]], *, operations_account: str) -> None:
        self._teps = teps
        self._operations = operations_account
        self._form = self._facts(EXAMPLE)
        self._seen: Sequence[Tep] | None = None
        self._by_name: Mapping[str, Tep] = {}
        self._listed: Mapping[str, str] = {}

    def list(self) -> Mapping[str, str]:
        """Return the revision of every TEP's facts."""
        teps = self._teps()
        if teps is not self._seen:
            self._seen = teps
            self._by_name = {f"{FLEET}/{tep.name}": tep for tep in teps}
            self._listed = {name: self._revision(tep) for name, tep in self._by_name.items()}
        return self._listed

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return a TEP's facts as they are now.

        Raises:
            MissingEnvironmentError: there is no such TEP, or its facts were others at that revision.
        """
        canonical_name(name)
        current = self.list().get(name)
        if current is None:
            raise MissingEnvironmentError(f"there is no environment {name} in {PLACE}")
        if revision not in (None, current):
            raise MissingRevisionError(f"{name} is written from {PLACE}: revision {revision} of it is not kept")
        return Document(name, current, self._facts(self._by_name[name]).encode(), place=f"{PLACE}: {name}")

    def tag(self, name: str, tag: str) -> str:
        """Return the current revision for `latest`.

        Raises:
            MissingRevisionError: another tag.
        """
        return without_tags(self, name, tag, PLACE)

    def _revision(self, tep: Tep) -> str:
        # What a text is made of, and how: cheaper than each text, and as sure to change with it.
        known = "\0".join(map(str, (*astuple(tep), self._form)))
        return sha1(known.encode(), usedforsecurity=False).hexdigest()

    def _facts(self, tep: Tep) -> str:
        given = {
            "name": tep.name, "tenant": tep.tenant, "environment": tep.environment, "ring": tep.ring.value, "region": tep.region,
            "account": tep.account_id, "external_id": tep.external_id,
        }  # fmt: skip
        quoted = {key: json.dumps(value) for key, value in given.items()}
        logins = "\n".join(_login(tep, role) for role in LOGINS)
        return FACTS.format(**quoted, logins=logins, operations=self._operations)


def _login(tep: Tep, role: str) -> str:
    looking = role in READING.values()
    written = LOGIN.format(
        path=LOGINS[role][-1],
        role=json.dumps(role_arn(tep, role)),
        external_id=json.dumps(tep.external_id),
        session=json.dumps(session_name(f"{'infra-preview' if looking else 'infra'}-{tep.name}")),
    )
    return written + ("" if looking else LASTING) + (LIMITED if role == "inspect" else "")
