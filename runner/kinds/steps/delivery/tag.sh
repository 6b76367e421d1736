# A run finds the tag that it has made by a line in its message, so that it makes no second one, and deletes no other.
line="Runbook-Run: ${run:-none}"
own_tags() {
  git for-each-ref --format='%01%(refname:strip=2)%0a%(contents)' "refs/tags/$TAG" |
    awk -v line="$line" '/^\001/ { name = substr($0, 2) } $0 == line { print name }'
}
case $TAG in *[!A-Za-z0-9._/+@*-]* | -* | *'*'*'*'*) fail "$TAG is no name for a tag" ;; esac
[ -n "$NUMBERED" ] || case $TAG in *'*'*) fail "$TAG is no name for a tag" ;; esac
git check-ref-format "refs/tags/${TAG/'*'/1}" || fail "$TAG is no name for a tag"
if [ -n "$REMOTE" ]; then
  ask_remote ls-remote -- "$REMOTE" "refs/tags/$TAG"
  if printf '%s\n' "$answer" | grep -q "$(printf '\t')refs/tags/"; then
    git fetch --quiet --no-tags -- "$REMOTE" "refs/tags/$TAG:refs/tags/$TAG" </dev/null 2>/dev/null ||
      fail "a tag $TAG at $REMOTE was moved: it is not the one of that name here"
  fi
fi
