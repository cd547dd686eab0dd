"""`make demo`: the failure, the cure by the playbook harden, and both measured through every Traefik replica."""
