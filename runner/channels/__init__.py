"""The shelf of channels: how a person is called, one file each, found by looking."""
