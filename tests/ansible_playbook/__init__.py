"""One way for all tests to run ansible-playbook."""
