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
 *		 iommu-defer,defer-times = <1>;
 *		 iommu-defer,child; };
 *	pcie { iommu-defer,want = "untranslated"; };
 *	iommu { iommu-defer,stays; iommu-defer,one-domain; };
 *	iommu { iommu-defer,registers = <0xb10 0x3>; };
 *
 * A master is "translated", "untranslated", "passthrough" (translated one to one,
 * with direct DMA ops) or "unbound", or "one or the other".  Its driver may make
 * a child with the same node, as drivers of USB controllers do.
 * The driver of the platform masters is here; PCI functions have the kernel's
 * own, and what is said of them is in their node or in their host bridge's.
 * What happens to a scenario while it boots is in iommu_defer_boot_trigger.c.
 */

#include <kunit/test.h>
#include <linux/crc32.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kernfs.h>
#include <linux/of_address.h>
#include <linux/of_platform.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/sections.h>

#include "iommu_defer.h"
#include "iommu_defer_boot.h"
#include "iommu_defer_compat.h"

/* What a master was seen to be when its driver last looked. */
struct defer_boot_master {
	unsigned int attempts;
	bool reaches;
	unsigned int faults;
	struct platform_device *child;
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

/* The whole IOMMU may be in passthrough: iommu.passthrough=1 */
static bool is_passed_through(struct device *dev)
{
	return iommu_get_domain_for_dev(dev) && !is_translated(dev);
}

/*
 * By the domain: that the fwspec agrees is for the invariants to say.  A driver
 * that finds its masters by other means than "iommus", as arm-smmu does by
 * "mmu-masters", makes fwspecs and groups for them that no attempt has left.
 */
static unsigned int defer_boot_faults(struct device *dev)
{
	unsigned int faults;

	if (is_passed_through(dev))
		return has_iommu_dma_ops(dev) ? FAULT_NO_MAPPING : 0;

	faults = check_invariants(dev, is_translated(dev) ? TRANSLATED :
				  UNTRANSLATED);
	if (!dev_is_pci(dev) &&
	    !of_find_property(dev->of_node, "iommus", NULL))
		faults &= ~(FAULT_FWSPEC_LEFT | FAULT_GROUP_LEFT);

	return faults;
}

/* For good: it goes with the machine */
static int defer_boot_add_child(struct platform_device *pdev,
				struct defer_boot_master *master)
{
	struct platform_device *child;

	child = platform_device_alloc("iommu-defer-child", PLATFORM_DEVID_AUTO);
	if (!child)
		return -ENOMEM;

