"""The rules of lint: one file each, found by `runner.lint.engine`."""
