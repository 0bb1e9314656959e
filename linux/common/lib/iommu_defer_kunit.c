// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: the decision table.
 *
 * What becomes of a master is decided by the state of the IOMMU that it names,
 * and by whether the kernel still waits for suppliers.  Each row of the table
 * is put to of_iommu_configure(), with nodes that really are in the device tree
 * and a fake IOMMU driver behind the real IOMMU core, once by an initcall while
 * drivers may still come, and once by KUnit after the end of init.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

/**
 * struct defer_row - one row of the decision table
 * @name: what the test is called: state of the IOMMU and of its driver
 * @status: of the IOMMU node; NULL: no such property
 * @driverless: nothing in the kernel drives an IOMMU of this kind
 * @registered: the IOMMU has probed and is known to the IOMMU core
 * @no_xlate: its driver has no of_xlate callback
 * @xlate: what of_xlate returns
 * @add: what add_device returns
 * @bad: what is wrong with the master's specifier
 * @want: wanted of the first attempt
 * @before: wanted of it before the end of init, where that differs
 * @next: wanted of the next attempt, when the IOMMU has come and works
 */
struct defer_row {
	const char *name;
	const char *status;
	bool driverless;
	bool registered;
	bool no_xlate;
	int xlate;
	int add;
	enum { GOOD, NO_IOMMUS, DANGLING, TOO_SHORT, NO_CELLS } bad;
	enum defer_result want;
	enum defer_result before;
	enum defer_result next;
};

