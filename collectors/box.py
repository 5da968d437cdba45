"""What kind of box this is: container, virtual machine, kernel modules. Reads files only; needs no privilege."""

from collections.abc import Mapping
from typing import Final, Literal

from collectors.root import Root

ModuleState = Literal["loaded", "builtin", "available", "missing"]

_CGROUP_WORDS: Final = {"kubepods": "kubernetes", "docker": "docker", "libpod": "podman", "lxc": "lxc"}
_FIRST_PID_NAMESPACE: Final = "pid:[4026531836]"
"""Always this number: PROC_PID_INIT_INO (include/linux/proc_ns.h)."""
_MACHINES: Final = {
    "amazon ec2": "amazon",
    "google": "google",
    "alibaba cloud": "alibaba",
    "tencent cloud": "tencent",
    "vmware": "vmware",
    "virtualbox": "virtualbox",
    "innotek": "virtualbox",
    "virtual machine": "hyperv",
    "xen": "xen",
    "kvm": "kvm",
    "qemu": "kvm",
    "openstack": "kvm",
    "bochs": "kvm",
    "parallels": "parallels",
}
"""Words in the firmware's names (DMI), and what they stand for."""


def container(root: Root, environ: Mapping[str, str]) -> str:
    """Return "none" or the kind of container this process runs in; a network namespace alone is none."""
    if _is_host(root):
        return "none"
    if "KUBERNETES_SERVICE_HOST" in environ or root.exists("var/run/secrets/kubernetes.io"):
        return "kubernetes"
    if root.exists(".dockerenv"):
        return "docker"
    if root.exists("run/.containerenv"):
        return "podman"
    told = _text(root, "run/systemd/container") or environ.get("container", "")
    if told:
        return told.split()[0]
    cgroup = _text(root, "proc/1/cgroup") or ""
    return next((kind for word, kind in _CGROUP_WORDS.items() if word in cgroup), "none")


def _is_host(root: Root) -> bool:
    """Tell a process of the host, whatever traces the image it was made from has left there.

    It has the first PID namespace, and for "/" what the first process has. False where that cannot be told.
    """
    try:
        if root.link_name("proc/self/ns/pid") != _FIRST_PID_NAMESPACE:
            return False
    except OSError:  # no such kernel, or a recorded tree
        return False
    own = _top(root, "self")
    return own is not None and own == _top(root, "1")


def _top(root: Root, process: str) -> tuple[str, str] | None:
    """Return the device, and the directory on it, that a process has for "/" (proc_pid_mountinfo(5))."""
    mounts = (line.split() for line in (_text(root, f"proc/{process}/mountinfo") or "").splitlines())
    return next(((mount[2], mount[3]) for mount in mounts if len(mount) > 4 and mount[4] == "/"), None)


def virtualisation(root: Root) -> str | None:
    """Return "none", the hypervisor's name, or None where nothing tells (no firmware names, no CPU flags)."""
    if root.exists("proc/xen") or _text(root, "sys/hypervisor/type") == "xen":
        return "xen"
    names = [_text(root, f"sys/class/dmi/id/{field}") for field in ("sys_vendor", "product_name", "bios_vendor")]
    firmware = " ".join(name for name in names if name).lower()
    found = next((kind for word, kind in _MACHINES.items() if word in firmware), None)
    flags = next((line for line in (_text(root, "proc/cpuinfo") or "").splitlines() if line.startswith("flags")), "")
    if found or "hypervisor" in flags.split():
        return found or "other"
    return "none" if firmware or flags else None


def module_state(root: Root, release: str, name: str) -> ModuleState | None:
    """Return whether a kernel module is there, or None where its absence cannot be told from here."""
    loaded = _text(root, "proc/modules") or ""
    if any(line.split(" ", 1)[0] == name for line in loaded.splitlines()):
        return "loaded"
    builtin = _text(root, f"lib/modules/{release}/modules.builtin")
    offered = _text(root, "proc/sys/net/ipv4/tcp_available_congestion_control") or ""
    if root.exists(f"sys/module/{name}") or _lists(builtin, name) or name.removeprefix("tcp_") in offered.split():
        return "builtin"
    loadable = _text(root, f"lib/modules/{release}/modules.dep")
    if loadable is None:
        return None
    return "available" if _lists(loadable, name) else "missing"


def _lists(listing: str | None, name: str) -> bool:
    """Say whether a module list names a module; files spell - and _ alike: "kernel/net/sched/sch_fq.ko.xz: …"."""
    paths = (line.split(":", 1)[0] for line in (listing or "").splitlines())
    return any(path.rpartition("/")[2].split(".", 1)[0].replace("-", "_") == name for path in paths)


def _text(root: Root, path: str) -> str | None:
    """Return a file's text, or None where there is none: every reader here has another place to look."""
    try:
        return root.read_text(path)
    except OSError:
        return None
