"""Moves rollouts on: asks for runs, counts failures, halts, passes from wave to wave, ends.

Whatever calls it (a sensor, a command that watches, a run at its end) may die at any moment: each step is in the database before the next
begins, a lease lets one at a time, and a run claims its request before it touches anything. So calling it twice, or not for a while, does
no harm.
"""

import logging
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect, now
from infra_assets.fleet.models import Tep
from infra_assets.planning.planner import Planner
from infra_assets.rollouts.dispatch import WITHDRAWN, Dispatch
from infra_assets.rollouts.foresight import above_limits
from infra_assets.rollouts.models import GOING, GOOD, MOVING, Asked, Request, Rollout, State, Wave
from infra_assets.rollouts.outbox import Outbox
from infra_assets.rollouts.pending import begin
from infra_assets.rollouts.starting import NAMED, PREVIEWS
from infra_assets.rollouts.store import RolloutStore, moment
from infra_assets.rollouts.windows import Blocked, blocked
from infra_assets.runs import (
    REQUEST_TAG,
    ROLLOUT_TAG,
    Run,
    Runs,
)  # fmt: skip
from infra_assets.stacks.health import CHECKS
from infra_assets.texts import counted, listed

LOST_S = 60
"""Seconds after which a run that was asked for and is not there is asked for again."""
TRIES = 3
"""How often a run is asked for whose process dies before it begins."""
AHEAD = 20
"""Runs that wait in Dagster's queue, at least: enough that it never runs dry between two looks."""


LOG = logging.getLogger(__name__)


