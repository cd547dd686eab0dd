# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fallback proxy as somebody wants it: settings for all, and what one of a list says otherwise. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.schemes import SCHEMES, SLOW_BCRYPT, identify
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.text import NotHtpasswd, parse
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd.wishes import user_problems
from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy import ANSWERS_OF_THE_ILL, Policy
from ansible_collections.resilient.traefik.plugins.module_utils.proxy.policy_reading import USER_NAME, policy_from
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.forward_auth_kinds import BY_NAME
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.other_traefiks import shape_faults

DO_NOT_SCHEDULE, SCHEDULE_ANYWAY = "DoNotSchedule", "ScheduleAnyway"
# What to do with a middleware that a controller keeps as it wants it.
REFUSE, SWITCH = "refuse", "switch"
# What makes a Service's name (RFC 1035), with room for what is put behind it.
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,40}[a-z0-9])?\Z")
_SECRETS = ("users", "htpasswd")
# Settings that have another name in the policy.
_POLICY_NAMES = {"fallback_policy": "default", "fallback_policies": "hosts"}
# A sentence of policy_from: the option, and what is wrong with it.
_SENTENCE = re.compile(r"(?:^|(?<=\. ))([a-z_]+): (.*?)\.(?= [a-z_]+: |$)")
_NEEDED = ("name", "namespace")
_FLAGS = ("authentik", "network_policy", "take_over_secret", "without_body")
_YES = ("true", "yes", "on", "1", "y", "t")
_NO_USERS = "expected a list of users, each a mapping with its name"
# Settings that only the objects need, beside those that are judged.
_PASSED_ON = frozenset(
    (
        "image",
        "image_modules",
        "image_pull_secrets",
        "memory",
        "network_policy",
        "priority_class",
        "serve_on",
        "workers",
    )
)
_JUDGED = frozenset(
    (
        *_NEEDED,
        *(
            "authentik",
            "bot_user_agent",
            "check_host",
            "hide_login",
            "hosts",
            "htpasswd",
            "identity_headers",
            "kind",
            "middleware",
        ),
        *("node_selector", "other_traefiks", "port", "replicas", "take_over_secret", "target", "tolerations"),
        *("users", "users_secret", "when_unsatisfiable", "where_kept", "without_body"),
    )
)

# What authentik's outpost answers when it is ill or starts, and what of it must not be asked twice: the end of a login.
_AUTHENTIK: dict[str, Any] = {
    "check_failures": list(ANSWERS_OF_THE_ILL),
    "asked_once": ["X-authentik-auth-callback=true"],
    "session_cookies": ["authentik_proxy_"],
    "session_by_path": False,
}


