#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What make ipmmu makes of QEMU's log: a row for what is written in the same way to one micro-TLB or context after the
other, nothing of other IOMMUs and contexts, and repetitions once."""
import importlib.machinery
import importlib.util
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "harness"))
sys.dont_write_bytecode = True
LOADER = importlib.machinery.SourceFileLoader("ipmmu", os.path.join(ROOT, "tools/ipmmu"))
ipmmu = importlib.util.module_from_spec(importlib.util.spec_from_loader("ipmmu", LOADER))
LOADER.exec_module(ipmmu)

RESET = [("ipmmu-ds0", 0x300 + 16 * n, 0) for n in range(32)] + [("ipmmu-ds0", 0x600 + 16 * n, 0) for n in range(16)]
SET_UP = [("ipmmu-mm", 0x90, 0x12340000), ("ipmmu-mm", 0x94, 6), ("ipmmu-mm", 0x88, 0x80000080), ("ipmmu-mm", 0x80, 7)]
UTLBS = [("ipmmu-ds0", 0x308, 0), ("ipmmu-ds0", 0x300, 0x23), ("ipmmu-ds0", 0x318, 0), ("ipmmu-ds0", 0x310, 0x23)]
FLUSH = [("ipmmu-ds0", 0x80, 7), ("ipmmu-mm", 0x80, 7)]
# Of another IPMMU, and of its context
OTHERS = [("ipmmu-ds1", 0x300, 0x13), ("ipmmu-mm", 0x40, 7), ("ipmmu-ds1", 0x40, 7)]


def sequence(*writes):
    lines = [f"rcar_ipmmu_write {unit}: {addr:#x}: {value:#010x}\n" for unit, addr, value in sum(writes, [])]
    return ipmmu.sequence([ipmmu.Write(line) for line in lines], "ipmmu-ds0")


def same(what, got, want):
    if got != want:
        sys.exit(f"{what}:\n got    {got}\n wanted {want}")
    print(f"ok {what}")


TURNED_ON = "ipmmu-ds0 micro-TLB 0 to 1: IMUASID=0x0 IMUCTR=0x3|context"
same("both banks of micro-TLBs are one row", sequence(RESET, UTLBS),
     f"ipmmu-ds0 micro-TLB 0 to 47: IMUCTR=0x0; {TURNED_ON}")
same("a table is somewhere", sequence(SET_UP, UTLBS),
     "ipmmu-mm context: IMTTLBR0=table; ipmmu-mm context: IMTTUBR0=table; ipmmu-mm context: IMTTBCR=0x80000080; "
     f"ipmmu-mm context: IMCTR=0x7; {TURNED_ON}")
same("others are left out", sequence(OTHERS, UTLBS, OTHERS), TURNED_ON)
FLUSHED = f"{TURNED_ON}; ipmmu-ds0 context: IMCTR=0x7; ipmmu-mm context: IMCTR=0x7"
same("flushes are told once", sequence(UTLBS, *[FLUSH] * 5), FLUSHED)
same("a flush of one unit only", sequence(UTLBS, FLUSH, FLUSH[:1]), f"{FLUSHED}; ipmmu-ds0 context: IMCTR=0x7")
same("the other order", sequence(UTLBS, FLUSH[::-1]),
     f"{TURNED_ON}; ipmmu-mm context: IMCTR=0x7; ipmmu-ds0 context: IMCTR=0x7")
same("a micro-TLB of the wrong context", sequence([("ipmmu-ds0", 0x300, 0x23), ("ipmmu-ds0", 0x310, 0x33)]),
     "ipmmu-ds0 micro-TLB 0: IMUCTR=0x3|context; ipmmu-ds0 micro-TLB 1: IMUCTR=0x33")
# A formula of one bank, for micro-TLBs that are in the second one
same("the wrong bank of micro-TLBs", sequence(UTLBS, [("ipmmu-ds0", 0x500, 0x23)]), f"{TURNED_ON}; ipmmu-ds0 register: 0x500=0x23")
same("the second bank", sequence(UTLBS, [("ipmmu-ds0", 0x600, 0x23)]),
     f"{TURNED_ON}; ipmmu-ds0 micro-TLB 32: IMUCTR=0x3|context")
same("a flush of another context", sequence(UTLBS, [("ipmmu-ds0", 0x140, 7)]), f"{TURNED_ON}; ipmmu-ds0 context 5: IMCTR=0x7")
same("a register of neither", sequence([("ipmmu-ds0", 0x210, 1)]), "ipmmu-ds0 register: 0x210=0x1")


def said(dmac, what, mapped, failures=0):
    return (f"[    1.0] sgtest: {dmac}: {what}: 1000 pages, {failures} failures, mapped in {mapped} ns, "
            "unmapped in 645120 ns\n")


MEASURED = "".join(said(dmac, what, ns) for what in ipmmu.TIMED for dmac, ns in (("a.dma", 1161120), ("b.dma", 1500000),
                                                                                 ("c.dma", 1161120)))
same("instructions for a page", ipmmu.costs(MEASURED, ["a.dma", "b.dma", "c.dma"]), (
    {f"{what}, {way}": n for what in ipmmu.TIMED for way, n in (("map", 1161), ("unmap", 645))}, []))
same("a measurement with failures", ipmmu.costs(MEASURED.replace("0 failures, mapped in 1500000", "1 failures, mapped in 9"),
                                                ["a.dma", "b.dma"])[1],
     [f"b.dma: {what}: not measured, or with failures" for what in ipmmu.TIMED])


def judged(writes, needed, wanted, reasons):
    return {what: is_fault for what, _, is_fault in ipmmu.compare(writes, needed, wanted, reasons)}


ONE, COST = {"ipmmu-ds0": "a; b"}, {"page tables, map": 500}
same("the same", judged(ONE, COST, {**ONE, "page tables, map": "500"}, {}), {"ipmmu-ds0": False, "page tables, map": False})
same("more, and other writes", judged(ONE, COST, {"ipmmu-ds0": "b; a", "page tables, map": "499"}, {}),
     {"ipmmu-ds0": True, "page tables, map": True})
KEY = next(text for what, text, _ in ipmmu.compare(ONE, {}, {"ipmmu-ds0": "b; a"}, {})).split("(")[1][:8]
REASONS = {"ipmmu-ds0": (KEY, "why"), "page tables, map": ("500", "why")}
OTHER = {"ipmmu-ds0": "b; a", "page tables, map": "499"}
same("excused", judged(ONE, COST, OTHER, REASONS), {"ipmmu-ds0": False, "page tables, map": False})
same("excused up to a limit", judged(ONE, {"page tables, map": 501}, OTHER, REASONS)["page tables, map"], True)
same("excused for other writes", judged({"ipmmu-ds0": "a; c"}, COST, OTHER, REASONS)["ipmmu-ds0"], True)
same("an excuse for nothing", judged(ONE, COST, {**ONE, "page tables, map": "500"}, REASONS),
     {"ipmmu-ds0": True, "page tables, map": True})
same("a row that one has", judged(ONE, {}, {"page tables, map": "500"}, {}), {"ipmmu-ds0": True, "page tables, map": True})
