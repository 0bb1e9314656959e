// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: a machine that has booted.
 *
 * The device tree describes a scenario: real IOMMUs with the kernel's own
 * drivers, masters in front of them, and what is to become of each master.
 *
 *	/chosen { iommu-defer,scenario = "name"; };
 *	master { compatible = "iommu-defer,master"; iommus = <...>;
 *		 iommu-defer,want = "translated";
 *		 iommu-defer,defer-times = <1>; };
 *	pcie { iommu-defer,want = "untranslated"; };
 *	iommu { iommu-defer,stays; iommu-defer,one-domain; };
 *	late { compatible = "iommu-defer,late-bus"; iommu { ... }; };
 *
 * A master is "translated", "untranslated" or "unbound".  The driver of the
 * masters is here; in front of a PCI host bridge it is the PCI drivers' own.
 */

#include <kunit/test.h>
#include <linux/crc32.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/of_platform.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/sections.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

/* What a master was seen to be when its driver last looked. */
struct defer_boot_master {
	unsigned int attempts;
	bool reaches;
	unsigned int faults;
};

/* Kept in the node, so that it outlives an attempt that fails. */
static struct defer_boot_master *defer_boot_master(struct device_node *np)
{
	struct defer_boot_master *master = np->data;

	if (!master) {
		master = kzalloc(sizeof(*master), GFP_KERNEL);
		np->data = master;
	}

	return master;
}

static int defer_boot_probe(struct platform_device *pdev)
{
	struct defer_boot_master *master = defer_boot_master(pdev->dev.of_node);
	struct device *dev = &pdev->dev;
	u32 defer_times = 0;

	if (!master)
		return -ENOMEM;

	of_property_read_u32(dev->of_node, "iommu-defer,defer-times",
			     &defer_times);
	master->attempts++;
	/*
	 * As any driver would, without a look at the ops first: IOMMU ops with
	 * no mapping oops here, and that is what the user of a master would get.
	 */
	master->reaches = defer_dma_resolves(dev);
	master->faults |= defer_invariants(dev, defer_fwspec_ops(dev) ?
					   DEFER_OPS : DEFER_NO_IOMMU);

	return master->attempts <= defer_times ? -EPROBE_DEFER : 0;
}

static const struct of_device_id defer_boot_match[] = {
	{ .compatible = "iommu-defer,master" },
	{}
};

static struct platform_driver defer_boot_driver = {
	.probe = defer_boot_probe,
	.driver = {
		.name = "iommu-defer-boot",
		.of_match_table = defer_boot_match,
	},
};

/*
 * A bus that probes at the last moment, as one does that has to wait for a clock
 * or a regulator: what is on it, an IOMMU for instance, isn't even a device till
 * then.
 */
static int defer_late_bus_probe(struct platform_device *pdev)
{
	return of_platform_populate(pdev->dev.of_node, NULL, NULL, &pdev->dev);
}

static const struct of_device_id defer_late_bus_match[] = {
	{ .compatible = "iommu-defer,late-bus" },
	{}
};

static struct platform_driver defer_late_bus_driver = {
	.probe = defer_late_bus_probe,
	.driver = {
		.name = "iommu-defer-late-bus",
		.of_match_table = defer_late_bus_match,
		.suppress_bind_attrs = true,
	},
};

static int __init defer_late_bus_init(void)
{
	return platform_driver_register(&defer_late_bus_driver);
}
late_initcall(defer_late_bus_init);

/* The kernel's code as it was before any IOMMU driver ran. */
static u32 defer_boot_text;

static u32 defer_boot_sum_text(void)
{
	return crc32(~0, (const unsigned char *)_stext, _etext - _stext);
}

static int __init defer_boot_core_init(void)
{
	defer_boot_text = defer_boot_sum_text();
	return 0;
}
core_initcall(defer_boot_core_init);

static int __init defer_boot_init(void)
{
	return platform_driver_register(&defer_boot_driver);
}
device_initcall(defer_boot_init);

static const char *defer_boot_got(struct device *dev)
{
	if (!dev || !defer_master_bound(dev))
		return "unbound";

	return defer_translates(dev) ? "translated" : "untranslated";
}

static void defer_boot_judge(struct kunit *test, struct device *dev,
			     const char *name, const char *want)
{
	const char *got = defer_boot_got(dev);

	kunit_info(test, "given: %s | wanted: %s | got: %s\n", name, want, got);
	KUNIT_EXPECT_STREQ(test, got, want);
}

static void defer_boot_judge_master(struct kunit *test, struct device_node *np)
{
	struct platform_device *pdev = of_find_device_by_node(np);
	struct defer_boot_master *master = np->data;
	char faults[DEFER_FAULT_NAMES_SIZE];
	const char *want = NULL;
	u32 defer_times = 0;

	of_property_read_string(np, "iommu-defer,want", &want);
	of_property_read_u32(np, "iommu-defer,defer-times", &defer_times);
	KUNIT_ASSERT_NOT_NULL(test, want);
	defer_boot_judge(test, pdev ? &pdev->dev : NULL, np->name, want);
	if (pdev)
		put_device(&pdev->dev);
	if (!strcmp(want, "unbound"))
		return;

	KUNIT_ASSERT_NOT_NULL(test, master);
	KUNIT_EXPECT_TRUE_MSG(test, master->reaches,
			      "%s: a mapped buffer doesn't resolve to itself",
			      np->name);
	KUNIT_EXPECT_EQ_MSG(test, master->faults, 0U, "%s: broken: %s",
			    np->name, defer_fault_names(master->faults, faults,
							sizeof(faults)));
	/* That option unbinds each device once and probes it again */
	KUNIT_EXPECT_EQ(test, master->attempts, defer_times + 1 +
			IS_ENABLED(CONFIG_DEBUG_TEST_DRIVER_REMOVE));
}

