# SPDX-License-Identifier: GPL-2.0
"""ACPI's table of SMMUs, IORT, from lines that say who is behind whom:

    smmu NAME ADDRESS               an SMMUv3 with the interrupts of QEMU's
    smmuv2 NAME ADDRESS GSI         an SMMUv2 with four context banks, and one interrupt
    pci SEGMENT MAP...              a PCI root complex
    device PATH MAP...              any device of the namespace, such as \\_SB_.VR00

and MAP is FIRST-LAST=NAME+OUT: requester or device ids FIRST to LAST are OUT, OUT + 1, ... of an SMMU;
FIRST=NAME+OUT is a single one. "IO Remapping Table", Arm DEN 0049, revision E.b."""
import re
import struct
from defer import lib

DEVICE, PCI, SMMUV2, SMMUV3 = 1, 2, 3, 4
# Interrupts of QEMU's virt: event queue, PRI, global error, sync; see hw/arm/virt-acpi-build.c
GSI = (106, 107, 109, 108)

def node(kind, revision, number, data, maps):
    """One node; "maps" are (first id, number of ids - 1, first id out, where to, flags)."""
    data += b"\0" * (-len(data) % 4)
    head = 16 + len(data)
    body = b"".join(struct.pack("<5I", *m) for m in maps)
    return struct.pack("<BHBIII", kind, head + len(body), revision, number, len(maps), head if maps else 0) + data + body

def mapping(text, where):
    found = re.fullmatch(r"(\w+)(?:-(\w+))?=(\w+)\+(\w+)", text)
    if not found or found[3] not in where:
        raise lib.Stop("usage", f"iort: \"{text}\": want FIRST-LAST=NAME+OUT, with the name of an smmu before it")
    first, last, out = (int(n, 0) for n in (found[1], found[2] or found[1], found[4]))
    return first, last - first, out, where[found[3]], 0 if found[2] else 1

def table(lines):
    """The table as bytes."""
    where, nodes, offset = {}, [], 48
    def add(kind, revision, data, maps=()):
        nonlocal offset
        nodes.append(node(kind, revision, len(nodes), data, maps))
        offset += len(nodes[-1])
    for line in lines:
        kind, name, *rest = line.split()
        if kind == "smmu" and len(rest) == 1:
            where[name] = offset
            # Cache-coherent, as QEMU's is
            add(SMMUV3, 4, struct.pack("<QIIQ7I", int(rest[0], 0), 1, 0, 0, 0, *GSI, 0, 0))
        elif kind == "smmuv2" and len(rest) == 2:
            where[name] = offset
            # Behind the fixed part of 60 bytes: both global interrupts, those of the context banks
            gsi = int(rest[1], 0)
            add(SMMUV2, 1, struct.pack("<QQ7I6Q", int(rest[0], 0), 0x10000, 1, 0, 60, 4, 76, 0, 0, *[gsi] * 6))
        elif kind == "pci":
            add(PCI, 3, struct.pack("<IBHBIIBBH", 1, 0, 0, 3, 0, int(name, 0), 64, 0, 0), [mapping(m, where) for m in rest])
        elif kind == "device":
            path = name.encode() + b"\0\0"
            add(DEVICE, 4, struct.pack("<IIBHBB", 0, 1, 0, 0, 3, 64) + path, [mapping(m, where) for m in rest])
        else:
            raise lib.Stop("usage", f"iort: what is \"{line}\"?")
    body = struct.pack("<III", len(nodes), 48, 0) + b"".join(nodes)
    # A greater OEM revision than that of QEMU's table, which it replaces.
    head = struct.pack("<4sIBB6s8sI4sI", b"IORT", 36 + len(body), 3, 0, b"BOCHS ", b"BXPC    ", 0x1000, b"DFER", 1)
    return head[:9] + bytes([-sum(head + body) % 256]) + head[10:] + body
