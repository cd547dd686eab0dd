"""`make demo`: the failure, the cure by the playbook harden, and the same measurements and drills before and after."""
