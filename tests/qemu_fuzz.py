# SPDX-License-Identifier: GPL-2.0
"""Random reads and writes of the models of qemu/, DMA among their registers included: QEMU must go on to answer.
qemu_fuzz.py [SEED [OPERATIONS]]; run by qemu.bats."""
import random
import sys
import time
from qtest import SIZES, Hang, Qemu

BATCH = 250
# Windows of registers: those of both boards, what isn't there is memory that logs.
IPMMUS = [0xe67b0000, 0xe6740000, 0xe7740000, 0xec670000, 0xe6570000, 0xe6280000]
DMACS = [0xe6700000, 0xe7300000, 0xe7310000, 0xe6720000, 0xec700000]
OTHERS = [(0xe6e88000, 0x40), (0xe6e60000, 0x40), (0xe6e68000, 0x40), (0xe6150000, 0x1000), (0xe6160000, 0x200),
          (0xe6180000, 0x400), (0xfff00044, 4), (0xff000044, 4), (0xe6060000, 0x1000), (0xe6800000, 0x40),
          (0xfe920000, 0x4000)]
# Only as the target of a transfer: QEMU's own interrupt controller isn't ours to test.
GICS = [0xf1010000, 0xf1020000, 0xf1001000, 0xf1002000]


class Fuzz:
    def __init__(self, machine, ram, seed):
        self.qemu = Qemu(machine, "-m", "256M", "-smp", "2")
        self.ram, self.random, self.commands, self.slowest = ram, random.Random(seed), [], 0
        self.operations = 0

    def window(self):
        kind = self.random.random()
        if kind < 0.3:
            return self.random.choice(IPMMUS), 0x1000
        if kind < 0.6:
            return self.random.choice(DMACS) + 0x8000, 0x800
        if kind < 0.7:
            return self.random.choice(DMACS), 0x100
        return self.random.choice(OTHERS)

    def memory(self):
        """16 KiB, so that tables, descriptors and data get into each other's way."""
        return self.ram + 0x100000 + self.random.randrange(0x4000)

    def address(self):
        base, size = self.window()
        return self.random.choice([base + self.random.randrange(size), self.memory(), self.memory(),
                                   self.random.choice(GICS) + self.random.randrange(0x1000),
                                   self.random.getrandbits(32), self.random.getrandbits(40)])

    def value(self, bits=32):
        r = self.random
        return r.choice([0, (1 << bits) - 1, r.getrandbits(bits), 1 << r.randrange(bits), r.getrandbits(4),
                         self.address()]) & (1 << bits) - 1

    def write(self, addr, value, size=4):
        self.commands.append(f"write{SIZES[size]} {addr:#x} {value & (1 << 8 * size) - 1:#x}")

    # ---- operations

    def access(self):
        base, span = self.window()
        size = self.random.choice([1, 2, 4, 4, 4, 8])
        addr = base + self.random.randrange(span)
        if self.random.random() < 0.8:
            addr &= ~(size - 1)
        if self.random.random() < 0.3:
            self.commands.append(f"read{SIZES[size]} {addr:#x}")
        else:
            self.write(addr, self.value(size * 8), size)

    def table(self):
        """An entry that may lead somewhere, or to itself."""
        self.write(self.memory() & ~7, self.value(40) & ~0xfff | self.random.choice([0, 1, 3, 3]) | 1 << 5 |
                   self.random.choice([0, 1 << 7]) | self.random.choice([0, 1 << 63]), 8)

    def context(self):
        n, unit = self.random.randrange(9), self.random.choice(IPMMUS) + self.random.choice([0, 0x800])
        for reg, value in ((0x10, self.address()), (0x14, self.random.choice([0, self.value()])),
                           (8, 1 << 31 | self.random.choice([1 << 4, 2 << 6, self.value()])), (0, self.value())):
            self.write(unit + 0x40 * n + reg, value)
        for unit in self.random.sample(IPMMUS, 3):
            self.write(unit + 0x40 * n, 7)

    def utlb(self):
        n = self.random.randrange(48)
        self.write(self.random.choice(IPMMUS) + (0x300 + 16 * n if n < 32 else 0x600 + 16 * (n - 32)),
                   self.random.randrange(16) << 4 | self.random.randrange(4))

    def descriptor(self):
        where = self.memory() & ~15
        for i, value in enumerate((self.address(), self.address(), self.random.choice([0, 1, 16, self.value()]))):
            self.write(where + 4 * i, value)

    def transfer(self):
        r, dmac = self.random, self.random.choice(DMACS)
        chan, src, dst = dmac + 0x8000 + 0x80 * r.randrange(16), self.address(), self.address()
        self.write(dmac + 0x60, 1, 2)
        for reg, value in ((0xc, 0), (0, src), (4, dst), (0x10, src >> 32), (0x14, dst >> 32),
                           (8, r.choice([0, 1, 64, 4096, self.value()])), (0x50, self.memory() & ~15 | 1), (0x60, 0),
                           (0x1c, r.getrandbits(8) << 24 | 1 << 15), (0x54, r.getrandbits(8) << 24),
                           (0xc, r.getrandbits(32) & ~(0xf << 8) & ~(1 << 31 | 2) | 4 << 8 | 1)):
            self.write(chan + reg, value)

    def batch(self):
        """Some operations at once. What is under way is stopped, or transfers of a gigabyte pile up."""
        self.commands = [f"writel {dmac + 0x80:#x} 0xffff" for dmac in DMACS]
        while len(self.commands) < BATCH:
            self.random.choice([self.access] * 20 + [self.table] * 4 + [self.context, self.utlb, self.descriptor] * 2 +
                               [self.transfer] * 4)()
        start = time.time()
        self.qemu.send(*self.commands)
        for _ in self.commands:
            self.qemu.answer()
        self.slowest = max(self.slowest, time.time() - start)
        self.operations += len(self.commands)
        if self.random.random() < 0.02:
            self.qemu.reset()
        if self.random.random() < 0.1:
            self.qemu.serial.setblocking(False)
            try:
                self.qemu.serial.send(bytes(20))
                self.qemu.serial.recv(65536)
            except BlockingIOError:
                pass


def main(seed=0, operations=100000):
    failed = False
    for machine, ram in (("rcar-h3", 0x48000000), ("rcar-h2", 0x40000000)):
        fuzz = Fuzz(machine, ram, f"{seed} {machine}")
        start, units = time.time(), ["ipmmu-ds0", "ipmmu-ds1"] if machine == "rcar-h3" else ["ipmmu-ds"]
        try:
            while fuzz.operations < operations / 2:
                fuzz.batch()
            count = {name: sum(fuzz.qemu.get("/machine/" + unit, name) for unit in units)
                     for name in ("n-translate", "n-walk", "n-fault", "n-flush")}
            print(f"{machine}: seed {seed}: {fuzz.operations} operations, {time.time() - start:.0f} s, slowest batch "
                  f"{fuzz.slowest:.1f} s, {fuzz.qemu.get('/machine/dmac0', 'n-bytes')} bytes moved by dmac0, "
                  f"{', '.join(f'{value} {name[2:]}' for name, value in count.items())}")
            # A run that reaches nothing finds nothing.
            failed |= not all(count.values())
        except Hang as hang:
            print(f"{machine}: seed {seed}: {hang}; the last commands were:", *fuzz.commands, sep="\n")
            failed = True
        finally:
            fuzz.qemu.end()
    return failed


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
