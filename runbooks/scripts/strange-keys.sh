#!/bin/bash
# Prints the lines of the file KEYS whose key for SSH is none of KNOWN, the middle words of public keys: strange-keys.sh
# Lines are compared by the key that sshd takes from them: what else stands there, its author has chosen.
set -euo pipefail
fingerprint() { # LINE, as in a file of public keys
  ssh-keygen -l -f - <<<"$1" | cut --delimiter=' ' --fields=2
}
whole() { # the line of a key, before which stands its type with a length of four bytes: RFC 4253, section 6.6
  length=$(base64 --decode <<<"$1" | od --address-radix=n --format=u1 --skip-bytes=3 --read-bytes=1)
  echo "$(base64 --decode <<<"$1" | tail --bytes=+5 | head --bytes="${length// /}") $1"
}
known=()
for key in $KNOWN; do
  known+=("$(fingerprint "$(whole "$key" 2>/dev/null)" 2>/dev/null)") || {
    echo "known_keys: $key is the middle word of no public key" >&2
    exit 1
  }
done
while IFS= read -r line || [ -n "$line" ]; do
  if [[ $line =~ ^[[:space:]]*(#|$) ]]; then continue; fi
  found=$(fingerprint "$line" 2>/dev/null) || found=none
  [[ " ${known[*]} " == *" $found "* ]] || printf '%s\n' "$line"
done <"$KEYS"
