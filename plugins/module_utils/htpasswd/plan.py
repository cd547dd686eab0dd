# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What becomes of an htpasswd text and of the passwords kept beside it, worked out without writing anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.schemes import (
    Hashing,
    described,
    identify,
    password_problem,
)
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.text import (
    Line,
    doubled,
    hashes,
    numbers,
    users,
    with_entry,
    without_entry,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument, ResilientError

ADDED, CHANGED, REMOVED, KEPT, ABSENT = "added", "changed", "removed", "kept", "absent"
GIVEN, GENERATED, STORED, UNKNOWN = "given", "generated", "stored", "unknown"
ROTATION_PREFIX = "rotation."


@dataclass(frozen=True)
class Wish:
    """What is wanted of one user. ``password`` is None when none is given; ``rotation`` is the mark, None without."""

    name: str
    present: bool
    password: str | None = field(repr=False)
    password_key: str
    rotation: str | None

    @property
    def rotation_key(self) -> str:
        """Where the mark of the stored password is kept."""
        return f"{ROTATION_PREFIX}{self.password_key}"


@dataclass(frozen=True)
class UserChange:
    """What becomes of one user: names, words and numbers only, all of it may be shown."""

    name: str
    change: str
    reason: str
    before: str = ""
    after: str = ""
    password: str = ""
    password_key: str = ""

    def result(self) -> dict[str, Any]:
        """The per-user result of the module."""
        return {
            "name": self.name,
            "change": self.change,
            "reason": self.reason,
            "password": self.password,
            "password_key": self.password_key,
        }


@dataclass
class Plan:
    """The new lines, and the changes of the password store: key to new value, or to None for a key to be removed."""

    lines: list[Line]
    stored: Mapping[str, str] = field(repr=False)
    store: dict[str, str | None] = field(default_factory=dict, repr=False)
    users: list[UserChange] = field(default_factory=list)

    def keep(self, key: str, value: str | None) -> None:
        """Notes a value for the store, or its removal, where that is a change."""
        if self.stored.get(key) != value:
            self.store[key] = value


@dataclass(frozen=True)
class Planner:
    """Plans for one call. ``generate`` gives a user's new password, or is None where no place can keep one.

    ``remedy`` says in that case what the user of the module can do.
    """

    hashing: Hashing
    generate: Callable[[str], str] | None
    remedy: str = ""

    def plan(self, lines: Sequence[Line], stored: Mapping[str, str], wishes: Sequence[Wish], exclusive: bool) -> Plan:
        """The plan that makes the text and the stored passwords what is wished for.

        Raises BadArgument for a user without a password that nothing could keep, and for one whose entries
        contradict each other.
        """
        plan = Plan(list(lines), stored)
        for wish in wishes:
            plan.users.append(self._present(plan, wish) if wish.present else _absent(plan, wish, "asked for"))
        if exclusive:
            for name in [name for name in users(plan.lines) if name not in {wish.name for wish in wishes}]:
                plan.users.append(_unlisted(plan, name, {wish.password_key for wish in wishes}))
        return plan

    def _present(self, plan: Plan, wish: Wish) -> UserChange:
        found = hashes(plan.lines, wish.name)
        password, source = self._password(plan, wish, bool(found))
        if password is None:
            return self._kept_as_it_is(plan, wish, found)
        if source == GIVEN:
            plan.keep(wish.password_key, None)
            plan.keep(wish.rotation_key, None)
        else:
            plan.keep(wish.password_key, password)
            if wish.rotation is not None:
                plan.keep(wish.rotation_key, wish.rotation)
        reason = self._why_hash(found, password, source)
        if not reason:
            return _user_change(wish, KEPT, "the entry fits", found, str(self.hashing), source)
        hashed = found[0] if reason == _DOUBLED else self.hashing.hash(password)
        plan.lines = with_entry(plan.lines, wish.name, hashed)
        return _user_change(wish, CHANGED if found else ADDED, reason, found, str(self.hashing), source)

    def _password(self, plan: Plan, wish: Wish, has_entry: bool) -> tuple[str | None, str]:
        """The password that the entry must have, and where it comes from; None for an entry that stays as it is."""
        if wish.password is not None:
            return wish.password, GIVEN
        kept = plan.stored.get(wish.password_key)
        rotated = wish.rotation is not None and plan.stored.get(wish.rotation_key) != wish.rotation
        if kept is not None and not rotated:
            problem = password_problem(kept, self.hashing.scheme)
            if problem:
                raise ResilientError(f"the stored password of {wish.name} ({wish.password_key}) {problem}")
            return kept, STORED
        if has_entry and not rotated:
            return None, UNKNOWN
        if self.generate is None:
            raise BadArgument(f"users: {wish.name} needs a password and none is given: {self.remedy}")
        problem = key_problem(wish.password_key)
        if problem:
            raise BadArgument(
                f"users: {wish.name}: the key {wish.password_key} {problem}. Name another as password_key"
            )
        return self.generate(wish.name), GENERATED

    def _why_hash(self, found: list[str], password: str, source: str) -> str:
        """Why the entry must be written, empty when it is right as it is."""
        if not found:
            return "no entry yet"
        if source == GENERATED:
            return "new password"
        if not self.hashing.made(found[0]):
            return "other scheme or cost"
        if not self.hashing.verifies(password, found[0]):
            return "new password"
        return _DOUBLED if len(found) > 1 else ""

    def _kept_as_it_is(self, plan: Plan, wish: Wish, found: list[str]) -> UserChange:
        seen = described(*identify(found[0]))
        if len(set(found)) > 1:
            raise BadArgument(
                f"users: {wish.name} has entries with different hashes in lines {numbers(plan.lines, wish.name)}, and "
                "without a password nobody can tell which one counts. Give a password, or remove one of the lines."
            )
        if len(found) > 1:
            plan.lines = with_entry(plan.lines, wish.name, found[0])
            return _user_change(wish, CHANGED, _DOUBLED, found, seen, UNKNOWN)
        reason = "no password given" if self.hashing.made(found[0]) else "no password given, so its scheme stays"
        return _user_change(wish, KEPT, reason, found, seen, UNKNOWN)


_DOUBLED = "listed more than once"


def key_problem(key: str) -> str:
    """Why a key of a Secret (or a file name) cannot be used, in words that follow the key; empty when it can."""
    if not re.fullmatch(r"[-._0-9A-Za-z]{1,253}", key) or key.startswith(".."):
        return "must be 1 to 253 letters, digits, '-', '_' and '.'"
    return ""


def _unlisted(plan: Plan, name: str, keys_in_use: set[str]) -> UserChange:
    key = default_password_key(name)
    # Somebody else's password may lie under this key, by a password_key of their own.
    wish = Wish(name, False, None, "" if key in keys_in_use else key, None)
    return _absent(plan, wish, "not listed")


def default_password_key(name: str) -> str:
    """The key of a user's generated password."""
    return f"password-{name}"


def _absent(plan: Plan, wish: Wish, reason: str) -> UserChange:
    found = hashes(plan.lines, wish.name)
    plan.lines = without_entry(plan.lines, wish.name)
    plan.keep(wish.password_key, None)
    plan.keep(wish.rotation_key, None)
    return _user_change(wish, REMOVED if found else ABSENT, reason, found, "", "")


def _user_change(wish: Wish, change: str, reason: str, found: list[str], after: str, source: str) -> UserChange:
    before = described(*identify(found[0])) if found else ""
    key = wish.password_key if source in (GENERATED, STORED) else ""
    return UserChange(wish.name, change, reason, before, after, source, key)


def warnings_of(before: Sequence[Line], plan: Plan, hashing: Hashing, where: str) -> list[str]:
    """What somebody should know about the text as it will be."""
    warnings = [
        f"{where}: {name} is listed more than once. nginx and Apache go by the first entry, Traefik by the last"
        for name in doubled(plan.lines)
        if name in doubled(before)
    ]
    warnings += [
        f"{where}: the entry of {change.name} stays {change.before}: {hashing} needs its password"
        for change in plan.users
        if change.change == KEPT and change.password == UNKNOWN and change.before != str(hashing)
    ]
    # Traefik 3.7.9 leaves out every router with such a middleware, and writes the line with its hash to its log.
    warnings += [
        f"{where}: line {number} has text after a second colon, for which Traefik refuses the whole text"
        for number, line in enumerate(plan.lines, start=1)
        if line.rest
    ]
    return warnings


def diff_of(plan: Plan, where: str) -> dict[str, str]:
    """Ansible's diff: who is added, changed or removed, and which stored passwords. No hash, no password."""
    before, after = [], []
    for user in plan.users:
        if user.change in (CHANGED, REMOVED):
            before.append(f"{user.name}: {user.before}")
        if user.change in (ADDED, CHANGED):
            after.append(f"{user.name}: {user.change}, {user.after} ({user.reason})")
        if user.change == REMOVED:
            after.append(f"{user.name}: removed ({user.reason})")
    for key, value in plan.store.items():
        if key in plan.stored:
            before.append(f"stored {key}: <hidden>")
        if value is not None:
            after.append(f"stored {key}: <hidden, {'changed' if key in plan.stored else 'added'}>")
        else:
            after.append(f"stored {key}: removed")
    return {
        "before_header": where,
        "after_header": where,
        "before": "".join(line + "\n" for line in before),
        "after": "".join(line + "\n" for line in after),
    }
