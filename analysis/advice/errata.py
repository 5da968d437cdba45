"""Advice that circulates and harms: what it says, why not, what instead. S1 to S25."""

from typing import Final

import msgspec

from analysis.text import N_, Sentence, say


class Erratum(msgspec.Struct, frozen=True):
    """One piece of folk advice. `rules`: ids of the rules that say it better."""

    id: str
    circulates: Sentence
    harms: Sentence
    instead: Sentence
    rules: tuple[str, ...] = ()


def _erratum(number: str, circulates: str, harms: str, instead: str, *rules: str) -> Erratum:
    return Erratum(number, say(circulates), say(harms), say(instead), rules)


ERRATA: Final = (
    _erratum(
        "S1",
        N_("Append settings to /etc/sysctl.conf with echo >>."),
        N_(
            "Each run adds them again, the last one wins, there is no way back, and Debian 13 does not read "
            "the file at boot."
        ),
        N_(
            "One owned file, /etc/sysctl.d/90-longpipe.conf, each key once, after other files that set it were shown."
        ),
    ),
    _erratum(
        "S2",
        N_("Set the middle value of tcp_rmem and tcp_wmem to 25600."),
        N_(
            "The first window shrinks to 12800 bytes, less than what a peer sends at once: the first round "
            "trip of each connection stalls."
        ),
        N_("Keep 131072 and 16384; never lower the middle value."),
        "T1",
        "T2",
    ),
    _erratum(
        "S3",
        N_("Set all three values of tcp_mem to 16777216."),
        N_(
            "The unit is pages: that is 64 GiB each. With three equal values TCP never slows down before "
            "memory runs out."
        ),
        N_("Leave it, unless TCPMemoryPressures grows."),
        "T4",
    ),
    _erratum(
        "S4",
        N_("Set the buffer maximum to 6 or 16 MiB."),
        N_("Newer kernels start at 32 MiB, so this lowers it; and 1 Gb/s over 150 ms needs 37.5 MB."),
        N_("Twice the bandwidth-delay product (three times for sending with BBR), and never less than now."),
        "T1",
        "T2",
    ),
    _erratum(
        "S5",
        N_("Restart the network service after sysctl."),
        N_("It cuts connections and is not needed: sysctl holds at once for new sockets."),
        N_("No restart."),
    ),
    _erratum(
        "S6",
        N_("For BBR set tcp_congestion_control and default_qdisc, and that is all."),
        N_(
            "Queues that exist stay as they are, cards with several queues need their mq made again, and the "
            "module may be missing."
        ),
        N_("Check that BBR and fq are to be had; replace the queue of the device too. BBR works without fq."),
        "T5",
        "T6",
    ),
    _erratum(
        "S7",
        N_("Shape with an HTB script that puts SSH first by “dport 22”."),
        N_(
            "Outgoing packets of your session have source port 22, so it lands in the slow default class "
            "with ACKs, ARP and IPv6; “add” fails where a root exists; pacing is lost."
        ),
        N_(
            "fq, fq_codel or cake; or HTB by “replace”, source port 22 and IPv6 matched, the default class "
            "the largest, fq_codel leaves, after contention was measured."
        ),
        "T31",
    ),
    _erratum(
        "S8",
        N_("Overwrite /etc/resolv.conf with 8.8.8.8."),
        N_("It breaks systemd-resolved and names that only your own DNS knows; 8.8.8.8 is unreliable in China."),
        N_("Measure the resolver; change the DNS of one link, with a way back."),
    ),
    _erratum(
        "S9",
        N_("Switch the firewall off against “Failed to create QP”."),
        N_("Making a queue pair is local: the usual cause is the memlock limit. The box is left open for nothing."),
        N_(
            "Raise memlock; where it is the network, allow UDP 4791 (and TCP 18515 for perftest) from the peer alone."
        ),
        "T30",
    ),
    _erratum(
        "S10",
        N_("Write a bond into 01-netcfg.yaml and run netplan apply."),
        N_(
            "It overwrites the box's own file, cloud-init may write it again, netplan try refuses bonds, and "
            "nothing takes it back when SSH is lost."
        ),
        N_("A separate file, existing keys kept, one interface at a time under a dead-man."),
        "T28",
        "T32",
    ),
    _erratum(
        "S11",
        N_("A DROP in iptables means that the firewall blocks; more than 1000 connections are too many."),
        N_("Each closed-by-default firewall has DROP, and 1000 connections are nothing."),
        N_("Counters of the rule in question, ListenOverflows, use of the tracking table."),
        "T10",
        "T22",
    ),
    _erratum(
        "S12",
        N_("No ping from 8.8.8.8 means no network; 20 pings tell the loss."),
        N_("ICMP may be filtered, and 0 of 20 lost shows only a loss below 13.9 %."),
        N_("The gateway and TCP to several targets; at least 300 probes to speak of 1 %."),
    ),
    _erratum(
        "S13",
        N_("Write 9999 where a measurement failed."),
        N_("It ends up in averages."),
        N_("Missing is missing."),
    ),
    _erratum(
        "S14",
        N_("Score loss linearly, 10 % as the worst, and bandwidth up to 100 Mb/s."),
        N_("At 1 % loss and 150 ms one CUBIC flow gets 0.95 Mb/s: the cliff is hidden."),
        N_("Beside the score, the predicted rate of one flow and what the path is fit for."),
        "T5",
    ),
    _erratum(
        "S15",
        N_("Measure bandwidth with curl … | python."),
        N_("It runs a stranger's code, to a server that is not on your path."),
        N_("iperf3 to an end of your own, after you agreed to the traffic."),
    ),
    _erratum(
        "S16",
        N_("Send UDP with 20 % of forward error correction."),
        N_("Without congestion control it pushes everyone else off a shared line."),
        N_("Only paced, and as much as the measured loss needs."),
    ),
    _erratum(
        "S17",
        N_("Count 10 Mb/s for each GPU."),
        N_("vast.ai asks 2.6 Mb/s for each GiB of GPU memory, at least 100 and at most 500 Mb/s, up and down."),
        N_("min(500, max(100, 500 × GiB / 192)) Mb/s."),
    ),
    _erratum(
        "S18",
        N_("Open 6379 and 8265 between Ray nodes and to the world."),
        N_(
            "8265 takes jobs from anyone; and nodes use random ports unless they are pinned, so these rules "
            "cannot work."
        ),
        N_(
            "Pin --port, --node-manager-port, --object-manager-port and the worker ports; reserve them; "
            "never publish 8265."
        ),
        "T23",
    ),
    _erratum(
        "S19",
        N_("ethtool -L eth0 combined 16."),
        N_("It may exceed what the card has, makes all queues anew, and drops SSH for a moment."),
        N_("As many as CPUs beside the card, when one of them drowns, treated as a link event."),
        "T14",
    ),
    _erratum(
        "S20",
        N_("Always set netdev_max_backlog=30000, tcp_no_metrics_save=1, tcp_mtu_probing."),
        N_("Nothing shows a need; long backlogs delay, and connections forget what they learned."),
        N_("The backlog when it drops, probing when large packets vanish, metrics kept."),
        "T11",
        "T26",
        "T9",
    ),
    _erratum(
        "S21",
        N_("Look at RoCE with tcpdump udp port 4791."),
        N_("Right for Soft-RoCE; hardware bypasses the kernel and shows nothing, and RoCE v1 and PFC are missed."),
        N_("Capture on the RDMA device or at a mirror port."),
    ),
    _erratum(
        "S22",
        N_("Fear PFC deadlock storms over the wide area."),
        N_("PFC frames are never forwarded: they do not cross a carrier's network."),
        N_("Over distance look at loss, windows and time-outs."),
    ),
    _erratum(
        "S23",
        N_("Jumbo frames everywhere in storage."),
        N_("One hop with 1500 swallows large packets without a word."),
        N_("Prove the size both ways first, on planes without a default route."),
        "T19",
    ),
    _erratum(
        "S24",
        N_("Run nd_stress."),
        N_("It is a Windows tool (NetworkDirect)."),
        N_("perftest and nccl-tests."),
    ),
    _erratum(
        "S25",
        N_("Health check every 5 s, 3 s time-out, 3 failures."),
        N_("Sound, but nobody says that a dead peer is used for 15 to 18 s."),
        N_("Print the time to notice: interval × failures + time-out; the time-out is less than the interval."),
    ),
)
