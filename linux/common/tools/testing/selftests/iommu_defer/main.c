// SPDX-License-Identifier: GPL-2.0
/*
 * Check the DMA masters of this machine: is each of them translated,
 * untranslated or deferred, and does its device tree allow that?
 *
 * model.c reads the device tree and /sys, assess.c says what is allowed,
 * report.c compares.  What the kernel does not tell is "unknown" and skipped.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "report.h"

static int run(const char *root)
{
	struct model model = {};
	int code;

	tap_begin();
	code = read_model(&model, root) ? report(&model) :
					  tap_nothing("no device tree");
	free_model(&model);
	return code;
}

/* In an initramfs of which this is the only file */
static int run_as_init(void)
{
	static const char * const mounts[][2] = {
		{ "devtmpfs", "/dev" }, { "proc", "/proc" }, { "sysfs", "/sys" },
		{ "debugfs", "/sys/kernel/debug" }, { }
	};
	int i, fd, code;

	for (i = 0; mounts[i][0]; i++) {
		mkdir(mounts[i][1], 0755);
		mount(mounts[i][0], mounts[i][1], mounts[i][0], 0, NULL);
	}

	/* Without a /dev/console in the initramfs nothing is open yet. */
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0 && fcntl(STDOUT_FILENO, F_GETFD) < 0)
		dup2(fd, STDOUT_FILENO);

	code = run("");
	tap_note("exit code %d", code);
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_POWER_OFF);
	return code;
}

static int help(FILE *where, int code)
{
	fputs("usage: iommu_defer [-v] [-r ROOT]\n"
	      "Checks each device that has an IOMMU in the device tree: may it be translated,\n"
	      "untranslated or deferred, as it is?\n"
	      "  -r ROOT  look at ROOT/proc and ROOT/sys\n"
	      "  -v       show what was looked at\n"
	      "  -h       show this text\n"
	      "Exit codes: 0 pass, 1 fail, 2 wrong options, 4 nothing could be checked\n",
	      where);
	return code;
}

int main(int argc, char **argv)
{
	const char *root = "";
	int option;

	/* Options would be what the kernel left of its command line. */
	if (getpid() == 1)
		return run_as_init();

	while ((option = getopt(argc, argv, "hr:v")) >= 0) {
		if (option == 'h')
			return help(stdout, EXIT_PASS);
		if (option == '?')
			return help(stderr, EXIT_USAGE);
		if (option == 'r')
			root = optarg;
		else
			verbose = true;
	}

	if (optind < argc) {
		fprintf(stderr, "iommu_defer: unknown argument '%s'\n",
			argv[optind]);
		return help(stderr, EXIT_USAGE);
	}
	if (root[0] && access(root, X_OK)) {
		fprintf(stderr, "iommu_defer: no directory '%s'\n", root);
		return EXIT_USAGE;
	}

	return run(root);
}
