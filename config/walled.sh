#!/bin/sh
# Run a command in a network namespace that has no way out but one cable to this machine: no
# default route, no name server that can be reached, no rights to change either.
#
#   walled.sh NAME COMMAND…         as root; NAME has at most 11 letters, one per worker
#
# The command sees this machine as NEAR (10.203.0.1 unless set), where an allow-listing proxy and
# whatever else it may talk to must listen, and nothing else of it. RUN_AS: the user that it runs
# as; empty: root, without any of root's rights. See config/README.md.
set -eu
name=$1
shift
near=${NEAR:-10.203.0.1} far=${FAR:-10.203.0.2} run_as=${RUN_AS:-}

# Nothing of this stays, however the command ends. The cable would go with the namespace, but some
# time after it: the next one of that name could find it still there.
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
# Whoever kept a right to the network could add the route that is missing.
# shellcheck disable=SC2086  # words, not one
ip netns exec "$name" setpriv $become --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"
