#!/bin/bash
# The observed machine: two ways out, and names for the far hosts. Run as root.
set -e
hostname gpu-07
sysctl -qw net.ipv4.conf.all.rp_filter=2 net.ipv4.tcp_congestion_control=cubic
for v in "wan0 10 198.18.10.2/24" "wan1 20 198.18.20.2/24"; do set -- $v
  ip link add link eth1 name $1 type vlan id $2; sysctl -qw net.ipv6.conf.$1.disable_ipv6=1
  ip addr add $3 dev $1; ip link set $1 up
  tc qdisc add dev $1 root handle 1: prio bands 2 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
  for net in 203.0.113.0/24 198.51.100.0/24 192.0.2.0/24; do tc filter add dev $1 parent 1: protocol ip prio 1 u32 match ip dst $net flowid 1:2; done
  tc qdisc add dev $1 parent 1:1 handle 10: pfifo limit 1000; done
tc qdisc add dev wan0 parent 1:2 handle 20: netem limit 20000 loss 0.4% rate 12mbit
tc qdisc add dev wan1 parent 1:2 handle 20: netem limit 20000 loss 1.4% rate 12mbit
ip route add default via 198.18.10.1 dev wan0 metric 100
ip route add default via 198.18.20.1 dev wan1 metric 200
cat >> /etc/hosts <<T
127.0.1.1 gpu-07
203.0.113.10 console.example.net
203.0.113.20 api.example.net
198.51.100.30 us-west.example.net
198.51.100.40 eu-central.example.net
192.0.2.50 storage.example.org
T
cat > /root/demo.toml <<T
targets = [
  { host = "console.example.net" },
  { host = "api.example.net" },
  { host = "us-west.example.net" },
  { host = "eu-central.example.net" },
  { host = "storage.example.org" },
  { host = "gateway" },
]
gpus = 8
T
