// SPDX-License-Identifier: GPL-2.0
/*
 * Checks machines made of arbitrary bytes. Built with -fsanitize=fuzzer it is a libFuzzer target;
 * with -DSMOKE=N it makes the same N machines each time, and needs no more than a compiler.
 *
 *	s=linux/common/tools/testing/selftests/iommu_defer
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I$s -o fuzz \
 *		tests/selftest/fuzz.c $s/{assess,model,report,tap}.c && ./fuzz
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define require(what) do { if (!(what)) { fprintf(stderr, "broken: %s\n", #what); abort(); } } while (0)

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t byte(struct input *in)
{
	if (!in->left)
		return 0;

	in->left--;
	return *in->at++;
}

/* Mostly small numbers, as phandles are here, and those at which arithmetic ends. */
static uint32_t number(struct input *in)
{
	static const uint32_t ends[] = { 0xffffffff, 0xffffff00, 0x80000000, 0x10000, 0x100, 0xff, 17, 16 };
	uint8_t b = byte(in);
	uint32_t n = 0;
	int i;

	if (b < 200)
		return b & 7;
	if (b < 240)
		return ends[b & 7];
	for (i = 0; i < 4; i++)
		n = n << 8 | byte(in);
	return n;
}

/* Not a byte more than read_file() gives, for ASan to see who goes too far. */
static struct prop prop_of(const uint8_t *bytes, size_t len)
{
	struct prop prop = { malloc(len + 1), len };

	memcpy(prop.data, bytes, len);
	prop.data[len] = 0;
	return prop;
}

static struct prop cells_of(struct input *in, int percent)
{
	uint8_t bytes[4 * 24 + 3] = { 0 };
	size_t len = 0, cells;
	uint32_t n;

	if (byte(in) % 100 >= percent)
		return (struct prop) { NULL, 0 };

	for (cells = byte(in) % 25; cells; cells--) {
		n = number(in);
		bytes[len++] = n >> 24;
		bytes[len++] = n >> 16;
		bytes[len++] = n >> 8;
		bytes[len++] = n;
	}
	n = byte(in);
	return prop_of(bytes, len + (n < 32 ? n & 3 : 0));
}

static struct prop status_of(struct input *in)
{
	static const struct { const char *text; size_t len; } all[] = {
		{ "okay", 5 }, { "ok", 3 }, { "okay", 5 }, { "disabled", 9 }, { "okay", 4 }, { "ok", 2 },
		{ "disabled", 8 }, { "", 0 }, { "", 1 }, { "okay\0x", 6 }, { "okay2", 6 }, { "\xff\n#\n", 5 },
	};
	uint8_t b = byte(in);

	if (b >= sizeof(all) / sizeof(all[0]))
		return (struct prop) { NULL, 0 };

	return prop_of((const uint8_t *)all[b].text, all[b].len);
}

/* One of those that mean something, or anything that a C string can hold. */
static void string_of(struct input *in, char *to, size_t size, const char *const *all)
{
	uint8_t b = byte(in), n = 0;
	size_t i;

	for (i = 0; all[i]; i++)
		n++;
	snprintf(to, size, "%s", all[b % n]);
	if (b < 240)
		return;

	for (i = 0; i + 1 < size && i < (b & 15U) * 8; i++)
		to[i] = byte(in);
	to[i] = 0;
}

static const char *const names[] = { "a", "0000:00:01.0", "b.mmu", "node@1", "node@2", "#", NULL };
static const char *const drivers[] = { "", "smmu", "", "ipmmu", NULL };
static const char *const groups[] = { "", "1", "", "23", NULL };
static const char *const types[] = { "", "DMA", "identity", "identity ", NULL };
static const char *const group_names[] = { "", "", "vfio-noiommu", NULL };
static const char *const ones[] = { "", "1", "0", NULL };
static const char *const lines[] = {
	"a\t\n", "a\tplatform: wait for supplier /node@1\n", "b.mmu\t", "a\n", "\n", "a\tsupplier b.mmu not ready\n",
	"0000:00:01.0\tnode@2", "#\tnode@1x\n", "", NULL
};

static void make_node(struct input *in, struct node *np, int number_of_it)
{
	char path[32];

	snprintf(path, sizeof(path), number_of_it ? "/node@%d" : "/", number_of_it);
	np->path = strdup(path);
	np->phandle = byte(in) < 200 ? (uint32_t)number_of_it : number(in);
	np->prop[STATUS] = status_of(in);
	np->prop[CELLS] = byte(in) < 180 ? prop_of((const uint8_t *)"\0\0\0\1\0\0\0\0" + (byte(in) & 4), 4) : cells_of(in, 80);
	np->prop[IOMMUS] = cells_of(in, 40);
	np->prop[MAP] = cells_of(in, 30);
	np->prop[MASK] = cells_of(in, 30);
	np->prop[LEGACY] = cells_of(in, 3);
	string_of(in, np->device, NAME, names);
	string_of(in, np->driver, NAME, drivers);
	np->registered = byte(in) > 200;
}

