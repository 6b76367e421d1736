# Works in the git repository REPOSITORY, and asks nobody for anything: what needs a password fails.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
export GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true SSH_ASKPASS=true GCM_INTERACTIVE=never
export GIT_ALLOW_PROTOCOL=file:git:http:https:ssh LC_ALL=C
fail() { printf '%s\n' "$1" >&2; exit 1; }
in_one_line() { printf '%s' "$1" | grep -v '^hint:' | tr -d '\r' | tr -s '\n' ' '; }
short() { git rev-parse --short "$1"; }
# Runs git for REMOTE; what it prints is in $answer, and where it fails that is the reason.
ask_remote() {
  answer=$(git "$@" 2>&1 </dev/null) || fail "$REMOTE: $(in_one_line "$answer")"
}
# The object that REMOTE has by the name of a ref; empty where it has none.
at_remote() {
  ask_remote ls-remote -- "$REMOTE" "$1"
  printf '%s\n' "$answer" | awk -F '\t' -v ref="$1" '$2 == ref { print $1 }'
}
is_clean() {
  local changes
  changes=$(git status --porcelain --untracked-files=no)
  [ -z "$changes" ] || fail "$REPOSITORY has changes that are not committed: $(in_one_line "$changes")"
}
case $REMOTE in -*) fail "$REMOTE is no remote repository" ;; esac
cd -- "$REPOSITORY" || fail "there is no directory $REPOSITORY"
answer=$(git rev-parse --git-dir 2>&1) || fail "$REPOSITORY: ${answer%%$'\n'*}"
ssh=${GIT_SSH_COMMAND:-$(git config core.sshCommand || echo ssh)}
export GIT_SSH_COMMAND="$ssh -o BatchMode=yes -o ConnectTimeout=10"
run=${RUNBOOK_RUN_ID:-}
