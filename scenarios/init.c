// SPDX-License-Identifier: GPL-2.0
/*
 * The init of scenarios whose root file system is on a disk behind an IOMMU.
 * Reads /data off that disk, compares it with the pattern it was made from,
 * says so and powers off. No C library: it runs on whatever boots.
 */

enum { SIZE = 1 << 20, CHUNK = 1 << 16 };

#if defined(__aarch64__)
enum { OPENAT = 56, READ = 63, WRITE = 64, REBOOT = 142 };

static long call(long nr, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#elif defined(__arm__)
enum { OPENAT = 322, READ = 3, WRITE = 4, REBOOT = 88 };

static long call(long nr, long a, long b, long c, long d)
{
	register long r7 __asm__("r7") = nr;
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = c;
	register long r3 __asm__("r3") = d;

	__asm__ volatile("svc 0" : "+r"(r0)
			 : "r"(r7), "r"(r1), "r"(r2), "r"(r3) : "memory");
	return r0;
}
#else
#error "no system calls for this architecture"
#endif

#define SAY(text) call(WRITE, 1, (long)(text), sizeof(text) - 1, 0)

/* Not zero: old kernels don't load a program that has nothing but .bss */
static unsigned char buf[CHUNK] = { 1 };

/* The byte at OFFSET of /data; harness/boot makes the file from the same. */
static unsigned char pattern(unsigned long offset)
{
	return offset * 7 + (offset >> 8);
}

static int data_is_right(void)
{
	unsigned long offset = 0;
	long i, n, fd = call(OPENAT, -100, (long)"/data", 0, 0);

	if (fd < 0)
		return 0;

	while ((n = call(READ, fd, (long)buf, CHUNK, 0)) > 0)
		for (i = 0; i < n; i++, offset++)
			if (buf[i] != pattern(offset))
				return 0;

	return n == 0 && offset == SIZE;
}

void _start(void)
{
	if (data_is_right())
		SAY("init: the disk reads right\n");
	else
		SAY("init: the disk does not read right\n");

	/* LINUX_REBOOT_MAGIC1, MAGIC2 and CMD_POWER_OFF */
	call(REBOOT, 0xfee1dead, 672274793, 0x4321fedc, 0);
	for (;;)
		;
}
