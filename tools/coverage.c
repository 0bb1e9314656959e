// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin for QEMU: which instructions of a range a guest comes to.
 *
 *	-plugin coverage.so,first=ADDRESS,end=ADDRESS,out=FILE
 *
 * QEMU translates a block when the guest is about to run it, up to the next
 * branch: what is translated is run, but for what is behind a fault.  Each byte
 * of FILE stands for four bytes of the range, and is 1 if the guest was there.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static uint64_t first, end;
static const char *out;
static unsigned char *seen;

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i;

	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		uint64_t at = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, i));

		if (at >= first && at < end)
			seen[(at - first) / 4] = 1;
	}
}

static void done(qemu_plugin_id_t id, void *data)
{
	FILE *file = fopen(out, "wb");

	if (!file || fwrite(seen, 1, (end - first) / 4, file) != (end - first) / 4 || fclose(file))
		fprintf(stderr, "coverage: %s can't be written\n", out);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "first=", 6))
			first = strtoull(argv[i] + 6, NULL, 0);
		else if (!strncmp(argv[i], "end=", 4))
			end = strtoull(argv[i] + 4, NULL, 0);
		else if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
	}
	if (!out || end <= first)
		return 1;

	seen = calloc(1, (end - first) / 4 + 1);
	if (!seen)
		return 1;

	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, done, NULL);
	return 0;
}
