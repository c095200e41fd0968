#!/bin/sh
# Runs a command in a network of its own, which no other machine shares and which goes with it: the
# loopback and one interface with broadcasts. So programs in it may search for PVs by broadcast.
#   ownNetwork.sh COMMAND [ARGUMENT...]      as root on Linux
[ "$EPICS_EXPOSE_OWN_NETWORK" = inside ] ||
  EPICS_EXPOSE_OWN_NETWORK=inside exec unshare --net --mount "$0" "$@"
set -e
ip link set lo up
ip link add desk type veth peer name desk-peer
ip addr add 198.51.100.1/24 broadcast 198.51.100.255 dev desk
ip link set desk up
ip link set desk-peer up
ip route add default via 198.51.100.254 dev desk
exec "$@"
