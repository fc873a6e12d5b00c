#!/bin/sh
# Makes the servers that it is given one cluster, three with a replica each, and goes on watching: nodes know each
# other by address, and an engine that starts them again gives them new ones. Healthy while the cluster is whole.
set -eu

REDISCLI_AUTH=$(cat /settings/cluster)
export REDISCLI_AUTH

address() { getent hosts "$1" | awk '{ print $1 }'; }

addresses() { for node; do echo "$(address "$node"):6379"; done; }

# How many nodes this one sees that neither fail nor are still shaking hands.
seen() { redis-cli --user cluster -h "$1" cluster nodes | grep -cvE 'fail|handshake|noaddr'; }

is_whole() {
  for node; do [ "$(seen "$node")" = $# ] || return 1; done
  redis-cli --user cluster -h "$1" cluster info | grep -q cluster_state:ok
}

is_new() {
  for node; do redis-cli --user cluster -h "$node" cluster info | grep -q cluster_slots_assigned:0 || return 1; done
}

introduce() {
  for node; do
    for other in $(addresses "$@"); do redis-cli --user cluster -h "$node" cluster meet "${other%:*}" 6379 > /dev/null; done
  done
}

if [ "${1:-}" = --check ]; then
  shift
  is_whole "$@"
  exit
fi

trap 'exit 0' TERM INT
while true; do
  if is_new "$@"; then
    # shellcheck disable=SC2046 # one argument each
    redis-cli --user cluster --cluster create $(addresses "$@") --cluster-replicas 1 --cluster-yes || true
  elif ! is_whole "$@"; then
    introduce "$@" || true
  fi
  sleep 5 &
  wait $!
done
