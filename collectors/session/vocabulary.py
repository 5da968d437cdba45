"""Words that say nothing about whose box it is: what redaction leaves in text that it does not understand."""

from typing import Final

_WORDS: Final = """
    gateway resolvers lo dev via src table mark main metric scope link from to none yes no on off up down unknown
    auto any both icmp tcp udp raw dgram kernel user ACTIVE DOWN INIT ARMED Ethernet InfiniBand loaded builtin
    available missing unlimited running failed other kvm xen vmware hyperv amazon docker podman lxc kubernetes
    systemd-nspawn tuned NetworkManager systemd-networkd netplan cloud-init ifupdown bbr cubic reno htcp dctcp vegas
    westwood fq fq_codel pfifo pfifo_fast mq noqueue cake htb sfq tbf netem prio ingress clsact mqprio SIGUSR1 en
    zh_CN unicode ascii root
"""

VOCABULARY: Final = frozenset(_WORDS.split())
