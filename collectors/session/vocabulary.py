"""Words that say nothing about whose box it is: what redaction leaves in text that it does not understand."""

from collections.abc import Iterator
from typing import Final

import msgspec

from analysis.samples import AnySample

_WORDS: Final = """
    gateway resolvers lo dev via src table mark main metric scope link from to none yes no on off up down unknown
    auto any both icmp tcp udp raw dgram kernel user ACTIVE DOWN INIT ARMED Ethernet InfiniBand loaded builtin
    available missing unlimited running failed other kvm xen vmware hyperv amazon docker podman lxc kubernetes
    systemd-nspawn tuned NetworkManager systemd-networkd netplan cloud-init ifupdown bbr cubic reno htcp dctcp vegas
    westwood fq fq_codel pfifo pfifo_fast mq noqueue cake htb sfq tbf netem prio ingress clsact mqprio SIGUSR1 en
    zh_CN unicode ascii root RC UC UD RD XRC CNP NOERROR NXDOMAIN SERVFAIL REFUSED FORMERR NOTIMP TLSv1.2 TLSv1.3
    SSH API Ray GCS Redis dashboard jobs client
"""


def _literals(kind: object, seen: set[type]) -> Iterator[str]:
    """Yield every text that the type of a field itself allows (Literal), in all structs below a type."""
    if isinstance(kind, msgspec.inspect.LiteralType):
        yield from (value for value in kind.values if isinstance(value, str))
    if isinstance(kind, msgspec.inspect.StructType):
        if kind.cls in seen:
            return
        seen.add(kind.cls)
    if isinstance(kind, msgspec.Struct):
        for part in msgspec.structs.astuple(kind):
            for one in part if isinstance(part, tuple) else (part,):
                yield from _literals(one, seen)


VOCABULARY: Final = frozenset((*_WORDS.split(), *_literals(msgspec.inspect.type_info(AnySample), set())))
