"""The only user of ansible-runner: a supervised process for each invocation."""
