// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: the end of init, and attempts in flight.
 *
 * Drivers that are probed asynchronously take their time, while the initcall that
 * declares the end of init does not.  Two such attempts are held until the kernel
 * has declared it all the same, or has had plenty of time to:
 *
 *  - that of an IOMMU, which has a master waiting for it,
 *  - that of a master, whose IOMMU comes with the end of init only: its driver can
 *    do without a supplier that nobody has, and so is deferred until then.
 *
 * A third IOMMU is the last of a chain of suppliers, each of which is probed when
 * the one before it is there.
 *
 * A kernel that waits for all passes whatever the time is, hence there is no
 * time at which a pass could turn into a failure.
 */

#include <kunit/test.h>
#include <linux/async.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/platform_device.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

#define SUITE			"iommu_defer_end"

/* What a kernel that doesn't wait gets to declare the end of init. */
#define END_GRACE		(HZ / 2)
/* Nothing that is broken may hang the boot. */
#define END_LIMIT		(20 * HZ)

/* How many suppliers there are in the chain, and how long each of them takes */
#define END_LINKS		4
#define END_LINK_TIME		(HZ / 20)

/**
 * struct end_test - everything that takes part
 * @err: it could not be set up
 * @witness: a device that its driver defers once; its second attempt shows that
 *	the kernel has begun to retry deferred devices
 * @waiting: a master that waits for @held_iommu
 * @held_iommu: its IOMMU's device, whose driver is held
 * @late_iommu: the device of another IOMMU, whose driver waits for the end of init
 * @late: the nodes of that one and of its master
 * @master: that master, on a bus of this test's own
 * @hold_master: its attempts are to be held
 * @master_held: one of them is
 * @release_master: it may go on
 * @release_held: the driver of @held_iommu may go on
 * @release_late: so may that of @late_iommu
 * @master_attempted: the driver of @master has been called
 * @master_attempts: how often
 * @iommu_was_there: its IOMMU was registered then
 * @late_result: what the driver of @late_iommu said in the end
 * @chain: nodes of the IOMMU that is the last of the chain, and of its master
 * @chained: that master
 * @links: how many of the chain are there
 * @all_linked: completed when all are, or it is known that they won't be
 * @ended_in_flight: the end of init was declared while the attempts were held
 * @over: completed when all holds are off
 */
struct end_test {
	int err;
	struct test_topology witness_nodes;
	struct test_master witness;
	struct test_topology waiting_nodes;
	struct test_master waiting;
	struct platform_device *held_iommu;
	struct platform_device *late_iommu;
	struct test_topology late;
	struct device *master;

	bool hold_master;
	struct completion master_held;
	struct completion release_master;
	struct completion release_held;
	struct completion release_late;
	struct completion master_attempted;
	unsigned int master_attempts;
	bool iommu_was_there;
	int late_result;
	struct test_topology chain;
	struct test_master chained;
	int links;
	struct completion all_linked;
	bool ended_in_flight;
	struct completion over;
};

static struct end_test end;

static void end_wait(struct completion *done)
{
	wait_for_completion_timeout(done, END_LIMIT);
}

/* The two IOMMUs */

static int end_held_probe(struct platform_device *pdev)
{
	end_wait(&end.release_held);
	return fake_iommu_register(&end.waiting_nodes.iommu[0]);
}

static struct platform_driver end_held_driver = {
	.probe = end_held_probe,
	.driver = {
		.name = "iommu-defer-held",
		.probe_type = PROBE_PREFER_ASYNCHRONOUS,
		.suppress_bind_attrs = true,
	},
};

static int end_late_probe(struct platform_device *pdev)
{
	if (!init_has_ended(&pdev->dev))
		return -EPROBE_DEFER;

	end_wait(&end.release_late);
	end.late_result = fake_iommu_register(&end.late.iommu[0]);
	return end.late_result;
}

static struct platform_driver end_late_driver = {
	.probe = end_late_probe,
	.driver = {
		.name = "iommu-defer-late",
		.suppress_bind_attrs = true,
	},
};

/* The chain: the first one takes as long as the IOMMU that is held */
static int end_link_probe(struct platform_device *pdev)
{
	int err = 0;

	if (pdev->id > end.links)
		return -EPROBE_DEFER;

	if (!pdev->id)
		end_wait(&end.release_held);
	schedule_timeout_uninterruptible(END_LINK_TIME);
	end.links++;
	if (end.links == END_LINKS) {
		err = fake_iommu_register(&end.chain.iommu[0]);
		complete_all(&end.all_linked);
	}

	return err;
}

static struct platform_driver end_link_driver = {
	.probe = end_link_probe,
	.driver = {
		.name = "iommu-defer-link",
		.probe_type = PROBE_PREFER_ASYNCHRONOUS,
		.suppress_bind_attrs = true,
	},
};

