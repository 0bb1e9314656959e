# SPDX-License-Identifier: GPL-2.0
"""The mutants of toy/mutants/toy.c: which there are, and that each does what it says it does, and
nothing without its number. Prints what is wrong."""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
loader = importlib.machinery.SourceFileLoader("mutants", os.path.join(HERE, "../tools/mutants"))
mutants = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutants", loader))
sys.dont_write_bytecode = True
loader.exec_module(mutants)

WANTED = """
note: left out: seen = value -> nothing
both: returns: a && b < 2 -> !(a && b < 2)
both: condition: a -> !(a)
both: always 1: a -> 1
both: condition: b < 2 -> !(b < 2)
both: always 1: b < 2 -> 1
both: && is ||: a && b < 2 -> a || b < 2
both: < is <=: b < 2 -> b <= 2
both: constant: 2 -> 2 + 1
find: condition: !a -> !(!a)
find: always 1: !a -> 1
find: always 0: !a -> 0
find: returns: NULL -> ERR_PTR(-EPROBE_DEFER)
find: left out: found = a -> nothing
find: returns: &found -> NULL
toy: left out: set_to(n, a) -> nothing
toy: left out: note(table[i] + a) -> nothing
toy: + is -: table[i] + a -> table[i] - a
toy: left out: n += seen -> nothing
toy: left out: text[0] = 'x' -> nothing
toy: constant: 0 -> 0 + 1
toy: constant: 0 -> 0 + 1
toy: left out: missing() -> nothing
toy: left out: err = untouched(a) -> nothing
toy: not called: untouched(a) -> (__typeof__(untouched(a)))0
toy: condition: err -> !(err)
toy: always 1: err -> 1
toy: always 0: err -> 0
toy: constant: -EPROBE_DEFER -> -ENODEV
toy: constant: -ENODEV -> -EPROBE_DEFER
toy: condition: both(a, b) -> !(both(a, b))
toy: always 0: both(a, b) -> 0
toy: not called: both(a, b) -> (__typeof__(both(a, b)))0
toy: condition: find(a - 5) == NULL -> !(find(a - 5) == NULL)
toy: always 0: find(a - 5) == NULL -> 0
toy: not called: find(a - 5) -> (__typeof__(find(a - 5)))0
toy: - is +: a - 5 -> a + 5
toy: constant: 5 -> 5 + 1
toy: || is &&: both(a, b) || find(a - 5) == NULL -> both(a, b) && find(a - 5) == NULL
toy: returns: n ? 100 : text[0] -> 0
toy: condition: n -> !(n)
toy: always 1: n -> 1
toy: always 0: n -> 0
toy: constant: 100 -> 100 + 1
toy: constant: 0 -> 0 + 1
toy: returns: n + *find(a - 6) -> 0
toy: + is -: n + *find(a - 6) -> n - *find(a - 6)
toy: not called: find(a - 6) -> (__typeof__(find(a - 6)))0
toy: - is +: a - 6 -> a + 6
toy: constant: 6 -> 6 + 1
"""
# What the whole is tried with: all mutants but these change a result.
TRIED = """
int puts(const char *text);
int number;
_Bool defer_mutant_is(int n) { return n == number; }
int atoi(const char *text);
int printk(const char *format, ...) { return 0; }
int main(int argc, char **argv)
{
	number = atoi(argv[1]);
	for (int a = -6; a < 8; a++)
		for (int b = 0; b < 9; b++)
			printf("%d ", toy(a, b));
	return 0;
}
"""
# What isn't in the program, and what comes of reading what nobody has written.
SAME = ["left out: missing()", "constant: 0 -> 0 + 1", "left out: text[0] = 'x'", "left out: err = untouched(a)"]

def results(program, number):
    done = subprocess.run([program, str(number)], stdout=subprocess.PIPE, check=False, timeout=10)
    return done.returncode, done.stdout

def main():
    where = os.path.join(HERE, "toy/mutants")
    text = open(os.path.join(where, "toy.c"), encoding="utf-8").read()
    first = text[:text.index("/* From here on")].count("\n") + 1
    file = mutants.File(os.path.dirname(where), where, "mutants/toy.c", set(range(first, text.count("\n") + 1)),
                        ["-Wno-everything"])
    found = [str(m).split(":", 1)[1] for m in file.mutants]
    wanted = WANTED.strip().split("\n")
    for label, some in (("not found", wanted), ("not wanted", found)):
        other = found if some is wanted else wanted
        for name in sorted(set(some)):
            if some.count(name) > other.count(name):
                print(f"{label}: {name}")
    keys = [m.key for m in file.mutants]
    if len(set(keys)) < len(keys):
        print("two mutants have the same key")
    for number, mutant in enumerate(file.mutants, 1):
        mutant.number = number
    with tempfile.TemporaryDirectory() as scratch:
        source, program = os.path.join(scratch, "toy.c"), os.path.join(scratch, "toy")
        for name, code in (("toy.c", file.mutated() + TRIED), ("plain.c", text + TRIED)):
            with open(os.path.join(scratch, name), "w", encoding="utf-8") as out:
                out.write(code)
        # Without optimisation missing() would be missed: the kernel is never built like that, either.
        build = ["gcc", "-O2", "-w", "-I", where, "-o"]
        subprocess.run([*build, program, source], check=True)
        subprocess.run([*build, program + "-plain", os.path.join(scratch, "plain.c")], check=True)
        pristine = results(program + "-plain", 0)
        if results(program, 0) != pristine:
            print("without a number, the mutated program does something else")
        for m in file.mutants:
            if results(program, m.number) == pristine and not any(what in str(m) for what in SAME):
                print(f"changes nothing: {m}")

main()
