/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The IOMMU core asks an IOMMU driver for devices on its own, when the IOMMU
 * registers and when a device is added: what the fake driver does then, and
 * what it keeps of the devices that it is asked for.
 */
#ifndef _LIB_IOMMU_DEFER_CORE_H
#define _LIB_IOMMU_DEFER_CORE_H

#include <linux/iommu.h>
#include <linux/types.h>

#include "iommu_defer.h"

/* What of_xlate keeps of a device, as drivers of real IOMMUs do */
enum fake_keep {
	KEEP_NOTHING,
	KEEP_FOR_INSTANCE,	/* msm_iommu: each instance, one device in all */
	KEEP_FOR_DEVICE,	/* exynos-iommu: each device, for all instances */
};

/**
 * struct fake_core - the fake driver, when the core asks on its own
 * @answers: it answers for devices without a driver, too.  If not it leaves them
 *	alone until a test makes an attempt, so that each call of of_xlate that
 *	is counted is one of an attempt
 * @keep: what of_xlate keeps
 * @fails_for: fake_driver.add_ret is for this device only, if there is one
 * @probing: called before the driver answers for a device, by probe_device
 * @released: called for a device that the driver has let go of
 * @attached: how often a device was attached to a domain
 * @found: a device that @finder serves
 * @finder: an IOMMU that knows its devices by itself, without any firmware
 * @kept: how often that has been allocated, and not been freed
 * @unlocked: how often the core has asked for a device that nobody had locked
 * @lost: how often it was not what of_xlate had left: a real driver goes through
 *	a NULL pointer then
 */
struct fake_core {
	bool answers;
	enum fake_keep keep;
	struct device *fails_for;
	void (*probing)(struct device *dev);
	void (*released)(struct device *dev);
	unsigned int attached;
	struct device *found;
	struct iommu_device finder;
	int kept;
	unsigned int unlocked;
	unsigned int lost;
};

extern struct fake_core fake_core;

void fake_core_reset(void);
int fake_core_register(struct fake_iommu *iommu);
int fake_core_register_finder(struct device *dev);
void fake_core_unregister_finder(void);

#endif /* _LIB_IOMMU_DEFER_CORE_H */
