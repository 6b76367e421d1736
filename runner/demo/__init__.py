"""The demo's environment: a real database, a small web shop and real hosts, private to one process and gone with it."""
