// SPDX-License-Identifier: GPL-2.0
/*
 * How a row of the decision table is put to the kernel, see iommu_defer_case.h.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "iommu_defer.h"
#include "iommu_defer_case.h"
#include "iommu_defer_compat.h"

/* What is wanted before the end of init, on this kernel */
enum attempt_result case_before(const struct defer_case *row)
{
	return row->before == AS_DRIVERLESS ? defer_base.driverless :
					      row->before;
}

bool case_names(const struct defer_case *row, enum iommu_state state)
{
	int i;

	for (i = 0; i < TOPOLOGY_IOMMUS; i++)
		if (row->iommu[i] == state)
			return true;

	return false;
}

/*
 * Whether the log says as much about an attempt as it should: one line if the
 * master goes on without an IOMMU that its device tree has enabled, else none.
 * Where one of several is not available, another may be mentioned.
 */
bool case_said_enough(const struct defer_case *row, enum attempt_result result,
		      unsigned int said)
{
	bool silent = defer_base.no_xlate_is_silent && case_names(row, NO_XLATE);

	if (result == FAILS)
		return said == 1;

	if (result != UNTRANSLATED)
		return !said;

	if (row->mandatory == FAILS && !silent)
		return said == 1;

	return said <= (row->iommu[1] != NONE);
}

/* An attempt as the driver core makes it, with the DMA ops, and undone again */
enum attempt_result attempt_dma_configure(struct device *dev,
					  struct device_node *np)
{
	enum attempt_result result = UNTRANSLATED;
	int err = configure_dma(dev, np);

	if (err == -EPROBE_DEFER)
		return DEFERRED;
	if (err)
		return FAILS;

	if (has_iommu_dma_ops(dev))
		result = TRANSLATED;
	deconfigure_dma(dev);
	return result;
}

/**
 * retry_deferred() - have the driver core retry all devices that wait
 *
 * Some other device is bound, which makes it do so.
 *
 * Return: 0 when they have been tried, or an errno.
 */
int retry_deferred(void)
{
	struct {
		struct test_topology topology;
		struct test_master master;
	} *other;
	struct device *dev;
	int err;

	other = kzalloc(sizeof(*other), GFP_KERNEL);
	if (!other)
		return -ENOMEM;

	init_completion(&other->master.attempted);
	err = test_topology_build(&other->topology);
	if (!err) {
		dev = test_master_add(other->topology.master_np,
				      &other->master);
		err = PTR_ERR_OR_ZERO(dev);
		if (!err)
			other->topology.master = dev;
	}

	/* This waits for all attempts */
	if (test_topology_destroy(&other->topology) && !err)
		err = -EBUSY;
	kfree(other);
	return err;
}

static int case_setup(const struct defer_case *row,
		      struct test_topology *topology)
{
	struct device *dev;
	int err;

	test_topology_init(topology);
	memcpy(topology->state, row->iommu, sizeof(topology->state));
	err = test_topology_build(topology);
	if (err)
		return err;

	dev = test_master_add(topology->master_np, NULL);
	if (IS_ERR(dev))
		return PTR_ERR(dev);

	topology->master = dev;
	fake_driver_reset();
	fake_driver.xlate_ret = row->driver.xlate;
	fake_driver.xlate_ok = row->driver.xlate_ok;
	fake_driver.one_instance = row->driver.one_instance;
	fake_driver.add_ret = row->driver.add;
	return test_topology_register_ready(topology);
}

static void case_attempts(struct test_topology *topology, attempt_fn attempt,
			  struct case_outcome *out)
{
	struct device_node *np = topology->master_np;
	struct device *dev = topology->master;

	test_log_watch(dev);
	out->first = attempt(dev, np);
	out->said = test_log_lines();
	out->first_faults = check_invariants(dev, out->first) |
			    fake_driver.faults;
	out->asked = fake_driver.xlate_calls;

	/* The IOMMUs have come, and their driver has no objections */
	fake_driver_reset();
	out->err = test_topology_make_ready(topology);
	if (out->err)
		return;

	out->next = attempt(dev, np);
	out->faults |= check_invariants(dev, out->next);
	out->next_asked = fake_driver.xlate_calls;
	out->again = attempt(dev, np);
	out->faults |= check_invariants(dev, out->again);
}

/**
 * run_case() - put a row to the kernel
 * @row: the row
 * @attempt: how an attempt to configure the master is made
 * @out: what became of it
 *
 * Called by an initcall as well, hence no struct kunit, and the master has no
 * driver: nothing but @attempt ever touches it.
 */
void run_case(const struct defer_case *row, attempt_fn attempt,
	      struct case_outcome *out)
{
	int groups = fake_driver.groups, domains = fake_driver.domains;
	struct test_topology *topology;

	memset(out, 0, sizeof(*out));
	topology = kzalloc(sizeof(*topology), GFP_KERNEL);
	if (!topology) {
		out->err = -ENOMEM;
		return;
	}

	out->err = case_setup(row, topology);
	if (!out->err)
		case_attempts(topology, attempt, out);

	out->faults |= test_topology_destroy(topology) | fake_driver.faults;
	if (fake_driver.groups != groups)
		out->faults |= FAULT_GROUP_LEAK;
	if (fake_driver.domains != domains)
		out->faults |= FAULT_DOMAIN_LEAK;
	fake_driver_reset();
	kfree(topology);
}
