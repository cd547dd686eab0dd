#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Manages the entries of an htpasswd text."""

from __future__ import annotations

DOCUMENTATION = r"""
module: htpasswd
short_description: Manage the entries of an htpasswd text in a Secret or a file
description:
  - Adds, changes and removes users. Comments, the order of the entries and everything about other users stay as they
    are, byte for byte.
  - An entry stays as it is when its hash belongs to the password and has the wanted scheme and cost.
  - A user without a password gets a generated one (140 random bits), which is kept in a Secret or folder of its own and
    never part of a result.
  - Neither a password nor a hash is shown anywhere, in errors and diffs neither.
  - Which scheme nginx, Traefik and Apache take, and what a check costs, is measured in C(docs/htpasswd.md) of this
    collection.
version_added: 0.1.0
author: The resilient.traefik authors (@resilient)
options:
  users:
    description: The users.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The user name. At most 255 bytes, without colon and control characters, not beginning with C(#).
        type: str
        required: true
      password:
        description:
          - The password. At most 72 bytes for V(bcrypt), 255 for the others.
          - Without it, the stored generated password counts. Where there is none either, an existing entry stays as it
            is, and a user without an entry gets a generated password.
          - A stored generated password is removed when one is given here.
        type: str
      state:
        description: Whether the user is to have an entry. V(absent) removes a stored generated password too.
        type: str
        choices: [present, absent]
        default: present
      rotation:
        description:
          - A mark of your choice, such as V(2026-11). It is stored beside the generated password, and when it is
            another one than the stored mark, a new password is generated.
          - A mark that is given for the first time counts as another one.
        type: str
      password_key:
        description:
          - The key in O(password_secret), or the file in O(password_dir), of the generated password. C(password-)
            followed by the user name by default.
          - Needed for user names with other characters than letters, digits, C(-), C(_) and C(.).
        type: str
  exclusive:
    description: Whether users that are not listed in O(users) are removed.
    type: bool
    default: false
  scheme:
    description:
      - How passwords are hashed.
      - nginx takes all four, Apache all but V(ssha), Traefik V(bcrypt) and V(apr1).
    type: str
    choices: [bcrypt, sha512_crypt, apr1, ssha]
    default: bcrypt
  cost:
    description:
      - For V(bcrypt) 4 to 31, 10 by default. Every step doubles the time of a check; 14 keeps a core busy for about a
        second, and 31 for more than a day.
      - For V(sha512_crypt) the rounds, 1000 to 999999, 5000 by default.
      - The other schemes have none.
    type: int
  secret:
    description: Name of the Secret that holds the text. Created when it does not exist.
    type: str
  namespace:
    description: Namespace of the Secrets. Needed with O(secret).
    type: str
  key:
    description: Key of the text in the Secret. Other keys are left alone.
    type: str
    default: users
  password_secret:
    description:
      - Name of the Secret that holds generated passwords. The name in O(secret) followed by C(-passwords) by default.
      - It must be another one than O(secret).
    type: str
  path:
    description:
      - File that holds the text, on the host that the task runs for. Created when it does not exist, and replaced in
        one step; owner and group stay.
    type: path
  mode:
    description:
      - Permissions of the file in O(path), as octal digits in quotes. Those of an existing file stay by default, and a
        new one gets V('0600').
    type: raw
  password_dir:
    description:
      - Folder that holds generated passwords, one file each, for the owner alone. Only with O(path).
      - Without it, every user who has no entry in the file needs a password.
    type: path
extends_documentation_fragment:
  - resilient.traefik.connection
  - resilient.traefik.writing
attributes:
  check_mode:
    description: Nothing is written. With O(secret) the API server is asked whether it would take the change.
    support: full
  diff_mode:
    description: Shows which users are added, changed or removed, and which stored passwords. No hash, no password.
    support: full
requirements:
  - libpass >= 1.9.4
  - bcrypt >= 5.0
notes:
  - With O(path) nothing of the connection to a cluster is used, and O(run_id) has no effect.
seealso:
  - module: resilient.traefik.apply
"""

EXAMPLES = r"""
- name: Give the emergency login a password that only the cluster knows
  resilient.traefik.htpasswd:
    secret: emergency-login
    namespace: traefik
    users:
      - name: ops

- name: Give it a new one every month
  resilient.traefik.htpasswd:
    secret: emergency-login
    namespace: traefik
    users:
      - name: ops
        rotation: "2026-11"

- name: These users and no others, with passwords from the vault
  resilient.traefik.htpasswd:
    secret: dashboard-login
    namespace: traefik
    exclusive: true
    users:
      - name: alice
        password: "{{ vault_alice_password }}"
      - name: bob
        password: "{{ vault_bob_password }}"

- name: A file for an nginx of this machine
  resilient.traefik.htpasswd:
    path: /etc/nginx/htpasswd
    mode: "0640"
    password_dir: /root/nginx-passwords
    users:
      - name: ops
      - name: formerly
        state: absent
"""

RETURN = r"""
users:
  description: What became of every user listed, and with O(exclusive=true) of those removed.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The user name.
      type: str
      sample: ops
    change:
      description: V(added), V(changed), V(removed), V(kept), or V(absent) when there was nothing to remove.
      type: str
      sample: added
    reason:
      description: Why.
      type: str
      sample: no entry yet
    password:
      description:
        - Where the password comes from. V(given), V(generated) by this task, V(stored) by an earlier one, V(unknown)
          for an entry that stays as it is, empty for a user without an entry.
      type: str
      sample: generated
    password_key:
      description: Where the generated password is kept. Empty for others.
      type: str
      sample: password-ops
results:
  description: What became of the Secrets, as in M(resilient.traefik.apply).
  returned: with O(secret)
  type: list
  elements: dict
path:
  description: The file.
  returned: with O(path)
  type: str
"""

from ansible_collections.resilient.traefik.plugins.module_utils.as_module import run_as_module
from ansible_collections.resilient.traefik.plugins.module_utils.htpasswd import body, wishes
from ansible_collections.resilient.traefik.plugins.module_utils.task import ModuleSpec

SPEC = ModuleSpec(
    body.run,
    wishes.OPTIONS,
    writes=True,
    # A file needs no cluster; what a Secret needs, the client asks for itself.
    libraries=(),
    mutually_exclusive=[["secret", "path"]],
    required_one_of=[["secret", "path"]],
    required_by={"secret": ["namespace"]},
)


def main() -> None:
    """Runs the module."""
    run_as_module(SPEC)


if __name__ == "__main__":
    main()
