# Goes back to what was checked out before the run; what somebody has checked out since then stays.
kept=$(git rev-parse --git-dir)/runbook-checkout-${run:-none}-$(printf '%s' "$REF" | cksum | cut -d ' ' -f 1)
if [ -e "$kept" ]; then
  { read -r before; read -r commit; } <"$kept"
  now=$(git rev-parse HEAD)
  if [ "$now" = "$commit" ]; then
    is_clean
    git checkout --quiet "$before" -- </dev/null
  elif [ "$now" != "$(git rev-parse --verify --quiet "$before^{commit}")" ]; then
    fail "$REPOSITORY is at $(short "$now") by now, which this run has not checked out"
  fi
  rm "$kept"
fi
printf '{"commit": "%s"}\n' "$(git rev-parse HEAD)"
