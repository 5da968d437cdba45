#!/bin/bash
# The far end: two carriers, a core and five hosts in network namespaces. Run as root on the second machine, whose
# eth1 is the line for probes and TCP; eth2, with a Soft-RoCE device on it, is the line for RDMA.
set -e
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
for v in "wan0 10 198.18.10.1/24" "wan1 20 198.18.20.1/24"; do set -- $v
  ip link add link eth1 name $1 type vlan id $2; sysctl -qw net.ipv6.conf.$1.disable_ipv6=1
  ip addr add $3 dev $1; ip link set $1 up; done
ip addr add 198.18.20.3/24 dev wan1
ip netns add core; ip link add core0 type veth peer name up0 netns core
ip addr add 198.18.0.1/30 dev core0; ip link set core0 up
ip -n core addr add 198.18.0.2/30 dev up0; ip -n core link set up0 up; ip -n core link set lo up
ip -n core route add default via 198.18.0.1; ip netns exec core sysctl -qw net.ipv4.ip_forward=1
n=0
while read name address delay; do n=$((n+1))
  ip netns add $name; ip -n core link add $name type veth peer name eth0 netns $name
  ip -n core addr add 198.18.1.$((4*n+1))/30 dev $name; ip -n core link set $name up
  ip -n $name addr add 198.18.1.$((4*n+2))/30 dev eth0; ip -n $name link set lo up
  ip -n $name addr add $address/32 dev lo; ip -n $name link set eth0 up
  ip -n $name route add default via 198.18.1.$((4*n+1)); ip -n core route add $address via 198.18.1.$((4*n+2))
  ip netns exec $name tc qdisc add dev eth0 root netem limit 20000 delay $delay
  ip route add $address via 198.18.0.2
done <<T
console 203.0.113.10 32ms 1ms
api 203.0.113.20 38ms 2ms
us-west 198.51.100.30 52ms 3ms
eu-central 198.51.100.40 11ms 1ms
storage 192.0.2.50 24ms 2ms
T
for i in wan0 wan1; do   # the gateway itself answers at once: what comes from beyond it waits
  tc qdisc add dev $i root handle 1: prio bands 2 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
  for net in 203.0.113.0/24 198.51.100.0/24 192.0.2.0/24; do tc filter add dev $i parent 1: protocol ip prio 1 u32 match ip src $net flowid 1:2; done
  tc qdisc add dev $i parent 1:1 handle 10: pfifo limit 1000; done
tc qdisc add dev wan0 parent 1:2 handle 20: netem limit 20000 delay 90ms 3ms 30% loss 0.4%
tc qdisc add dev wan1 parent 1:2 handle 20: netem limit 20000 delay 150ms 7ms 30% loss 1.4%
