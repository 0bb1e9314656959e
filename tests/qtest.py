# SPDX-License-Identifier: GPL-2.0
"""QEMU with the models of qemu/, driven over its qtest protocol: no guest runs. For qemu_qtest.py and
qemu_fuzz.py."""
import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import time
from defer import model

SIZES = {1: "b", 2: "w", 4: "l", 8: "q"}
PATIENCE = 60


class Hang(Exception):
    """QEMU says nothing any more."""


class Qemu:
    """One QEMU, stopped, with its first serial port on a socket."""

    def __init__(self, machine, *options, command=None):
        self.dir = tempfile.mkdtemp(prefix="rcar-qtest-")
        self.log = os.path.join(self.dir, "log")
        with open(os.path.join(self.dir, "stderr"), "wb") as stderr:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(
                [*(command or model.qemu()), "-M", machine, "-accel", "tcg", "-S", "-nodefaults", "-display", "none",
                 "-qtest", "stdio", "-qtest-log", "none", "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
                 "-serial", f"unix:{self.dir}/serial,server=on,wait=off", "-D", self.log, "-d", "guest_errors,unimp",
                 *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
        self.buffer = b""
        self.irq, self.events = {}, []
        try:
            self.command("endianness")
            self.qmp_socket = self.connect("qmp")
            self.qmp_file = self.qmp_socket.makefile("r", encoding="utf-8")
            self.qmp_file.readline()
            self.qmp("qmp_capabilities")
            self.serial = self.connect("serial")
        except BaseException:
            self.end()
            raise

    def connect(self, name):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        sock.connect(os.path.join(self.dir, name))
        return sock

    def end(self):
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout):
            file.close()
        for name in ("qmp_file", "qmp_socket", "serial"):
            if hasattr(self, name):
                getattr(self, name).close()
        shutil.rmtree(self.dir)

    def said(self, name="log"):
        with open(os.path.join(self.dir, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    # ---- qtest

    def line(self):
        while b"\n" not in self.buffer:
            if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
                raise Hang(f"no answer for {PATIENCE} s")
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            if not more:
                raise Hang(f"QEMU is gone, exit code {self.process.wait()}: {self.said('stderr')[-500:]}")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode().split()

    def send(self, *commands):
        self.process.stdin.write("".join(command + "\n" for command in commands).encode())
        self.process.stdin.flush()

    def answer(self):
        while True:
            words = self.line()
            if words[:1] == ["IRQ"]:
                self.irq[int(words[2])] = words[1] == "raise"
            elif words[:1] == ["OK"]:
                return words[1:]
            elif words:
                raise ValueError(" ".join(words))

    def command(self, command):
        self.send(command)
        return self.answer()

    def read(self, addr, size=4):
        return int(self.command(f"read{SIZES[size]} {addr:#x}")[0], 16)

    def write(self, addr, value, size=4):
        self.command(f"write{SIZES[size]} {addr:#x} {value:#x}")

    def peek(self, addr, length):
        return bytes.fromhex(self.command(f"read {addr:#x} {length:#x}")[0][2:])

    def poke(self, addr, data):
        self.command(f"write {addr:#x} {len(data):#x} 0x{data.hex()}")

    def fill(self, addr, length, byte=0):
        self.command(f"memset {addr:#x} {length:#x} {byte:#x}")

    # ---- QMP

    def qmp(self, name, **arguments):
        request = {"execute": name, **({"arguments": arguments} if arguments else {})}
        self.qmp_socket.sendall((json.dumps(request) + "\n").encode())
        while True:
            message = json.loads(self.qmp_file.readline())
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise ValueError(message["error"]["desc"])
            self.events.append(message["event"])

    def reset(self):
        """The event says that it is over; it may come before the answer."""
        self.events.clear()
        self.qmp("system_reset")
        while "RESET" not in self.events:
            self.events.append(json.loads(self.qmp_file.readline())["event"])

    def get(self, path, name):
        return self.qmp("qom-get", path=path, property=name)


def until(condition, limit=10):
    """Ask until it is so; the last answer."""
    end = time.time() + limit
    while True:
        answer = condition()
        if answer or time.time() > end:
            return answer
        time.sleep(0.001)