/* Every platform master is what its node says it should become */
static void platform_masters(struct kunit *test)
{
	struct device_node *np;
	int masters = 0;

	for_each_matching_node(np, defer_boot_match) {
		defer_boot_judge_master(test, np);
		masters++;
	}

	if (!masters)
		kunit_skip(test, "no platform masters in this scenario");
}

/* Every PCI device with a driver class is what its host bridge's node says */
static void pci_masters(struct kunit *test)
{
	struct pci_dev *pdev = NULL;
	const char *want = NULL;
	struct device_node *np;
	int masters = 0;

	for_each_node_by_type(np, "pci") {
		if (!of_property_read_string(np, "iommu-defer,want", &want))
			break;
	}
	if (!want)
		kunit_skip(test, "no PCI masters in this scenario");

	for_each_pci_dev(pdev) {
		if (pdev->class >> 16 == PCI_BASE_CLASS_BRIDGE)
			continue;

		defer_boot_judge(test, &pdev->dev, pci_name(pdev), want);
		masters++;
	}
	KUNIT_EXPECT_GT(test, masters, 0);
}

/*
 * A driver can't be unbound from an IOMMU that has masters: they would keep DMA
 * ops, a mapping and page tables that are gone
 */
static void iommus_stay(struct kunit *test)
{
	struct platform_device *pdev;
	struct device_node *np;
	int iommus = 0;

	for_each_node_with_property(np, "iommu-defer,stays") {
		pdev = of_find_device_by_node(np);
		KUNIT_ASSERT_NOT_NULL(test, pdev);
		KUNIT_ASSERT_TRUE(test, defer_master_bound(&pdev->dev));
		KUNIT_EXPECT_TRUE(test,
				  pdev->dev.driver->suppress_bind_attrs);
		put_device(&pdev->dev);
		iommus++;
	}

	if (!iommus)
		kunit_skip(test, "no IOMMU has to stay in this scenario");
}

static struct iommu_domain *defer_boot_domain(struct device_node *np)
{
	struct platform_device *pdev = of_find_device_by_node(np);
	struct iommu_domain *domain = NULL;

	if (pdev) {
		domain = iommu_get_domain_for_dev(&pdev->dev);
		put_device(&pdev->dev);
	}

	return domain;
}

/*
 * The masters of an IOMMU that has one context for all of them share a domain:
 * one each would take the context from those that came before
 */
static void masters_share_domain(struct kunit *test)
{
	struct iommu_domain *shared = NULL;
	struct device_node *np, *iommu;
	int masters = 0;

	for_each_matching_node(np, defer_boot_match) {
		iommu = of_parse_phandle(np, "iommus", 0);
		if (of_property_read_bool(iommu, "iommu-defer,one-domain")) {
			shared = shared ?: defer_boot_domain(np);
			KUNIT_EXPECT_NOT_NULL(test, shared);
			KUNIT_EXPECT_PTR_EQ(test, defer_boot_domain(np),
					    shared);
			masters++;
		}
		of_node_put(iommu);
	}

	if (!masters)
		kunit_skip(test, "no masters share a domain in this scenario");
	KUNIT_EXPECT_GT(test, masters, 1);
}

/* No IOMMU driver has claimed the bus of a machine that lacks its IOMMU */
static void platform_bus_is_free(struct kunit *test)
{
	struct device_node *chosen = of_find_node_by_path("/chosen");
	bool wanted = of_property_read_bool(chosen, "iommu-defer,no-iommu");

	of_node_put(chosen);
	if (!wanted)
		kunit_skip(test, "this scenario has an IOMMU");

	KUNIT_EXPECT_FALSE(test, iommu_present(&platform_bus_type));
}

/*
 * Nothing has written to the kernel's code (an error path of ipmmu-vmsa used to,
 * once for each master of an IPMMU that had not probed)
 */
static void kernel_text_is_intact(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, defer_boot_sum_text(), defer_boot_text);
}

static int defer_boot_test_init(struct kunit *test)
{
	if (!defer_scenario())
		kunit_skip(test, "the device tree describes no scenario");

	return 0;
}

static struct kunit_case defer_boot_cases[] = {
	KUNIT_CASE(platform_masters),
	KUNIT_CASE(pci_masters),
	KUNIT_CASE(iommus_stay),
	KUNIT_CASE(masters_share_domain),
	KUNIT_CASE(platform_bus_is_free),
	KUNIT_CASE(kernel_text_is_intact),
	{}
};

/* A booted scenario: nothing is set up here, the boot has done it all. */
static struct kunit_suite defer_boot_suite = {
	.name = "iommu_defer_boot",
	.init = defer_boot_test_init,
	.test_cases = defer_boot_cases,
};

kunit_test_suites(&defer_boot_suite);
