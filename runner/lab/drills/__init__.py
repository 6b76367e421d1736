"""Rehearsals of runbooks: what a RUN- file says under `drill` is done, watched and judged."""
