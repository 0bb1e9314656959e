/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The judge of iommu_defer: what the contract allows to the DMA masters of a
 * machine, compared with what has become of them.
 *
 * It judges a model of the machine, and reads nothing else, so that it can be
 * given machines that nobody has.
 */

#ifndef IOMMU_DEFER_JUDGE_H
#define IOMMU_DEFER_JUDGE_H

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	NAME = 64,
	TEXT = 512,
	MAX_ARGS = 16,		/* MAX_PHANDLE_ARGS of the kernel */
	MAX_IDS = 16,		/* requester ids of one PCI device */
};

/* The exit codes of kselftest, and one for those who call it wrongly */
enum { KSFT_PASS = 0, KSFT_FAIL = 1, USAGE = 2, KSFT_SKIP = 4 };

enum { STATUS, CELLS, IOMMUS, MAP, MASK, LEGACY, PHANDLE, OLD_PHANDLE, PROPS };

static const char * const prop_names[PROPS] = {
	"status", "#iommu-cells", "iommus", "iommu-map", "iommu-map-mask",
	"mmu-masters", "phandle", "linux,phandle"
};

/* One line for whoever reads the answer, cut if it is too long */
struct text {
	char s[TEXT];
};

#define text(...) ({						\
	struct text _text;					\
								\
	if (snprintf(_text.s, TEXT, __VA_ARGS__) < 0)		\
		_text.s[0] = 0;					\
	_text;							\
})

struct prop {
	unsigned char *data;	/* NULL if the node has no such property */
	size_t len;
};

struct node {
	char *path;
	struct prop prop[PROPS];
	uint32_t phandle;
	char device[NAME];	/* what was made of it, and what drives that */
	char driver[NAME];
	bool registered;	/* in /sys/class/iommu */
	bool said;		/* what is wrong with it */
};

struct device {
	char name[NAME];
	int node;		/* its own, or its host bridge's if it is PCI */
	bool pci;
	uint32_t ids[MAX_IDS];	/* its own, then those it may have as well */
	int nr_ids;
	char driver[NAME];
	char group[NAME];
	char group_type[NAME];
	char group_name[NAME];
	char waits[NAME];	/* waiting_for_supplier */
};

struct model {
	struct node *nodes;
	int nr_nodes;
	struct device *devices;
	int nr_devices;
	char *deferred;		/* debugfs' list, NULL if it can't be read */
	bool patient;		/* the kernel may still wait for modules */
};

/* What may become of a master, best first: its worst IOMMU decides */
enum outlook { ALLOWED, DOUBTFUL, ABSENT, NEVER };

struct fate {
	enum outlook outlook;
	struct text why;
	bool sure;			/* of what is looked at just now */
	const char *driver;		/* of the IOMMUs */
	struct text reason;		/* why the master is deferred */
	const struct node *waits_for;	/* the IOMMU that is named there */
	enum outlook waits;
};

enum result { PASS, FAIL, SKIP, RESULTS };

struct verdict {
	enum result result;
	struct text text;
};

#define verdict(result, ...) \
	((struct verdict) { result, text(__VA_ARGS__) })

static FILE *out;
static bool verbose;

/* Names and messages can hold anything: let it stay on its line */
static void print_clean(const char *text, bool is_name)
{
	for (; *text; text++) {
		unsigned char c = *text;

		fputc(!isprint(c) ? '?' : c == '#' && is_name ? '_' : c, out);
	}
}

static void say_text(struct text text)
{
	fputs("# ", out);
	print_clean(text.s, false);
	fputc('\n', out);
}

#define say(...) say_text(text(__VA_ARGS__))

static void complain_text(struct node *np, struct text text)
{
	/* Once, as all devices below a PCI host bridge share its iommu-map */
	if (!np->said)
		say("%s: %s", np->path, text.s);

	np->said = true;
}

#define complain(np, ...) complain_text(np, text(__VA_ARGS__))

static void weigh_text(struct fate *fate, enum outlook outlook,
		       struct text why)
{
	/* An id that the device may not have forbids nothing */
	if (!fate->sure && outlook > DOUBTFUL)
		outlook = DOUBTFUL;
	if (fate->why.s[0] && outlook <= fate->outlook)
		return;

