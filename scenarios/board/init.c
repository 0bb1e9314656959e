// SPDX-License-Identifier: GPL-2.0
/*
 * The init of "make board": loads the modules, the IPMMU's last, says what has
 * become of each DMA controller, and lets dmatest copy on two channels of each;
 * once more after all have been unbound and bound again.  Then it has sgtest.c
 * test each of them, runs the selftest for boards, and powers off.
 *
 * Its arguments are the number of transfers on each channel and the names of the
 * controllers.  It speaks through /dev/kmsg: there the kernel doesn't interrupt.
 */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEVICES "/sys/bus/platform/devices/"
#define DRIVER "/sys/bus/platform/drivers/rcar-dmac/"
#define DMATEST "/sys/module/dmatest/parameters/"
#define SGTEST "/sys/module/sgtest/parameters/"

/* In tenths of a second: for a test, and until drivers are bound or not */
enum { TEST_LIMIT = 450, BIND_LIMIT = 100 };

static void say(const char *format, ...)
{
	int length, fd = open("/dev/kmsg", O_WRONLY);
	char line[256];
	va_list args;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (write(fd, line, length) < 0)
		_exit(1);
	close(fd);
}

/* The first word that a file says, or "-" */
static const char *get(const char *path)
{
	static char word[64];
	FILE *file = fopen(path, "r");

	if (!file || fscanf(file, "%63s", word) != 1)
		strcpy(word, "-");
	if (file)
		fclose(file);
	return word;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (write(fd, text, strlen(text)) < 0)
		say("board: %s can't be written to %s: %m\n", text, path);
	close(fd);
}

/* What is built in isn't there */
static void load(const char *module)
{
	int fd = open(module, O_RDONLY);

	if (fd < 0)
		return;
	if (syscall(SYS_finit_module, fd, "", 0))
		say("board: %s can't be loaded: %m\n", module);
	close(fd);
}

/* How many channels a controller has, and its number */
static int channels(const char *dmac, int *number)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int channel, found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), DEVICES "%s/dma", dmac);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		found += sscanf(entry->d_name, "dma%dchan%d", number,
				&channel) == 2;
	if (dir)
		closedir(dir);
	return found;
}

/* Wait until all have channels, or none has, and say what they have */
static void show(const char *when, char **dmacs, int wanted, int limit)
{
	char path[PATH_MAX];
	int number, tries;
	char **dmac = dmacs;

	for (tries = 0; *dmac && tries < limit; tries++) {
		while (*dmac && !!channels(*dmac, &number) == wanted)
			dmac++;
		if (*dmac)
			usleep(100000);
	}

	for (dmac = dmacs; *dmac; dmac++) {
		snprintf(path, sizeof(path), DEVICES "%s/iommu_group/type",
			 *dmac);
		say("board: %s %s domain=%s channels=%d\n", when, *dmac,
		    get(path), channels(*dmac, &number));
	}
}

/* All devices that have an IOMMU by the device tree, and their drivers */
static void list_masters(void)
{
	char path[PATH_MAX], target[PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir(DEVICES);
	ssize_t length;

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), DEVICES "%s/of_node/iommus",
			 entry->d_name);
		if (access(path, F_OK))
			continue;

		snprintf(path, sizeof(path), DEVICES "%s/driver",
			 entry->d_name);
		length = readlink(path, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = 0;
		say("board: master %s driver %s\n", entry->d_name,
		    length < 0 ? "none" : strrchr(target, '/') + 1);
	}
	if (dir)
		closedir(dir);
}

static int run_dmatest(void)
{
	int i;

	put(DMATEST "run", "1");
	for (i = 0; i < TEST_LIMIT; i++) {
		/* Reading it also gives the channels back, once all are done. */
		if (*get(DMATEST "run") == 'N')
			return 1;
		usleep(100000);
	}
	say("board: dmatest doesn't come to its end\n");
	return 0;
}

/* v4.12's dmatest takes channels by their device only: one device at a time */
static int test_in_turn(int round, char **dmacs)
{
	int number;

	put(DMATEST "max_channels", "2");
	for (; *dmacs; dmacs++) {
		if (!channels(*dmacs, &number))
			continue;
		say("board: test %d %s dma%dchan0\n", round, *dmacs, number);
		say("board: test %d %s dma%dchan1\n", round, *dmacs, number);
		put(DMATEST "device", *dmacs);
		if (!run_dmatest())
			return 0;
	}
	return 1;
}

/* The first channel of each controller and the last, all at the same time */
static int test(int round, const char *transfers, char **dmacs)
{
	int i, n, number;
	struct utsname name_of;
	char name[64];

	put(DMATEST "iterations", transfers);
	put(DMATEST "test_buf_size", "8192");
	if (!uname(&name_of) && name_of.release[0] == '4')
		return test_in_turn(round, dmacs);

	for (; *dmacs; dmacs++) {
		n = channels(*dmacs, &number);
		for (i = 0; i < n; i += n > 1 ? n - 1 : 1) {
			snprintf(name, sizeof(name), "dma%dchan%d", number, i);
			say("board: test %d %s %s\n", round, *dmacs, name);
			put(DMATEST "channel", name);
		}
	}

	return run_dmatest();
}

/* Line by line into the log, and what it came to */
static void selftest(void)
{
	char line[200];
	int ends[2], status;
	FILE *said;

	if (pipe(ends))
		return;
	if (!fork()) {
		dup2(ends[1], 1);
		execl("/iommu_defer", "iommu_defer", NULL);
		_exit(127);
	}

	close(ends[1]);
	said = fdopen(ends[0], "r");
	while (said && fgets(line, sizeof(line), said))
		say("selftest: %s", line);
	wait(&status);
	say("board: selftest came to %d\n", WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	char **dmacs = argv + 2, **dmac;

	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	say("board: user space\n");

	load("/rcar-dmac.ko");
	load("/dmatest.ko");
	show("before", dmacs, 0, 0);
	load("/ipmmu-vmsa.ko");
	show("after", dmacs, 1, BIND_LIMIT);
	list_masters();
	if (argc > 2 && test(1, argv[1], dmacs)) {
		for (dmac = dmacs; *dmac; dmac++)
			put(DRIVER "unbind", *dmac);
		show("unbound", dmacs, 0, BIND_LIMIT);
		for (dmac = dmacs; *dmac; dmac++)
			put(DRIVER "bind", *dmac);
		show("rebound", dmacs, 1, BIND_LIMIT);
		if (test(2, argv[1], dmacs)) {
			selftest();
			load("/sgtest.ko");
			for (dmac = dmacs; *dmac; dmac++)
				put(SGTEST "run", *dmac);
			say("board: end\n");
		}
	}

	reboot(RB_POWER_OFF);
	return 1;
}
