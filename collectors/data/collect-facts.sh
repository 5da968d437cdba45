#!/bin/sh
# Collects what longpipe reads of a Linux box into one archive, for a box that has no longpipe:
#
#     sudo sh collect-facts.sh [-p SECONDS] [FILE.tar.gz]
#     longpipe tune plan --facts FILE.tar.gz
#
# It changes nothing and sends nothing. Needs sh, coreutils and tar; what ip, tc, ss, ethtool, rdma, dcb, lspci and
# nstat tell is added where they are. Without root some things stay unknown. Counters are read twice, SECONDS apart.
# The archive is readable by you alone. It holds addresses and names as they are, and no secrets: no keys, no
# configuration of the network, and of the environment of processes only NCCL_ and UCX_ variables.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -u
umask 077
LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH

pause=5
while getopts p: option; do
	case $option in
	p) pause=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
out=${1:-longpipe-facts-$(date +%Y%m%dT%H%M%S).tar.gz}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
box=$work/box
tree=$box
mkdir -p "$tree/cmd" || exit 1
unreadable=

# Names of the functions' own variables begin with _: sh has no others.

# copy FILE...: as they are; what there is but cannot be read is noted
copy() {
	for _path; do
		[ -e "$_path" ] && [ ! -d "$_path" ] || continue
		[ -d "$tree${_path%/*}" ] || mkdir -p "$tree${_path%/*}"
		cat "$_path" >"$tree$_path" 2>/dev/null || refused "$_path"
	done
}

# line FILE...: likewise, for many files of a few lines: one process for all. The kernel gives some files only to who
# reads them at once, which the shell does not.
line() {
	_path=
	head -n 50 /dev/null "$@" 2>/dev/null | while IFS= read -r _text; do
		case $_text in
		'==> /dev/null <==') _path= ;;
		'==> /'*' <==')
			_path=${_text#==> }
			_path=${_path% <==}
			;;
		*) [ -n "$_path" ] || continue ;;
		esac
		case $_text in
		'==> /'*' <==') ;;
		?*)
			[ -d "$tree${_path%/*}" ] || mkdir -p "$tree${_path%/*}"
			printf '%s\n' "$_text" >>"$tree$_path"
			;;
		*) [ -f "$tree$_path" ] || { mkdir -p "$tree${_path%/*}" && : >"$tree$_path"; } ;;
		esac
	done
}

refused() {
	rm -f "$tree$1"
	unreadable="$unreadable${unreadable:+, }\"$1\": \"Permission denied\""
}

# mark PATH...: only that it is there
mark() {
	for _path; do
		if [ -d "$_path" ]; then
			mkdir -p "$tree$_path"
		elif [ -e "$_path" ]; then
			mkdir -p "$tree${_path%/*}" && : >"$tree$_path"
		fi
	done
}

# link PATH: a symbolic link by where it points
link() {
	[ -L "$1" ] || return 0
	mkdir -p "$tree${1%/*}" && ln -sf "$(readlink "$1")" "$tree$1"
}

# root PROCESS: what it has for "/", which tells a container from the host; no other mount is anybody's business
root() {
	mkdir -p "$tree/proc/$1"
	while read -r _id _parent _device _top _place _rest; do
		[ "$_place" = / ] && printf '%s\n' "$_id $_parent $_device $_top $_place $_rest"
	done <"/proc/$1/mountinfo" >"$tree/proc/$1/mountinfo"
}

# run COMMAND...: what it prints, and in the index what it was
run() {
	_file=$(printf %s "$*" | tr -cs A-Za-z0-9 _)
	mkdir -p "$tree/cmd"
	if command -v "$1" >/dev/null 2>&1; then
		$limit "$@" >"$tree/cmd/$_file.txt" 2>"$work/err" </dev/null
		_status=$?
	else
		: >"$tree/cmd/$_file.txt" >"$work/err"
		_status=127
	fi
	_said=$(head -n 1 "$work/err" | tr -cd ' !#-[]-~')
	printf '%s "%s": {"argv": "%s", "exit": %d, "stderr": "%s"}\n' \
		"$([ -s "$tree/cmd/index" ] && echo ,)" "$_file" "$*" "$_status" "$_said" >>"$tree/cmd/index"
}

limit=
command -v timeout >/dev/null 2>&1 && limit='timeout 10'

interfaces=
cards=
for path in /sys/class/net/*; do
	name=${path##*/}
	case $name in
	lo | *[!A-Za-z0-9_.:@-]*) continue ;;
	esac
	[ -f "$path/ifindex" ] || continue
	if [ -d "$path/device" ]; then
		cards="$cards $name"
	elif [ -d "$path/brport" ]; then
		continue
	fi
	interfaces="$interfaces $name"
done

