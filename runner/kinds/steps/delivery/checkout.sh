# Checks out exactly the commit of REF, a tag, a branch or a commit; with REMOTE as it stands there. No branch is moved.
# What was checked out before is kept in a file of the repository, so that the run can go back to it.
case $REF in -* | '') fail "$REF is no tag, branch or commit" ;; esac
kept=$(git rev-parse --git-dir)/runbook-checkout-${run:-none}-$(printf '%s' "$REF" | cksum | cut -d ' ' -f 1)
is_clean
if [ -n "$REMOTE" ]; then
  tag=$(at_remote "refs/tags/$REF")
  commit=$(at_remote "refs/heads/$REF")
  if [ -n "$tag" ]; then
    here=$(git rev-parse --verify --quiet "refs/tags/$REF" || true)
    [ -z "$here" ] || [ "$here" = "$tag" ] || fail "the tag $REF at $REMOTE was moved: it is not the one of that name here"
    ask_remote fetch --quiet --no-tags -- "$REMOTE" "refs/tags/$REF:refs/tags/$REF"
    commit=$(git rev-parse "$tag^{commit}")
  elif [ -n "$commit" ]; then
    ask_remote fetch --quiet --no-tags -- "$REMOTE" "refs/heads/$REF"
    if git show-ref --verify --quiet "refs/heads/$REF"; then
      ahead=$(git rev-list --count "$commit..refs/heads/$REF")
      [ "$ahead" = 0 ] || fail "the branch $REF has diverged: $ahead of its commits are not at $REMOTE"
    fi
  else
    commit=$(git rev-parse --verify --quiet "$REF^{commit}") || fail "$REMOTE has no tag or branch $REF, and there is no such commit here"
    [ "${commit#"$REF"}" != "$commit" ] || fail "$REMOTE has no tag or branch $REF"
  fi
else
  commit=$(git rev-parse --verify --quiet "$REF^{commit}") || fail "$REPOSITORY has no tag, branch or commit $REF"
fi
if [ ! -e "$kept" ]; then
  printf '%s\n%s\n' "$(git symbolic-ref --quiet --short HEAD || git rev-parse HEAD)" "$commit" >"$kept.new"
  mv "$kept.new" "$kept"
fi
git checkout --quiet --detach "$commit" </dev/null
printf '{"commit": "%s", "previous": "%s"}\n' "$commit" "$(head -n 1 "$kept" | tr -d '"\\')"
