/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the IOMMU probe deferral tests ask of the kernel in ways that differ
 * between kernel versions: here, as linux-6.1 answers.
 */
#ifndef _LIB_IOMMU_DEFER_COMPAT_H
#define _LIB_IOMMU_DEFER_COMPAT_H

#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/of_device.h>
#include <linux/of_iommu.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "iommu_defer.h"

/* Drivers are no longer declared: any IOMMU may come until the end of init. */
#define DEFER_WANT_DRIVERLESS_BEFORE	DEFER_WAIT

/* An IOMMU that unregisters releases its masters, bound or not. */
#define DEFER_IOMMU_MAY_GO		false

/* There can't be different drivers. */
#define DEFER_ASKED_DIFFERENT_DRIVERS	0
#define DEFER_WANT_DIFFERENT_BEFORE	DEFER_NO_IOMMU

/* One attempt, by the function that the whole series is about. */
static inline enum defer_result defer_try(struct device *dev,
					  struct device_node *np, const u32 *id)
{
	const struct iommu_ops *ops = of_iommu_configure(dev, np, id);

	if (IS_ERR(ops))
		return PTR_ERR(ops) == -EPROBE_DEFER ? DEFER_WAIT : DEFER_ERROR;

	return ops ? DEFER_OPS : DEFER_NO_IOMMU;
}

static inline enum defer_result defer_configure(struct device *dev,
						struct device_node *np)
{
	return defer_try(dev, np, NULL);
}

/* By an id of the master, which buses other than PCI have as well. */
#define DEFER_HAS_MAP			true

static inline enum defer_result defer_configure_id(struct device *dev,
						   struct device_node *np,
						   u32 id)
{
	return defer_try(dev, np, &id);
}

/* The same with the DMA ops, as the driver core does before each probe. */
static inline int defer_dma_configure(struct device *dev,
				      struct device_node *np)
{
	return of_dma_configure(dev, np, true);
}

/* What a thread does that has seen no group, and then waits for a lock */
static inline int defer_probe_by_core(struct device *dev)
{
	return iommu_probe_device(dev);
}

static inline const struct iommu_ops *defer_fwspec_ops(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	return fwspec ? fwspec->ops : NULL;
}

static inline unsigned int defer_fwspec_ids(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	return fwspec ? fwspec->num_ids : 0;
}

/* How far the bus addresses of a master are from the CPU's */
static inline u64 defer_dma_offset(struct device *dev)
{
	const struct bus_dma_region *map = dev->dma_range_map;

	return map ? map->cpu_start - map->dma_start : 0;
}

/* The map of addresses is memory that a failed attempt has to free. */
static inline bool defer_dma_offset_left(struct device *dev)
{
	return dev->dma_range_map;
}

/* full_name is the last component only. */
static inline char *defer_full_name(struct device_node *parent,
				    const char *name)
{
	return kstrdup(name, GFP_KERNEL);
}

/* of_attach_node() takes a reference of its own. */
static inline void defer_node_hold(struct device_node *np)
{
}

static inline bool defer_domain_type_ok(unsigned int type)
{
	if (type & __IOMMU_DOMAIN_DMA_API)
		return IS_ENABLED(CONFIG_IOMMU_DMA);

	return type == IOMMU_DOMAIN_UNMANAGED;
}

/* The cookie is the core's business. */
static inline int defer_domain_init(struct iommu_domain *domain,
				    unsigned int type)
{
	return 0;
}

static inline void defer_domain_exit(struct iommu_domain *domain)
{
}

/* The ops of dma-direct are NULL, and those of IOMMUs are static. */
static inline bool defer_iommu_dma_ops(struct device *dev)
{
	return dev->dma_ops && dev->dma_ops != &defer_foreign_ops;
}

static inline bool defer_direct_dma_ops(struct device *dev)
{
	return !dev->dma_ops;
}

#ifdef CONFIG_ARM
#include <asm/dma-iommu.h>

static inline bool defer_dma_mapping(struct device *dev)
{
	return to_dma_iommu_mapping(dev);
}

static inline void defer_arch_setup(struct device *dev, bool translated)
{
	arch_setup_dma_ops(dev, SZ_1G, SZ_64M,
			   translated ? defer_fwspec_ops(dev) : NULL, false);
}

/* A mapping that setup made is released by the teardown, or by the driver. */
#define DEFER_MAPPING_GOES_WITH_DETACH	false

/* How a driver gets rid of the mapping that arch_setup_dma_ops() made. */
static inline void defer_drop_arch_mapping(struct device *dev)
{
	struct dma_iommu_mapping *mapping = to_dma_iommu_mapping(dev);

	arm_iommu_detach_device(dev);
	arm_iommu_release_mapping(mapping);
}
#else
static inline bool defer_dma_mapping(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type & __IOMMU_DOMAIN_DMA_API;
}
#endif

#endif /* _LIB_IOMMU_DEFER_COMPAT_H */