# counters: one reading of what grows
counters() {
	line /proc/uptime
	copy /proc/stat /proc/softirqs /proc/net/snmp /proc/net/netstat /proc/net/dev /proc/net/softnet_stat
	for name in $cards; do
		path=/sys/class/net/$name
		mark "$path/device"
		line "$path/ifindex" "$path/carrier" "$path/statistics/rx_missed_errors" "$path/statistics/rx_fifo_errors"
		run ethtool -S "$name"
	done
	for path in /sys/class/infiniband/*; do
		line "$path/parent"
		link "$path/device/driver"
		for port in "$path"/ports/*; do
			line "$port/rate" "$port/state" "$port/link_layer" "$port/gid_attrs/ndevs/0"
			line "$port"/counters/* "$port"/hw_counters/*
		done
	done
}

system() {
	copy /etc/os-release /etc/tuned/active_profile /run/systemd/container /proc/cpuinfo /proc/meminfo /proc/modules
	copy /proc/version /proc/self/limits /proc/1/cgroup /proc/interrupts /proc/driver/nvidia/version
	link /proc/self/ns/pid
	for process in self 1; do
		[ -r "/proc/$process/mountinfo" ] && root "$process"
	done
	line /proc/sys/kernel/osrelease /sys/hypervisor/type /sys/devices/system/node/node*/cpulist
	line /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name /sys/class/dmi/id/bios_vendor
	mark /run /run/tuned /run/NetworkManager /run/systemd/netif/links /run/systemd/system /run/netplan /etc/netplan
	mark /run/cloud-init /run/network/ifstate /run/.containerenv /.dockerenv /proc/xen /sys/bus /sys/class
	mark /sys/class/infiniband /sys/bus/pci/devices /proc/driver/nvidia/gpus /proc/driver/nvidia/gpus/*
	mark /var/run/secrets/kubernetes.io /sys/class/net
	for name in tcp_bbr sch_fq sch_fq_codel sch_cake sch_htb cls_u32 nf_conntrack rdma_rxe nvidia_peermem; do
		mark "/sys/module/$name"
	done
	modules=/lib/modules/$(uname -r)
	for path in "$modules/modules.builtin" "$modules/modules.dep"; do
		[ -f "$path" ] || continue
		mkdir -p "$tree$modules"
		while read -r text; do
			case $text in
			*tcp_bbr.* | *sch_fq* | *sch_cake* | *sch_htb* | *cls_u32* | *nf_conntrack.* | *rdma_rxe.* | *nvidia*peermem*)
				printf '%s\n' "${text%%:*}:" ;;
			esac
		done <"$path" >"$tree$path"
	done
	{
		[ -z "${SSH_CONNECTION+set}${SUDO_USER+set}" ] && echo SSH_CONNECTION=
		[ -n "${SSH_CONNECTION+set}" ] && echo "SSH_CONNECTION=$SSH_CONNECTION"
		[ -n "${KUBERNETES_SERVICE_HOST+set}" ] && echo KUBERNETES_SERVICE_HOST=set
		[ -n "${container+set}" ] && echo "container=$container"
	} >"$tree/cmd/env.txt"
	run getconf PAGESIZE
	run uname -a
}

sysctls() {
	for name in tcp_rmem tcp_wmem tcp_mem udp_mem tcp_congestion_control tcp_available_congestion_control \
		tcp_allowed_congestion_control tcp_slow_start_after_idle tcp_notsent_lowat tcp_mtu_probing \
		tcp_max_syn_backlog tcp_timestamps tcp_window_scaling tcp_sack tcp_adv_win_scale tcp_moderate_rcvbuf \
		tcp_fastopen tcp_no_metrics_save tcp_tw_reuse tcp_max_tw_buckets tcp_ecn tcp_limit_output_bytes \
		tcp_max_orphans ip_local_port_range ip_local_reserved_ports ip_forward ping_group_range; do
		set -- "$@" "/proc/sys/net/ipv4/$name"
	done
	for name in rmem_max wmem_max rmem_default wmem_default somaxconn netdev_max_backlog netdev_budget \
		netdev_budget_usecs dev_weight default_qdisc rps_sock_flow_entries; do
		set -- "$@" "/proc/sys/net/core/$name"
	done
	for name in nf_conntrack_max nf_conntrack_buckets nf_conntrack_count; do
		set -- "$@" "/proc/sys/net/netfilter/$name"
	done
	for name in all $interfaces; do
		path=/proc/sys/net/ipv4/conf/$name
		set -- "$@" "$path/rp_filter" "$path/arp_ignore" "$path/arp_announce"
	done
	line "$@"
}

links() {
	for name in $interfaces; do
		path=/sys/class/net/$name
		line "$path/ifindex" "$path/mtu" "$path/operstate" "$path/speed" "$path/tx_queue_len" "$path/carrier" \
			"$path/device/numa_node" "$path"/queues/rx-*/rps_cpus "$path"/queues/rx-*/rps_flow_cnt \
			"$path"/bonding/mode "$path"/bonding/slaves "$path"/bonding/ad_partner_mac \
			"$path"/bonding_slave/ad_aggregator_id "$path"/ecn/roce_*/* "$path"/ecn/roce_*/enable/3
		mark "$path"/queues/* "$path"/lower_*
		link "$path/device/driver"
		link "$path/master"
		set --
		for irq in "$path"/device/msi_irqs/*; do
			mark "$irq"
			set -- "$@" "/proc/irq/${irq##*/}/smp_affinity_list"
		done
		line "$@"
	done
	for name in $cards; do
		for option in -i -k -l -g -c -a; do
			run ethtool "$option" "$name"
		done
		run ethtool "$name"
		run dcb pfc show dev "$name"
		run dcb app show dev "$name"
		command -v mlnx_qos >/dev/null 2>&1 && run mlnx_qos -i "$name"
	done
}

