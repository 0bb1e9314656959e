/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of failing allocations ask of the kernel in ways that differ
 * between kernel versions: here, as 6.1 and later answer.
 */
#ifndef _LIB_IOMMU_DEFER_FAULTS_H
#define _LIB_IOMMU_DEFER_FAULTS_H

#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>

/* The drivers see to an ID that comes twice. */
#define FWSPEC_KEEPS_IDS_ONCE	0

/* C53: where a bus goes on, and the core looks whether DMA is set up */
static inline int may_bind(struct device *dev)
{
	int err = iommu_device_use_default_domain(dev);

	if (!err)
		iommu_device_unuse_default_domain(dev);

	return err;
}

static inline int map_page(struct iommu_domain *domain, unsigned long iova,
			   struct page *page)
{
	struct scatterlist sg;
	struct sg_table table = { .sgl = &sg, .nents = 1, .orig_nents = 1 };

	sg_init_table(&sg, 1);
	sg_set_page(&sg, page, SZ_4K, 0);
	return iommu_map_sgtable(domain, iova, &table, IOMMU_READ) == SZ_4K ?
	       0 : -EINVAL;
}

static inline int fwspec_add_id(struct device *dev, u32 id)
{
	return iommu_fwspec_add_ids(dev, &id, 1);
}

#endif /* _LIB_IOMMU_DEFER_FAULTS_H */