	child->dev.parent = &pdev->dev;
	child->dev.of_node = of_node_get(pdev->dev.of_node);
	child->dev.dma_mask = pdev->dev.dma_mask;
	child->dev.coherent_dma_mask = pdev->dev.coherent_dma_mask;
	master->child = child;
	return platform_device_add(child);
}

static int defer_boot_probe(struct platform_device *pdev)
{
	struct defer_boot_master *master = defer_boot_master(pdev->dev.of_node);
	struct device *dev = &pdev->dev;
	u32 deferrals = 0;

	if (!master)
		return -ENOMEM;

	/* Its driver has nothing to do with DMA */
	if (pdev == master->child)
		return 0;

	of_property_read_u32(dev->of_node, "iommu-defer,defer-times",
			     &deferrals);
	master->attempts++;
	master->faults |= defer_boot_faults(dev);
	master->reaches = dma_reaches_buffer(dev);

	if (master->attempts <= deferrals)
		return -EPROBE_DEFER;

	if (of_property_read_bool(dev->of_node, "iommu-defer,child") &&
	    !master->child)
		return defer_boot_add_child(pdev, master);

	return 0;
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
	if (!dev || !test_master_bound(dev))
		return "unbound";
	if (is_passed_through(dev))
		return "passthrough";

	return is_translated(dev) ? "translated" : "untranslated";
}

/* Where the contract leaves the choice, @want is "this or that". */
static bool defer_boot_wanted(const char *got, const char *want)
{
	size_t n = strlen(got);
	const char *next;

	for (; want; want = next) {
		next = strstr(want, " or ");
		if (strlen(want) >= n && !strncmp(want, got, n) &&
		    (want[n] == '\0' || want + n == next))
			return true;
		if (next)
			next += strlen(" or ");
	}

	return false;
}

static void defer_boot_judge(struct kunit *test, struct device *dev,
			     const char *name, const char *want)
{
	const char *got = defer_boot_got(dev);

	kunit_info(test, "given: %s | wanted: %s | got: %s\n", name, want, got);
	KUNIT_EXPECT_TRUE_MSG(test, defer_boot_wanted(got, want),
			      "%s: got %s, wanted %s", name, got, want);
}

static bool defer_boot_iommu_goes(struct device_node *np)
{
	struct device_node *iommu = of_parse_phandle(np, "iommus", 0);
	bool goes = of_property_read_bool(iommu, "iommu-defer,goes");

	of_node_put(iommu);
	return goes;
}

/*
 * What has become of a master that is bound has lasted, and a buffer that is
 * mapped now is where the master looks for it.  An IOMMU that has gone gives no
 * new mapping.
 */
static void defer_boot_check(struct kunit *test, struct device *dev,
			     const char *name)
{
	char names[FAULT_NAMES_SIZE];
	unsigned int faults = 0;
	bool reaches, want = true;

	device_lock(dev);
	if (device_is_bound(dev)) {
		faults = defer_boot_faults(dev);
		want = !(is_translated(dev) &&
			 defer_boot_iommu_goes(dev->of_node));
	}
	reaches = device_is_bound(dev) ? dma_reaches_buffer(dev) : want;
	device_unlock(dev);

	KUNIT_EXPECT_EQ_MSG(test, faults, 0U, "%s: broken: %s", name,
			    fault_names(faults, names, sizeof(names)));
	KUNIT_EXPECT_EQ_MSG(test, reaches, want, want ?
			    "%s: a mapped buffer doesn't resolve to itself" :
			    "%s: a new mapping by an IOMMU that has gone",
			    name);
}

/* The same when its driver was called, in each attempt */
static void defer_boot_check_attempts(struct kunit *test,
				      struct device_node *np)
{
	struct defer_boot_master *master = np->data;
	char names[FAULT_NAMES_SIZE];
	u32 deferrals = 0;

	of_property_read_u32(np, "iommu-defer,defer-times", &deferrals);
	KUNIT_ASSERT_NOT_NULL(test, master);
	KUNIT_EXPECT_TRUE_MSG(test, master->reaches,
			      "%s: a mapped buffer doesn't resolve to itself",
			      np->name);
	KUNIT_EXPECT_EQ_MSG(test, master->faults, 0U, "%s: broken: %s",
			    np->name, fault_names(master->faults, names,
						  sizeof(names)));
	/* A kernel may unbind the masters of an IOMMU that goes */
	if (defer_boot_iommu_goes(np))
		return;

