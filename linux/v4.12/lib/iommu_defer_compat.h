/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the IOMMU probe deferral tests ask of the kernel in ways that differ
 * between kernel versions: here, as v4.12 answers.
 */
#ifndef _LIB_IOMMU_DEFER_COMPAT_H
#define _LIB_IOMMU_DEFER_COMPAT_H

#include <linux/dma-iommu.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/of_device.h>
#include <linux/of_iommu.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "iommu_defer.h"

/* IOMMU_OF_DECLARE() tells a driverless IOMMU from one that may still come. */
#define DEFER_WANT_DRIVERLESS_BEFORE	DEFER_NO_IOMMU

/* An IOMMU that unregisters doesn't touch its masters. */
#define DEFER_IOMMU_MAY_GO		true

/* Different drivers are told apart before any is asked. */
#define DEFER_ASKED_DIFFERENT_DRIVERS	0

/* Nobody is waited for in vain then. */
#define DEFER_WANT_DIFFERENT_BEFORE	DEFER_NO_IOMMU

/* One attempt, by the function that the whole series is about. */
static inline enum defer_result defer_configure(struct device *dev,
						struct device_node *np)
{
	const struct iommu_ops *ops = of_iommu_configure(dev, np);

	if (IS_ERR(ops))
		return PTR_ERR(ops) == -EPROBE_DEFER ? DEFER_WAIT : DEFER_ERROR;

	return ops ? DEFER_OPS : DEFER_NO_IOMMU;
}

/* By an id of the master, which only PCI devices have here. */
#ifdef CONFIG_PCI
#define DEFER_HAS_MAP			true

enum defer_result defer_configure_id(struct device *dev, struct device_node *np,
				     u32 id);
#else
#define DEFER_HAS_MAP			false

static inline enum defer_result defer_configure_id(struct device *dev,
						   struct device_node *np,
						   u32 id)
{
	return DEFER_NOT_RUN;
}
#endif

/* The same with the DMA ops, as the driver core does before each probe. */
static inline int defer_dma_configure(struct device *dev,
				      struct device_node *np)
{
	return of_dma_configure(dev, np);
}

/* Whoever sees no group calls add_device, and there is no lock to wait for. */
static inline int defer_probe_by_core(struct device *dev)
{
	return defer_configure(dev, dev->of_node) == DEFER_OPS ? 0 : -ENODEV;
}

static inline const struct iommu_ops *defer_fwspec_ops(struct device *dev)
{
	return dev->iommu_fwspec ? dev->iommu_fwspec->ops : NULL;
}

static inline unsigned int defer_fwspec_ids(struct device *dev)
{
	return dev->iommu_fwspec ? dev->iommu_fwspec->num_ids : 0;
}

/* How far the bus addresses of a master are from the CPU's */
static inline u64 defer_dma_offset(struct device *dev)
{
	return (u64)dev->dma_pfn_offset << PAGE_SHIFT;
}

/* An offset is no memory that a failed attempt could leak. */
static inline bool defer_dma_offset_left(struct device *dev)
{
	return false;
}

/* full_name is the whole path here. */
static inline char *defer_full_name(struct device_node *parent,
				    const char *name)
{
	return kasprintf(GFP_KERNEL, "%s/%s",
			 parent->parent ? parent->full_name : "", name);
}

/* of_detach_node() drops the first reference, so have one more. */
static inline void defer_node_hold(struct device_node *np)
{
	of_node_get(np);
}

static inline bool defer_domain_type_ok(unsigned int type)
{
	return type == IOMMU_DOMAIN_UNMANAGED || type == IOMMU_DOMAIN_DMA;
}

/* The cookie is the driver's to get; there is none without IOMMU_DMA. */
static inline int defer_domain_init(struct iommu_domain *domain,
				    unsigned int type)
{
	return type == IOMMU_DOMAIN_DMA ? iommu_get_dma_cookie(domain) : 0;
}

static inline void defer_domain_exit(struct iommu_domain *domain)
{
	iommu_put_dma_cookie(domain);
}

#ifdef CONFIG_ARM
#include <asm/dma-iommu.h>
#include <asm/dma-mapping.h>

extern const struct dma_map_ops iommu_ops;
extern const struct dma_map_ops iommu_coherent_ops;

static inline bool defer_iommu_dma_ops(struct device *dev)
{
	return dev->dma_ops == &iommu_ops ||
	       dev->dma_ops == &iommu_coherent_ops;
}

static inline bool defer_direct_dma_ops(struct device *dev)
{
	return dev->dma_ops == &arm_dma_ops ||
	       dev->dma_ops == &arm_coherent_dma_ops;
}

static inline bool defer_dma_mapping(struct device *dev)
{
	return to_dma_iommu_mapping(dev);
}

static inline void defer_arch_setup(struct device *dev, bool translated)
{
	arch_setup_dma_ops(dev, SZ_1G, SZ_64M,
			   translated ? defer_fwspec_ops(dev) : NULL, false);
}

/* A mapping that setup made is gone once it is detached. */
#define DEFER_MAPPING_GOES_WITH_DETACH	true

/* How a driver gets rid of the mapping that arch_setup_dma_ops() made. */
static inline void defer_drop_arch_mapping(struct device *dev)
{
	arm_iommu_detach_device(dev);
}
#else
static inline bool defer_iommu_dma_ops(struct device *dev)
{
	return dev->dma_ops &&
	       dev->dma_ops->map_resource == iommu_dma_map_resource;
}

static inline bool defer_dma_mapping(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type == IOMMU_DOMAIN_DMA;
}
#endif

#endif /* _LIB_IOMMU_DEFER_COMPAT_H */