static void make_device(struct input *in, struct device *dev, int nr_nodes)
{
	uint32_t id;

	string_of(in, dev->name, NAME, names);
	dev->node = byte(in) % nr_nodes;
	dev->pci = byte(in) & 1;
	for (dev->nr_ids = 1 + byte(in) % 4; dev->pci && dev->nr_ids <= MAX_IDS - 2 && byte(in) > 250; dev->nr_ids += 2)
		;
	for (int i = 0; i < dev->nr_ids; i++)
		dev->ids[i] = (struct requester_id) { number(in), byte(in) & 1, byte(in) & 1 };
	if (parse_pci_name(dev->name, &id)) {
		require(id <= 0xffff);
		dev->ids[0].id = id;
	}
	string_of(in, dev->driver, NAME, drivers);
	string_of(in, dev->group, NAME, groups);
	string_of(in, dev->group_type, NAME, types);
	string_of(in, dev->group_name, NAME, group_names);
	string_of(in, dev->waiting, NAME, ones);
}

static void make_model(struct input *in, struct model *model)
{
	char text[4 * TEXT] = "", line[2 * TEXT];
	int i;

	model->nr_nodes = 1 + byte(in) % 6;
	model->nodes = calloc(model->nr_nodes, sizeof(struct node));
	for (i = 0; i < model->nr_nodes; i++)
		make_node(in, &model->nodes[i], i);

	model->nr_devices = byte(in) % 6;
	model->devices = calloc(model->nr_devices + 1, sizeof(struct device));
	for (i = 0; i < model->nr_devices; i++)
		make_device(in, &model->devices[i], model->nr_nodes);

	model->modules_may_load = byte(in) & 1;
	for (i = byte(in) % 4; i > 0; i--) {
		string_of(in, line, sizeof(line), lines);
		strncat(text, line, sizeof(text) - strlen(text) - 1);
		model->deferred = realloc(model->deferred, strlen(text) + 1);
		strcpy(model->deferred, text);
	}
}

/* What holds of any machine, however odd. */
static void check_outcome(struct model *model, const struct device *dev)
{
	struct outcome first = check_device(model, dev), again = check_device(model, dev);
	bool may_wait = model->deferred && !dev->driver[0];

	require(first.result == again.result && !strcmp(first.why, again.why));
	require(first.why[0]);
	require(first.result != PASS || dev->driver[0]);
	require(first.result != FAIL || is_translated(dev) || may_wait);
	require(first.result != FAIL || !is_translated(dev) || !has_legacy_masters(model));
}

/* TAP, line by line: what a property holds must not become a result. */
static void check_answer(char *answer, int plan)
{
	int results = 0;

	static const char version[] = "TAP version 13\n";

	require(!strncmp(answer, version, strlen(version)) && answer[strlen(answer) - 1] == '\n');
	answer += strlen(version);
	for (char *line = strtok(answer, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strncmp(line, "# ", 2))
			continue;
		require(!strncmp(line, "ok ", 3) || !strncmp(line, "not ok ", 7) || !strncmp(line, "1..", 3));
		results += line[0] != '1';
		if (line[0] == '1')
			require(atoi(line + 3) == plan);
		else if (strchr(line, '#'))
			require(!strncmp(strchr(line, '#'), "# SKIP ", 7));
	}
	require(results == plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct model model = { 0 };
	FILE *terminal = stdout;
	char *answer = NULL;
	size_t len;
	int code;

	verbose = byte(&in) & 1;
	require(pcie_type(data, size) < 0 || size >= 256);
	make_model(&in, &model);
	stdout = open_memstream(&answer, &len);
	tap_begin();
	code = report(&model);
	for (int i = 0; i < model.nr_devices; i++)
		if (model.nodes[model.devices[i].node].prop[model.devices[i].pci ? MAP : IOMMUS].data)
			check_outcome(&model, &model.devices[i]);
	fclose(stdout);
	stdout = terminal;
	require(code == EXIT_PASS || code == EXIT_FAIL || code == EXIT_SKIP);
	check_answer(answer, count_results(&model));
	free(answer);
	free_model(&model);
	return 0;
}

#ifdef SMOKE
int main(void)
{
	uint8_t data[512];
	uint64_t random = 88172645463325252;

	for (int i = 0; i < SMOKE; i++) {
		size_t size = 0;

		do {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			data[size++] = random;
		} while (size < sizeof(data) && (size < 100 || random >> 32 & 0xff));
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%d machines checked\n", SMOKE);
	return 0;
}
#endif