static const struct defer_row defer_rows[] = {
	/* Not available: the device tree has decided, the driver has no say */
	{ "disabled", .status = "disabled",
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "disabled, driverless", .status = "disabled", .driverless = true,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "disabled, registered", .status = "disabled", .registered = true,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "failed by firmware", .status = "fail",
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },

	/* Nobody will ever drive it */
	{ "driverless", .driverless = true,
	  .before = DEFER_WANT_DRIVERLESS_BEFORE, .want = DEFER_NO_IOMMU,
	  .next = DEFER_OPS },

	/* Not probed, deferring and failed all look alike from here */
	{ "pending",
	  .before = DEFER_WAIT, .want = DEFER_NO_IOMMU, .next = DEFER_OPS },
	{ "pending, status okay", .status = "okay",
	  .before = DEFER_WAIT, .want = DEFER_NO_IOMMU, .next = DEFER_OPS },

	/* Registered */
	{ "no of_xlate", .registered = true, .no_xlate = true,
	  .want = DEFER_NO_IOMMU, .next = DEFER_OPS },
	{ "registered", .registered = true,
	  .want = DEFER_OPS, .next = DEFER_OPS },
	{ "registered, status okay", .status = "okay", .registered = true,
	  .want = DEFER_OPS, .next = DEFER_OPS },

	/* The driver wants to be asked again */
	{ "of_xlate defers", .registered = true, .xlate = -EPROBE_DEFER,
	  .want = DEFER_WAIT, .next = DEFER_OPS },
	{ "add_device defers", .registered = true, .add = -EPROBE_DEFER,
	  .want = DEFER_WAIT, .next = DEFER_OPS },

	/* The driver won't have this master: it goes without, as ever */
	{ "of_xlate -ENODEV", .registered = true, .xlate = -ENODEV,
	  .want = DEFER_NO_IOMMU, .next = DEFER_OPS },
	{ "of_xlate -EINVAL", .registered = true, .xlate = -EINVAL,
	  .want = DEFER_NO_IOMMU, .next = DEFER_OPS },
	{ "of_xlate -ENOMEM", .registered = true, .xlate = -ENOMEM,
	  .want = DEFER_NO_IOMMU, .next = DEFER_OPS },
	{ "add_device -ENODEV", .registered = true, .add = -ENODEV,
	  .want = DEFER_NO_IOMMU, .next = DEFER_OPS },
	{ "add_device -EINVAL", .registered = true, .add = -EINVAL,
	  .want = DEFER_NO_IOMMU, .next = DEFER_OPS },
	{ "add_device -ENOMEM", .registered = true, .add = -ENOMEM,
	  .want = DEFER_NO_IOMMU, .next = DEFER_OPS },

	/* Not a reference to an IOMMU */
	{ "no iommus property", .bad = NO_IOMMUS,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "dangling phandle", .bad = DANGLING,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "specifier too short", .bad = TOO_SHORT,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "no iommu-cells property", .bad = NO_CELLS,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
};

/**
 * struct defer_outcome - what became of a row
 * @first: the first attempt, in the state that the row describes
 * @next: the next one, on the same master, with the IOMMU there and working
 * @again: a third one, nothing changed: a success must last
 * @xlate_calls: calls of of_xlate by the second attempt
 * @first_faults: invariants broken after the first attempt
 * @faults: invariants broken later, cleaning up included
 * @err: the scene could not be set up, nothing was tried
 */
struct defer_outcome {
	enum defer_result first;
	enum defer_result next;
	enum defer_result again;
	unsigned int xlate_calls;
	unsigned int first_faults;
	unsigned int faults;
	int err;
};

static void defer_row_to_scene(const struct defer_row *row,
			       struct defer_scene *scene)
{
	defer_scene_init(scene);
	scene->status = row->status;
	if (row->driverless)
		scene->compatible = DEFER_DRIVERLESS;

	switch (row->bad) {
	case GOOD:
		break;
	case NO_IOMMUS:
		scene->specifier_cells = -1;
		break;
	case DANGLING:
		scene->dangling = true;
		break;
	case TOO_SHORT:
		scene->specifier_cells = 0;
		break;
	case NO_CELLS:
		scene->iommu_cells = -1;
		break;
	}
}

static int defer_row_setup(const struct defer_row *row,
			   struct defer_scene *scene)
{
	int err;

	defer_row_to_scene(row, scene);
	err = defer_scene_build(scene);
	if (err)
		return err;

	scene->master = defer_master_add(scene->master_np, NULL);
	if (IS_ERR(scene->master)) {
		err = PTR_ERR(scene->master);
		scene->master = NULL;
		return err;
	}

	defer_fake_reset();
	defer_fake.has_xlate = !row->no_xlate;
	defer_fake.xlate_ret = row->xlate;
	defer_fake.add_ret = row->add;
	return row->registered ? defer_iommu_register(&scene->iommu) : 0;
}

static void defer_row_try(struct defer_scene *scene, enum defer_result *result,
			  unsigned int *faults)
{
	*result = defer_configure(scene->master, scene->master_np);
	*faults |= defer_invariants(scene->master, *result);
}

/* The IOMMU has come, and its driver has no objection to anybody. */
static int defer_row_make_ready(struct defer_scene *scene)
{
	if (!defer_fake.has_xlate)
		defer_iommu_unregister(&scene->iommu);

	defer_fake_reset();
	return defer_iommu_register(&scene->iommu);
}

/*
 * Play a row.  Called by an initcall as well, hence no struct kunit, and the
 * master has no driver: of_iommu_configure() is all that ever touches it.
 */
static void defer_row_play(const struct defer_row *row,
			   struct defer_outcome *out)
{
	int groups = defer_fake.groups, domains = defer_fake.domains;
	struct defer_scene scene;

	memset(out, 0, sizeof(*out));
	out->err = defer_row_setup(row, &scene);
	if (!out->err) {
		defer_row_try(&scene, &out->first, &out->first_faults);
		out->err = defer_row_make_ready(&scene);
	}
	if (!out->err) {
		defer_row_try(&scene, &out->next, &out->faults);
		out->xlate_calls = defer_fake.xlate_calls;
		defer_row_try(&scene, &out->again, &out->faults);
	}

	out->faults |= defer_scene_destroy(&scene) | defer_fake.faults;
	if (defer_fake.groups != groups)
		out->faults |= DEFER_FAULT_GROUP_LEAK;
	if (defer_fake.domains != domains)
		out->faults |= DEFER_FAULT_DOMAIN_LEAK;
	defer_fake_reset();
}

/* What happened before the end of init, for the tests to judge. */
static struct defer_outcome defer_early[ARRAY_SIZE(defer_rows)];

static int __init defer_play_early(void)
{
	unsigned int i;

	if (defer_scenario())
		return 0;

	for (i = 0; i < ARRAY_SIZE(defer_rows); i++)
		defer_row_play(&defer_rows[i], &defer_early[i]);

	return 0;
}
device_initcall(defer_play_early);

static void defer_row_judge(struct kunit *test, const struct defer_row *row,
			    enum defer_result want,
			    const struct defer_outcome *out)
{
	char faults[DEFER_FAULT_NAMES_SIZE];

	KUNIT_ASSERT_EQ(test, out->err, 0);
	kunit_info(test, "given: %s | wanted: %s | got: %s\n", row->name,
		   defer_result_name(want), defer_result_name(out->first));

	KUNIT_EXPECT_EQ_MSG(test, (int)out->first, (int)want,
			    "got \"%s\", wanted \"%s\"",
			    defer_result_name(out->first),
			    defer_result_name(want));
	KUNIT_EXPECT_EQ_MSG(test, out->first_faults, 0U, "broken: %s",
			    defer_fault_names(out->first_faults, faults,
					      sizeof(faults)));
}

/* Before the end of init, a master waits exactly if its IOMMU may still come */
static void before_end_of_init(struct kunit *test)
{
	const struct defer_row *row = test->param_value;

	defer_row_judge(test, row, row->before ?: row->want,
			&defer_early[row - defer_rows]);
}

/* After the end of init nobody waits for an IOMMU that hasn't come */
static void after_end_of_init(struct kunit *test)
{
	const struct defer_row *row = test->param_value;
	struct defer_outcome out;

	defer_row_play(row, &out);
	defer_row_judge(test, row, row->want, &out);
}

static void defer_next_judge(struct kunit *test, const struct defer_row *row,
			     enum defer_result first,
			     const struct defer_outcome *out)
{
	bool fresh = first != DEFER_OPS && row->next == DEFER_OPS;
	char faults[DEFER_FAULT_NAMES_SIZE];

	KUNIT_ASSERT_EQ(test, out->err, 0);
	KUNIT_EXPECT_EQ_MSG(test, (int)out->next, (int)row->next,
			    "got \"%s\", wanted \"%s\"",
			    defer_result_name(out->next),
			    defer_result_name(row->next));
	KUNIT_EXPECT_EQ_MSG(test, (int)out->again, (int)row->next,
			    "got \"%s\", wanted \"%s\"",
			    defer_result_name(out->again),
			    defer_result_name(row->next));
	KUNIT_EXPECT_EQ_MSG(test, out->xlate_calls, fresh ? 1U : 0U,
			    "of_xlate calls by the next attempt");
	KUNIT_EXPECT_EQ_MSG(test, out->faults, 0U, "broken: %s",
			    defer_fault_names(out->faults, faults,
					      sizeof(faults)));
}

/*
 * A failed attempt leaves nothing behind: the next one gives what a first one
 * would.  A success lasts: of_xlate isn't called again.  In the end all groups,
 * domains and device nodes are released.
 */
static void next_attempt(struct kunit *test)
{
	const struct defer_row *row = test->param_value;
	struct defer_outcome out;

	defer_next_judge(test, row, row->before ?: row->want,
			 &defer_early[row - defer_rows]);
	defer_row_play(row, &out);
	defer_next_judge(test, row, row->want, &out);
}

static void defer_row_desc(const struct defer_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", row->name);
}

KUNIT_ARRAY_PARAM(defer_row, defer_rows, defer_row_desc);

static int defer_init(struct kunit *test)
{
	if (defer_scenario())
		kunit_skip(test, "a scenario is booted, no fake IOMMU");

	return 0;
}

static struct kunit_case defer_cases[] = {
	KUNIT_CASE_PARAM(before_end_of_init, defer_row_gen_params),
	KUNIT_CASE_PARAM(after_end_of_init, defer_row_gen_params),
	KUNIT_CASE_PARAM(next_attempt, defer_row_gen_params),
	{}
};

/*
 * The decision table for one specifier.  The fixture is a scene: an IOMMU node,
 * its registration with the IOMMU core, and a master without a driver.
 */
static struct kunit_suite defer_suite = {
	.name = "iommu_defer",
	.init = defer_init,
	.test_cases = defer_cases,
};

kunit_test_suites(&defer_suite);
