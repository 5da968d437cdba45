"""Facts: what the box says of itself, for advice. Read at the start, every minute, and when an interface changes.

Every key below is present in every `Facts` sample (those with `<if>` once for each interface but `lo`); what
cannot be read is a `Fact` with a problem and no value. Values are text. Interface names may hold dots; the last
part of a `link.`, `qdisc.` key never does, so `key.partition(".")` and `key.rpartition(".")` find the name.

System
    kernel.release             "6.1.0-28-amd64"
    os.name                    PRETTY_NAME of os-release
    virtualisation             "none", or what runs this box: "kvm", "xen", "vmware", "hyperv", "amazon", "other"…
    container                  "none", or "docker", "podman", "lxc", "kubernetes", "systemd-nspawn", "other"…
    netns.initial              "yes" or "no": whether the box-wide network sysctls can be seen (and set) from here
    init.systemd               "yes" where PID 1 is systemd, else "no"
    cpu.count                  CPUs that are online
    cpu.numa_nodes             how many
    memory.total_bytes
    memory.page_bytes          the unit of tcp_mem and udp_mem
    limit.memlock_bytes        RLIMIT_MEMLOCK of this process, bytes or "unlimited"
    gpu.count                  NVIDIA, AMD and other display accelerators (PCI class 0x0300, 0x0302, 0x0380, 0x1200)
    rdma.devices               names, space separated; "" where there are none
    management.interface       interface that carries this SSH session; "" where it is not an SSH session
    management.interfaces      the same with everything below it (bond, bridge and VLAN members), space separated
    management.peer            address at the other end of the SSH session; "" likewise
    managers                   what else sets this box's network: of "tuned", "NetworkManager", "systemd-networkd",
                               "netplan", "cloud-init", "ifupdown", space separated
    manager.tuned_profile      active profile of tuned, "" without tuned
    module.<name>              "loaded", "builtin", "available" (modprobe would load it) or "missing", for tcp_bbr,
                               sch_fq, sch_fq_codel, sch_cake, nf_conntrack, rdma_rxe, nvidia_peermem

Sysctls, values with single spaces between numbers
    sysctl.net.ipv4.…          tcp_rmem tcp_wmem tcp_mem udp_mem tcp_congestion_control
                               tcp_available_congestion_control tcp_allowed_congestion_control
                               tcp_slow_start_after_idle tcp_notsent_lowat tcp_mtu_probing tcp_max_syn_backlog
                               tcp_timestamps tcp_window_scaling tcp_sack tcp_adv_win_scale tcp_moderate_rcvbuf
                               tcp_fastopen tcp_no_metrics_save tcp_tw_reuse tcp_max_tw_buckets tcp_ecn
                               tcp_limit_output_bytes tcp_max_orphans ip_local_port_range ip_local_reserved_ports
                               ip_forward ping_group_range
    sysctl.net.core.…          rmem_max wmem_max rmem_default wmem_default somaxconn netdev_max_backlog
                               netdev_budget netdev_budget_usecs dev_weight default_qdisc rps_sock_flow_entries
    sysctl.net.netfilter.…     nf_conntrack_max nf_conntrack_buckets nf_conntrack_count
    sysctl.net.ipv4.conf.all.… rp_filter arp_ignore arp_announce; the same for <if>, whose dots are slashes there

Interfaces
    link.<if>.driver           kernel driver ("mlx5_core"); the link type for software devices ("veth", "bond")
    link.<if>.mtu
    link.<if>.operstate        "up", "down", "unknown"…
    link.<if>.speed_mbps
    link.<if>.numa_node        -1 where the device belongs to none
    link.<if>.master           bond or bridge it is part of, "" if none
    link.<if>.lowers           interfaces below it, space separated
    link.<if>.tx_queue_len     packets
    link.<if>.rx_queues        and tx_queues: queues the kernel made for it
    link.<if>.rps_cpus         CPU masks of the receive queues, each once, space separated; "0" is RPS off
    link.<if>.irq_cpus         CPU lists its interrupts may go to, each once, space separated
    link.<if>.channels         combined, or receive, channels in use (ethtool -l); channels_max the most it can do
    link.<if>.ring_rx          and ring_tx: descriptors in use (ethtool -g); ring_rx_max, ring_tx_max
    link.<if>.adaptive_rx      "on" or "off" (ethtool -c)
    link.<if>.rx_usecs         microseconds an interrupt may be held back
    link.<if>.gro              and gso, tso, lro: "on" or "off" (ethtool -k)
    qdisc.<if>.root            kind: "mq", "fq", "noqueue"…
    qdisc.<if>.leaves          kinds of the leaves of a multi-queue root, each once, space separated; else the root's
"""
