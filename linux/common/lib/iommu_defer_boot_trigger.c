// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to the machine of a scenario while it boots:
 *
 *	iommu { iommu-defer,table-failures = <1>; };
 *	iommu { iommu-defer,goes; };
 *	late { compatible = "iommu-defer,late-bus"; iommu { ... }; };
 *
 * The driver of the first IOMMU fails to allocate that many page tables.  The
 * device of the second one goes, as by an overlay, right before the end of init.
 * What is on the late bus is populated after that, and still before the end.
 */

#include <linux/dma-mapping.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/of_platform.h>
#include <linux/platform_device.h>

#include "iommu_defer.h"
#include "iommu_defer_boot.h"
#include "iommu_defer_compat.h"

static int boot_missed;

int boot_triggers_missed(void)
{
	return boot_missed;
}

/* Page tables that can't be had */

#ifdef CONFIG_ARM	/* elsewhere a device may have no DMA ops of its own */
/*
 * io-pgtable maps each table by the DMA API of the IOMMU's own device, and can't
 * use one for which that fails.  One IOMMU at a time is enough.
 */
static u32 boot_table_failures;
static const struct dma_map_ops *boot_table_ops;

static dma_addr_t boot_table_map(struct device *dev, struct page *page,
				 unsigned long offset, size_t size,
				 enum dma_data_direction dir,
				 unsigned long attrs)
{
	boot_missed--;
	if (!--boot_table_failures)
		set_dma_ops(dev, boot_table_ops);

	return ~(dma_addr_t)0;
}

static const struct dma_map_ops boot_failing_ops = {
	.map_page = boot_table_map,
};

/* Devices are there then, and no master has a driver yet. */
static int __init boot_fail_tables(void)
{
	struct platform_device *pdev;
	struct device_node *np;

	np = of_find_node_with_property(NULL, "iommu-defer,table-failures");
	if (!np)
		return 0;

	of_property_read_u32(np, "iommu-defer,table-failures",
			     &boot_table_failures);
	boot_missed += boot_table_failures;
	pdev = of_find_device_by_node(np);
	if (pdev) {
		boot_table_ops = pdev->dev.dma_ops;
		set_dma_ops(&pdev->dev, &boot_failing_ops);
		put_device(&pdev->dev);
	}

	of_node_put(np);
	return 0;
}
subsys_initcall(boot_fail_tables);
#endif

/* IOMMUs that go */

static void __init boot_remove_device(struct device_node *np)
{
	struct platform_device *pdev = of_find_device_by_node(np);

	boot_missed++;
	if (!pdev)
		return;

	if (test_master_bound(&pdev->dev))
		boot_missed--;
	/* As of_platform_device_destroy(), which v4.12-rc1 keeps to itself */
	of_node_clear_flag(np, OF_POPULATED);
	platform_device_unregister(pdev);
	put_device(&pdev->dev);
}

/*
 * A bus that probes at the last moment, as one does that has to wait for a clock
 * or a regulator: what is on it, an IOMMU for instance, isn't even a device till
 * then.
 */
static int boot_late_bus_probe(struct platform_device *pdev)
{
	return of_platform_populate(pdev->dev.of_node, NULL, NULL, &pdev->dev);
}

static const struct of_device_id boot_late_bus_match[] = {
	{ .compatible = "iommu-defer,late-bus" },
	{}
};

static struct platform_driver boot_late_bus_driver = {
	.probe = boot_late_bus_probe,
	.driver = {
		.name = "iommu-defer-late-bus",
		.of_match_table = boot_late_bus_match,
		.suppress_bind_attrs = true,
	},
};

static int __init boot_late(void)
{
	struct device_node *np;

	for_each_node_with_property(np, "iommu-defer,goes")
		boot_remove_device(np);

	return platform_driver_register(&boot_late_bus_driver);
}
late_initcall(boot_late);
