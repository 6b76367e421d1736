"""Programs that ask a service how it stands, beside a playbook: of Python's standard library alone, in any Python 3."""
