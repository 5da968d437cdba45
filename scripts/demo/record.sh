#!/bin/bash
# Records the session of `longpipe demo` and makes its events, second by second.
#   NEAR='ssh root@gpu-07' FAR='ssh root@far' record.sh OUT.lps
# near.sh and far.sh have run there; both have iperf3, perftest and a Soft-RoCE device rxe0 on eth2, which leads from
# the one to the other (192.168.77.1 and .2); 10.99.0.2 is the far end's address on eth1.
set -e
OUT=$1 LENGTH=690 MORE=100
near() { $NEAR "$@"; }
far() { $FAR "$@"; }
run() { echo "systemd-run -q --collect --unit=$*;"; }
tcp() { near "systemctl stop tcp0 tcp1 2>/dev/null; $(run tcp0 iperf3 -c 203.0.113.10 -C "$1" -t 3600)
  $(run tcp1 iperf3 -c 198.51.100.30 --bind-dev wan1 -C cubic -t 3600)"; }
QUIET="-p Nice=19 -p CPUQuota=10% -p CPUQuotaPeriodSec=20ms"
COMMON="-d rxe0 -x 1 -F -m 4096 --tclass=106 -s 65536 -u 16 -D $((LENGTH + MORE))"
SLOW="--rate_units=g --burst_size=2 --rate_limit_type=SW 10.99.0.2"
wan() { far "tc qdisc change dev $1 parent 1:2 handle 20: netem limit 20000 delay $2 30% loss $3"; }
rdma() { near "tc qdisc replace dev eth2 root netem limit 20000 delay 40us $1"; }
at() { local wait=$((T0 + $1 - $(date +%s))); sleep $((wait > 0 ? wait : 0)); echo "$1 s: $2"; }

far "for host in console us-west; do $(run iperf-\$host ip netns exec \$host iperf3 -s) done
  $(run roce-write "$QUIET" ib_write_bw "$COMMON" -p 18601) $(run roce-read "$QUIET" ib_read_bw "$COMMON" -p 18603)"
rdma; sleep 2; tcp cubic
near "$(run roce-write "$QUIET" ib_write_bw "$COMMON" -p 18601 -t 2 --rate_limit=0.010 "$SLOW")
  $(run roce-read "$QUIET" ib_read_bw "$COMMON" -p 18603 -t 1 --rate_limit=0.004 "$SLOW")
  $(run rec -p Nice=-10 --setenv=LANG=C.UTF-8 longpipe record --quiet --config /root/demo.toml -o /root/demo.lps)"
until near "pgrep -f '[c]apture.helper'" >/dev/null; do sleep 1; done
sleep 25; T0=$(date +%s)
at 5 "baseline"
at 110 "wan0: 30 % loss, 45 ms more"; wan wan0 "135ms 12ms" 30%
at 155 "wan0: as before"; wan wan0 "90ms 3ms" 0.4%
at 190 "RoCE: 0.3 % loss of what this box sends"; rdma "loss 0.3%"
at 235 "us-west.example.net: silent"; far "ip -n core link set us-west down"
at 262 "us-west.example.net: back"
far "ip -n core link set us-west up; ip -n core route replace 198.51.100.30 via 198.18.1.14"
at 290 "RoCE: no loss"; rdma
at 320 "wan1: another gateway, 19 ms less"; wan wan1 "131ms 5ms" 1.4%
near "ip route replace default via 198.18.20.3 dev wan1 metric 200; ip route del default via 198.18.20.1 dev wan1" || true
at 370 "wan1: link down"; near "ip link set wan1 down"
at 398 "wan1: link up"
near "ip link set wan1 up; ip route add default via 198.18.20.3 dev wan1 metric 200"
at 430 "mark"; near "systemctl kill -s USR1 rec"
at 435 "BBR for the TCP flow over wan0"; tcp bbr
at 510 "mark"; near "systemctl kill -s USR1 rec"
at 530 "RoCE: 3 % of packets marked CE"; rdma "loss 3% ecn"
at 570 "RoCE: 0.4 % loss of what the far end sends"; rdma
far "tc qdisc replace dev eth2 root netem limit 20000 loss 0.4%"
at 615 "RoCE: clean"; far "tc qdisc del dev eth2 root"
at $LENGTH "end"; near "systemctl stop rec tcp0 tcp1 roce-write roce-read" || true
near "cat /root/demo.lps" > whole.lps
longpipe export whole.lps --from "$(date -d "@$T0" '+%F %T')" -o "$OUT"
