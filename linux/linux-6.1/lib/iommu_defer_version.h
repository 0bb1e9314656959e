/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the IOMMU probe deferral tests ask of the kernel in ways that differ
 * between kernel versions: here, as linux-6.1 answers.
 */
#ifndef _LIB_IOMMU_DEFER_VERSION_H
#define _LIB_IOMMU_DEFER_VERSION_H

#include <linux/dma-map-ops.h>
#include <linux/iommu.h>
#include <linux/kallsyms.h>
#include <linux/of_iommu.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "iommu_defer.h"

/* One attempt, by the function that the whole series is about. */
static inline enum attempt_result try_configure(struct device *dev,
						struct device_node *np)
{
	const struct iommu_ops *ops = of_iommu_configure(dev, np, NULL);

	if (IS_ERR(ops))
		return PTR_ERR(ops) == -EPROBE_DEFER ? DEFERRED : FAILS;

	return ops ? TRANSLATED : UNTRANSLATED;
}

static inline const struct iommu_ops *fwspec_ops(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	return fwspec ? fwspec->ops : NULL;
}

/* A fwspec as an IOMMU driver makes it that doesn't need of_iommu_configure() */
static inline int third_party_fwspec(struct device *dev,
				     struct fwnode_handle *fwnode)
{
	return iommu_fwspec_init(dev, fwnode, iommu_ops_from_fwnode(fwnode));
}

/* No IOMMU has probed the device, and its release would oops for that. */
static inline void free_third_party_fwspec(struct device *dev)
{
	iommu_fwspec_free(dev);
	kfree(dev->iommu);
	dev->iommu = NULL;
}

/*
 * Have a driver probe @dev: 1 if it is bound then.  A registration that is still
 * giving groups their domains has masters deferred for that moment, see
 * iommu_group_awaits_domain().  Try again, as the deferred queue does, for a
 * second at most.
 */
static inline int attach_driver(struct device *dev)
{
	int i, ret = device_attach(dev);

	for (i = 0; ret == -EPROBE_DEFER && i < HZ; i++) {
		schedule_timeout_uninterruptible(1);
		ret = device_attach(dev);
	}

	return ret;
}

/* The ops of IOMMUs are static, so tell them by the name of a callback. */
static inline bool has_iommu_dma_ops(struct device *dev)
{
	char name[KSYM_SYMBOL_LEN];

	if (!dev->dma_ops)
		return false;

	snprintf(name, sizeof(name), "%ps", dev->dma_ops->map_page);
	return !strcmp(name, IS_ENABLED(CONFIG_ARM) ? "arm_iommu_map_page" :
						      "iommu_dma_map_page");
}

/* The ops of dma-direct are NULL. */
static inline bool has_direct_dma_ops(struct device *dev)
{
	return !dev->dma_ops;
}

#ifdef CONFIG_ARM
#include <asm/dma-iommu.h>

static inline void setup_dma_ops(struct device *dev, bool translated)
{
	arch_setup_dma_ops(dev, SZ_1G, SZ_64M,
			   translated ? fwspec_ops(dev) : NULL, false);
}

/* A mapping that suits the bus of @dev */
static inline struct dma_iommu_mapping *create_mapping_for(struct device *dev,
							   dma_addr_t base,
							   u64 size)
{
	return arm_iommu_create_mapping(dev->bus, base, size);
}
#endif

#define MATCH_DRIVER		struct device_driver

/*
 * A struct dev_iommu that a failed attempt left behind makes the removal of the
 * device an oops, in iommu_release_device().  Report that instead.
 */
static inline unsigned int forget_failed_attempt(struct device *dev)
{
	if (!dev->iommu || dev->iommu->iommu_dev)
		return 0;

	dev->iommu = NULL;
	return FAULT_FWSPEC_LEFT;
}

#endif /* _LIB_IOMMU_DEFER_VERSION_H */
