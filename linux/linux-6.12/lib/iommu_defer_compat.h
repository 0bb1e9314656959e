/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the IOMMU probe deferral tests ask of the kernel in ways that differ
 * between kernel versions: here, as linux-6.12 answers.
 */
#ifndef _LIB_IOMMU_DEFER_COMPAT_H
#define _LIB_IOMMU_DEFER_COMPAT_H

#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/of_device.h>
#include <linux/of_iommu.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../drivers/iommu/iommu-priv.h"
#include "iommu_defer.h"

/* Drivers are no longer declared: any IOMMU may come until the end of init. */
#define DEFER_WANT_DRIVERLESS_BEFORE	DEFER_WAIT

/* An IOMMU that unregisters releases its masters, bound or not. */
#define DEFER_IOMMU_MAY_GO		false

/* Different drivers are told apart when the second one is to translate. */
#define DEFER_ASKED_DIFFERENT_DRIVERS	1

/* So one that is still to come is waited for first. */
#define DEFER_WANT_DIFFERENT_BEFORE	DEFER_WAIT

/*
 * One attempt, by the function that the whole series is about.  Its caller
 * takes every error but deferral to mean that the master goes without.
 */
static inline enum defer_result defer_try(struct device *dev,
					  struct device_node *np, const u32 *id)
{
	int err = of_iommu_configure(dev, np, id);

	if (err)
		return err == -EPROBE_DEFER ? DEFER_WAIT : DEFER_NO_IOMMU;

	return DEFER_OPS;
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

/* The fwspec names the IOMMU, and the core finds the ops behind that name. */
static inline const struct iommu_ops *defer_fwspec_ops(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	return fwspec ? iommu_fwspec_ops(fwspec) : NULL;
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

/*
 * On ARM every group has a domain, of type identity until a mapping is
 * attached.  The tests ask for one that translates.
 */
static inline struct iommu_domain *defer_paging_domain(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type & __IOMMU_DOMAIN_PAGING ? domain : NULL;
}

#define iommu_get_domain_for_dev	defer_paging_domain

/*
 * A registration that is still giving groups their domains has masters deferred
 * for that moment, see iommu_device_use_default_domain().  Try again, as the
 * deferred queue does, for a second at most.
 */
static inline int defer_attach(struct device *dev)
{
	int i, ret = device_attach(dev);

	for (i = 0; ret == -EPROBE_DEFER && i < HZ; i++) {
		schedule_timeout_uninterruptible(1);
		ret = device_attach(dev);
	}

	return ret;
}

#define device_attach			defer_attach

#ifdef CONFIG_ARM
#include <asm/dma-iommu.h>

/* The ops of dma-direct are NULL, and those of IOMMUs are static. */
static inline bool defer_iommu_dma_ops(struct device *dev)
{
	return dev->dma_ops && dev->dma_ops != &defer_foreign_ops;
}

static inline bool defer_direct_dma_ops(struct device *dev)
{
	return !dev->dma_ops;
}

static inline bool defer_dma_mapping(struct device *dev)
{
	return to_dma_iommu_mapping(dev);
}

/* Whether there is an IOMMU to attach to is what the group says. */
static inline void defer_arch_setup(struct device *dev, bool translated)
{
	arch_setup_dma_ops(dev, false);
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

struct device *defer_mapping_device(struct device *dev);

/* A mapping is made for a device now; the tests name the bus of that device. */
#define arm_iommu_create_mapping(bus_of_dev, base, size) \
	arm_iommu_create_mapping(defer_mapping_device(container_of(&(bus_of_dev), \
					struct device, bus)), base, size)
#else
/* No ops at all any more: a flag sends the DMA API to the IOMMU. */
static inline bool defer_iommu_dma_ops(struct device *dev)
{
	return use_dma_iommu(dev);
}

static inline bool defer_direct_dma_ops(struct device *dev)
{
	return !use_dma_iommu(dev);
}

static inline bool defer_dma_mapping(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type & __IOMMU_DOMAIN_DMA_API;
}
#endif

#endif /* _LIB_IOMMU_DEFER_COMPAT_H */
