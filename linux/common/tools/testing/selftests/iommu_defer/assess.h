/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which of its IOMMUs a device may be translated by, from the device tree and
 * the drivers that are there.  The rules are those of the contract: ids in
 * comments, as C10, are its rows.
 */
#ifndef IOMMU_DEFER_ASSESS_H
#define IOMMU_DEFER_ASSESS_H

#include "model.h"

/* May the device be translated?  The IOMMU with the greatest answer decides. */
enum allowed {
	YES,
	MAYBE,		/* kernels differ, or don't tell enough */
	NO_DRIVER,	/* not unless a driver comes */
	NO,
};

struct assessment {
	enum allowed allowed;
	char why[TEXT];

	const char *driver;		/* of the IOMMUs, NULL if not known */
	char reason[TEXT];		/* why the device is deferred, or "" */
	const struct node *reason_iommu;	/* the IOMMU named there */
	enum allowed reason_allowed;
};

bool is_unavailable(struct node *np);
void assess_device(struct model *model, const struct device *dev,
		   struct assessment *as);

#endif