	fate->outlook = outlook;
	fate->why = why;
}

#define weigh(fate, outlook, ...) \
	weigh_text(fate, outlook, text(__VA_ARGS__))

static uint32_t cell(const struct prop *prop, size_t n)
{
	const unsigned char *p = prop->data + 4 * n;

	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static struct node *find_phandle(const struct model *model, uint32_t phandle,
				 bool *twice)
{
	struct node *found = NULL;
	int i;

	*twice = false;
	for (i = 0; phandle && i < model->nr_nodes; i++) {
		if (model->nodes[i].phandle != phandle)
			continue;

		*twice = found;
		found = found ?: &model->nodes[i];
	}

	return found;
}

/* As of_device_is_available() sees it: ALLOWED or NEVER, if that is clear */
static enum outlook availability(struct node *np)
{
	const struct prop *status = &np->prop[STATUS];
	const char *text = (const char *)status->data;

	if (!text)
		return ALLOWED;

	if (memchr(text, 0, status->len))
		return strcmp(text, "okay") && strcmp(text, "ok") ?
		       NEVER : ALLOWED;

	/* The kernel compares it with whatever follows it in memory */
	complain(np, "status is not terminated");
	if (status->len && status->len <= 4 &&
	    !memcmp(text, "okay", status->len))
		return DOUBTFUL;

	return NEVER;
}

/* Is NAME in TEXT, and not just a part of another name there? */
static bool mentions(const char *text, const char *name)
{
	static const char in_names[] = "-._@/,+";
	size_t len = strlen(name);
	const char *at = text;

	for (; len && (at = strstr(at, name)); at++) {
		unsigned char before = at > text ? at[-1] : ' ';
		unsigned char after = at[len] ?: ' ';

		if (!isalnum(before) && !strchr(in_names, before) &&
		    !isalnum(after) && !strchr(in_names, after))
			return true;
	}

	return false;
}

static void weigh_iommu(struct fate *fate, struct node *iommu,
			enum outlook outlook)
{
	const struct prop *status = &iommu->prop[STATUS];
	bool same = !fate->driver || !iommu->driver[0] ||
		    !strcmp(fate->driver, iommu->driver);

	if (outlook == NEVER)
		weigh(fate, NEVER, "%s is not available, its status is \"%.*s\"",
		      iommu->path, (int)(status->len > 16 ? 16 : status->len),
		      status->data);
	else if (outlook == ABSENT && iommu->device[0])
		weigh(fate, ABSENT, "%s is available, but nothing drives it",
		      iommu->path);
	else if (outlook == ABSENT)
		/* Code that needs no device may drive it, and not show */
		weigh(fate, DOUBTFUL, "%s is available, but has no device",
		      iommu->path);
	else if (outlook == DOUBTFUL)
		weigh(fate, DOUBTFUL, "%s may be available or not",
		      iommu->path);
	else if (!same)
		weigh(fate, NEVER, "its IOMMUs have different drivers, %s and %s",
		      fate->driver, iommu->driver);
	else
		weigh(fate, ALLOWED, "%s is driven by %s", iommu->path,
		      iommu->driver[0] ? iommu->driver : "code without a name");

	if (iommu->driver[0])
		fate->driver = iommu->driver;
}

static void look_at_iommu(struct fate *fate, struct node *iommu)
{
	const char *name = strrchr(iommu->path, '/');
	bool driven = iommu->driver[0] || iommu->registered;
	enum outlook outlook = availability(iommu);

	if (outlook != NEVER && !driven)
		outlook = ABSENT;
	if (verbose)
		say("  IOMMU %s: %savailable, driver: %s", iommu->path,
		    outlook == NEVER ? "not " : "",
		    iommu->driver[0] ? iommu->driver : driven ? "?" : "none");

	weigh_iommu(fate, iommu, outlook);
	if (mentions(fate->reason.s, iommu->path) ||
	    mentions(fate->reason.s, iommu->device) ||
	    (name && mentions(fate->reason.s, name + 1))) {
		fate->waits_for = iommu;
		fate->waits = outlook;
	}
}

/* A loop of IOMMUs is legal: the first goes without, the others needn't */
static void look_for_loop(const struct model *model, struct node *np,
			  const struct node *iommu)
{
	int hops = model->nr_nodes;
	bool twice;

	while (iommu && iommu != np && hops--)
		iommu = iommu->prop[IOMMUS].len < 4 ? NULL :
			find_phandle(model, cell(&iommu->prop[IOMMUS], 0),
				     &twice);

	if (iommu == np)
		complain(np, "iommus leads back to the node");
}

/*
 * What the contract calls impossible to parse is NEVER; what kernels read in
 * more than one way is DOUBTFUL.
 */
static enum outlook look_at_iommus(const struct model *model, struct node *np,
				   struct fate *fate)
{
	const struct prop *list = &np->prop[IOMMUS];
	size_t pos = 0, left = list->len / 4;
	uint32_t phandle, count;
	struct node *iommu;
	bool twice;

	if (left < 1)
		complain(np, "iommus names no IOMMU");

	for (; pos < left; pos += count) {
		phandle = cell(list, pos++);
		iommu = find_phandle(model, phandle, &twice);
		if (!iommu) {
			complain(np, "iommus: no node has phandle 0x%x", phandle);
			/* Kernels take 0 for the end of the list */
			return phandle || pos == 1 ? NEVER : DOUBTFUL;
		}
		if (twice) {
			complain(np, "iommus: several nodes have phandle 0x%x",
				 phandle);
			return DOUBTFUL;
		}

		count = MAX_ARGS + 1;
		if (iommu->prop[CELLS].len >= 4)
			count = cell(&iommu->prop[CELLS], 0);
		if (count > MAX_ARGS || count > left - pos) {
			complain(np, "iommus: #iommu-cells of %s: %s",
				 iommu->path, count > MAX_ARGS ?
				 "none, or too many" :
				 "more than follow");
			return NEVER;
		}
		look_for_loop(model, np, iommu);
		if (iommu == np)
			return NEVER;

		look_at_iommu(fate, iommu);
	}

	if (list->len % 4)
		complain(np, "iommus is not made of whole cells");
	return left < 1 ? NEVER : list->len % 4 ? DOUBTFUL : ALLOWED;
}

/* As of_map_id() does it, its arithmetic included */
static void look_at_map(const struct model *model, struct node *np,
			uint32_t id, struct fate *fate)
{
	const struct prop *map = &np->prop[MAP], *mask_prop = &np->prop[MASK];
	uint32_t mask = mask_prop->len >= 4 ? cell(mask_prop, 0) : ~0U;
	struct node *iommu = NULL;
	bool twice, bad = !map->len || map->len % 16;
	size_t i;

	if (bad)
		complain(np, "iommu-map is not made of groups of four cells");

	for (i = 0; !bad && i < map->len / 4; i += 4) {
		uint32_t base = cell(map, i), end = base + cell(map, i + 3);

		bad = base & ~mask;
		if (bad)
			complain(np, "iommu-map has a base, 0x%x, that iommu-map-mask hides",
				 base);
		if (bad || (id & mask) < base || (id & mask) >= end)
			continue;

		iommu = find_phandle(model, cell(map, i + 1), &twice);
		bad = !iommu || twice;
		if (!bad)
			return look_at_iommu(fate, iommu);

		complain(np, "iommu-map: %s phandle 0x%x", twice ?
			 "several nodes have" : "no node has",
			 cell(map, i + 1));
	}

	if (bad)
		weigh(fate, iommu ? DOUBTFUL : NEVER, "can't parse iommu-map");
	else
		weigh(fate, NEVER, "iommu-map does not cover id 0x%x", id);
}

/* A line of the list is a name, and on newer kernels a tab and the reason */
static bool find_deferred(const struct model *model, const char *name,
			  char *reason)
{
	const char *line = model->deferred;
	size_t len = strlen(name);

	reason[0] = 0;
	while (line && *line) {
		const char *end = strchrnul(line, '\n');

		if (!strncmp(line, name, len) && line + len == end)
			return true;
		if (!strncmp(line, name, len) && line[len] == '\t') {
			line += len + 1;
			snprintf(reason, TEXT, "%.*s", (int)(end - line), line);
			return true;
		}
		line = *end ? end + 1 : end;
	}

	return false;
}

static bool is_translated(const struct device *dev)
{
	/* VFIO makes groups for devices without an IOMMU, and names them */
	return dev->group[0] && strcmp(dev->group_type, "identity") &&
	       strcmp(dev->group_name, "vfio-noiommu");
}

/* The "mmu-masters" of old name the masters, which don't name their IOMMU */
static const struct node *find_legacy(const struct model *model)
{
	int i;

	for (i = 0; i < model->nr_nodes; i++)
		if (model->nodes[i].prop[LEGACY].data)
			return &model->nodes[i];

	return NULL;
}

static struct verdict judge_translated(const struct model *model,
				       const struct device *dev, bool deferred,
				       const struct fate *fate)
{
	const struct node *legacy = find_legacy(model);
	const char *group = dev->group, *why = fate->why.s;

	if (fate->outlook == ALLOWED && dev->driver[0])
		return verdict(PASS, "translated, in group %s: %s", group, why);
	if (fate->outlook == ALLOWED)
		return verdict(SKIP, "%s, in group %s as it may be: %s",
			       deferred ? "deferred, but not for its IOMMU" :
			       "not bound", group, why);
	if (fate->outlook == DOUBTFUL)
		return verdict(SKIP, "unknown: in group %s, which may be right: %s",
			       group, why);
	if (legacy)
		return verdict(SKIP,
			       "unknown: in group %s, by mmu-masters of %s, or wrongly: %s",
			       group, legacy->path, why);

	return verdict(FAIL, "in group %s, but must not be: %s", group, why);
}

static struct verdict judge_untranslated(const struct device *dev,
					 const struct fate *fate)
{
	if (fate->outlook != ALLOWED)
		return verdict(PASS, "bound to %s, not translated: %s",
			       dev->driver, fate->why.s);
	if (!strcmp(dev->group_type, "identity"))
		return verdict(PASS, "bound to %s, in group %s of type identity: %s",
			       dev->driver, dev->group, fate->why.s);

	return verdict(SKIP,
		       "unknown: not translated, as if turned down, which the kernel does not tell: %s",
		       fate->why.s);
}

static struct verdict judge_deferred(const struct model *model,
				     const struct fate *fate)
{
	const struct node *iommu = fate->waits_for;
	const char *reason = fate->reason.s;

	if (!iommu && reason[0])
		return verdict(SKIP,
			       "deferred for a reason that names no IOMMU of it: %s",
			       reason);
	if (!iommu)
		return verdict(SKIP,
			       "unknown: deferred, the kernel does not tell for whom; %s",
			       fate->why.s);
	if (fate->waits == NEVER)
		return verdict(FAIL, "waits for %s, which is not available: %s",
			       iommu->path, reason);
	if (fate->waits == ABSENT && !model->patient)
		return verdict(FAIL,
			       "waits for %s after the end of init, but nothing drives it: %s",
			       iommu->path, reason);
	if (fate->waits == ABSENT)
		return verdict(SKIP,
			       "unknown: waits for %s, which a module may yet drive: try later",
			       iommu->path);

	return verdict(SKIP,
		       "unknown: waits for %s, whose driver may have asked for that: %s",
		       iommu->path, reason);
}

static struct verdict judge_unbound(const struct model *model,
				    const struct device *dev,
				    const struct fate *fate)
{
	const char *supplier = strcmp(dev->waits, "1") ? "" :
			       "it waits for a supplier, or ";

	if (model->deferred)
		return verdict(SKIP,
			       "unknown: neither bound nor deferred: %sno driver, or a failed probe; its errno is not told",
			       supplier);
	if (fate->outlook == ABSENT)
		return verdict(SKIP,
			       "unknown: not bound: %sno driver, or a failed probe, or it waits for an IOMMU: %s; which IOMMU drivers are declared is not told",
			       supplier, fate->why.s);

	return verdict(SKIP,
		       "unknown: not bound: %sno driver, or a failed probe, or it waits, for whom is not told; %s",
		       supplier, fate->why.s);
}

static struct verdict judge_device(const struct model *model,
				   const struct device *dev)
{
	struct node *np = &model->nodes[dev->node];
	struct fate fate = { .sure = true };
	bool deferred;
	int i;

	deferred = find_deferred(model, dev->name, fate.reason.s);
	if (verbose)
		say("%s: node %s, driver %s, group %s %s", dev->name, np->path,
		    dev->driver[0] ? dev->driver : "none",
		    dev->group[0] ? dev->group : "none", dev->group_type);

	if (!dev->pci)
		weigh(&fate, look_at_iommus(model, np, &fate),
		      "can't parse iommus");
	for (i = 0; dev->pci && i < dev->nr_ids; i++) {
		fate.sure = !i;
		look_at_map(model, np, dev->ids[i], &fate);
	}

	if (is_translated(dev))
		return judge_translated(model, dev, deferred, &fate);
	if (dev->driver[0])
		return judge_untranslated(dev, &fate);
	if (deferred)
		return judge_deferred(model, &fate);

	return judge_unbound(model, dev, &fate);
}

static struct verdict judge_node(struct node *np, bool pci)
{
	if (availability(np) == NEVER)
		return verdict(SKIP, "not available itself");

	return verdict(SKIP, "no %s in /sys",
		       pci ? "PCI device below it" : "device of this node");
}

static void print_verdict(const struct verdict *verdict, int number,
			  const char *name)
{
	if (verdict->result != SKIP)
		say("%s: %s", name, verdict->text.s);
	fprintf(out, "%sok %d ", verdict->result == FAIL ? "not " : "", number);
	print_clean(name, true);
	if (verdict->result == SKIP) {
		fputs(" # SKIP ", out);
		print_clean(verdict->text.s, false);
	}
	fputc('\n', out);
}

/* Counted, or judged and printed if there are counts to be kept */
struct judging {
	int masters;
	int *counts;
};

static void judge_master(struct judging *judging, const char *name,
			 struct verdict verdict)
{
	print_verdict(&verdict, judging->masters, name);
	judging->counts[verdict.result]++;
}

/* The masters that one node describes: its devices, or itself without any */
static void judge_masters(struct model *model, struct node *np, bool pci,
			  struct judging *judging)
{
	int i, before = judging->masters;

	for (i = 0; i < model->nr_devices; i++) {
		const struct device *dev = &model->devices[i];

		if (&model->nodes[dev->node] != np || dev->pci != pci)
			continue;

		judging->masters++;
		if (judging->counts)
			judge_master(judging, dev->name,
				     judge_device(model, dev));
	}
	if (judging->masters > before)
		return;

	judging->masters++;
	if (judging->counts)
		judge_master(judging, np->path, judge_node(np, pci));
}

static int judge_nodes(struct model *model, int *counts)
{
	struct judging judging = { 0, counts };
	int i;

	for (i = 0; i < model->nr_nodes; i++) {
		struct node *np = &model->nodes[i];

		if (np->prop[IOMMUS].data)
			judge_masters(model, np, false, &judging);
		if (np->prop[MAP].data)
			judge_masters(model, np, true, &judging);
	}

	return judging.masters;
}

static int report(struct model *model)
{
	int counts[RESULTS] = {}, plan = judge_nodes(model, NULL);

	if (!plan) {
		fputs("1..0 # SKIP no IOMMU of any device in the device tree\n",
		      out);
		return KSFT_SKIP;
	}

	fprintf(out, "1..%d\n", plan);
	if (!model->deferred)
		say("debugfs does not tell which devices are deferred");
	judge_nodes(model, counts);
	say("Totals: pass:%d fail:%d xfail:0 xpass:0 skip:%d error:0",
	    counts[PASS], counts[FAIL], counts[SKIP]);
	if (counts[FAIL])
		return KSFT_FAIL;

	return counts[PASS] ? KSFT_PASS : KSFT_SKIP;
}

#endif