	/* That option unbinds each device once and probes it again */
	KUNIT_EXPECT_EQ(test, master->attempts, deferrals + 1 +
			IS_ENABLED(CONFIG_DEBUG_TEST_DRIVER_REMOVE));
}

static void defer_boot_judge_master(struct kunit *test, struct device_node *np)
{
	struct platform_device *pdev = of_find_device_by_node(np);
	const char *want = NULL;

	of_property_read_string(np, "iommu-defer,want", &want);
	KUNIT_ASSERT_NOT_NULL(test, want);
	defer_boot_judge(test, pdev ? &pdev->dev : NULL, np->name, want);
	if (!pdev)
		return;

	if (test_master_bound(&pdev->dev)) {
		defer_boot_check(test, &pdev->dev, np->name);
		defer_boot_check_attempts(test, np);
	}
	if (of_property_read_bool(np, "iommu-defer,child")) {
		struct defer_boot_master *master = np->data;

		KUNIT_ASSERT_NOT_NULL(test, master->child);
		defer_boot_judge(test, &master->child->dev, "its child", want);
		defer_boot_check(test, &master->child->dev, "its child");
	}
	put_device(&pdev->dev);
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

/* What a function should become is in its own node, or in its host bridge's. */
static const char *defer_boot_pci_want(struct pci_dev *pdev)
{
	struct device_node *np = pdev->dev.of_node;
	const char *want = NULL;
	struct pci_bus *bus;

	if (np && !of_property_read_string(np, "iommu-defer,want", &want))
		return want;

	for (bus = pdev->bus; !pci_is_root_bus(bus); bus = bus->parent)
		;
	np = pci_bus_to_OF_node(bus);
	if (np)
		of_property_read_string(np, "iommu-defer,want", &want);

	return want;
}

static bool defer_boot_wants_pci(void)
{
	struct device_node *np;

	for_each_node_by_type(np, "pci") {
		if (!of_property_read_bool(np, "iommu-defer,want"))
			continue;

		of_node_put(np);
		return true;
	}

	return false;
}

/* Every PCI function for which that is said becomes it */
static void pci_masters(struct kunit *test)
{
	struct pci_dev *pdev = NULL;
	int masters = 0;
	const char *want;

	for_each_pci_dev(pdev) {
		want = defer_boot_pci_want(pdev);
		if (!want || pdev->class >> 16 == PCI_BASE_CLASS_BRIDGE)
			continue;

		defer_boot_judge(test, &pdev->dev, pci_name(pdev), want);
		defer_boot_check(test, &pdev->dev, pci_name(pdev));
		masters++;
	}

	if (masters)
		return;

	KUNIT_EXPECT_FALSE_MSG(test, defer_boot_wants_pci(),
			       "no PCI function at all");
	kunit_skip(test, "no PCI masters in this scenario");
}

/*
 * A driver can't be unbound from an IOMMU that has masters, which would keep DMA
 * ops, a mapping and page tables that are gone: its directory in sysfs has no
 * file to write to.
 */
static void iommus_stay(struct kunit *test)
{
	struct platform_device *pdev;
	struct kernfs_node *driver, *unbind;
	struct device_node *np;
	int iommus = 0;

	for_each_node_with_property(np, "iommu-defer,stays") {
		pdev = of_find_device_by_node(np);
		KUNIT_ASSERT_NOT_NULL(test, pdev);
		KUNIT_EXPECT_TRUE(test, test_master_bound(&pdev->dev));
		driver = kernfs_find_and_get(pdev->dev.kobj.sd, "driver");
		KUNIT_ASSERT_NOT_NULL(test, driver);
		unbind = kernfs_find_and_get(driver->symlink.target_kn,
					     "unbind");
		KUNIT_EXPECT_NULL(test, unbind);
		kernfs_put(unbind);
		kernfs_put(driver);
		put_device(&pdev->dev);
		iommus++;
	}

	if (!iommus)
		kunit_skip(test, "no IOMMU has to stay in this scenario");
}

/*
 * What an IOMMU is told is in its registers, which are RAM in these machines:
 * pairs of an offset and a value
 */
static int defer_boot_judge_registers(struct kunit *test,
				      struct device_node *np)
{
	void __iomem *base = of_iomap(np, 0);
	u32 offset, want, got;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, base);
	for (i = 0; !of_property_read_u32_index(np, "iommu-defer,registers", i,
						&offset) &&
		    !of_property_read_u32_index(np, "iommu-defer,registers",
						i + 1, &want); i += 2) {
		got = readl(base + offset);
		KUNIT_EXPECT_EQ_MSG(test, got, want,
				    "%s: register 0x%x is 0x%x, wanted 0x%x",
				    np->name, offset, got, want);
	}
	iounmap(base);

	return i;
}

/* The registers of an IOMMU are as the device tree wants them to become */
static void iommu_registers(struct kunit *test)
{
	struct device_node *np;
	int registers = 0;

	for_each_node_with_property(np, "iommu-defer,registers")
		registers += defer_boot_judge_registers(test, np);

	if (!registers)
		kunit_skip(test, "no registers to look at in this scenario");
}

/* What the device tree wants to happen in this boot has happened */
static void triggers_have_worked(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, boot_triggers_missed(), 0);
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
	if (!booted_scenario())
		kunit_skip(test, "the device tree describes no scenario");

	return 0;
}

static struct kunit_case defer_boot_cases[] = {
	KUNIT_CASE(platform_masters),
	KUNIT_CASE(pci_masters),
	KUNIT_CASE(iommus_stay),
	KUNIT_CASE(masters_share_domain),
	KUNIT_CASE(platform_bus_is_free),
	KUNIT_CASE(iommu_registers),
	KUNIT_CASE(kernel_text_is_intact),
	KUNIT_CASE(triggers_have_worked),
	{}
};

/* A booted scenario: nothing is set up here, the boot has done it all. */
static struct kunit_suite defer_boot_suite = {
	.name = "iommu_defer_boot",
	.init = defer_boot_test_init,
	.test_cases = defer_boot_cases,
};

kunit_test_suites(&defer_boot_suite);
