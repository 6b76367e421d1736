"""Steps that deliver a release: a tag, a check-out, a pipeline, a word to those who wait for it."""