class Conductor:
    """Moves the rollouts of one installation on."""

    def __init__(self, planner: Planner, runs: Runs) -> None:
        self._planner = planner
        self._runs = runs
        self._settings = planner.settings
        self.store = RolloutStore(connect(planner.settings.database_url))
        self._outbox = Outbox(self.store.engine, planner.settings.public_url)
        self._owner = f"{os.uname().nodename}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._dispatch = Dispatch(planner, runs, self.store)

    def advance_all(self) -> list[str]:
        """Move every open rollout on, oldest first; returns what could not be done."""
        problems: list[str] = []
        for rollout in self.store.opened():
            try:
                self.advance(rollout.id)
            except InfraError as error:
                problems.append(f"rollout {rollout.id}: {error}")
                self.store.move(rollout.id, [State.RUNNING], reason=f"stands: {error}")
            except Exception as error:
                # A defect that one rollout meets must not hold the others up.
                LOG.exception("rollout %s", rollout.id)
                problems.append(f"rollout {rollout.id}: {type(error).__name__}: {error}")
        return problems

    def advance(self, rollout_id: str) -> None:
        """Move one rollout on as far as it goes now; nothing where somebody else is at it.

        Raises:
            InfraError: Dagster refused, or a plan cannot be made; the rollout is as it was.
        """
        with self.store.lease(rollout_id, self._owner) as mine:
            if not mine:
                return
            rollout = self.store.get(rollout_id)
            if rollout.state == State.PENDING and not begin(self._planner, self.store, rollout):
                return
            self._settle(rollout)
            if rollout.state == State.HALTED:  # whoever halted it may have died in the middle of it
                self._dispatch.withdraw(self.store.asked.of(rollout_id, states=[Asked.WAITING, Asked.ASKED]))
                self._finish_what_is_done(rollout)
            while self._step(self.store.get(rollout_id)):
                pass

    def halt(self, rollout_id: str, reason: str, who: str = "") -> bool:
        """Start nothing new; what runs goes on to its end. Returns whether it was moving."""
        if not self.store.move(rollout_id, [*MOVING, State.PENDING], state=State.HALTED, reason=reason, until=None):
            return False
        self._dispatch.withdraw(self.store.asked.of(rollout_id, states=[Asked.WAITING, Asked.ASKED]))
        self.store.note(rollout_id, "halted", reason, who)
        self._outbox.tell(self.store, self.store.get(rollout_id), "halted")
        return True

    # What has become of the runs that were asked for.

    def _settle(self, rollout: Rollout) -> None:
        """Bring the requests up to what Dagster knows: a run that was killed says nothing itself."""
        going = self.store.asked.of(rollout.id, states=GOING)
        if not going:
            return
        active = {run.tags.get(REQUEST_TAG, ""): run for run in self._runs.runs(tags={ROLLOUT_TAG: rollout.id}, active=True)}
        for request in going:
            if request.key in active:
                continue
            found = self._runs.runs(ids=[request.run_id]) if request.run_id else self._runs.runs(tags={REQUEST_TAG: request.key})
            if found and not any(run.active for run in found):
                self._end(request, found[0])
            elif not found and request.asked_at and request.asked_at < now() - timedelta(seconds=LOST_S):
                self._lost(request)

    def _end(self, request: Request, run: Run) -> None:
        if request.state == Asked.ASKED and run.status == "FAILURE" and self._again(request, run):
            return
        # A run that died after an `up` has not looked at what it has deployed: that is not healthy.
        unseen = () if run.status == "SUCCESS" else CHECKS
        self.store.asked.end(request, run.id, f"its run ended before it: {run.status.lower()}", unseen=unseen)

    def _again(self, request: Request, run: Run) -> bool:
        """Ask anew where a run died before it began (Dagster was killed while launching it, say): it has touched nothing."""
        withdrawn = self.store.asked.of(request.rollout_id, states=[Asked.WITHDRAWN])
        died = [other for other in withdrawn if other.tep == request.tep and other.run_id]
        if request.operation != "up" or len(died) + 1 >= TRIES:
            return False
        self.store.asked.again(request, run.id)
        return True

    def _lost(self, request: Request) -> None:
        if request.state == Asked.STARTED:
            self._end(request, Run(request.run_id or "", "LOST", {}))
        else:
            self.store.asked.set(request, [Asked.ASKED], state=Asked.WAITING.value, asked_at=None)

    def _finish_what_is_done(self, rollout: Rollout) -> None:
        """End a halted rollout whose last runs have done all that it wanted."""
        states = self.store.counts(rollout.id).keys()
        if self.store.asked.going(rollout.id) or not states or states - {*GOOD, WITHDRAWN} or self.store.failures(rollout.id):
            return
        if self.store.move(rollout.id, [State.HALTED], state=State.RUNNING, reason="", approval=""):
            self._finish(rollout)

    # One step of the rollout itself.

    def _step(self, rollout: Rollout) -> bool:
        """Do what is due; returns whether there is more to do at once."""
        if rollout.state not in MOVING or rollout.approval or self._failing(rollout):
            return False
        waiting = [item for item in self.store.asked.of(rollout.id, states=[Asked.WAITING]) if item.wave <= rollout.wave]
        held = self._held(rollout, waiting)
        free = [request for request in waiting if request.tep not in held]
        self._dispatch.ask(rollout, free[: self._room(rollout)])
        if free or self.store.asked.going(rollout.id):
            self._set(rollout, State.RUNNING)
            return False
        if held and (rollout.wave + 1 >= len(rollout.waves) or self._untouched(rollout)):
            self._wait_for_windows(rollout, held)
            return False
        return self._pass(rollout)

    def _failing(self, rollout: Rollout) -> bool:
        """Halt what has failed too often."""
        failures = self._failures(rollout)
        allowed = self._allowed(rollout)
        if len(failures) <= allowed:
            return False
        allows = f"{allowed} {'was' if allowed == 1 else 'were'} allowed (max_failures {rollout.options.max_failures})"
        which = f"{counted(len(failures), 'TEP')} failed, {allows}: {listed(failures, NAMED)}"
        return self.halt(rollout.id, which)

    def _failures(self, rollout: Rollout) -> list[str]:
        return self.store.failures(rollout.id, up_to=rollout.wave)

    def _allowed(self, rollout: Rollout) -> int:
        return rollout.options.max_failures.of(len(self.store.teps(rollout.id)), least=1)

    def _held(self, rollout: Rollout, waiting: Sequence[Request]) -> dict[str, Blocked]:
        """Return the TEPs that may not start now, and note it on their cells."""
        if not waiting:
            return {}
        targets = self._planner.targets
        fleet, moment_ = self._fleet(), now()
        held: dict[str, Blocked] = {}
        for request in waiting:
            tep = fleet.get(request.tep)
            # A TEP's own target says when it may be deployed, whoever asks for it.
            found = blocked(tep, targets.of(tep), targets.freezes, moment_) if tep and request.operation == "up" else None
            if found:
                held[request.tep] = found
        self.store.set_blocked(rollout.id, {tep: _told(found) for tep, found in held.items()})
        return held

    def _room(self, rollout: Rollout) -> int:
        if rollout.options.strict and rollout.wave != PREVIEWS:
            # AWS StackSets: never more at once than failures are still tolerated, plus one.
            tolerated = self._allowed(rollout) - len(self._failures(rollout))
            return max(0, tolerated + 1 - self.store.asked.going(rollout.id))
        return max(0, 2 * max(self._settings.cap, AHEAD) - len(self.store.asked.of(rollout.id, states=[Asked.ASKED])))

    # From wave to wave.

    def _untouched(self, rollout: Rollout) -> bool:
        """Whether nothing of this wave was tried yet: then what comes after it has nothing to rest on."""
        ended = self.store.asked.of(rollout.id, states=[Asked.ENDED], wave=rollout.wave)
        return not ended and rollout.wave >= 0

    def _wait_for_windows(self, rollout: Rollout, held: Mapping[str, Blocked]) -> None:
        times = [found.until for found in held.values() if found.until]
        by_reason: dict[str, list[str]] = {}
        for tep, found in sorted(held.items()):
            by_reason.setdefault(_told(found), []).append(tep)
        told = "; ".join(f"{listed(teps, NAMED)}: {reason}" for reason, teps in by_reason.items())
        self._set(rollout, State.WAITING, told, until=min(times, default=None))

    def _pass(self, rollout: Rollout) -> bool:
        """Go on to the next wave, if everything that guards it says so."""
        if rollout.wave == PREVIEWS:
            return self._previewed(rollout)
        waves = list(rollout.waves)
        current = waves[rollout.wave]
        if current.ended_at is None:
            waves[rollout.wave] = current = replace(current, ended_at=now().isoformat())
            self.store.update(rollout.id, waves=waves)
            left = sorted({item.tep for item in self.store.asked.of(rollout.id, states=[Asked.WAITING], wave=rollout.wave)})
            held = f", but for {listed(left, NAMED)}, held back" if left else ""
            self.store.note(rollout.id, "wave", f"wave {current.name} is done{held}")
        if rollout.wave + 1 >= len(waves):
            self._finish(rollout)
            return False
        return self._gate(rollout, waves)

    def _gate(self, rollout: Rollout, waves: list[Wave]) -> bool:
        current, following = waves[rollout.wave], waves[rollout.wave + 1]
        if following.ring in rollout.options.approve and following.ring != current.ring and not following.approved_by:
            self.wait_for_approval(rollout, f"wave {following.name}")
            return False
        ended = moment(current.ended_at)
        baked = ended + timedelta(seconds=rollout.options.bake) if ended else now()
        if now() < baked:
            self._set(rollout, State.RUNNING, f"wave {current.name} bakes until {_clock(baked)}", until=baked)
            return False
        waves[rollout.wave + 1] = replace(following, started_at=now().isoformat())
        self.store.update(rollout.id, waves=waves, wave=rollout.wave + 1)
        self.store.note(rollout.id, "wave", f"wave {following.name} starts")
        self._set(rollout, State.RUNNING)
        return True

    def _previewed(self, rollout: Rollout) -> bool:
        found = above_limits(self.store.cells(rollout.id), rollout.options.limits)
        waves = [replace(wave, started_at=now().isoformat()) if number == 0 else wave for number, wave in enumerate(rollout.waves)]
        if found:
            self.wait_for_approval(rollout, found, wave=0, waves=waves)
        else:
            self.store.update(rollout.id, wave=0, waves=waves)
        return not found

    def wait_for_approval(self, rollout: Rollout, what: str, **values: Any) -> None:
        """Stand until somebody approves."""
        reason = f"waits for approval: {what}"
        if self.store.move(rollout.id, MOVING, state=State.WAITING, approval=what, reason=reason, until=None, **values):
            self.store.note(rollout.id, "waiting", what)
            self._outbox.tell(self.store, self.store.get(rollout.id), "waiting")

    def _finish(self, rollout: Rollout) -> None:
        failures = self._failures(rollout)
        withdrawn = bool(self.store.asked.of(rollout.id, states=[Asked.WITHDRAWN]))
        taken = withdrawn and WITHDRAWN in self.store.counts(rollout.id)
        state = State.FAILED if failures else State.SUPERSEDED if taken else State.DONE
        reason = (
            f"{counted(len(failures), 'TEP')} failed: {listed(failures, NAMED)}"
            if failures
            else "newer rollouts have taken over the rest"
            if taken
            else ""
        )
        if self.store.move(rollout.id, MOVING, state=state, reason=reason, until=None, finished_at=now()):
            self.store.note(rollout.id, state.value, reason)
            self._planner.handover.drop(rollout.id)
            self._outbox.tell(self.store, self.store.get(rollout.id), "failed" if failures else "done")

    def _set(self, rollout: Rollout, state: State, reason: str = "", until: datetime | None = None) -> None:
        if (rollout.state, rollout.reason, rollout.until) != (state, reason, until):
            self.store.move(rollout.id, MOVING, state=state, reason=reason, until=until)

    def _fleet(self) -> dict[str, Tep]:
        return {tep.name: tep for tep in self._planner.registry.list()}


def _told(found: Blocked) -> str:
    return f"{found.reason} (until {_clock(found.until)})" if found.until else found.reason


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
