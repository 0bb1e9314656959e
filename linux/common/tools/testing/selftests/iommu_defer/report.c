// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

static struct outcome __printf(2, 3)
outcome(enum result result, const char *format, ...)
{
	struct outcome outcome = { .result = result };
	va_list args;

	va_start(args, format);
	vsnprintf(outcome.why, sizeof(outcome.why), format, args);
	va_end(args);
	return outcome;
}

/* A line of the list is a name, and on newer kernels a tab and the reason. */
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

bool is_translated(const struct device *dev)
{
	/* VFIO makes groups for devices without an IOMMU, and names them. */
	return dev->group[0] && strcmp(dev->group_type, "identity") &&
	       strcmp(dev->group_name, "vfio-noiommu");
}

/* The old "mmu-masters" names the masters, which don't name their IOMMU. */
static const struct node *find_legacy(const struct model *model)
{
	int i;

	for (i = 0; i < model->nr_nodes; i++)
		if (model->nodes[i].prop[LEGACY].data)
			return &model->nodes[i];

	return NULL;
}

bool has_legacy_masters(const struct model *model)
{
	return find_legacy(model);
}

static struct outcome check_translated(const struct model *model,
				       const struct device *dev, bool deferred,
				       const struct assessment *as)
{
	const struct node *legacy = find_legacy(model);
	const char *group = dev->group;

	if (as->allowed == YES && dev->driver[0])
		return outcome(PASS, "translated, in group %s: %s", group,
			       as->why);
	if (as->allowed == YES)
		return outcome(SKIP, "%s, in group %s as it may be: %s",
			       deferred ? "deferred, but not for its IOMMU" :
			       "not bound", group, as->why);
	if (as->allowed == MAYBE)
		return outcome(SKIP,
			       "unknown: in group %s, which may be right: %s",
			       group, as->why);
	if (legacy)
		return outcome(SKIP,
			       "unknown: in group %s, by mmu-masters of %s, or wrongly: %s",
			       group, legacy->path, as->why);

	return outcome(FAIL, "in group %s, but must be untranslated: %s", group,
		       as->why);
}

static struct outcome check_untranslated(const struct device *dev,
					 const struct assessment *as)
{
	if (as->allowed != YES)
		return outcome(PASS, "untranslated, bound to %s: %s",
			       dev->driver, as->why);
	if (!strcmp(dev->group_type, "identity"))
		return outcome(PASS,
			       "untranslated, bound to %s, in group %s of type identity: %s",
			       dev->driver, dev->group, as->why);

	return outcome(SKIP,
		       "unknown: untranslated; the IOMMU driver may have rejected it, which the kernel does not tell: %s",
		       as->why);
}

static struct outcome check_deferred(const struct model *model,
				     const struct assessment *as)
{
	const struct node *iommu = as->reason_iommu;
	const char *reason = as->reason;

	if (!iommu && reason[0])
		return outcome(SKIP,
			       "deferred for a reason that names none of its IOMMUs: %s",
			       reason);
	if (!iommu)
		return outcome(SKIP,
			       "unknown: deferred, the kernel does not tell for what; %s",
			       as->why);
	if (as->reason_allowed == NO)
		return outcome(FAIL, "deferred for %s, which is not available: %s",
			       iommu->path, reason);
	if (as->reason_allowed == NO_DRIVER && !model->modules_may_load)
		return outcome(FAIL,
			       "deferred for %s after the end of init, but that has no driver: %s",
			       iommu->path, reason);
	if (as->reason_allowed == NO_DRIVER)
		return outcome(SKIP,
			       "unknown: deferred for %s, whose driver may be in a module: try later",
			       iommu->path);

	return outcome(SKIP,
		       "unknown: deferred for %s, whose driver may have asked for that: %s",
		       iommu->path, reason);
}

static struct outcome check_unbound(const struct model *model,
				    const struct device *dev,
				    const struct assessment *as)
{
	const char *supplier = strcmp(dev->waiting, "1") ? "" :
			       "it waits for a supplier, or ";

	if (model->deferred)
		return outcome(SKIP,
			       "unknown: neither bound nor deferred: %sno driver, or a probe that failed; its errno is not told",
			       supplier);
	if (as->allowed == NO_DRIVER)
		return outcome(SKIP,
			       "unknown: not bound: %sno driver, a probe that failed, or deferred for an IOMMU: %s; which IOMMU drivers are declared is not told",
			       supplier, as->why);

	return outcome(SKIP,
		       "unknown: not bound: %sno driver, a probe that failed, or deferred, for what is not told; %s",
		       supplier, as->why);
}

struct outcome check_device(struct model *model, const struct device *dev)
{
	struct assessment as = { .allowed = YES };
	bool deferred = find_deferred(model, dev->name, as.reason);

	if (verbose)
		tap_note("%s: node %s, driver %s, group %s %s", dev->name,
			 model->nodes[dev->node].path,
			 dev->driver[0] ? dev->driver : "none",
			 dev->group[0] ? dev->group : "none", dev->group_type);

	assess_device(model, dev, &as);
	if (is_translated(dev))
		return check_translated(model, dev, deferred, &as);
	if (dev->driver[0])
		return check_untranslated(dev, &as);
	if (deferred)
		return check_deferred(model, &as);

	return check_unbound(model, dev, &as);
}

/* A node with IOMMUs that is no device */
static struct outcome check_node(struct node *np, bool pci)
{
	if (is_unavailable(np))
		return outcome(SKIP, "not available itself");

	return outcome(SKIP, "no %s in /sys",
		       pci ? "PCI device below it" : "device of this node");
}

static void print_outcome(const char *name, struct outcome outcome)
{
	tap_result(outcome.result, name, outcome.why);
}

/* The devices that one node gives IOMMUs to, or itself without any */
static int check_devices_of(struct model *model, struct node *np, bool pci,
			    bool print)
{
	int i, found = 0;

	for (i = 0; i < model->nr_devices; i++) {
		const struct device *dev = &model->devices[i];

		if (&model->nodes[dev->node] != np || dev->pci != pci)
			continue;

		found++;
		if (print)
			print_outcome(dev->name, check_device(model, dev));
	}
	if (!found && print)
		print_outcome(np->path, check_node(np, pci));

	return found ?: 1;
}

static int check_all(struct model *model, bool print)
{
	int i, results = 0;

	for (i = 0; i < model->nr_nodes; i++) {
		struct node *np = &model->nodes[i];

		if (np->prop[IOMMUS].data)
			results += check_devices_of(model, np, false, print);
		if (np->prop[MAP].data)
			results += check_devices_of(model, np, true, print);
	}

	return results;
}

int count_results(struct model *model)
{
	return check_all(model, false);
}

int report(struct model *model)
{
	int plan = count_results(model);

	if (!plan)
		return tap_nothing("no IOMMU of any device in the device tree");

	tap_plan(plan);
	if (!model->deferred)
		tap_note("debugfs does not tell which devices are deferred");
	check_all(model, true);
	return tap_end();
}
