# Deletes the tag TAG that this run has made, here and at REMOTE where one is named; no other one.
[ -n "$run" ] || [ -z "$NUMBERED" ] || fail "only a run of runbookctl knows its tag: delete it by hand, git tag --list '$TAG'"
deleted=
for name in $(own_tags); do
  tag=$(git rev-parse "refs/tags/$name")
  if [ -n "$REMOTE" ]; then
    there=$(at_remote "refs/tags/$name")
    [ -z "$there" ] || [ "$there" = "$tag" ] || fail "the tag $name at $REMOTE was moved: it is not the one that this run has made"
    if [ -n "$there" ]; then
      ask_remote push --quiet --force-with-lease="refs/tags/$name:$tag" -- "$REMOTE" ":refs/tags/$name"
      there=$(at_remote "refs/tags/$name")
      [ -z "$there" ] || fail "$REMOTE has not deleted the tag $name"
    fi
  fi
  git update-ref -d "refs/tags/$name" "$tag"
  deleted="$deleted, \"$name\""
done
printf '{"deleted": [%s]}\n' "${deleted#, }"