/* The master that is held, and its bus */

/*
 * An asynchronous attempt comes by here for a second time, on its own thread: it
 * is in flight then, and nobody has looked at the master's IOMMU yet.
 */
static int end_bus_match(struct device *dev, MATCH_DRIVER *drv)
{
	if (end.hold_master && current_is_async()) {
		complete(&end.master_held);
		end_wait(&end.release_master);
	}

	return 1;
}

static struct bus_type end_bus = {
	.name = "iommu-defer-end",
	.match = end_bus_match,
	TEST_BUS_CONFIGURES_DMA
};

/*
 * The IOMMU core may not serve the bus of the test, so whether this master is
 * translated says nothing.  That its IOMMU was there when it went on does.
 */
static int end_master_probe(struct device *dev)
{
	end.master_attempts++;
	end.iommu_was_there = end.late.iommu[0].registered;
	complete_all(&end.master_attempted);
	return 0;
}

static struct device_driver end_master_driver = {
	.name = "iommu-defer-end",
	.bus = &end_bus,
	.probe = end_master_probe,
	.probe_type = PROBE_PREFER_ASYNCHRONOUS,
};

static void end_master_release(struct device *dev)
{
	of_node_put(dev->of_node);
	kfree(dev);
}

static int end_add_master(void)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int err;

	if (!dev)
		return -ENOMEM;

	device_initialize(dev);
	dev->bus = &end_bus;
	dev->release = end_master_release;
	dev->of_node = of_node_get(end.late.master_np);
	dev->coherent_dma_mask = DMA_BIT_MASK(32);
	dev->dma_mask = &dev->coherent_dma_mask;
	err = dev_set_name(dev, "iommu-defer-end.0") ?: device_add(dev);
	if (err) {
		put_device(dev);
		return err;
	}

	end.master = dev;
	return 0;
}

/* The observer */

static void end_watch_flag(void)
{
	unsigned long limit = jiffies + END_GRACE;

	do {
		end.ended_in_flight = init_has_ended(end.master);
		schedule_timeout_uninterruptible(1);
	} while (!end.ended_in_flight && time_before(jiffies, limit));
}

static void end_release_iommus(void)
{
	complete_all(&end.release_late);
	complete_all(&end.release_held);
	complete_all(&end.over);
}

/*
 * Holds are off in the order in which a kernel that didn't wait does harm: the
 * masters decide, and then their IOMMUs register.
 */
static int end_observe(void *data)
{
	end_wait(&end.witness.attempted);
	end_wait(&end.master_held);
	end_watch_flag();

	end.hold_master = false;
	complete_all(&end.release_master);
	if (end.ended_in_flight) {
		end_wait(&end.master_attempted);
		end_wait(&end.waiting.attempted);
	}
	end_release_iommus();
	return 0;
}

/* Setting up */

static struct device *end_add(struct test_topology *topology,
			      struct test_master *master)
{
	struct device *dev;

	init_completion(&master->attempted);
	dev = test_master_add(topology->master_np, master);
	if (!IS_ERR(dev))
		topology->master = dev;

	return dev;
}

static int end_build(void)
{
	test_topology_init(&end.witness_nodes);
	end.witness_nodes.state[0] = NONE;
	end.witness.deferrals = 1;
	test_topology_init(&end.waiting_nodes);
	test_topology_init(&end.late);
	test_topology_init(&end.chain);

	init_completion(&end.all_linked);
	init_completion(&end.master_held);
	init_completion(&end.release_master);
	init_completion(&end.release_held);
	init_completion(&end.release_late);
	init_completion(&end.master_attempted);
	init_completion(&end.over);

	return test_topology_build(&end.witness_nodes) ?:
	       test_topology_build(&end.waiting_nodes) ?:
	       test_topology_build(&end.late) ?:
	       test_topology_build(&end.chain) ?:
	       bus_register(&end_bus) ?:
	       driver_register(&end_master_driver) ?:
	       platform_driver_register(&end_link_driver) ?:
	       platform_driver_register(&end_held_driver) ?:
	       platform_driver_register(&end_late_driver);
}

/* From the last one to the first: a round of retries adds one link at most. */
static int end_add_links(void)
{
	struct platform_device *link;
	int i, err = 0;

	for (i = END_LINKS - 1; i >= 0 && !err; i--) {
		link = platform_device_register_simple("iommu-defer-link", i,
						       NULL, 0);
		err = PTR_ERR_OR_ZERO(link);
	}

	return err;
}

/*
 * Deferred devices are retried in this order.  Masters that bind come first, as
 * that begins another round, in which the late IOMMU and its master could change
 * places.  The first attempt of that one ends before its later ones are held, and
 * the held IOMMU and the chain come last.
 */
