#!/bin/sh
# Makes deploy/.env with a password or key of 192 random bits for everything that compose.yaml needs. Keeps an existing
# file.
set -eu
file="$(dirname "$0")/.env"
[ -e "$file" ] && { echo "$file is there already"; exit 0; }
umask 077
random() { openssl rand -base64 24 | tr '+/' '-_'; }
for name in POSTGRES_PASSWORD CLICKHOUSE_PASSWORD ANALYST_PASSWORD; do echo "$name=$(random)"; done >"$file"
for role in VIEWER PUBLISHER OPERATOR APPROVER ADMIN; do
  echo "${role}_KEY=slw_$(echo "$role" | tr 'A-Z' 'a-z')_$(random)"
done >>"$file"
echo "wrote $file"
