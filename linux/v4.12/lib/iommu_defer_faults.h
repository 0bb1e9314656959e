/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of failing allocations ask of the kernel in ways that differ
 * between kernel versions: here, as v4.12 answers.
 */
#ifndef _LIB_IOMMU_DEFER_FAULTS_H
#define _LIB_IOMMU_DEFER_FAULTS_H

#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/of.h>
#include <linux/sizes.h>

/* An ID that a fwspec has is not added to it. */
#define FWSPEC_KEEPS_IDS_ONCE	1

/* Nothing is looked at between the setup of DMA and the driver's probe. */
static inline int may_bind(struct device *dev)
{
	return 0;
}

static inline int map_page(struct iommu_domain *domain, unsigned long iova,
			   struct page *page)
{
	return iommu_map(domain, iova, page_to_phys(page), SZ_4K, IOMMU_READ);
}

static inline int fwspec_add_id(struct device *dev, u32 id)
{
	return iommu_fwspec_add_ids(dev, &id, 1);
}

/* The device of an IOMMU may go, and come again. */
#define IOMMU_MAY_GO

static inline bool iommu_is_registered(struct device_node *np)
{
	return iommu_ops_from_fwnode(&np->fwnode);
}

#endif /* _LIB_IOMMU_DEFER_FAULTS_H */
