# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Body of the module htpasswd: reads the place, plans, and writes where something changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.files import FilePlace
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.hiding import Secrets
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.place import Carried, Place
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.plan import (
    ROTATION_PREFIX,
    Plan,
    Planner,
    Wish,
    default_password_key,
    diff_of,
    warnings_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.schemes import (
    SLOW_BCRYPT,
    Hashing,
    generated_password,
    hashing_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.secret import SecretPlace
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.text import Line, parse, render, users
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.wishes import check_places, wishes_of
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import (
    Conflict,
    ResilientError,
    WriteFailed,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.waiting import tries
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task

# How long to begin anew when somebody else keeps changing the same Secret.
CONFLICT_SECONDS = 10.0


def run(task: Task) -> dict[str, Any]:
    """Brings the entries into the text. Raises BadArgument, NotHtpasswd and what the writer raises, without secrets."""
    hidden = Secrets()
    try:
        return _Call(task, hidden).run()
    except ResilientError as error:
        hidden.hide_in(error)
        raise


class _Call:
    """One call of the module. Generated passwords outlive a second try, so that what was stored stays true."""

    def __init__(self, task: Task, hidden: Secrets) -> None:
        check_places(task.params)
        self._task = task
        self._hidden = hidden
        self._hashing = hashing_of(task.params["scheme"], task.params["cost"])
        self._wishes = wishes_of(task.params, self._hashing.scheme)
        self._place = _place_of(task)
        self._generated: dict[str, str] = {}

    def run(self) -> dict[str, Any]:
        """Reads, plans and writes, from the start again when the Secret was changed in between."""
        _announce_slowness(self._task, self._hashing)
        seconds_left = tries(CONFLICT_SECONDS)
        while True:
            left = next(seconds_left)
            try:
                return self._once()
            except (Conflict, WriteFailed) as error:
                if left <= 0 or not _outdated(error):
                    raise

    def _once(self) -> dict[str, Any]:
        data = self._place.read()
        lines = parse(data or b"", self._place.where)
        plan = self._plan(lines)
        new = render(plan.lines)
        self._hidden.add(new, *(line.hashed for line in plan.lines), *plan.store.values())
        carried = self._place.carry_out(self._task, new if new != (data or b"") else None, plan.store)
        self._task.warnings.extend(warnings_of(lines, plan, self._hashing, self._place.where))
        self._task.warnings.extend(self._place.warnings())
        return self._result(plan, carried)

    def _plan(self, lines: Sequence[Line]) -> Plan:
        found = self._place.stored(_keys(self._wishes, users(lines)))
        self._hidden.add(*(line.hashed for line in lines), *found.values())
        generate = self._generate if self._place.store_where else None
        planner = Planner(self._hashing, generate, self._place.remedy)
        return planner.plan(
            lines, _as_text(found, self._place.store_where), self._wishes, self._task.params["exclusive"]
        )

    def _generate(self, name: str) -> str:
        return self._generated.setdefault(name, generated_password())

    def _result(self, plan: Plan, carried: Carried) -> dict[str, Any]:
        diff = diff_of(plan, self._place.where)
        diff["before"] += carried.before
        diff["after"] += carried.after
        result = {"changed": carried.changed, "users": [user.result() for user in plan.users], **carried.facts}
        return result | ({"diff": [diff]} if carried.changed else {})


def _place_of(task: Task) -> Place:
    params = task.params
    if params["path"]:
        return FilePlace(params["path"], params["password_dir"] or "", params["mode"])
    password_secret = params["password_secret"] or f"{params['secret']}-passwords"
    return SecretPlace(task.client, params["namespace"], params["secret"], params["key"], password_secret)


def _keys(wishes: Sequence[Wish], names: Sequence[str]) -> set[str]:
    """Every key of the password store that the plan may look at."""
    keys = {wish.password_key for wish in wishes} | {default_password_key(name) for name in names}
    return keys | {ROTATION_PREFIX + key for key in keys}


def _as_text(found: dict[str, bytes], where: str) -> dict[str, str]:
    stored = {}
    for key, value in found.items():
        try:
            stored[key] = value.decode()
        except UnicodeDecodeError:
            raise ResilientError(
                f"{where}: what {key} holds is not UTF-8, so it is no password of this module"
            ) from None
    return stored


def _announce_slowness(task: Task, hashing: Hashing) -> None:
    cost = hashing.cost or 0
    if hashing.scheme.name == "bcrypt" and cost >= SLOW_BCRYPT:
        task.warnings.append(
            f"cost: {cost} keeps a core busy for about {2 ** (cost - SLOW_BCRYPT)} s at every check of a password, "
            "right or wrong: a few bad logins a second stop the server that checks them"
        )
        task.progress(f"hashing with {hashing} takes a while")


def _outdated(error: Conflict | WriteFailed) -> bool:
    """True when the object was changed, or created, since it was read: reading again helps."""
    return isinstance(error.cause if isinstance(error, WriteFailed) else error, Conflict)
