#!/bin/sh
# Run a command in a network namespace with one cable to this machine: no default route, no
# reachable name server, no rights to change either.
#
#   walled.sh NAME COMMAND…         as root; NAME has at most 11 letters, one per worker
#
# The command sees this machine as NEAR only (default 10.203.0.1), where an allow-listing proxy and
# its other servers must listen. RUN_AS: its user; empty: root, without root's rights. See
# config/README.md.
set -eu
name=$1
shift
near=${NEAR:-10.203.0.1} far=${FAR:-10.203.0.2} run_as=${RUN_AS:-}

# Clean up however the command ends. The cable would disappear with the namespace, but later: the
# next one of that name could still find it.
trap 'ip link delete "$name-near" 2>/dev/null || :; ip netns delete "$name"' EXIT
ip netns add "$name"
ip link add "$name-near" type veth peer name "$name-far" netns "$name"
ip address add "$near/30" dev "$name-near"
ip link set "$name-near" up
ip -n "$name" address add "$far/30" dev "$name-far"
ip -n "$name" link set "$name-far" up
ip -n "$name" link set lo up

become=
[ -z "$run_as" ] || become="--reuid=$run_as --regid=$run_as --init-groups"
# With network rights the command could add the missing route.
# shellcheck disable=SC2086  # words, not one
ip netns exec "$name" setpriv $become --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"
