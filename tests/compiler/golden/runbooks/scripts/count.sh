#!/bin/bash
# Counts the lines of a file: count.sh FILE. What looks like a template here, {{ this }}, is none.
lines=$(wc -l < "$1")
echo "${#lines} digit(s): $lines line(s)"
