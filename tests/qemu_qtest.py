# SPDX-License-Identifier: GPL-2.0
"""The models of qemu/, register by register, on both boards; run by qemu.bats. Each test was seen to fail:
qemu_mutants.py."""
import os
import struct
import subprocess
import unittest
from defer import model
from qtest import Qemu, until

NS, NSTABLE, APTABLE_RO = 1 << 5, 1 << 63, 1 << 62
RO, TABLE, PAGE, BLOCK = 1 << 7, 3, 3, 1
# What io-pgtable-arm sets beside: AF, inner shareable, nG, unprivileged
LEAF = NS | 1 << 10 | 3 << 8 | 1 << 11 | 1 << 6
# Of a context
IMCTR, IMTTBCR, IMTTLBR0, IMTTUBR0, IMSTR, IMEAR, IMEUAR, IMSSTR = 0, 8, 0x10, 0x14, 0x20, 0x30, 0x34, 0x540
INTEN, FLUSH, MMUEN, EAE = 4, 2, 1, 1 << 31
TF, PF, ABORT, FORMAT, PERM, SECURE = 1, 2, 4, 1 << 8, 4 << 8, 5 << 8
# Of the DMAC
DMAOR, DMACHCLR, DMAISTA, DME, AE = 0x60, 0x80, 0x20, 1, 4
SAR, DAR, TCR, CHCR, FIXSAR, FIXDAR = 0, 4, 8, 0xc, 0x10, 0x14
TCRB, CHCRB, TSR, TSRB, DPBASE, DPCR, FIXDPBASE = 0x18, 0x1c, 0x28, 0x38, 0x50, 0x54, 0x60
CAE, CAIE, DSE, DSIE, IE, TE, DE = 1 << 31, 1 << 30, 1 << 19, 1 << 18, 4, 2, 1
RPT, ONCE, ENDLESS = 7 << 25, 1 << 28, 3 << 28
AUTO, INC, DEC = 4 << 8, 1, 2
TS = {1: 0, 2: 1 << 3, 4: 2 << 3, 16: 3 << 3, 32: 1 << 20, 64: 1 << 20 | 1 << 3, 8: 1 << 20 | 3 << 3}
CPG, RST, SYSC = 0xe6150000, 0xe6160000, 0xe6180000
PATTERN = bytes((i * 7 + (i >> 8) + 3) & 255 for i in range(8192))


def utlb_ctr(n):
    return 0x300 + 16 * n if n < 32 else 0x600 + 16 * (n - 32)


