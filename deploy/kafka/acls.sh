#!/bin/sh
# Grants the rights in acls.txt by Kafka's own kafka-acls.sh:
#   sh deploy/kafka/acls.sh BROKER:PORT --command-config admin.properties
# KAFKA_ACLS is the path of that program if it is not on the PATH. TOPIC_PREFIX (`staging.`), if the deployment has one,
# is put before every topic, group and user. May be run again: existing rights are kept.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 BROKER:PORT [option of kafka-acls.sh ...]" >&2; exit 64; }
list="$(cd "$(dirname "$0")" && pwd)/acls.txt"
server="$1"
prefix="${TOPIC_PREFIX:-}"
shift
while read -r principal operation resource pattern names; do
  set_names=""
  for name in $names; do set_names="$set_names --$resource $prefix$name"; done
  # shellcheck disable=SC2086 # a list of options
  "${KAFKA_ACLS:-kafka-acls.sh}" --bootstrap-server "$server" "$@" --add \
    --allow-principal "User:${prefix}slipway-$principal" --operation "$operation" \
    --resource-pattern-type "$pattern" $set_names </dev/null
done <"$list"