devices() {
	line /sys/bus/pci/devices/*/class /sys/bus/pci/devices/*/vendor
	for path in /sys/bus/pci/devices/*; do
		read -r class 2>/dev/null <"$path/class" || continue
		case $class in
		0x0604*) copy "$path/config" ;;
		esac
	done
	for path in /sys/class/infiniband/*; do
		copy "$path/device/config" "$path/device/uevent" "$path"/tc/1/traffic_class
		name=${path##*/}
		line "/sys/kernel/config/rdma_cm/$name/ports/1/default_roce_mode" \
			"/sys/kernel/config/rdma_cm/$name/ports/1/default_roce_tos"
		set --
		for gid in "$path"/ports/*/gids/*; do
			read -r text 2>/dev/null <"$gid" || continue
			case $text in
			*[1-9a-f]*) set -- "$@" "$gid" "${gid%/gids/*}/gid_attrs/types/${gid##*/}" ;;
			esac
		done
		line "$@"
	done
	line /sys/kernel/debug/mlx5/*/cc_params/*
}

# processes: of their environment NCCL_ and UCX_ alone, and of what they have loaded libnccl
processes() {
	for path in /proc/[0-9]*; do
		true 2>/dev/null <"$path/environ" && continue
		text=
		IFS= read -r text 2>/dev/null <"$path/cmdline"
		[ -n "$text" ] && mkdir -p "$tree$path" && refused "$path/environ"
	done
	tail -n +1 /proc/[0-9]*/environ 2>/dev/null | tr '\000' '\n' | while IFS= read -r text; do
		case $text in
		'==> /proc/'*'/environ <==')
			path=${text#==> }
			path=${path% <==}
			;;
		NCCL_*=* | UCX_*=*)
			mkdir -p "$tree${path%/*}"
			printf '%s\000' "$text" >>"$tree$path"
			;;
		esac
	done
	for path in "$tree"/proc/[0-9]*/environ; do
		[ -f "$path" ] || continue
		maps=${path%/environ}/maps
		while read -r text; do
			case $text in
			*libnccl*) printf '%s\n' "$text" ;;
			esac
		done 2>/dev/null <"${maps#"$tree"}" >"$maps"
		wheel=$(head -n 1 "$maps")
		wheel=/${wheel#*/}
		mark "${wheel%%/nvidia/nccl/*}"/nvidia_nccl_cu*.dist-info
	done
}

network() {
	copy /proc/net/route /proc/net/udp /proc/net/udp6
	for path in /proc/net/tcp /proc/net/tcp6; do
		[ -r "$path" ] && head -n 25000 "$path" >"$tree$path"
	done
	run ip -j addr
	run ip -j -d -s -s link
	run ip -j route show table all
	run ip -j -6 route show table all
	run ip -j rule
	run tc -j -s -d qdisc
	run rdma -j link
	run rdma -j statistic
	run ss -tinmOe
	[ -s "$tree/cmd/ss_tinmOe.txt" ] || run ss -tin
	run nstat -asz
	[ -d /sys/bus/pci/devices ] || run lspci -nnvv
}

counters
system
sysctls
links
devices
processes
sleep "$pause"
tree=$box/later
counters
tree=$box
network

for folder in "$box/cmd" "$box/later/cmd"; do
	[ -f "$folder/index" ] && { echo '{'; cat "$folder/index"; echo '}'; } >"$folder/index.json"
	rm -f "$folder/index"
done
echo "{$unreadable}" >"$box/unreadable.json"

tar -C "$work" -czf "$work/box.tar.gz" box && cp "$work/box.tar.gz" "$out" && chmod 600 "$out" || exit 1
echo "$out"
