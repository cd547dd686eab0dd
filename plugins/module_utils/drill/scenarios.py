# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ways of failing that a drill can bring about, each with what is expected of a hardened cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ansible_collections.resilient.traefik.plugins.module_utils.drill.backend import (
    APPLICATION,
    BackendFault,
    retry_middlewares,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.context import Context
from ansible_collections.resilient.traefik.plugins.module_utils.drill.expectations import Expectations
from ansible_collections.resilient.traefik.plugins.module_utils.drill.faults import (
    Drained,
    Evicted,
    Fault,
    ScaledToZero,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.redirection import (
    HANG,
    NOWHERE,
    Misled,
    Redirected,
)
from ansible_collections.resilient.traefik.plugins.module_utils.drill.subject import (
    BOT_BLOCK_NAME,
    SIGN_ON_PATH,
    NotRun,
    Subject,
    pods_of,
)
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object, ObjectRef, ref_of
from ansible_collections.resilient.traefik.plugins.module_utils.proof.check import Check
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.wishes import seconds_of

# Traefik's answers when nobody answers its question, and when an application cannot be reached.
_FAILURES = (500, 502, 503, 504)
_FORWARDING = "serverstransport.forwardingtimeouts"
# What is expected where Traefik waits for ever, and where it dials for half a minute (seconds).
_SENSIBLE_TIMEOUT, _SENSIBLE_DIAL = 30.0, 2.0
# What a retry leaves of an application whose pods go at once. Seen in drills: at most two, on a busy machine.
_LEFT_BY_RETRY, _GONE = 2, (502, 504)
_WITHOUT_PRE_STOP = "this application has no preStop hook, which docs/retry.md advises"
_RETRIED = (
    f"but for {_LEFT_BY_RETRY} that a pod took and did not answer before it was gone, or that met it at each try: "
    f"{_WITHOUT_PRE_STOP}"
)
# A name's addresses are kept by the cluster's DNS for so long at most, and then by nginx.
_DNS_SECONDS = 45.0


class NoProxy(NotRun):
    """There is no proxy to break: what is expected of a hardened cluster is not there. ``check`` says so."""

    def __init__(self, subject: Subject) -> None:
        self.check = Check(
            "a proxy between Traefik and its ForwardAuth service",
            passed=False,
            expected="one",
            found=f"none: {subject}. Run harden first",
        )
        super().__init__(str(self.check))


@dataclass(frozen=True)
class Scenario:
    """One way of failing. ``path`` or ``name`` say whose middleware it is about: the path that is asked, or its name.

    ``of_the_proxy``: it is the proxy that fails, and who asks without one does not feel it.
    ``fault`` raises NotRun where there is nothing to break.
    """

    title: str
    fault: Callable[[Context], Fault]
    expectations: Callable[[Context], Expectations] = lambda context: Expectations()
    path: str = ""
    name: str = ""
    of_the_proxy: bool = False

    @property
    def has_subject(self) -> bool:
        """Whether it is about a ForwardAuth middleware."""
        return bool(self.path or self.name)


def _target(context: Context) -> Object:
    subject = _subject(context)
    if subject.workload is None:
        raise NotRun(f"{ref_of(subject.target)} selects the pods of no Deployment or StatefulSet: nothing to scale")
    return subject.workload


def _subject(context: Context) -> Subject:
    if context.subject is None:
        raise NotRun("this scenario is about a ForwardAuth middleware")
    return context.subject


def _proxy(context: Context) -> Object:
    subject = _subject(context)
    if subject.proxy is None:
        raise NoProxy(subject)
    return subject.proxy


def _redirected(mode: str) -> Callable[[Context], Fault]:
    def fault(context: Context) -> Fault:
        subject = _subject(context)
        if not subject.pod_port:
            raise NotRun(f"the port of the pods of {ref_of(subject.target)} cannot be told while none is there")
        # Where there is a proxy nothing but its own way to the target is touched.
        if subject.peers:
            return Redirected(context, subject.peers, subject.pod_port, mode)
        return Misled(context, subject.pod_port, mode)

    return fault


def _drained(context: Context) -> Fault:
    """By default the node of the last Traefik replica, with what the sites depend on."""
    workloads = [context.traefik.item, *_proxies(context)]
    wanted = str(context.params["node"] or "")
    nodes = sorted({replica.node for replica in context.traefik.replicas if replica.node})
    name = wanted or (nodes[-1] if nodes else "")
    node = context.client.find(ObjectRef("v1", "Node", name)) if name else None
    if node is None:
        raise NotRun(f"node: there is no node {name!r}" if name else "node: no Traefik replica runs on a node")
    if not any(replica.node == name for replica in context.traefik.replicas):
        raise NotRun(f"node: no Traefik replica runs on {name}; there are some on {', '.join(nodes)}")
    return Drained(context, node, workloads)


def _proxies(context: Context) -> list[Object]:
    """The proxies of this collection, and whom they stand before is left alone."""
    path = context.client.resource("apps/v1", "Deployment").path()
    selector = {"labelSelector": "app.kubernetes.io/part-of=resilient-traefik"}
    items: list[Object] = context.client.request("GET", path, query=selector, about="Deployments").get("items") or []
    found = [
        context.client.get(ObjectRef("apps/v1", "Deployment", each["metadata"]["name"], each["metadata"]["namespace"]))
        for each in items
    ]
    return [each for each in found if pods_of(context.client, each)]


def _replica_lost(context: Context) -> Fault:
    chosen = [str(context.params["replica"])] if context.params["replica"] else []
    names = [replica.name for replica in context.traefik.replicas]
    if chosen and chosen[0] not in names:
        raise NotRun(f"replica: {chosen[0]} is no replica of {context.traefik.ref}; there are {', '.join(names)}")
    return Evicted(context, context.traefik.item, 1, chosen)


def _backend(hangs: bool) -> Callable[[Context], Fault]:
    def fault(context: Context) -> Fault:
        middlewares = [] if hangs else retry_middlewares(context.client, context.traefik.ref.namespace)
        return BackendFault(context, hangs, middlewares)

    return fault


def _hung_backend(context: Context) -> Expectations:
    given = context.traefik.arguments.get(f"{_FORWARDING}.responseheadertimeout", "")
    seconds = seconds_of(given) or _SENSIBLE_TIMEOUT
    cut = {"visitor": APPLICATION, "status": [504]}
    return Expectations(longest_wait=seconds + 2, statuses=(cut,))


def _restarted_backend(context: Context) -> Expectations:
    """A pod that has gone is dialled until Traefik gives up, and then the retry asks another one; at worst twice.

    The drill's application has no preStop hook on purpose: it shows what the retry does by itself. None can be lost
    only where the application does its part, so a few may, and they are told. Without a retry nothing excuses them.
    """
    given = seconds_of(context.traefik.arguments.get(f"{_FORWARDING}.dialtimeout", "")) or _SENSIBLE_DIAL
    longest = 2 * min(given, _SENSIBLE_DIAL) + 2.5
    if not retry_middlewares(context.client, context.traefik.ref.namespace):
        return Expectations(longest_wait=longest, remark=f"no retry stands before it, and {_WITHOUT_PRE_STOP}")
    left = {"visitor": APPLICATION, "status": list(_GONE), "at_most": _LEFT_BY_RETRY}
    return Expectations(longest_wait=longest, statuses=(left,), remark=_RETRIED)


def _nobody_asks(_context: Context) -> Expectations:
    return Expectations(recovery=None)


def _slow_to_set_in(context: Context) -> Expectations:
    """Where a proxy finds pods by DNS, they are found again when the old answer has run out."""
    return Expectations(recovery=_DNS_SECONDS if _subject(context).proxy else Expectations.recovery)


def _all_lost(context: Context) -> Expectations:
    """The honest limit: guarded sites fail, at once, and nobody is let in; the rest goes on."""
    refused = {"guarded": True, "status": list(_FAILURES)}
    return replace(Expectations(longest_wait=5.0, recovery=30.0), statuses=(refused,))


SCENARIOS: dict[str, Scenario] = {
    "forward_auth_down": Scenario(
        "the sign-on service is gone", lambda context: ScaledToZero(context, _target(context)), path=SIGN_ON_PATH
    ),
    "forward_auth_hung": Scenario("the sign-on service hangs", _redirected(HANG), _slow_to_set_in, path=SIGN_ON_PATH),
    "forward_auth_unreachable": Scenario(
        "the sign-on service cannot be reached", _redirected(NOWHERE), _slow_to_set_in, path=SIGN_ON_PATH
    ),
    "bot_block_down": Scenario(
        "the bot blocker is gone", lambda context: ScaledToZero(context, _target(context)), name=BOT_BLOCK_NAME
    ),
    "proxy_restart": Scenario(
        "the proxies restart one after the other",
        lambda context: Evicted(context, _proxy(context)),
        path=SIGN_ON_PATH,
        of_the_proxy=True,
    ),
    "proxies_all_lost": Scenario(
        "all proxies are lost at once",
        lambda context: ScaledToZero(context, _proxy(context)),
        _all_lost,
        path=SIGN_ON_PATH,
        of_the_proxy=True,
    ),
    "replica_lost": Scenario("a Traefik replica is lost", _replica_lost, _nobody_asks),
    "node_drain": Scenario("a node is drained", _drained, _nobody_asks),
    "backend_hung": Scenario("an application hangs", _backend(hangs=True), _hung_backend),
    "backend_restart": Scenario("an application is restarted", _backend(hangs=False), _restarted_backend),
}