class Base:
    """What both boards have in common. Each test begins after a reset."""
    machine, options = "", ()

    @classmethod
    def setUpClass(cls):
        # Where it is launched, its CPU waits.
        wait = f"loader,addr={cls.ram},cpu-num=0,data-len=8,data={cls.wait}"
        cls.qemu = Qemu(cls.machine, "-m", "1088M", "-device", wait, *cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.qemu.end()

    def setUp(self):
        q = self.qemu
        q.reset()
        self.seen = len(q.said())
        self.l1, self.l2, self.l3 = (self.ram + 0x100000 + i * 0x1000 for i in range(3))
        self.src, self.dst, self.other = (self.ram + 0x400000 + i * 0x10000 for i in range(3))
        self.desc = self.ram + 0x500000
        q.fill(self.l1, 0x3000)
        q.fill(self.dst, 0x2000)
        q.fill(self.other, 0x2000)
        q.poke(self.src, PATTERN)

    def logged(self):
        return self.qemu.said()[self.seen:]

    def spi(self, n):
        return self.qemu.read(self.gicd + 0x200 + (32 + n) // 32 * 4) >> (n % 32) & 1

    # ---- the IPMMU

    def ctx(self, reg, n=None, unit=None):
        return (self.root if unit is None else unit) + 0x40 * (self.number if n is None else n) + reg

    def flush(self, n=None, units=None):
        for unit in units or {self.root, self.leaf}:
            self.qemu.write(self.ctx(IMCTR, n, unit), INTEN | FLUSH | MMUEN)

    def tables(self):
        """0x50000000 is self.src, 0x50001000 self.dst, 0x50002000 the same read-only. There is memory at these
        addresses, too: what isn't translated comes to somewhere."""
        q = self.qemu
        q.write(self.l1 + 8, self.l2 | TABLE | NSTABLE, 8)
        q.write(self.l2 + 8 * 128, self.l3 | TABLE | NSTABLE, 8)
        self.map(0, self.src)
        self.map(1, self.dst)
        self.map(2, self.dst, RO)

    def map(self, n, addr, more=0):
        self.qemu.write(self.l3 + 8 * n, addr | PAGE | LEAF | more, 8)

    def context(self, n=None, table=None, ttbcr=None):
        q, table = self.qemu, self.l1 if table is None else table
        q.write(self.ctx(IMTTLBR0, n), table & 0xffffffff)
        q.write(self.ctx(IMTTUBR0, n), table >> 32)
        q.write(self.ctx(IMTTBCR, n), EAE | self.level1 if ttbcr is None else ttbcr)
        self.flush(n)

    def utlb(self, n=1, ctx=None, unit=None):
        self.qemu.write((self.leaf if unit is None else unit) + utlb_ctr(n),
                        (self.number if ctx is None else ctx) << 4 | FLUSH | MMUEN)

    def translated(self):
        self.tables()
        self.context()
        self.utlb()

    def fault(self):
        return self.qemu.read(self.ctx(IMSTR))

    def cleared(self):
        self.qemu.write(self.ctx(IMSTR), 0)

    # ---- the DMAC

    def chan(self, reg, n=1, dmac=None):
        return (self.dmac if dmac is None else dmac) + 0x8000 + 0x80 * n + reg

    def state(self, n=1, dmac=None):
        chcr = self.qemu.read(self.chan(CHCR, n, dmac))
        return "error" if chcr & CAE else "done" if chcr & TE else ""

    def end_of(self, n=1, dmac=None):
        return until(lambda: self.state(n, dmac), 5) or "runs"

    def start(self, src, dst, size, n=1, dmac=None, unit=4, chcr=CAIE | IE, sm=INC, dm=INC):
        # pylint: disable=too-many-arguments
        q = self.qemu
        if not q.read((self.dmac if dmac is None else dmac) + DMAOR, 2) & DME:
            q.write((self.dmac if dmac is None else dmac) + DMAOR, DME, 2)
        q.write(self.chan(CHCR, n, dmac), 0)
        for reg, value in ((SAR, src & 0xffffffff), (DAR, dst & 0xffffffff), (FIXSAR, src >> 32), (FIXDAR, dst >> 32),
                           (TCR, size // unit)):
            q.write(self.chan(reg, n, dmac), value)
        q.write(self.chan(CHCR, n, dmac), chcr | AUTO | dm << 14 | sm << 12 | TS[unit] | DE)

    def copy(self, src, dst, size=4096, n=1, dmac=None, **more):
        self.start(src, dst, size, n, dmac, **more)
        return self.end_of(n, dmac)

    def arrived(self, where=None, size=4096):
        return self.qemu.peek(self.dst if where is None else where, size) == PATTERN[:size]

    def fresh(self, n=1):
        """Map another page for 0x50001000 and copy there: has the change been seen?"""
        self.copy(0x50000000, 0x50001000)
        self.assertTrue(self.arrived())
        self.qemu.fill(self.dst, 4096)
        self.map(n, self.other)

    def where(self):
        """Which of the two pages a copy comes to."""
        self.assertEqual(self.copy(0x50000000, 0x50001000), "done")
        found = self.arrived(self.dst), self.arrived(self.other)
        self.qemu.fill(self.dst, 4096)
        self.qemu.fill(self.other, 4096)
        return {(True, False): "old", (False, True): "new"}.get(found, found)


class Ipmmu(Base):
    # pylint: disable=too-many-public-methods,no-member

    def test_registers_are_0_after_reset_whatever_was_written(self):
        q = self.qemu
        for addr in range(0, 0x1000, 4):
            q.write(self.root + addr, 0xffffffff)
        q.reset()
        self.assertEqual({q.read(self.root + addr) for addr in range(0, 0x1000, 4)}, {0})

    def test_flush_reads_0_at_once(self):
        self.flush()
        self.assertEqual(self.qemu.read(self.ctx(IMCTR)), INTEN | MMUEN)
        self.utlb(3)
        self.assertEqual(self.qemu.read(self.leaf + utlb_ctr(3)), self.number << 4 | MMUEN)

    def test_registers_without_behaviour_read_what_was_written(self):
        for addr in (0x28, 0x0c, 0x200, 0x308, 0x500):
            self.qemu.write(self.root + addr, 0x12345678)
            self.assertEqual(self.qemu.read(self.root + addr), 0x12345678, hex(addr))

    def test_fault_registers_cannot_be_set(self):
        for reg in (IMSTR, IMEAR, IMEUAR):
            self.qemu.write(self.ctx(reg), 0xffffffff)
            self.assertEqual(self.qemu.read(self.ctx(reg)), 0, hex(reg))
        self.assertIn("write to a fault address", self.logged())

    def test_without_mmuen_addresses_are_physical(self):
        self.assertEqual(self.copy(self.src, self.dst), "done")
        self.assertTrue(self.arrived())

    def test_pages_of_4k(self):
        self.translated()
        self.assertEqual(self.copy(0x50000000, 0x50001000), "done")
        self.assertTrue(self.arrived())

    def test_offsets_within_pages_and_pages_that_are_scattered(self):
        self.tables()
        self.map(0, self.src)
        self.map(1, self.src + 0x1000)
        self.map(4, self.other)
        self.map(5, self.dst)
        self.context()
        self.utlb()
        self.assertEqual(self.copy(0x50000abc, 0x50004abc), "done")
        self.assertEqual(self.qemu.peek(self.other + 0xabc, 0x544), PATTERN[0xabc:0x1000])
        self.assertEqual(self.qemu.peek(self.dst, 0xabc), PATTERN[0x1000:0x1abc])

    def test_blocks_of_2m(self):
        self.translated()
        self.qemu.write(self.l2 + 8 * 129, (self.ram + 0x400000) | BLOCK | LEAF, 8)
        self.assertEqual(self.copy(0x50200000, 0x50210000), "done")
        self.assertTrue(self.arrived())

    def test_blocks_of_1g(self):
        q = self.qemu
        q.write(self.l1 + 16, (self.ram & ~0x3fffffff) | BLOCK | LEAF, 8)
        self.context()
        self.utlb()
        low = 0x80000000 | self.ram & 0x3fffffff
        self.assertEqual(self.copy(low + 0x400000, low + 0x410000), "done")
        self.assertTrue(self.arrived())

    def test_tables_that_begin_at_level_2(self):
        self.tables()
        # 30 bits of addresses, as 512 entries cover
        self.context(table=self.l2, ttbcr=EAE | self.level2 | 2)
        self.utlb()
        self.assertEqual(self.copy(0x10000000, 0x10001000), "done")
        self.assertTrue(self.arrived())
        self.assertEqual(self.copy(0x10000000, 0x50001000), "error")
        self.assertEqual(self.fault(), TF | FORMAT | 2 << 12)

    def test_the_first_table_is_aligned_to_32_bytes(self):
        self.tables()
        self.qemu.write(self.l1 + 0x20 + 8, self.l2 | TABLE | NSTABLE, 8)
        self.qemu.write(self.l1 + 8, 0, 8)
        self.context(table=self.l1 + 0x20)
        self.utlb()
        self.assertEqual(self.copy(0x50000000, 0x50001000), "done")
        self.context(table=self.l1)
        self.assertEqual(self.copy(0x50000000, 0x50001000), "error")

    def test_tables_and_pages_above_4g(self):
        q = self.qemu
        low, self.l1, self.l2, self.l3 = self.l1, *(self.high + i * 0x1000 for i in range(3))
        q.fill(self.high, 0x10000)
        self.dst = self.high + 0x4000
        self.translated()
        self.assertEqual(self.copy(0x50000000, 0x50001000), "done")
        self.assertTrue(self.arrived())
        self.assertEqual(q.read(low + 8, 8), 0)

    def test_other_micro_tlbs_are_untouched(self):
        self.translated()
        self.assertEqual(self.copy(self.src, self.dst, n=2), "done")
        self.assertTrue(self.arrived())

    def test_each_dmac_is_on_its_micro_tlbs(self):
        self.tables()
        for dmac, unit, first in self.behind:
            self.qemu.reset()
            self.leaf = unit
            self.context()
            self.utlb(first + 3)
            self.assertEqual(self.copy(0x50000000, 0x50001000, n=3, dmac=dmac), "done", hex(dmac))
            self.assertTrue(self.arrived(), hex(dmac))
            self.qemu.fill(self.dst, 4096)
            self.assertEqual(self.copy(self.src, self.dst, n=2, dmac=dmac), "done", hex(dmac))
            self.assertTrue(self.arrived(), hex(dmac))
            self.qemu.fill(self.dst, 4096)

    def test_ttsel_selects_the_context(self):
        self.translated()
        second = self.ram + 0x110000
        self.qemu.fill(second, 32)
        self.qemu.write(second + 16, (self.ram & ~0x3fffffff) | BLOCK | LEAF, 8)
        self.context(n=self.number + 1, table=second)
        low = 0x80000000 | self.ram & 0x3fffffff
        self.utlb(2, ctx=self.number + 1)
        self.assertEqual(self.copy(low + 0x400000, low + 0x420000, n=2), "done")
        self.assertTrue(self.arrived(self.other))
        self.assertEqual(self.copy(0x50000000, 0x50001000), "done")
        self.assertTrue(self.arrived())

    def test_a_micro_tlb_goes_over_to_another_context(self):
        self.translated()
        self.assertEqual(self.where(), "old")
        second = self.ram + 0x110000
        self.qemu.fill(second, 0x3000)
        for addr, value in ((8, second + 0x1000 | TABLE | NSTABLE), (0x1400, second + 0x2000 | TABLE | NSTABLE),
                            (0x2000, self.src | PAGE | LEAF), (0x2008, self.other | PAGE | LEAF)):
            self.qemu.write(second + addr, value, 8)
        self.context(n=self.number + 1, table=second)
        # Without a flush of the micro-TLB: what it knows is of the other context.
        self.qemu.write(self.leaf + utlb_ctr(1), self.number + 1 << 4 | MMUEN)
        self.assertEqual(self.where(), "new")

    # ---- faults

    def test_translation_fault_at_each_level(self):
        self.translated()
        for iova, level in ((0x80000000, 1), (0x50400000, 2), (0x50009000, 3)):
            self.assertEqual(self.copy(0x50000000, iova), "error", level)
            self.assertEqual(self.fault(), TF | level << 12)
            self.assertEqual(self.qemu.read(self.ctx(IMEAR)), iova)
            self.cleared()

    def test_a_page_is_not_a_block(self):
        self.translated()
        self.qemu.write(self.l3 + 8, self.dst | BLOCK | LEAF, 8)
        self.assertEqual(self.copy(0x50000000, 0x50001000), "error")
        self.assertEqual(self.fault(), TF | 3 << 12)

    def test_a_read_only_page_can_be_read_and_not_written(self):
        self.translated()
        self.map(0, self.src, RO)
        self.assertEqual(self.copy(0x50000000, 0x50001000), "done")
        self.assertTrue(self.arrived())
        self.assertEqual(self.fault(), 0)
        self.qemu.fill(self.dst, 4096)
        self.assertEqual(self.copy(0x50000000, 0x50002000), "error")
        self.assertEqual(self.fault(), PF | PERM | 3 << 12)
        self.assertFalse(self.arrived())

    def test_a_read_only_block_is_a_fault_of_its_level(self):
        self.translated()
        self.qemu.write(self.l2 + 8 * 129, (self.ram + 0x400000) | BLOCK | LEAF | RO, 8)
        self.assertEqual(self.copy(0x50000000, 0x50210000), "error")
        self.assertEqual(self.fault(), PF | PERM | 2 << 12)

    def test_a_read_only_table_makes_its_pages_read_only(self):
        self.translated()
        self.qemu.write(self.l2 + 8 * 128, self.l3 | TABLE | NSTABLE | APTABLE_RO, 8)
        self.assertEqual(self.copy(0x50000000, 0x50001000), "error")
        self.assertEqual(self.fault(), PF | PERM | 3 << 12)

    def test_a_page_or_block_without_ns_is_a_secure_access(self):
        self.translated()
        self.qemu.write(self.l3 + 8, self.dst | PAGE | LEAF & ~NS, 8)
        self.assertEqual(self.copy(0x50000000, 0x50001000), "error")
        self.assertEqual(self.fault(), PF | SECURE | 3 << 12)
        self.cleared()
        self.qemu.write(self.l2 + 8 * 129, (self.ram + 0x400000) | BLOCK | LEAF & ~NS, 8)
        self.assertEqual(self.copy(0x50000000, 0x50210000), "error")
        self.assertEqual(self.fault(), PF | SECURE | 2 << 12)

    def test_a_table_without_nstable_is_a_secure_access(self):
        self.translated()
        self.qemu.write(self.l2 + 8 * 128, self.l3 | TABLE, 8)
        self.assertEqual(self.copy(0x50000000, 0x50001000), "error")
        self.assertEqual(self.fault(), PF | SECURE | 2 << 12)

    def test_another_table_format_is_a_fault(self):
        self.translated()
        self.qemu.write(self.ctx(IMTTBCR), self.level1)
        self.assertEqual(self.copy(0x50000000, 0x50001000), "error")
        self.assertEqual(self.fault() & 0xfff, TF | FORMAT)
        self.cleared()
        self.qemu.write(self.ctx(IMTTBCR), EAE | self.nonsense)
        self.assertEqual(self.copy(0x50000000, 0x50001000), "error")
        self.assertEqual(self.fault() & 0xfff, TF | FORMAT)

    def test_a_table_where_there_is_no_memory_is_an_abort(self):
        self.translated()
        self.qemu.write(self.l2 + 8 * 128, 0x3fff000 | TABLE | NSTABLE, 8)
        self.assertEqual(self.copy(0x50000000, 0x50001000), "error")
        self.assertEqual(self.fault(), ABORT | 3 << 12)

    def test_an_address_above_4g_is_a_fault_with_all_its_bits(self):
        self.translated()
        self.assertEqual(self.copy(0x50000000, 0x2350001000), "error")
        self.assertEqual(self.fault(), TF | FORMAT | 1 << 12)
        self.assertEqual(self.qemu.read(self.ctx(IMEAR)), 0x50001000)
        self.assertEqual(self.qemu.read(self.ctx(IMEUAR)), self.imeuar)

    def test_the_first_fault_is_kept_until_it_is_cleared(self):
        self.translated()
        self.copy(0x50000000, 0x50002000)
        self.copy(0x50000000, 0x80000000)
        self.assertEqual(self.fault(), PF | PERM | 3 << 12)
        self.assertEqual(self.qemu.read(self.ctx(IMEAR)), 0x50002000)
        self.cleared()
        self.copy(0x50000000, 0x80000000)
        self.assertEqual(self.fault(), TF | 1 << 12)

    def test_a_fault_is_cleared_by_0_and_its_address_with_it(self):
        self.translated()
        self.copy(0x50000000, 0x50002000)
        self.qemu.write(self.ctx(IMSTR), self.fault())
        self.assertEqual(self.fault(), PF | PERM | 3 << 12)
        self.assertEqual(self.qemu.read(self.ctx(IMEAR)), 0x50002000)
        self.cleared()
        self.assertEqual((self.fault(), self.qemu.read(self.ctx(IMEAR))), (0, 0))

    def test_the_interrupt_is_there_while_a_fault_is_and_if_inten_is(self):
        self.translated()
        self.assertEqual(self.spi(self.ipmmu_spi), 0)
        self.copy(0x50000000, 0x50002000)
        self.assertEqual(self.spi(self.ipmmu_spi), 1)
        self.qemu.write(self.ctx(IMCTR), MMUEN)
        self.assertEqual(self.spi(self.ipmmu_spi), 0)
        self.qemu.write(self.ctx(IMCTR), INTEN | MMUEN)
        self.assertEqual(self.spi(self.ipmmu_spi), 1)
        self.cleared()
        self.assertEqual(self.spi(self.ipmmu_spi), 0)

    def test_no_byte_is_written_by_a_transfer_that_faults(self):
        self.translated()
        self.assertEqual(self.copy(0x50009000, 0x50001000), "error")
        self.assertEqual(self.qemu.peek(self.dst, 4096), bytes(4096))

    def test_a_transfer_ends_at_the_page_that_faults(self):
        # Nothing is behind page 2 and before page 4.
        self.translated()
        for n in (4, 5):
            self.map(n, self.other)
        self.assertEqual(self.copy(0x50000000, 0x50003e00, 1024), "error")
        self.assertEqual(self.qemu.peek(self.other, 512), bytes(512))
        self.qemu.poke(self.dst + 0xe00, PATTERN[:512])
        self.assertEqual(self.copy(0x50002e00, 0x50005000, 1024), "error")
        self.assertEqual(self.qemu.peek(self.other, 516), PATTERN[:512] + bytes(4))
        self.assertEqual([self.qemu.read(self.chan(reg)) for reg in (SAR, DAR, TCR)], [0x50003000, 0x50005200, 128])

    def test_a_context_that_is_off_is_a_guest_error_and_untranslated(self):
        self.tables()
        self.utlb()
        self.assertIn("micro-TLB 1 is enabled for context", self.logged())
        self.assertEqual(self.copy(self.src, self.dst), "done")
        self.assertTrue(self.arrived())

    def test_a_context_that_is_not_there_is_a_guest_error_and_refused(self):
        self.translated()
        self.utlb(ctx=15)
        self.assertIn("micro-TLB 1 is enabled for context 15, which doesn't exist", self.logged())
        self.assertEqual(self.copy(self.src, self.dst), "error")

    def test_what_was_done_is_counted(self):
        path, main = self.path, self.main_path
        before = {name: self.qemu.get(path, name) for name in ("n-translate", "n-walk", "n-fault")}
        flushes = self.qemu.get(main, "n-flush")
        self.translated()
        self.copy(0x50000000, 0x50002000)
        after = {name: self.qemu.get(path, name) for name in before}
        self.assertGreaterEqual(after["n-translate"] - before["n-translate"], 2)
        self.assertEqual(after["n-walk"] - before["n-walk"], 2)
        self.assertEqual(after["n-fault"] - before["n-fault"], 1)
        self.assertGreater(self.qemu.get(main, "n-flush"), flushes)

    # ---- the TLBs

    def test_what_was_translated_is_known_until_a_flush(self):
        self.translated()
        self.fresh()
        self.assertEqual(self.where(), "old")
        self.flush()
        self.assertEqual(self.where(), "new")

    def test_a_flush_of_the_micro_tlb_alone_is_not_enough(self):
        self.translated()
        self.fresh()
        self.utlb()
        self.assertEqual(self.where(), "old")

    def test_a_flush_of_another_context_changes_nothing(self):
        self.translated()
        self.fresh()
        self.flush(self.number + 1)
        self.assertEqual(self.where(), "old")

    def test_a_page_that_is_gone_is_known_until_a_flush(self):
        self.translated()
        self.fresh()
        self.qemu.write(self.l3 + 8, 0, 8)
        self.assertEqual(self.where(), "old")
        self.flush()
        self.assertEqual(self.copy(0x50000000, 0x50001000), "error")

    def test_a_block_is_known_as_a_whole(self):
        self.translated()
        self.qemu.write(self.l2 + 8 * 129, (self.ram + 0x400000) | BLOCK | LEAF, 8)
        self.copy(0x50000000, 0x50210000)
        self.qemu.write(self.l2 + 8 * 129, 0, 8)
        self.assertEqual(self.copy(0x50000000, 0x50220000), "done")
        self.assertTrue(self.arrived(self.other))

    def test_a_fault_is_not_remembered(self):
        self.translated()
        self.assertEqual(self.copy(0x50000000, 0x50005000), "error")
        self.map(5, self.dst)
        self.assertEqual(self.copy(0x50000000, 0x50005000), "done")

    def test_another_table_is_not_seen_without_a_flush(self):
        self.translated()
        self.fresh()
        self.qemu.write(self.ctx(IMTTLBR0), self.l1 + 0x20)
        self.assertEqual(self.where(), "old")

    def test_a_reset_forgets(self):
        self.translated()
        self.fresh()
        self.qemu.reset()
        # No flush of ours in between
        for reg, value in ((IMTTLBR0, self.l1), (IMTTBCR, EAE | self.level1), (IMCTR, MMUEN)):
            self.qemu.write(self.ctx(reg), value)
        self.qemu.write(self.ctx(IMCTR, unit=self.leaf), MMUEN)
        self.qemu.write(self.leaf + utlb_ctr(1), self.number << 4 | MMUEN)
        self.assertEqual(self.where(), "new")


class Dmac(Base):
    # pylint: disable=too-many-public-methods,no-member

    def test_registers_after_reset(self):
        q = self.qemu
        for addr in [*range(0, 0x100, 4), *range(0x8000, 0x8800, 4)]:
            q.write(self.dmac + addr, 0xfffffff8)
        q.reset()
        self.assertEqual({q.read(self.dmac + addr) for addr in [*range(0, 0x100, 4), *range(0x8000, 0x8800, 4)]}, {0})

    def test_dmaor_has_16_bits_and_no_error(self):
        self.qemu.write(self.dmac + DMAOR, 0x301, 2)
        self.assertEqual(self.qemu.read(self.dmac + DMAOR, 2), 0x301)
        self.qemu.write(self.dmac + DMAOR, 0xffff0005)
        self.assertEqual(self.qemu.read(self.dmac + DMAOR), DME)

    def test_halves_of_a_register(self):
        self.qemu.write(self.chan(0x40), 0x1234, 2)
        self.assertEqual(self.qemu.read(self.chan(0x40), 2), 0x1234)
        self.qemu.write(self.chan(SAR), 0x11112222)
        self.qemu.write(self.chan(SAR) + 2, 0x3333, 2)
        self.assertEqual(self.qemu.read(self.chan(SAR)), 0x33332222)
        self.assertEqual(self.qemu.read(self.chan(SAR) + 2, 2), 0x3333)

    def test_each_unit(self):
        for unit in TS:
            self.qemu.fill(self.dst, 4096)
            self.assertEqual(self.copy(self.src, self.dst, 1024, unit=unit), "done", unit)
            self.assertTrue(self.arrived(size=1024), unit)
            self.assertEqual(self.qemu.peek(self.dst + 1024, 64), bytes(64), unit)

    def test_addresses_that_stay(self):
        self.assertEqual(self.copy(self.src, self.dst, 64, sm=0), "done")
        self.assertEqual(self.qemu.peek(self.dst, 64), PATTERN[:4] * 16)
        self.assertEqual(self.copy(self.src, self.other, 64, dm=0), "done")
        self.assertEqual(self.qemu.peek(self.other, 8), PATTERN[60:64] + bytes(4))

    def test_addresses_that_go_down(self):
        self.assertEqual(self.copy(self.src + 60, self.dst, 64, sm=DEC), "done")
        self.assertEqual(self.qemu.peek(self.dst, 8), PATTERN[60:64] + PATTERN[56:60])
        self.assertEqual(self.copy(self.src, self.other + 60, 64, dm=DEC), "done")
        self.assertEqual(self.qemu.peek(self.other + 56, 8), PATTERN[4:8] + PATTERN[:4])

    def test_addresses_above_4g(self):
        self.qemu.fill(self.high, 4096)
        self.assertEqual(self.copy(self.src, self.high), "done")
        self.assertTrue(self.arrived(self.high))
        self.assertEqual(self.copy(self.high, self.dst), "done")
        self.assertTrue(self.arrived())

    def test_a_long_transfer(self):
        self.assertEqual(self.copy(self.ram, self.ram + 0x2000000, 0x1800000), "done")
        self.assertTrue(self.arrived(self.src + 0x2000000))

    def test_registers_follow_the_transfer(self):
        q = self.qemu
        self.copy(self.src, self.dst, 1024)
        self.assertEqual([q.read(self.chan(reg)) for reg in (SAR, DAR, TCR, TCRB, TSR, TSRB)],
                         [self.src + 1024, self.dst + 1024, 0, 0, 256, 256])
        # An error in the middle, where there is no memory
        self.assertEqual(self.copy(self.ram - 1024, self.dst, 64), "error")
        self.assertEqual(q.read(self.chan(TCRB)), 16)

    def test_tcr_0_is_the_longest_and_it_can_be_stopped(self):
        self.start(self.src, self.dst, 0, sm=0, dm=0)
        left = until(lambda: self.qemu.read(self.chan(TCRB)))
        self.assertGreater(left, 0xf00000)
        self.qemu.write(self.chan(CHCR), 0)
        left = self.qemu.read(self.chan(TCRB))
        self.assertEqual((self.state(), self.qemu.read(self.chan(TCRB))), ("", left))
        self.assertEqual(self.copy(self.src, self.dst), "done")

    def test_nothing_moves_without_dme(self):
        self.start(self.src, self.dst, 4096)
        self.end_of()
        self.qemu.fill(self.dst, 4096)
        self.qemu.write(self.dmac + DMAOR, 0, 2)
        self.qemu.write(self.chan(CHCR), 0)
        self.qemu.write(self.chan(SAR), self.src)
        self.qemu.write(self.chan(DAR), self.dst)
        self.qemu.write(self.chan(TCR), 1024)
        self.qemu.write(self.chan(CHCR), AUTO | 1 << 14 | 1 << 12 | TS[4] | DE)
        self.assertFalse(until(self.state, 0.05))
        self.qemu.write(self.dmac + DMAOR, DME, 2)
        self.assertEqual(self.end_of(), "done")
        self.assertTrue(self.arrived())

    def test_the_flags_are_cleared_by_0_and_not_set_by_1(self):
        self.qemu.write(self.chan(CHCR), CAE | DSE | TE)
        self.assertEqual(self.qemu.read(self.chan(CHCR)), 0)
        self.copy(self.src, self.dst)
        chcr = self.qemu.read(self.chan(CHCR))
        self.qemu.write(self.chan(CHCR), chcr)
        self.assertEqual(self.qemu.read(self.chan(CHCR)), chcr)
        self.qemu.write(self.chan(CHCR), chcr & ~(TE | DE))
        self.assertEqual(self.qemu.read(self.chan(CHCR)) & (TE | DE), 0)

    def test_dmachclr_clears_the_channels_that_it_names(self):
        self.copy(self.src, self.dst)
        self.copy(self.src, self.dst, n=2)
        self.qemu.write(self.dmac + DMACHCLR, 1 << 1)
        self.assertEqual([self.qemu.read(self.chan(reg)) for reg in (SAR, DAR, CHCR)], [0, 0, 0])
        self.assertEqual(self.state(2), "done")
        self.assertEqual(self.qemu.read(self.dmac + DMACHCLR), 0)

    def test_the_interrupt_of_a_channel(self):
        self.copy(self.src, self.dst)
        self.assertEqual((self.spi(self.chan_spi), self.spi(self.chan_spi + 1)), (1, 0))
        self.assertEqual(self.qemu.read(self.dmac + DMAISTA), 2)
        self.qemu.write(self.chan(CHCR), 0)
        self.assertEqual((self.spi(self.chan_spi), self.qemu.read(self.dmac + DMAISTA)), (0, 0))

    def test_no_interrupt_without_ie(self):
        self.assertEqual(self.copy(self.src, self.dst, chcr=CAIE), "done")
        self.assertEqual(self.spi(self.chan_spi), 0)

    def test_an_error_with_caie_stops_the_channel_alone(self):
        self.assertEqual(self.copy(self.ram - 4096, self.dst), "error")
        self.assertEqual(self.qemu.read(self.chan(CHCR)) & (DE | TE), 0)
        self.assertEqual((self.spi(self.chan_spi), self.spi(self.error_spi)), (1, 0))
        self.assertEqual(self.qemu.read(self.dmac + DMAOR, 2), DME)
        self.assertEqual(self.copy(self.src, self.dst, n=2), "done")

    def test_an_error_without_caie_stops_all(self):
        self.assertEqual(self.copy(self.src, self.ram - 4096, chcr=IE), "error")
        self.assertEqual((self.spi(self.chan_spi), self.spi(self.error_spi)), (0, 1))
        self.assertEqual(self.qemu.read(self.dmac + DMAOR, 2), DME | AE)
        self.start(self.src, self.dst, 4096, n=2)
        self.assertFalse(until(lambda: self.state(2), 0.05))
        self.qemu.write(self.dmac + DMAOR, DME, 2)
        self.assertEqual(self.spi(self.error_spi), 0)
        self.assertEqual(self.end_of(2), "done")

    def test_requests_of_devices_never_come(self):
        self.qemu.write(self.dmac + DMAOR, DME, 2)
        self.qemu.write(self.chan(SAR), self.src)
        self.qemu.write(self.chan(DAR), self.dst)
        self.qemu.write(self.chan(TCR), 16)
        self.qemu.write(self.chan(CHCR), 8 << 8 | 1 << 14 | 1 << 12 | TS[4] | DE)
        self.assertFalse(until(self.state, 0.05))
        self.assertIn("channel 1 waits for a device", self.logged())

    def test_channels_that_are_not_there(self):
        last = 0x8000 + 0x80 * self.channels
        self.qemu.write(self.dmac + last, 0x1234)
        self.assertEqual(self.qemu.read(self.dmac + last), 0)
        self.assertIn(f"write of 0x{last:x}", self.logged())

    # ---- descriptors

    def chain(self, *descriptors, mode=ONCE, dipt=255, base=None, more=0):
        q, base = self.qemu, self.desc if base is None else base
        q.poke(self.desc, b"".join(struct.pack("<IIII", *words, 0) for words in descriptors))
        q.write(self.dmac + DMAOR, DME, 2)
        for reg, value in ((CHCR, 0), (FIXSAR, 0), (FIXDAR, 0), (FIXDPBASE, 0), (DPBASE, base | 1),
                           (CHCRB, len(descriptors) - 1 << 24 | 1 << 15), (DPCR, dipt << 24),
                           (CHCR, CAIE | IE | mode | RPT | more | AUTO | 1 << 14 | 1 << 12 | TS[4] | DE)):
            q.write(self.chan(reg), value)

    def four(self):
        return [(self.src + 1024 * i, self.dst + 1024 * (3 - i), 256) for i in range(4)]

    def turned(self):
        return self.qemu.peek(self.dst, 4096) == b"".join(PATTERN[1024 * i:1024 * i + 1024] for i in (3, 2, 1, 0))

    def test_a_chain_of_descriptors(self):
        self.chain(*self.four())
        self.assertEqual(self.end_of(), "done")
        self.assertTrue(self.turned())
        self.assertEqual(self.spi(self.chan_spi), 1)
        self.assertEqual(self.qemu.read(self.chan(CHCRB)), 3 << 24)

    def test_descriptors_are_read_through_the_ipmmu(self):
        self.translated()
        self.map(8, self.desc)
        self.flush()
        self.chain((0x50000000, 0x50001000, 1024), base=0x50008000)
        self.assertEqual(self.end_of(), "done")
        self.assertTrue(self.arrived())
        self.map(8, self.desc, 1 << 55)
        self.chain((0x50000000, 0x50001000, 1024), base=0x50009000)
        self.assertEqual(self.end_of(), "error")
        self.assertEqual(self.qemu.read(self.ctx(IMEAR)), 0x50009000)

    def test_the_pointer_names_the_descriptor_after_the_one_under_way(self):
        bad = self.ram - 4096
        self.chain((self.src, self.dst, 256), (bad, self.dst, 256), (self.src, self.dst, 256))
        self.assertEqual(self.end_of(), "error")
        self.assertEqual(self.qemu.read(self.chan(CHCRB)), 2 << 24 | 2 << 16)

    def test_what_isnt_repeated_stays(self):
        q = self.qemu
        self.chain((self.other, self.dst, 16), more=0)
        self.end_of()
        q.write(self.dmac + DMACHCLR, 2)
        q.write(self.chan(TCR), 32)
        q.write(self.chan(SAR), self.src)
        q.write(self.chan(DAR), self.other)
        for reg, value in ((DPBASE, self.desc | 1), (CHCR, ONCE | AUTO | 1 << 14 | 1 << 12 | TS[4] | DE)):
            q.write(self.chan(reg), value)
        self.assertEqual(self.end_of(), "done")
        self.assertEqual(q.peek(self.other, 132), PATTERN[:128] + bytes(4))

    def test_a_stage_ends_with_an_interrupt_if_it_is_the_one(self):
        self.chain(*self.four(), dipt=2, more=DSIE)
        self.assertEqual(self.end_of(), "done")
        self.assertTrue(self.qemu.read(self.chan(CHCR)) & DSE)
        self.qemu.write(self.chan(CHCR), DSIE | DSE)
        self.assertEqual(self.spi(self.chan_spi), 1)
        self.qemu.write(self.chan(CHCR), DSIE)
        self.assertEqual(self.spi(self.chan_spi), 0)
        self.chain(*self.four(), dipt=9, more=DSIE)
        self.assertEqual(self.end_of(), "done")
        self.assertFalse(self.qemu.read(self.chan(CHCR)) & DSE)

    def test_an_endless_chain_goes_on_until_it_is_stopped(self):
        self.chain(*self.four(), mode=ENDLESS, dipt=0, more=DSIE)
        chcr = lambda: self.qemu.read(self.chan(CHCR))
        self.assertTrue(until(lambda: chcr() & DSE))
        self.assertTrue(self.turned())
        self.assertEqual(chcr() & TE, 0)
        self.assertEqual(self.spi(self.chan_spi), 1)
        moved = lambda: self.qemu.get("/machine/dmac0", "n-bytes")
        before = moved()
        self.assertTrue(until(lambda: moved() > before + 4 * 4096))
        for _ in range(3):
            self.qemu.write(self.chan(CHCR), chcr() & ~DSE)
            self.assertTrue(until(lambda: chcr() & DSE))
        self.qemu.write(self.chan(CHCR), chcr() & ~(DE | DSE))
        self.qemu.fill(self.dst, 4096)
        self.assertFalse(until(lambda: chcr() & (DSE | DE), 0.05))
        self.assertEqual(self.qemu.peek(self.dst, 4096), bytes(4096))

    def test_others_have_their_turn_beside_an_endless_chain(self):
        self.chain(*self.four(), mode=ENDLESS)
        self.assertEqual(self.copy(self.src, self.other, n=2), "done")
        self.assertTrue(self.arrived(self.other))
        self.assertEqual(self.qemu.read(self.chan(CHCR)) & (DE | TE | CAE), DE)

    def test_a_chain_that_overwrites_itself(self):
        # The first one replaces the second by what self.src has.
        self.qemu.poke(self.src, struct.pack("<IIII", self.src + 16, self.other, 4, 0) + PATTERN[:16])
        self.chain((self.src, self.desc + 16, 4), (self.src, self.dst, 4))
        self.assertEqual(self.end_of(), "done")
        self.assertEqual(self.qemu.peek(self.other, 16), PATTERN[:16])
        self.assertEqual(self.qemu.peek(self.dst, 16), bytes(16))

    def test_descriptors_where_there_is_no_memory(self):
        self.chain(*self.four(), base=0x3000000)
        self.assertEqual(self.end_of(), "error")
        self.assertEqual(self.qemu.read(self.chan(CHCRB)), 3 << 24)

    def test_descriptors_inside_of_the_dmac_are_not_modelled(self):
        self.chain(*self.four())
        self.end_of()
        self.qemu.write(self.chan(DPBASE), self.desc)
        self.qemu.write(self.chan(CHCR), CAIE | ONCE | RPT | AUTO | TS[4] | DE)
        self.assertEqual(self.end_of(), "error")
        self.assertIn("descriptors inside of the DMAC", self.logged())

    # ---- registers as memory

    def test_its_own_registers_are_an_address_error(self):
        self.assertEqual(self.copy(self.src, self.chan(SAR), 64), "error")
        self.assertEqual(self.copy(self.dmac, self.dst, 64), "error")
        self.assertEqual(self.copy(self.src, self.dst), "done")

    def test_the_interrupt_controller_is_out_of_reach(self):
        self.assertEqual(self.copy(self.gicd, self.dst, 64), "error")
        self.assertEqual(self.copy(self.src, self.gicd + 0x100, 64), "error")

    def test_one_dmac_starts_another(self):
        regs = [self.src, self.dst, 1024, CAIE | AUTO | 1 << 14 | 1 << 12 | TS[4] | DE]
        self.qemu.write(self.second + DMAOR, DME, 2)
        self.qemu.poke(self.other, struct.pack("<IIII", *regs))
        self.assertEqual(self.copy(self.other, self.chan(SAR, 4, self.second), 16), "done")
        self.assertEqual(self.end_of(4, self.second), "done")
        self.assertTrue(self.arrived())

    def test_a_dmac_flushes_the_ipmmu_that_it_is_behind(self):
        self.translated()
        self.fresh()
        for n, unit in ((4, self.root), (5, self.leaf)):
            self.map(n, unit & ~0xfff)
        self.flush()
        self.assertEqual(self.where(), "new")
        self.map(1, self.dst)
        self.qemu.write(self.src, INTEN | FLUSH | MMUEN)
        for iova, unit in ((0x50004000, self.root), (0x50005000, self.leaf)):
            self.assertEqual(self.copy(0x50000000, iova + (self.ctx(IMCTR, unit=unit) & 0xfff), 4), "done")
        self.qemu.poke(self.src, PATTERN[:4])
        self.assertEqual(self.where(), "old")


class Rest(Base):
    # pylint: disable=no-member
    SCR, FTDR, FSR, FRDR, FCR, FDR, LSR = 8, 0xc, 0x10, 0x14, 0x18, 0x1c, 0x24

    def sci(self, reg, value=None):
        addr = self.scif + reg
        return self.qemu.read(addr, 2) if value is None else self.qemu.write(addr, value, 2)

    def test_scif_after_reset(self):
        self.assertEqual((self.sci(self.FSR), self.sci(self.FDR), self.sci(4), self.sci(self.SCR)), (0x60, 0, 0xff, 0))

    def test_scif_sends_if_te_is_set(self):
        self.sci(self.FTDR, ord("-"))
        self.sci(self.SCR, 0x30)
        for c in b"hello":
            self.qemu.write(self.scif + self.FTDR, c, 1)
        self.assertEqual(self.qemu.serial.recv(64), b"hello")
        self.assertEqual(self.sci(self.FSR), 0x60)

    def test_scif_receives_if_re_is_set(self):
        self.qemu.serial.sendall(b"abc")
        self.assertFalse(until(lambda: self.sci(self.FDR), 0.05))
        self.sci(self.SCR, 0x30)
        self.assertTrue(until(lambda: self.sci(self.FDR) == 3))
        self.assertEqual(self.sci(self.FSR), 0x63)
        self.assertEqual([self.qemu.read(self.scif + self.FRDR, 1) for _ in range(4)], [*b"abc", 0])
        self.assertEqual(self.sci(self.FSR), 0x60)

    def test_scif_holds_16_and_the_rest_comes_later(self):
        self.sci(self.SCR, 0x30)
        text = bytes(range(65, 65 + 26))
        self.qemu.serial.sendall(text)
        self.assertTrue(until(lambda: self.sci(self.FDR) == 16))
        found = []
        until(lambda: found.append(self.sci(self.FRDR)) or len(list(filter(None, found))) == 26)
        self.assertEqual(bytes(filter(None, found)), text)
        self.assertEqual(self.sci(self.LSR), 0)

    def test_scif_interrupts(self):
        self.assertEqual(self.spi(self.scif_spi), 0)
        self.sci(self.SCR, 0xa0)
        self.assertEqual(self.spi(self.scif_spi), 1)
        self.sci(self.SCR, 0x70)
        self.assertEqual(self.spi(self.scif_spi), 0)
        self.qemu.serial.sendall(b"x")
        self.assertTrue(until(lambda: self.spi(self.scif_spi)))
        self.sci(self.FRDR)
        self.assertEqual(self.spi(self.scif_spi), 0)

    def test_scif_receive_trigger(self):
        self.sci(self.FCR, 2 << 6)
        self.sci(self.SCR, 0x30)
        self.qemu.serial.sendall(b"1234567")
        self.assertTrue(until(lambda: self.sci(self.FDR) == 7))
        self.assertEqual(self.sci(self.FSR), 0x61)
        self.qemu.serial.sendall(b"8")
        self.assertTrue(until(lambda: self.sci(self.FSR) == 0x63))

    def test_scif_loopback_fifo_reset_and_overrun(self):
        self.sci(self.FCR, 1)
        self.sci(self.SCR, 0x30)
        for c in range(17):
            self.sci(self.FTDR, c)
        self.assertEqual((self.sci(self.FDR), self.sci(self.LSR)), (16, 1))
        self.sci(self.LSR, 0)
        self.sci(self.FCR, 2)
        self.assertEqual((self.sci(self.FDR), self.sci(self.LSR)), (0, 0))

    def test_cpg_status_of_modules_follows_control(self):
        q = self.qemu
        status = (0x30, 0x38, 0x40, 0x48, 0x4c, 0x3c, 0x1c0, 0x1c4, 0x9a0, 0x9a4, 0x9a8, 0x9ac)
        control = (0x130, 0x134, 0x138, 0x13c, 0x140, 0x144, 0x148, 0x14c, 0x990, 0x994, 0x998, 0x99c)
        self.assertEqual({q.read(CPG + addr) for addr in status}, {0})
        for n, addr in enumerate(control):
            q.write(CPG + addr, 0x1000 + n)
        self.assertEqual([q.read(CPG + addr) for addr in status], [0x1000 + n for n in range(12)])
        q.write(CPG + status[3], 0)
        self.assertEqual(q.read(CPG + status[3]), 0x1003)

    def test_cpg_resets_are_set_and_cleared(self):
        q = self.qemu
        for n, addr in enumerate((0xa0, 0xa8, 0xb0, 0xb8, 0xbc, 0xc4, 0x1c8, 0x1cc, 0x920, 0x924, 0x928, 0x92c)):
            q.write(CPG + addr, 0xff)
            q.write(CPG + 0x940 + 4 * n, 0x0f)
            self.assertEqual((q.read(CPG + addr), q.read(CPG + 0x940 + 4 * n)), (0xf0, 0), hex(addr))

    def test_cpg_locks_and_kicks_at_once(self):
        self.assertEqual(self.qemu.read(CPG + 0xd0) & 0x1f00, 0x1f00)
        self.qemu.write(CPG + 4, 1 << 31 | 5)
        self.assertEqual(self.qemu.read(CPG + 4), 5)

    def test_cpg_has_no_divider_without_a_value_that_the_driver_knows(self):
        for addr, shift, width, valid in self.dividers:
            found = self.qemu.read(CPG + addr) >> shift & (1 << width) - 1
            self.assertIn(found, valid, f"{addr:#x} {shift}")
        self.assertEqual(self.qemu.read(CPG + 0xd8) >> 24, self.pll0)

    def test_sysc_switches_an_area_off_and_on(self):
        q, (area, bit, isr) = self.qemu, self.area
        self.assertEqual((q.read(SYSC) & 3, q.read(SYSC + area)), (3, 0))
        q.write(SYSC + 0x10, 1 << isr)
        q.write(SYSC + 0xc, 1 << isr)
        q.write(SYSC + area + 4, 1 << bit)
        self.assertEqual((q.read(SYSC + area), q.read(SYSC + 4), q.read(SYSC + area + 0x14)), (1 << bit, 1 << isr, 0))
        q.write(SYSC + 8, 1 << isr)
        self.assertEqual(q.read(SYSC + 4), 0)
        q.write(SYSC + area + 0xc, 1 << bit)
        self.assertEqual((q.read(SYSC + area), q.read(SYSC + 4)), (0, 1 << isr))

    def test_sysc_says_nothing_of_a_source_that_is_not_enabled(self):
        q, (area, bit, _) = self.qemu, self.area
        q.write(SYSC + area + 4, 1 << bit)
        self.assertEqual((q.read(SYSC + area), q.read(SYSC + 4)), (1 << bit, 0))

    def test_sysc_knows_its_areas(self):
        self.qemu.write(SYSC + self.area[0] + 4, 1 << 31)
        self.assertEqual(self.qemu.read(SYSC + self.area[0]), 0)
        self.assertIn(f"no area 0x{self.area[0]:x} bits 0x80000000", self.logged())

    def test_sysc_status_cannot_be_written(self):
        for addr in (0, 4, self.area[0]):
            before = self.qemu.read(SYSC + addr)
            self.qemu.write(SYSC + addr, 0xffffffff)
            self.assertEqual(self.qemu.read(SYSC + addr), before, hex(addr))

    def test_rst_and_prr(self):
        q = self.qemu
        self.assertEqual((q.read(RST + 0x60), q.read(self.prr)), (0, self.product))
        for addr in (RST + 0x60, self.prr):
            before = q.read(addr)
            q.write(addr, 0xffffffff)
            self.assertEqual(q.read(addr), before, hex(addr))
        q.write(RST + 0x54, 0xa55a0002)
        self.assertEqual(q.read(RST + 0x54), 0xa55a0002)

    def test_what_nothing_models_is_memory_and_its_first_use_is_logged(self):
        q, addr = self.qemu, 0xe6060100
        self.assertEqual(q.read(addr), 0)
        self.assertIn("first read of 0xe6060100: 0x0 (4 bytes)", self.logged())
        q.write(addr, 0x8877665544332211, 8)
        self.assertIn("first write of 0xe6060100", self.logged())
        self.assertEqual([q.read(addr + i, 1) for i in range(8)], [0x11 * (i + 1) for i in range(8)])
        self.assertEqual((q.read(addr + 2, 2), q.read(addr, 8)), (0x4433, 0x8877665544332211))
        before = self.logged()
        q.read(addr)
        q.write(addr, 1)
        self.assertEqual(self.logged(), before)
        q.reset()
        self.assertEqual(q.read(addr, 8), 0)

    def test_what_is_preset(self):
        for addr, value in self.presets:
            self.assertEqual(self.qemu.read(addr), value, hex(addr))


class H3(Ipmmu, Dmac, Rest, unittest.TestCase):
    """Gen3: a main unit, and the cache unit DS0 with DMAC 0 behind it."""
    machine, ram, high, gicd = "rcar-h3", 0x48000000, 0x500000000, 0xf1010000
    root, leaf, number, level1, level2, nonsense = 0xe67b0000, 0xe6740000, 1, 2 << 6, 1 << 6, 3 << 6
    path, main_path, ipmmu_spi, imeuar = "/machine/ipmmu-ds0", "/machine/ipmmu-mm", 196, 0x23
    dmac, second, channels, chan_spi, error_spi = 0xe6700000, 0xe7300000, 16, 201, 199
    behind = ((0xe6700000, 0xe6740000, 0), (0xe7300000, 0xe7740000, 0), (0xe7310000, 0xe7740000, 16),
              (0xec700000, 0xec670000, 0), (0xec720000, 0xec670000, 16))
    scif, scif_spi, prr, product, area = 0xe6e88000, 164, 0xfff00044, 0x4f10, (0x3c0, 1, 26)
    dividers = [(a, 0, 6, range(1, 64)) for a in (0xc, 0x14, 0x244, 0x250)] + \
        [(a, 0, 2, (0, 1)) for a in (0x74, 0x78, 0x268, 0x26c)] + [(0x238, 0, 3, (1, 3, 5, 7)), (0x238, 3, 2, (2, 3))]
    pll0 = 0x59
    presets = ((0xfe9a3f00, 0x1401), (0xe680000c, 1))
    wait = 0x17ffffffd503207f   # wfi; b .-4

    def test_there_is_no_alias(self):
        self.qemu.write(self.root + 0x840, 7)
        self.assertEqual(self.qemu.read(self.root + 0x40), 0)

    def test_micro_tlbs_32_to_47_are_in_the_second_bank(self):
        for n in (32, 47):
            self.utlb(n)
            self.assertEqual(self.qemu.read(self.leaf + utlb_ctr(n)), self.number << 4 | MMUEN, n)
        # What is beside it is no micro-TLB.
        for addr in (0x500, 0x700, 0x604):
            self.qemu.write(self.leaf + addr, FLUSH)
            self.assertEqual(self.qemu.read(self.leaf + addr), FLUSH, hex(addr))

    def test_a_flush_of_the_main_unit_alone_leaves_the_micro_tlbs(self):
        self.translated()
        self.fresh()
        self.flush(units=[self.root])
        self.assertEqual(self.where(), "old")

    def test_a_flush_of_the_cache_unit_alone_leaves_the_main_tlb(self):
        self.translated()
        self.fresh()
        self.flush(units=[self.leaf])
        self.assertEqual(self.where(), "old")

    def test_imuctr_drops_the_micro_tlb(self):
        self.translated()
        self.fresh()
        self.flush(units=[self.root])
        self.utlb()
        self.assertEqual(self.where(), "new")

    def test_a_cache_unit_that_is_off_is_a_guest_error_and_untranslated(self):
        self.tables()
        self.context()
        self.qemu.write(self.ctx(IMCTR, unit=self.leaf), 0)
        self.utlb()
        self.assertIn("whose IMCTR is off in the cache unit", self.logged())
        self.assertEqual(self.copy(self.src, self.dst), "done")
        self.assertTrue(self.arrived())
        self.assertEqual(self.logged().count("is enabled for context"), 1)

    def test_a_main_unit_that_is_off_is_a_guest_error(self):
        self.tables()
        self.context()
        self.qemu.write(self.ctx(IMCTR), 0)
        self.assertNotIn("is off", self.logged())
        self.assertEqual(self.copy(self.src, self.dst), "done")
        self.utlb()
        self.assertIn("whose IMCTR is off in the main unit", self.logged())

    def test_imsstr_names_the_unit(self):
        self.tables()
        for dmac, unit, first, bit in ((0xe7300000, 0xe7740000, 0, 1), (0xec700000, 0xec670000, 0, 4)):
            self.leaf = unit
            self.context()
            self.utlb(first + 1)
            self.assertEqual(self.qemu.read(self.root + IMSSTR), 0)
            self.assertEqual(self.copy(0x50000000, 0x50002000, dmac=dmac), "error")
            self.assertEqual(self.qemu.read(self.root + IMSSTR), 1 << bit)
            self.qemu.write(self.root + IMSSTR, 0)
            self.assertEqual(self.qemu.read(self.root + IMSSTR), 1 << bit)
            self.cleared()
            self.assertEqual(self.qemu.read(self.root + IMSSTR), 0)

    def test_there_are_8_contexts(self):
        self.tables()
        self.context(n=7)
        self.utlb(ctx=7)
        self.assertEqual(self.copy(0x50000000, 0x50001000), "done")
        self.assertTrue(self.arrived())
        self.utlb(ctx=8)
        self.assertIn("context 8, which doesn't exist", self.logged())

    def test_avb_is_in_the_mode_that_it_is_told(self):
        self.qemu.write(0xe6800000, 2)
        self.assertEqual(self.qemu.read(0xe680000c), 4)

    def test_pages_of_the_cpu_interface_are_there_16_times(self):
        gicc = self.gicd + 0x10000
        iidr = self.qemu.read(gicc + 0xfc)
        self.assertEqual({self.qemu.read(gicc + 0x1000 * i + 0xfc) for i in range(16)}, {iidr})
        self.assertNotEqual(iidr, 0)
        self.assertEqual({self.qemu.read(gicc + 0x1000 * i + 0xfc) for i in range(16, 32)}, {0})


class H2(Ipmmu, Dmac, Rest, unittest.TestCase):
    """Gen2: the driver uses the non-secure alias of IPMMU-DS, with both DMACs behind it."""
    machine, ram, high, gicd = "rcar-h2", 0x40000000, 0x140000000, 0xf1001000
    root = leaf = 0xe6740800
    number, level1, level2, nonsense = 0, 1 << 4, 0, 7 | 1 << 4
    path = main_path = "/machine/ipmmu-ds"
    ipmmu_spi, imeuar = 198, 0
    dmac, second, channels, chan_spi, error_spi = 0xe6700000, 0xe6720000, 15, 201, 197
    behind = ((0xe6700000, 0xe6740800, 0), (0xe6720000, 0xe6740800, 15))
    scif, scif_spi, prr, product, area = 0xe6e60000, 152, 0xff000044, 0x4510, (0x0c0, 0, 20)
    dividers = [(a, 0, 6, range(1, 64)) for a in (0x78, 0x240, 0x244, 0x248, 0x24c, 0x26c)] + \
        [(0x74, 0, 4, (4, 5, 6, 7, 8, 10, 11, 12)), (0x74, 4, 4, (4, 5, 6, 7, 8, 10, 11, 12)),
         (0x74, 8, 4, (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11)), (0x25c, 0, 4, (1, 2, 3, 4, 5, 6, 7, 8, 10, 11)),
         (0x270, 8, 1, (1,))]
    pll0 = 0x45
    presets = ((0xe6080000, 1), (0xe6080020, 10000000))
    wait = 0xeafffffde320f003   # wfi; b .-4

    def test_the_registers_are_there_twice(self):
        self.qemu.write(self.root + 0x28, 0x1234)
        self.assertEqual(self.qemu.read(self.root - 0x800 + 0x28), 0x1234)
        self.translated()
        self.fresh()
        self.qemu.write(self.root - 0x800 + 0x40 * self.number, INTEN | FLUSH | MMUEN)
        self.assertEqual(self.where(), "new")

    def test_there_are_32_micro_tlbs(self):
        self.qemu.write(self.leaf + 0x600, FLUSH)
        self.assertEqual(self.qemu.read(self.leaf + 0x600), FLUSH)

    def test_there_are_4_contexts(self):
        self.tables()
        self.context(n=3)
        self.utlb(ctx=3)
        self.assertEqual(self.copy(0x50000000, 0x50001000), "done")
        self.assertTrue(self.arrived())
        self.utlb(ctx=4)
        self.assertIn("context 4, which doesn't exist", self.logged())

    def test_audio_dmacs_are_not_behind_an_ipmmu(self):
        for unit in (self.root, 0xec680800):
            self.flush(0, [unit])
            for n in range(32):
                self.qemu.write(unit + utlb_ctr(n), MMUEN)
        self.assertEqual(self.copy(self.src, self.dst, dmac=0xec700000), "done")
        self.assertTrue(self.arrived())


class Options(unittest.TestCase):
    """What is asked for on the command line, each with a QEMU of its own."""

    def board(self, base, *options):
        class Board(base):
            """One of another shape"""
        Board.machine += options[0] if options else ""
        Board.options = options[1:]
        Board.setUpClass()
        self.addCleanup(Board.tearDownClass)
        board = Board("setUp")
        board.setUp()
        return board

    def test_without_a_tlb_no_flush_is_missed(self):
        board = self.board(H3, ",tlb-size=0")
        board.translated()
        board.copy(0x50000000, 0x50000800, 64)
        board.qemu.poke(board.other, PATTERN)
        board.map(0, board.other)
        board.copy(0x50000000, 0x50000800, 64)
        self.assertTrue(board.arrived(board.other + 0x800, 64))

    def test_a_tlb_that_is_full_forgets(self):
        board = self.board(H3, ",tlb-size=2")
        board.translated()
        board.map(3, board.dst)
        board.fresh()
        board.copy(0x50000000, 0x50003000)
        board.qemu.fill(board.dst, 4096)
        board.copy(0x50003000, 0x50000000)
        board.qemu.poke(board.src, PATTERN)
        self.assertEqual(board.where(), "new")

    def test_product_and_mode(self):
        board = self.board(H2, ",prr=0,mode=0x1234")
        self.assertEqual((board.qemu.read(board.prr), board.qemu.read(RST + 0x60)), (0, 0x1234))

    def test_cpus_of_both_clusters(self):
        board = self.board(H3, "", "-smp", "8")
        types = [cpu["qom-path"] for cpu in board.qemu.qmp("query-cpus-fast")]
        self.assertEqual(types, [f"/machine/cluster{i // 4}/cpu{i % 4 + i // 4 * 4}" for i in range(8)])
        self.assertEqual([board.qemu.get(path, "mp-affinity") for path in types], [*range(4), *range(0x100, 0x104)])

    def test_nothing_moves_while_the_machine_is_stopped(self):
        for base in (H3, H2):
            board = self.board(base)
            board.qemu.qmp("cont")
            board.qemu.qmp("stop")
            board.start(board.src, board.dst, 4096)
            self.assertFalse(until(board.state, 0.05))
            self.assertEqual(board.qemu.peek(board.dst, 4096), bytes(4096))
            board.qemu.qmp("cont")
            self.assertEqual(board.end_of(), "done")
            self.assertTrue(board.arrived())

    def test_micro_tlbs_of_the_second_bank_translate(self):
        board = self.board(H3, ",utlb-offset=16")
        board.leaf, board.dmac = 0xe7740000, 0xe7310000
        board.tables()
        board.context()
        for n, unit in ((0, 32), (15, 47)):
            board.utlb(unit)
            self.assertEqual(board.copy(0x50000000, 0x50001000, n=n), "done", unit)
            self.assertTrue(board.arrived(), unit)
            board.qemu.fill(board.dst, 4096)
            # Its neighbour is off.
            self.assertEqual(board.copy(board.src, board.dst, n=n ^ 1), "done", unit)
            self.assertTrue(board.arrived(), unit)
            board.qemu.fill(board.dst, 4096)

    def test_micro_tlbs_that_are_not_there_are_refused(self):
        for machine, offset, said in (("rcar-h3", 17, "ipmmu-ds1 has no micro-TLB 48"),
                                      ("rcar-h2", 3, "ipmmu-ds has no micro-TLB 32")):
            done = subprocess.run([*model.qemu(), "-M", f"{machine},utlb-offset={offset}", "-display", "none", "-S"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
            self.assertIn(said, done.stderr)
            self.assertEqual(done.returncode, 1)

    def test_too_much_memory_is_refused(self):
        for machine, most in (("rcar-h3", 3968), ("rcar-h2", 4096)):
            done = subprocess.run([*model.qemu(), "-M", machine, "-m", f"{most + 1}M", "-display", "none", "-S"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
            self.assertIn(f"at most {most} MiB", done.stderr)
            self.assertEqual(done.returncode, 1)

    def test_each_dmac_works_with_more_than_one_cpu(self):
        # QEMU's GIC takes whoever is not a CPU for one, and there is none.
        board = self.board(H3, "", "-smp", "2")
        self.assertEqual(board.copy(board.gicd, board.dst, 64), "error")
        self.assertEqual(board.copy(board.src, board.dst), "done")

    def test_state_migrates(self):
        for base in (H3, H2):
            board = self.board(base)
            if base is H3:      # a unit whose bit in IMSSTR is not 0
                board.leaf, board.dmac = 0xe7740000, 0xe7300000
            board.translated()
            board.copy(0x50000000, 0x50002000)
            board.copy(0x50000000, 0x50001000)
            q, path = board.qemu, os.path.join(board.qemu.dir, "state")
            some = [board.ctx(IMSTR), board.ctx(IMEAR), board.ctx(IMTTLBR0), board.leaf + utlb_ctr(1), board.chan(SAR),
                    board.chan(CHCR), board.chan(TSR), board.dmac + DMAOR, CPG + 0x130, SYSC + board.area[0],
                    RST + 0x54, 0xe6060100, board.scif + 4, board.root + (IMSSTR if base is H3 else 0x28)]
            for addr, value in ((CPG + 0x130, 0x77), (SYSC + board.area[0] + 4, 1 << board.area[1]),
                                (RST + 0x54, 0xa55a0002), (0xe6060100, 0x12345678), (board.root + 0x28, 0x44)):
                q.write(addr, value)
            q.write(board.scif + 4, 0x17, 2)
            before = [q.read(addr) for addr in some]
            self.assertNotIn(0, before)
            # What was known of the old page is not known any more.
            board.fresh()
            # One that is under way, byte by byte, and ends elsewhere
            far, size = board.ram + 0x1000000, 0x800000
            q.fill(far, size)
            board.start(board.src, far, size, n=5, unit=1, sm=0)
            q.qmp("migrate", uri=f"exec:cat >{path}")
            self.assertEqual(until(lambda: q.qmp("query-migrate")["status"] in ("completed", "failed") and
                                   q.qmp("query-migrate")["status"]), "completed")
            left = q.read(board.chan(TCRB, 5))
            self.assertTrue(0 < left < size, left)
            self.assertFalse(until(lambda: q.read(board.chan(TCRB, 5)) != left, 0.05))
            after = self.incoming(base, path)
            after.leaf, after.dmac = board.leaf, board.dmac
            self.assertEqual(after.qemu.read(after.chan(TCRB, 5)), left)
            after.qemu.qmp("cont")
            self.assertEqual(until(lambda: after.state(5), 60), "done")
            self.assertEqual(after.qemu.peek(far, size), PATTERN[:1] * size)
            self.assertEqual([after.qemu.read(addr) for addr in some[:4]], before[:4])
            self.assertEqual([after.qemu.read(addr) for addr in some[7:]], before[7:])
            self.assertEqual(after.where(), "new")
            after.qemu.reset()
            self.assertEqual(after.qemu.read(0xe6060100), 0)

    def incoming(self, base, path):
        class Board(base):
            """The one that takes over"""
        Board.options = ("-incoming", f"exec:cat {path}")
        Board.setUpClass()
        self.addCleanup(Board.tearDownClass)
        board, plain = Board("setUp"), H3 if base is H3 else H2
        until(lambda: board.qemu.qmp("query-status")["status"] != "inmigrate")
        for name, value in vars(self.addresses(plain)).items():
            setattr(board, name, value)
        return board

    @staticmethod
    def addresses(base):
        class Names:
            """Where setUp() has put things"""
        names = Names()
        names.l1, names.l2, names.l3 = (base.ram + 0x100000 + i * 0x1000 for i in range(3))
        names.src, names.dst, names.other = (base.ram + 0x400000 + i * 0x10000 for i in range(3))
        return names


if __name__ == "__main__":
    unittest.main()
