// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "assess.h"
#include "tap.h"

enum { MAX_ARGS = 16 };		/* MAX_PHANDLE_ARGS of the kernel */

/* The first of the greatest answers stays, as the reason to show. */
static void __printf(3, 4)
add_answer(struct assessment *as, enum allowed answer, const char *format, ...)
{
	va_list args;

	if (as->why[0] && answer <= as->allowed)
		return;

	as->allowed = answer;
	va_start(args, format);
	vsnprintf(as->why, sizeof(as->why), format, args);
	va_end(args);
}

static void __printf(2, 3)
report_malformed(struct node *np, const char *format, ...)
{
	char text[TEXT];
	va_list args;

	/* Once: all devices below a PCI host bridge share its iommu-map. */
	if (np->malformed)
		return;

	np->malformed = true;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tap_note("%s: %s", np->path, text);
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

/* As of_device_is_available() sees it: YES or NO if that is clear */
static enum allowed check_status(struct node *np)
{
	const struct prop *status = &np->prop[STATUS];
	const char *text = (const char *)status->data;

	if (!text)
		return YES;

	if (memchr(text, 0, status->len))
		return strcmp(text, "okay") && strcmp(text, "ok") ? NO : YES;

	/* The kernel compares it with whatever follows it in memory. */
	report_malformed(np, "status is not terminated");
	if (status->len && status->len <= 4 &&
	    !memcmp(text, "okay", status->len))
		return MAYBE;

	return NO;
}

bool is_unavailable(struct node *np)
{
	return check_status(np) == NO;
}

/* Does TEXT contain NAME, and not as a part of a longer name? */
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

/* C1 to C5 and C14, for one IOMMU.  What a driver accepts isn't known. */
static void add_iommu(struct assessment *as, const struct node *iommu,
		      enum allowed allowed)
{
	const struct prop *status = &iommu->prop[STATUS];
	bool same = !as->driver || !iommu->driver[0] ||
		    !strcmp(as->driver, iommu->driver);

	if (allowed == NO)
		add_answer(as, NO, "%s is not available, its status is \"%.*s\"",
			   iommu->path,
			   (int)(status->len > 16 ? 16 : status->len),
			   status->data);
	else if (allowed == NO_DRIVER && iommu->device[0])
		add_answer(as, NO_DRIVER, "%s is available, but has no driver",
			   iommu->path);
	else if (allowed == NO_DRIVER)
		/* A driver that needs no device doesn't show. */
		add_answer(as, MAYBE, "%s is available, but has no device",
			   iommu->path);
	else if (allowed == MAYBE)
		add_answer(as, MAYBE, "%s may be available or not",
			   iommu->path);
	else if (!same)
		add_answer(as, NO, "its IOMMUs have different drivers, %s and %s",
			   as->driver, iommu->driver);
	else
		add_answer(as, YES, "the driver of %s is %s", iommu->path,
			   iommu->driver[0] ? iommu->driver : "not named");

	if (iommu->driver[0])
		as->driver = iommu->driver;
}

static void look_at_iommu(struct assessment *as, struct node *iommu, bool sure)
{
	const char *name = strrchr(iommu->path, '/');
	bool driven = iommu->driver[0] || iommu->registered;
	enum allowed allowed = check_status(iommu);
	struct assessment one = { .driver = as->driver };

	if (allowed != NO && !driven)
		allowed = NO_DRIVER;
	if (verbose)
		tap_note("  IOMMU %s: %savailable, driver: %s", iommu->path,
			 allowed == NO ? "not " : "",
			 iommu->driver[0] ? iommu->driver :
			 driven ? "?" : "none");

	/* An id that the device may not have forbids nothing. */
	add_iommu(&one, iommu, allowed);
	if (!sure && one.allowed > MAYBE)
		one.allowed = MAYBE;
	add_answer(as, one.allowed, "%s", one.why);
	as->driver = one.driver;

	if (mentions(as->reason, iommu->path) ||
	    mentions(as->reason, iommu->device) ||
	    (name && mentions(as->reason, name + 1))) {
		as->reason_iommu = iommu;
		as->reason_allowed = allowed;
	}
}

/* A loop of IOMMUs is legal: the first one is untranslated. */
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
		report_malformed(np, "iommus leads back to the node");
}

/*
 * One entry of "iommus", which begins at cell *pos: moves *pos behind it.  C8:
 * what can't be parsed is NO; MAYBE is what kernels read in more than one way.
 */
