# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of the module htpasswd, and what they ask for, checked before anything is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.plan import (
    ROTATION_PREFIX,
    Wish,
    default_password_key,
    key_problem,
)
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.schemes import (
    SCHEMES,
    Scheme,
    password_problem,
)
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.text import name_problem
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.specification import findings

USER_OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "password": {"type": "str", "no_log": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "rotation": {"type": "str"},
    "password_key": {"type": "str", "no_log": False},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "users": {"type": "list", "elements": "dict", "required": True, "options": USER_OPTIONS},
    "exclusive": {"type": "bool", "default": False},
    "scheme": {"type": "str", "choices": ["bcrypt", "sha512_crypt", "apr1", "ssha"], "default": "bcrypt"},
    "cost": {"type": "int"},
    "secret": {"type": "str", "no_log": False},
    "namespace": {"type": "str"},
    "key": {"type": "str", "default": "users", "no_log": False},
    "password_secret": {"type": "str", "no_log": False},
    "path": {"type": "path"},
    "mode": {"type": "raw"},
    "password_dir": {"type": "path", "no_log": False},
}


def wishes_of(params: Mapping[str, Any], scheme: Scheme) -> list[Wish]:
    """What is wanted of each user. Raises BadArgument naming the user, or where the name is the fault its position."""
    wishes = [_wish(position, given, scheme) for position, given in enumerate(params["users"], start=1)]
    for words in _doubled(wishes):
        raise BadArgument(f"users: {words}")
    return wishes


def user_problems(users: Sequence[Mapping[str, Any]], scheme: Scheme = SCHEMES["bcrypt"]) -> list[str]:
    """All that is wrong with users as in the option ``users``, whose types were not looked at. No password is in it."""
    problems, wishes = [], []
    for position, user in enumerate(users, start=1):
        wrong = [f"item {position}: {words}" for words in findings(USER_OPTIONS, user)]
        problems += wrong
        if not wrong:
            given = {name: user.get(name, option.get("default")) for name, option in USER_OPTIONS.items()}
            given |= {name: str(value) for name, value in given.items() if value is not None}
            try:
                wishes.append(_wish(position, given, scheme))
            except BadArgument as error:
                problems.append(str(error).removeprefix("users: "))
    return problems + list(_doubled(wishes))


def _doubled(wishes: Sequence[Wish]) -> Iterator[str]:
    names, keys = [wish.name for wish in wishes], [wish.password_key for wish in wishes]
    for what, values in (("", names), ("password_key: ", keys)):
        doubled = sorted(value for value, count in Counter(values).items() if count > 1)
        if doubled:
            yield f"{what}{', '.join(doubled)}: given more than once"
            return


def check_places(params: Mapping[str, Any]) -> None:
    """Raises BadArgument for options of places that do not go together."""
    if params["secret"]:
        problem = key_problem(params["key"])
        if problem:
            raise BadArgument(f"key: {params['key']!r} {problem}")
        if params["password_secret"] == params["secret"]:
            raise BadArgument(
                "password_secret: it must be another Secret than the one of the htpasswd text. Who mounts that text "
                "would get the passwords with it, and Traefik refuses a basicAuth Secret with more than one key."
            )
    for option, place in (("password_dir", "path"), ("mode", "path"), ("password_secret", "secret")):
        if params[option] is not None and not params[place]:
            raise BadArgument(f"{option}: only together with {place}")


def _wish(position: int, given: Mapping[str, Any], scheme: Scheme) -> Wish:
    name = given["name"]
    problem = name_problem(name)
    if problem:
        raise BadArgument(f"users: the name of item {position} {problem}")
    if given["state"] == "absent" and (given["password"] is not None or given["rotation"] is not None):
        raise BadArgument(f"users: {name} is to be absent: leave password and rotation out")
    _check_password(given, scheme)
    _check_password_key(given)
    key = given["password_key"] or default_password_key(name)
    return Wish(name, given["state"] == "present", given["password"], key, given["rotation"])


def _check_password(given: Mapping[str, Any], scheme: Scheme) -> None:
    if given["password"] is None:
        return
    problem = password_problem(given["password"], scheme)
    if problem:
        raise BadArgument(f"users: the password of {given['name']} {problem}")
    if given["rotation"] is not None:
        raise BadArgument(f"users: {given['name']} has a password: rotation is for generated ones")


def _check_password_key(given: Mapping[str, Any]) -> None:
    key = given["password_key"]
    if key is None:
        return
    problem = key_problem(key) or (f"must not begin with {ROTATION_PREFIX}" if key.startswith(ROTATION_PREFIX) else "")
    if problem:
        raise BadArgument(f"users: password_key {key!r} of {given['name']} {problem}")
