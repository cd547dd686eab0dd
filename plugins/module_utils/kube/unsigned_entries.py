# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a journal may bring back that nobody signed: nothing that gives somebody rights. Pure.

Who may write Secrets in the journal's namespace could otherwise have the next rollback, which often runs as an
administrator, bind him a role.
"""

from __future__ import annotations

from ansible_collections.resilient.traefik.plugins.module_utils.kube.difference import content
from ansible_collections.resilient.traefik.plugins.module_utils.kube.journal_entries import Entry
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.ownership import is_ours

# The API groups whose objects say who may do what, or see and change what others send.
_GRANTING = frozenset(
    ("rbac.authorization.k8s.io", "admissionregistration.k8s.io", "certificates.k8s.io", "apiregistration.k8s.io")
)


def refused(entry: Entry, now: Object | None) -> str:
    """Why the entry is not followed without a signature, in words; empty where it is.

    Followed is what takes rights away, and what changes an object that this collection brought: the API server lets
    nobody put more into a role than he has himself.
    """
    group = entry.ref.api_version.rpartition("/")[0]
    if group not in _GRANTING or entry.before is None or is_ours(now):
        return ""
    if now is not None and content(now) == content(entry.before):
        return ""
    return "gives rights, and is written only by a journal that is signed, see journal_key"