@dataclass(frozen=True)
class Wish:
    """One proxy. ``given`` are all settings but secrets, ``own`` the options that it has for itself.

    ``faults`` are what is wrong with them by itself, by option. ``exactly`` are the middlewares that are to ask it, by
    namespace and name, where they were found; where it is empty, ``given`` says which.
    """

    given: Mapping[str, Any]
    policy: Mapping[str, Any]
    user_names: tuple[str, ...]
    faults: tuple[tuple[str, str], ...]
    own: frozenset[str] = frozenset()
    exactly: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.given.get("name", ""))

    @property
    def namespace(self) -> str:
        """Where it is to run."""
        return str(self.given.get("namespace", ""))

    @property
    def asks_for_login(self) -> bool:
        """Whether any host falls back to the emergency login."""
        return "basic" in (self.policy.get("default", "basic"), *(self.policy.get("hosts") or {}).values())

    @property
    def keeps_sessions(self) -> bool:
        """Whether its pods remember sessions, and ask each other about them."""
        graces = self.policy.get("session_graces") or {}
        kept = (self.policy.get("session_grace"), self.policy.get("remember_session_for"), *graces.values())
        return bool(self._kind.get("session_cookies")) and any(str(each or 0) != "0" for each in kept)

    @property
    def replicas(self) -> int:
        """How many pods."""
        return int(self.given.get("replicas", 2))

    @property
    def users_secret(self) -> str:
        """The Secret of the emergency logins."""
        return str(self.given.get("users_secret") or f"{self.name}-users")

    @property
    def opens_some(self) -> bool:
        """Whether the fallback lets everybody in to some hosts and not to all."""
        answers = {str(self.policy.get("default", "basic")), *map(str, (self.policy.get("hosts") or {}).values())}
        return "allow" in answers and len(answers) > 1

    @property
    def has_login(self) -> bool:
        """Whether emergency logins are kept for it, asked for at present or not."""
        return self.asks_for_login or bool(self.user_names)

    @property
    def priority_class(self) -> str:
        """The PriorityClass of the pods, empty for none."""
        return str(self.given.get("priority_class") or "")

    @property
    def is_fenced(self) -> bool:
        """Whether a NetworkPolicy keeps out whoever it does not name."""
        return bool(self.given.get("network_policy", True))

    @property
    def other_traefiks(self) -> Mapping[str, str]:
        """Which other Traefiks may ask it, ``allow`` or ``deny`` by namespace/name."""
        return self.given.get("other_traefiks") or {}

    @property
    def one_a_node(self) -> bool:
        """Whether no node may have two of them."""
        return str(self.given.get("when_unsatisfiable", DO_NOT_SCHEDULE)) == DO_NOT_SCHEDULE

    def containers(self) -> list[dict[str, Any]]:
        """The containers of a pod by what they ask for."""
        memory = str(self.given.get("memory", "192Mi"))
        proxy = {"resources": {"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"memory": memory}}}
        login = {"resources": {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"memory": memory}}}
        return [proxy, login] if self.asks_for_login else [proxy]

    def policy_of(
        self, path: str, host: str, check_hosts: Sequence[str], user_names: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The policy for a target that is asked that path with that Host header; the check asks about those hosts."""
        first, *more = check_hosts
        hidden = {"emergency_users": list(user_names)} if user_names else {}
        kind = self._kind | {"more_check_hosts": more} if self._kind else {}
        return {**self.policy, "path": path, "host": host, "check_host": first, **kind, **hidden}

    @property
    def _kind(self) -> dict[str, Any]:
        return _AUTHENTIK if self.given.get("authentik") else {}

    @property
    def check_failures(self) -> list[int]:
        """Statuses that the check takes for a failure and a request does not."""
        return list(self._kind.get("check_failures", ()))

    def fallback_of(self, host: str) -> str:
        """What the fallback does for a host: allow, basic or deny."""
        return str((self.policy.get("hosts") or {}).get(host, self.policy.get("default", "basic")))


def wishes_from(settings: Mapping[str, Any], proxies: Sequence[Mapping[str, Any]]) -> list[Wish]:
    """A wish for each of the list: the settings, and the entry's own where it has them."""
    return [replace(_wish({**settings, **entry}), own=frozenset(entry)) for entry in proxies]


def common_faults(wishes: Sequence[Wish]) -> list[tuple[str, str]]:
    """What is wrong with the wishes beside one another, by option."""
    places = [(wish.namespace, wish.name) for wish in wishes]
    twice = sorted({f"{namespace}/{name}" for namespace, name in places if places.count((namespace, name)) > 1})
    faults = [("proxies", f"{place} is there twice; give each a name of its own") for place in twice]
    return faults or _shared_secrets(wishes)


def _shared_secrets(wishes: Sequence[Wish]) -> list[tuple[str, str]]:
    """A Secret that two write is what the last of them wants, and a change of it rolls the pods of one only."""
    of: dict[str, list[str]] = {}
    for wish in wishes:
        if wish.has_login:
            of.setdefault(f"{wish.namespace}/{wish.users_secret}", []).append(wish.name)
    return [
        (
            "users_secret",
            f"Secret {place} is that of {' and '.join(names)}; each proxy has emergency logins of its own, so give "
            "each another name, or none, which is the proxy's name and -users",
        )
        for place, names in sorted(of.items())
        if len(names) > 1
    ]


def _wish(given: dict[str, Any]) -> Wish:
    faults: list[tuple[str, str]] = []
    known = _JUDGED | _PASSED_ON | _policy_options() | _POLICY_NAMES.keys()
    for option in sorted(given.keys() - known):
        faults.append(("proxies", f"{option} is no setting of a proxy; there are {', '.join(sorted(known))}"))
    for option in _NEEDED:
        if not given.get(option):
            faults.append((option, "is needed"))
    if given.get("name") and not _NAME.match(str(given["name"])):
        faults.append(("name", f"{given['name']!r} is no name for a Service: lower-case letters, digits and hyphens"))
    if given.get("kind") and given["kind"] not in BY_NAME:
        faults.append(("proxies", f"{given['kind']!r} is no kind of service; there are {', '.join(BY_NAME)}"))
    # A flag comes as text from the command line and from AWX; whatever reads it, the templates too, gets a bool.
    given |= {option: str(given[option]).lower() in _YES for option in _FLAGS if option in given}
    _check_shapes(given, faults)
    _check_numbers(given, faults)
    policy = _policy(given, faults)
    asks_for_login = "basic" in (policy.get("default", "basic"), *(policy.get("hosts") or {}).values())
    users = _users(given, faults, asks_for_login)
    kept = {key: value for key, value in given.items() if key not in _SECRETS}
    return Wish(kept, policy, tuple(users), tuple(faults))


def _users(given: Mapping[str, Any], faults: list[tuple[str, str]], asks_for_login: bool) -> list[str]:
    """The names of the emergency users. What is wrong with them is told without a password or a hash."""
    option, problems = "users", list[str]()
    text = str(given.get("htpasswd") or "")
    if text:
        option = "htpasswd"
        users, problems = ready_made(text, "the text")
    else:
        users = [str(user.get("name", "")) for user in given.get("users") or [] if user.get("state") != "absent"]
        problems = [] if ("users", _NO_USERS) in faults else user_problems(given.get("users") or [])
    if asks_for_login and given.get("hide_login", True) and not problems:
        problems = [
            f"{name!r} is a name that cannot be kept from applications: 1 to 100 printable ASCII characters without a "
            "colon can; choose another one, or set hide_login to false"
            for name in users
            if not USER_NAME.match(name)
        ]
    faults += [(option, problem) for problem in problems]
    if asks_for_login and not users and not problems and ("users", _NO_USERS) not in faults:
        faults.append(("fallback_policies", "basic asks for an emergency login, and there are no users for it"))
    return users


def _check_shapes(given: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    """What is no mapping or list where one has to be is told, and taken for an empty one by all that follows."""
    for option in ("middleware", "target", "node_selector"):
        if not isinstance(given.get(option) or {}, Mapping):
            faults.append((option, "expected a mapping"))
            given[option] = {}
    for option in ("hosts", "tolerations"):
        if not isinstance(given.get(option) or [], list):
            faults.append((option, "expected a list"))
            given[option] = []
    others = shape_faults(given.get("other_traefiks") or {})
    if others:
        faults += [("other_traefiks", words) for words in others]
        given["other_traefiks"] = {}
    users = given.get("users") or []
    if not isinstance(users, list) or not all(isinstance(user, Mapping) for user in users):
        faults.append(("users", _NO_USERS))
        given["users"] = []


def ready_made(text: str | bytes, where: str) -> tuple[list[str], list[str]]:
    """The users of an htpasswd text and what nginx cannot use of it. No hash is in the words."""
    try:
        lines = parse(text if isinstance(text, bytes) else text.encode(), where)
    except NotHtpasswd as error:
        return [], [str(error)]
    entries = [line for line in lines if line.user]
    problems = [] if entries else [f"{where} has no entry, so nobody could log in"]
    for number, line in enumerate(lines, start=1):
        scheme, cost = identify(line.hashed) if line.user else ("", None)
        if line.user and scheme not in SCHEMES:
            problems.append(f"{where}: the hash in line {number} is of no kind that nginx takes; use bcrypt")
        elif scheme == "bcrypt" and (cost or 0) >= SLOW_BCRYPT:
            problems.append(f"{where}: the bcrypt cost {cost} in line {number} takes over a second a login; use 10")
    return [line.user for line in entries], problems


def _policy_options() -> frozenset[str]:
    return frozenset(item.name for item in fields(Policy)) - {
        *("default", "hosts", "host", "query", "emergency_users", "more_check_hosts", "sticky"),
        *_AUTHENTIK,
    }


def _policy(given: Mapping[str, Any], faults: list[tuple[str, str]]) -> dict[str, Any]:
    policy = {option: given[option] for option in sorted(_policy_options()) if option in given}
    policy |= {theirs: given[ours] for ours, theirs in _POLICY_NAMES.items() if ours in given}
    policy = {option: value for option, value in policy.items() if option != "check_host"}
    try:
        policy_from(
            {
                "path": "/",
                **{key: value for key, value in policy.items() if value != ""},
                "host": "x",
                "check_host": given.get("check_host") or "x",
            }
        )
    except BadArgument as error:
        faults += [(_setting(option), words) for option, words in _SENTENCE.findall(str(error))]
    for option in ("hosts", "session_graces"):
        if not isinstance(policy.get(option) or {}, Mapping):
            policy[option] = {}
    return policy


def _setting(option: str) -> str:
    return next((ours for ours, theirs in _POLICY_NAMES.items() if theirs == option), option)


def _check_numbers(given: Mapping[str, Any], faults: list[tuple[str, str]]) -> None:
    limits = {"replicas": (1, 100), "port": (1024, 65535), "serve_on": (1, 600), "workers": (1, 64)}
    for option, (least, most) in limits.items():
        value = given.get(option, least)
        if isinstance(value, bool) or not str(value).isdigit() or not least <= int(value) <= most:
            faults.append((option, f"expected a number from {least} to {most}, got {value!r}"))
    if given.get("where_kept", REFUSE) not in (REFUSE, SWITCH):
        faults.append(("where_kept", f"{given['where_kept']!r} is neither {REFUSE} nor {SWITCH}"))
    spread = given.get("when_unsatisfiable", DO_NOT_SCHEDULE)
    if spread not in (DO_NOT_SCHEDULE, SCHEDULE_ANYWAY):
        faults.append(("when_unsatisfiable", f"{spread!r} is neither {DO_NOT_SCHEDULE} nor {SCHEDULE_ANYWAY}"))
