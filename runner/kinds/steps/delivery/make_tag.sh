# Makes the tag TAG of the commit AT, and sends it alone to REMOTE where one is named. A * in TAG is the next number.
case $AT in -*) fail "$AT is no commit" ;; esac
commit=$(git rev-parse --verify --quiet "$AT^{commit}") || fail "$REPOSITORY has no commit $AT"
[ "$AT" != HEAD ] || is_clean
if [ -n "$BRANCH" ]; then
  there=$(at_remote "refs/heads/$BRANCH")
  [ -n "$there" ] || fail "$REMOTE has no branch $BRANCH"
  if [ "$there" != "$commit" ]; then
    ask_remote fetch --quiet --no-tags -- "$REMOTE" "refs/heads/$BRANCH"
    ahead=$(git rev-list --count "$there..$commit") behind=$(git rev-list --count "$commit..$there")
    fail "$AT is not the newest commit of $BRANCH at $REMOTE: $ahead of its commits are not there, $behind of those are not here"
  fi
fi
git var GIT_COMMITTER_IDENT >/dev/null 2>&1 || export GIT_COMMITTER_NAME=runbook GIT_COMMITTER_EMAIL=runbook@localhost
made=false
for attempt in 1 2 3 4 5; do
  name=$([ -z "$run" ] || own_tags | tail -n 1)
  [ -z "$name" ] || made=true
  if [ -z "$name" ] && [ -n "$NUMBERED" ]; then
    before=${TAG%%'*'*} after=${TAG#*'*'}
    last=$({ git for-each-ref --format='%(refname:strip=2)' "refs/tags/$TAG"; echo "${before}0$after"; } |
      awk -v before="$before" -v after="$after" \
        '{ n = substr($0, length(before) + 1, length($0) - length(before) - length(after)) } n ~ /^[0-9]+$/ && n + 0 > last { last = n + 0 } END { print last + 0 }')
    name=$before$((last + 1))$after
  fi
  name=${name:-$TAG}
  if tag=$(git rev-parse --verify --quiet "refs/tags/$name"); then
    is=$(git rev-parse "refs/tags/$name^{commit}")
    [ "$is" = "$commit" ] || fail "the tag $name is there already, at $(short "$is") and not at $(short "$commit")"
  else
    git -c tag.gpgSign=false tag --annotate --message "$MESSAGE" --message "$line" "$name" "$commit"
    tag=$(git rev-parse "refs/tags/$name") made=true
  fi
  [ -n "$REMOTE" ] || break
  there=$(at_remote "refs/tags/$name")
  [ "$there" != "$tag" ] || break
  [ "$made" = true ] || fail "the tag $name is here already, and not at $REMOTE: this run has not made it, and does not send it"
  if answer=$(git push --quiet --no-follow-tags --recurse-submodules=no -- "$REMOTE" "refs/tags/$name" 2>&1 </dev/null); then
    break
  fi
  there=$(at_remote "refs/tags/$name")
  # Somebody has sent one with this number first: another number is taken.
  if [ -z "$there" ] || [ -z "$NUMBERED" ] || [ "$attempt" = 5 ]; then
    fail "$REMOTE: $(in_one_line "$answer")"
  fi
  git update-ref -d "refs/tags/$name" "$tag"
  ask_remote fetch --quiet --no-tags -- "$REMOTE" "refs/tags/$TAG:refs/tags/$TAG"
  made=false
done
if [ -n "$REMOTE" ]; then
  there=$(at_remote "refs/tags/$name")
  [ "$there" = "$tag" ] || fail "$REMOTE has not kept the tag $name"
fi
printf '{"tag": "%s", "commit": "%s", "made": %s}\n' "$name" "$commit" "$made"
