#!/bin/sh
# A long lossy path on one machine: this box -- lp-mid -- lp-far, 150 ms there and back, 1 % loss on the way there.
# As root, on a machine that may be changed; needs ip, tc with netem, ethtool, iperf3.
#   long-path.sh up                 make it; the far end is 198.18.99.2
#   long-path.sh flow SECONDS       one TCP flow to the far end; prints Mb/s as the receiver counted them
#   long-path.sh flows SECONDS      new flows one after the other, until killed: what a box with transfers looks like
#   long-path.sh down               take it away
set -e
far=198.18.99.2
delay=75ms loss=1% rate=${RATE:-50mbit}

inside() { ip netns exec "$@"; }

flow() {
    iperf3 --client $far --time "$1" --json | sed -n '/"sum_received"/,/}/s/.*"bits_per_second":[^0-9]*\([0-9.e+]*\).*/\1/p' |
        awk '{ printf "%.2f\n", $1 / 1e6 }'
}

case $1 in
up)
    ip netns add lp-mid
    ip netns add lp-far
    ip link add lp0 type veth peer name near netns lp-mid
    ip -n lp-mid link add far type veth peer name lp0 netns lp-far
    # One packet is one packet: a loss must not take 64 kB at once.
    ethtool -K lp0 tso off gso off > /dev/null
    inside lp-mid ethtool -K near gro off tso off gso off > /dev/null
    inside lp-mid ethtool -K far gro off tso off gso off > /dev/null
    inside lp-far ethtool -K lp0 tso off gso off > /dev/null
    ip address add 198.18.98.1/30 dev lp0
    ip -n lp-mid address add 198.18.98.2/30 dev near
    ip -n lp-mid address add 198.18.99.1/30 dev far
    ip -n lp-far address add $far/30 dev lp0
    ip link set lp0 up
    for link in near far lo; do ip -n lp-mid link set $link up; done
    for link in lp0 lo; do ip -n lp-far link set $link up; done
    ip route add 198.18.99.0/30 via 198.18.98.2
    ip -n lp-far route add default via 198.18.99.1
    inside lp-mid sysctl -qw net.ipv4.ip_forward=1
    inside lp-mid tc qdisc add dev far root netem limit 20000 delay $delay loss $loss rate "$rate"
    inside lp-mid tc qdisc add dev near root netem limit 20000 delay $delay
    inside lp-far iperf3 --server --daemon
    ;;
flow) flow "$2" ;;
flows) while :; do flow "$2" || sleep 1; done ;;
down)
    for pid in $(ip netns pids lp-far); do kill "$pid"; done
    ip netns del lp-far
    ip netns del lp-mid
    ;;
*) sed -n '2,8p' "$0" ;;
esac