static int end_add_all(void)
{
	int err;

	err = PTR_ERR_OR_ZERO(end_add(&end.witness_nodes, &end.witness)) ?:
	      PTR_ERR_OR_ZERO(end_add(&end.waiting_nodes, &end.waiting)) ?:
	      PTR_ERR_OR_ZERO(end_add(&end.chain, &end.chained));
	if (err)
		return err;

	/* Of its first attempt */
	end_wait(&end.witness.attempted);
	end.late_iommu = platform_device_register_simple("iommu-defer-late",
							 -1, NULL, 0);
	err = PTR_ERR_OR_ZERO(end.late_iommu) ?: end_add_master();
	if (err)
		return err;

	async_synchronize_full();
	end.hold_master = true;
	end.held_iommu = platform_device_register_simple("iommu-defer-held",
							 -1, NULL, 0);
	return PTR_ERR_OR_ZERO(end.held_iommu) ?: end_add_links();
}

/* This is before the initcall that declares the end of init. */
static int __init end_start(void)
{
	struct task_struct *observer;

	if (suite_is_off(SUITE))
		return 0;

	end.err = end_build() ?: end_add_all();
	if (!end.err) {
		observer = kthread_run(end_observe, NULL, "iommu-defer-end");
		end.err = PTR_ERR_OR_ZERO(observer);
	}
	if (end.err) {
		end.hold_master = false;
		complete_all(&end.release_master);
		complete_all(&end.all_linked);
		end_release_iommus();
	}

	return 0;
}
late_initcall(end_start);

/* And this is after it: other suites want the fake IOMMU for themselves. */
static int __init end_stop(void)
{
	if (!suite_is_off(SUITE) && !end.err) {
		end_wait(&end.over);
		end_wait(&end.all_linked);
	}

	return 0;
}
late_initcall_sync(end_stop);

/* The tests */

static void end_expect_no_hurry(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, end.ended_in_flight);
}

static void end_expect_waiting_master(struct kunit *test)
{
	KUNIT_ASSERT_NOT_NULL(test, end.waiting_nodes.master);
	KUNIT_EXPECT_TRUE(test, test_master_bound(end.waiting_nodes.master));
	KUNIT_EXPECT_EQ(test, end.waiting.attempts, 1U);
	EXPECT_RESULT(test, end.waiting.result, TRANSLATED);
	EXPECT_NO_FAULTS(test, end.waiting.faults);
}

static void end_expect_held_master(struct kunit *test)
{
	/* Its last attempt may be under way: the end of init is all there is */
	end_wait(&end.master_attempted);
	KUNIT_EXPECT_EQ(test, end.late_result, 0);
	KUNIT_EXPECT_EQ(test, end.master_attempts, 1U);
	KUNIT_EXPECT_TRUE(test, end.iommu_was_there);
}

static void end_expect_chained_master(struct kunit *test)
{
	/* That of a kernel in a hurry comes last */
	end_wait(&end.chained.attempted);
	KUNIT_ASSERT_NOT_NULL(test, end.chain.master);
	KUNIT_EXPECT_TRUE(test, test_master_bound(end.chain.master));
	KUNIT_EXPECT_EQ(test, end.chained.attempts, 1U);
	EXPECT_RESULT(test, end.chained.result, TRANSLATED);
	EXPECT_NO_FAULTS(test, end.chained.faults);
}

static const struct end_case {
	const char *desc;
	void (*expect)(struct kunit *test);
} end_cases[] = {
	{ "C30 attempts in flight end first", end_expect_no_hurry },
	{ "C30 an IOMMU in the middle of its probe",
	  end_expect_waiting_master },
	{ "C30 an attempt of a master", end_expect_held_master },
	{ "C30 a chain of suppliers", end_expect_chained_master },
};

static void end_case_desc(const struct end_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->desc);
}

KUNIT_ARRAY_PARAM(end_case, end_cases, end_case_desc);

/* The end of init comes after all attempts that began before it */
static void end_of_init(struct kunit *test)
{
	const struct end_case *c = test->param_value;

	KUNIT_ASSERT_EQ(test, end.err, 0);
	c->expect(test);
}

static int end_init(struct kunit *test)
{
	if (suite_is_off(SUITE))
		kunit_skip(test, "not in this boot");

	end_wait(&end.over);
	return 0;
}

static struct kunit_case end_tests[] = {
	KUNIT_CASE_PARAM(end_of_init, end_case_gen_params),
	{}
};

/* All has happened in the boot, the tests only judge. */
static struct kunit_suite end_suite = {
	.name = SUITE,
	.init = end_init,
	.test_cases = end_tests,
};

kunit_test_suites(&end_suite);
