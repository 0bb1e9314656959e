/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMU_DEFER_REPORT_H
#define IOMMU_DEFER_REPORT_H

#include "assess.h"
#include "tap.h"

struct outcome {
	enum result result;
	char why[TEXT];
};

/* Compare what became of all devices with what is allowed; the exit code */
int report(struct model *model);

/* For the tests */
struct outcome check_device(struct model *model, const struct device *dev);
bool is_translated(const struct device *dev);
bool has_legacy_masters(const struct model *model);
int count_results(struct model *model);

#endif