static enum allowed look_at_entry(const struct model *model, struct node *np,
				  size_t *pos, struct assessment *as)
{
	const struct prop *list = &np->prop[IOMMUS];
	uint32_t phandle = cell(list, (*pos)++), count = MAX_ARGS + 1;
	struct node *iommu;
	bool twice;

	/* C10: an empty entry is passed over. */
	if (!phandle)
		return YES;

	iommu = find_phandle(model, phandle, &twice);
	if (!iommu) {
		report_malformed(np, "iommus: no node has phandle 0x%x", phandle);
		return NO;
	}
	if (twice) {
		report_malformed(np, "iommus: several nodes have phandle 0x%x",
				 phandle);
		return MAYBE;
	}

	if (iommu->prop[CELLS].len >= 4)
		count = cell(&iommu->prop[CELLS], 0);
	if (count > MAX_ARGS || count > list->len / 4 - *pos) {
		report_malformed(np, "iommus: #iommu-cells of %s: %s",
				 iommu->path, count > MAX_ARGS ?
				 "none, or too many" : "more than follow");
		return NO;
	}

	*pos += count;
	look_for_loop(model, np, iommu);
	if (iommu == np)
		return NO;

	look_at_iommu(as, iommu, true);
	return YES;
}

static void look_at_iommus(const struct model *model, struct node *np,
			   struct assessment *as)
{
	const struct prop *list = &np->prop[IOMMUS];
	enum allowed parsed = YES;
	size_t pos = 0;

	while (pos < list->len / 4 && parsed == YES)
		parsed = look_at_entry(model, np, &pos, as);

	if (parsed == YES && !as->why[0]) {
		report_malformed(np, "iommus names no IOMMU");
		add_answer(as, NO, "iommus names no IOMMU");
	}
	if (parsed == YES && list->len % 4) {
		report_malformed(np, "iommus is not made of whole cells");
		parsed = MAYBE;
	}
	if (parsed != YES)
		add_answer(as, parsed, "can't parse iommus");
}

enum map_result { FOUND, NOT_COVERED, NOT_PARSED, AMBIGUOUS };

/* As of_map_id() does it, its arithmetic included */
static enum map_result map_id(const struct model *model, struct node *np,
			      uint32_t id, struct node **iommu)
{
	const struct prop *map = &np->prop[MAP], *mask_prop = &np->prop[MASK];
	uint32_t mask = mask_prop->len >= 4 ? cell(mask_prop, 0) : ~0U;
	bool twice;
	size_t i;

	if (!map->len || map->len % 16) {
		report_malformed(np, "iommu-map is not made of groups of four cells");
		return NOT_PARSED;
	}

	for (i = 0; i < map->len / 4; i += 4) {
		uint32_t base = cell(map, i), end = base + cell(map, i + 3);

		if (base & ~mask) {
			report_malformed(np,
					 "iommu-map has a base, 0x%x, that iommu-map-mask hides",
					 base);
			return NOT_PARSED;
		}
		if ((id & mask) < base || (id & mask) >= end)
			continue;

		*iommu = find_phandle(model, cell(map, i + 1), &twice);
		if (*iommu && !twice)
			return FOUND;

		report_malformed(np, "iommu-map: %s phandle 0x%x",
				 twice ? "several nodes have" : "no node has",
				 cell(map, i + 1));
		return twice ? AMBIGUOUS : NOT_PARSED;
	}

	return NOT_COVERED;
}

/*
 * C20: the last id, which the topmost bridge sends, must be covered.  C21: one
 * that a bridge above replaces needn't be.  Without such a bridge that is the
 * device's own.  The kernel doesn't tell the aliases of quirks (C22).  C24: all
 * ids that are covered count.
 */
static void look_at_map(const struct model *model, struct node *np,
			const struct device *dev, struct assessment *as)
{
	int i, last = 0, covered = 0;
	uint32_t uncovered = 0;
	struct node *iommu;

	for (i = 0; i < dev->nr_ids; i++) {
		const struct requester_id *rid = &dev->ids[i];
		enum map_result result = map_id(model, np, rid->id, &iommu);

		if (result == NOT_PARSED || result == AMBIGUOUS) {
			add_answer(as, result == AMBIGUOUS || !rid->sure ?
				   MAYBE : NO, "can't parse iommu-map");
			return;
		}
		if (result == FOUND)
			look_at_iommu(as, iommu, rid->sure);
		if (!rid->may_be_last)
			continue;

		last++;
		if (result == FOUND)
			covered++;
		else if (last == covered + 1)
			uncovered = rid->id;
	}

	if (!last)
		add_answer(as, MAYBE,
			   "the id that the topmost bridge sends is not known");
	if (covered < last)
		add_answer(as, covered ? MAYBE : NO,
			   "iommu-map does not cover id 0x%x", uncovered);
}

void assess_device(struct model *model, const struct device *dev,
		   struct assessment *as)
{
	struct node *np = &model->nodes[dev->node];

	if (dev->pci)
		look_at_map(model, np, dev, as);
	else
		look_at_iommus(model, np, as);
}
