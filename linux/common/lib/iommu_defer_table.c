// SPDX-License-Identifier: GPL-2.0
/*
 * The decision table of the IOMMU probe deferral tests, see
 * iommu_defer_table.h.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_table.h"

const struct defer_row defer_rows[DEFER_ROWS] = {
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
	  .mandatory = DEFER_ERROR, .next = DEFER_OPS },

	/* Not probed, deferring and failed all look alike from here */
	{ "pending",
	  .before = DEFER_WAIT, .want = DEFER_NO_IOMMU,
	  .mandatory = DEFER_ERROR, .next = DEFER_OPS },
	{ "pending, status okay", .status = "okay",
	  .before = DEFER_WAIT, .want = DEFER_NO_IOMMU,
	  .mandatory = DEFER_ERROR, .next = DEFER_OPS },

	/* Registered */
	{ "no of_xlate", .registered = true, .no_xlate = true,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR,
	  .next = DEFER_OPS },
	{ "registered", .registered = true,
	  .want = DEFER_OPS, .asked = 1, .next = DEFER_OPS },
	{ "registered, status okay", .status = "okay", .registered = true,
	  .want = DEFER_OPS, .asked = 1, .next = DEFER_OPS },

	/* The driver wants to be asked again */
	{ "of_xlate defers", .registered = true, .xlate = -EPROBE_DEFER,
	  .want = DEFER_WAIT, .asked = 1, .next = DEFER_OPS },
	{ "add_device defers", .registered = true, .add = -EPROBE_DEFER,
	  .want = DEFER_WAIT, .asked = 1, .next = DEFER_OPS },

	/* The driver won't have this master: it goes without, as ever */
	{ "of_xlate -ENODEV", .registered = true, .xlate = -ENODEV,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR, .asked = 1,
	  .next = DEFER_OPS },
	{ "of_xlate -EINVAL", .registered = true, .xlate = -EINVAL,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR, .asked = 1,
	  .next = DEFER_OPS },
	{ "of_xlate -ENOMEM", .registered = true, .xlate = -ENOMEM,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR, .asked = 1,
	  .next = DEFER_OPS },
	{ "add_device -ENODEV", .registered = true, .add = -ENODEV,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR, .asked = 1,
	  .next = DEFER_OPS },
	{ "add_device -EINVAL", .registered = true, .add = -EINVAL,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR, .asked = 1,
	  .next = DEFER_OPS },
	{ "add_device -ENOMEM", .registered = true, .add = -ENOMEM,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR, .asked = 1,
	  .next = DEFER_OPS },

	/* Not a reference to an IOMMU */
	{ "no iommus property", .bad = NO_IOMMUS,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "dangling phandle", .bad = DANGLING,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR,
	  .next = DEFER_NO_IOMMU },
	{ "specifier too short", .bad = TOO_SHORT,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR,
	  .next = DEFER_NO_IOMMU },
	{ "no iommu-cells property", .bad = NO_CELLS,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR,
	  .next = DEFER_NO_IOMMU },

	/* Two IOMMUs: both or none, whichever comes first in the list */
	{ "ready and ready", .registered = true, .second = SECOND_READY,
	  .want = DEFER_OPS, .asked = 2, .next = DEFER_OPS },
	{ "ready and pending", .registered = true, .second = SECOND_PENDING,
	  .before = DEFER_WAIT, .want = DEFER_NO_IOMMU,
	  .mandatory = DEFER_ERROR, .next = DEFER_OPS },
	{ "ready and disabled", .registered = true, .second = SECOND_DISABLED,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "pending and ready", .second = SECOND_READY,
	  .before = DEFER_WAIT, .want = DEFER_NO_IOMMU,
	  .mandatory = DEFER_ERROR, .next = DEFER_OPS },
	{ "pending and pending", .second = SECOND_PENDING,
	  .before = DEFER_WAIT, .want = DEFER_NO_IOMMU,
	  .mandatory = DEFER_ERROR, .next = DEFER_OPS },
	{ "pending and disabled", .second = SECOND_DISABLED,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "disabled and ready", .status = "disabled", .second = SECOND_READY,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "disabled and pending", .status = "disabled",
	  .second = SECOND_PENDING,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "disabled and disabled", .status = "disabled",
	  .second = SECOND_DISABLED,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },

	/* One that never comes settles it, at once */
	{ "driverless and disabled", .driverless = true,
	  .second = SECOND_DISABLED,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "disabled and driverless", .status = "disabled",
	  .second = SECOND_DRIVERLESS,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
	{ "pending and driverless", .second = SECOND_DRIVERLESS,
	  .before = DEFER_WANT_DRIVERLESS_BEFORE, .want = DEFER_NO_IOMMU,
	  .mandatory = DEFER_ERROR, .next = DEFER_OPS },
	{ "driverless and ready", .driverless = true, .second = SECOND_READY,
	  .before = DEFER_WANT_DRIVERLESS_BEFORE, .want = DEFER_NO_IOMMU,
	  .mandatory = DEFER_ERROR, .next = DEFER_OPS },

	/* The driver is happy with the first and not with the second */
	{ "of_xlate defers the second", .registered = true,
	  .second = SECOND_READY, .xlate = -EPROBE_DEFER, .xlate_good = 1,
	  .want = DEFER_WAIT, .asked = 2, .next = DEFER_OPS },
	{ "of_xlate -EINVAL for the second", .registered = true,
	  .second = SECOND_READY, .xlate = -EINVAL, .xlate_good = 1,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR, .asked = 2,
	  .next = DEFER_OPS },
	{ "add_device defers two", .registered = true,
	  .second = SECOND_READY, .add = -EPROBE_DEFER,
	  .want = DEFER_WAIT, .asked = 2, .next = DEFER_OPS },
	{ "different drivers", .registered = true,
	  .second = SECOND_OTHER_DRIVER,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR,
	  .asked = DEFER_ASKED_DIFFERENT_DRIVERS, .next = DEFER_NO_IOMMU },
	/* Nor does it help to wait for one between them */
	{ "different drivers, one pending", .registered = true,
	  .second = SECOND_PENDING, .third = SECOND_OTHER_DRIVER,
	  .before = DEFER_WANT_DIFFERENT_BEFORE, .want = DEFER_NO_IOMMU,
	  .mandatory = DEFER_ERROR, .next = DEFER_NO_IOMMU },

	/* The second is no reference to an IOMMU */
	{ "ready and dangling", .registered = true, .second = SECOND_DANGLING,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR,
	  .next = DEFER_NO_IOMMU },
	{ "dangling and ready", .bad = DANGLING, .second = SECOND_READY,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR,
	  .next = DEFER_NO_IOMMU },
	{ "ready and too short", .registered = true,
	  .second = SECOND_TOO_SHORT,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR,
	  .next = DEFER_NO_IOMMU },
	{ "ready and no iommu-cells", .registered = true,
	  .second = SECOND_NO_CELLS,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR,
	  .next = DEFER_NO_IOMMU },
	{ "pending and dangling", .second = SECOND_DANGLING,
	  .want = DEFER_NO_IOMMU, .mandatory = DEFER_ERROR,
	  .next = DEFER_NO_IOMMU },
	{ "disabled and dangling", .status = "disabled",
	  .second = SECOND_DANGLING,
	  .want = DEFER_NO_IOMMU, .next = DEFER_NO_IOMMU },
};

/* The scenes of a row: what a master names first, and what after that. */
struct defer_stage {
	struct defer_scene first;
	struct defer_scene second;
	struct defer_scene third;
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

static void defer_second_to_scene(enum defer_second second,
				  struct defer_scene *scene)
{
	defer_scene_init(scene);
	switch (second) {
	case SECOND_NONE:
	case SECOND_READY:
	case SECOND_PENDING:
		break;
	case SECOND_DISABLED:
		scene->status = "disabled";
		break;
	case SECOND_DRIVERLESS:
		scene->compatible = DEFER_DRIVERLESS;
		break;
	case SECOND_OTHER_DRIVER:
		scene->iommu.other = true;
		break;
	case SECOND_DANGLING:
		scene->dangling = true;
		break;
	case SECOND_TOO_SHORT:
		scene->specifier_cells = 0;
		break;
	case SECOND_NO_CELLS:
		scene->iommu_cells = -1;
		break;
	}
}

/* Add another IOMMU to those that the master names. */
static int defer_stage_add(enum defer_second second, struct defer_scene *scene,
			   struct defer_scene *before)
{
	defer_second_to_scene(second, scene);
	if (second == SECOND_NONE)
		return 0;

	before->also = scene;
	return defer_scene_build(scene);
}

static int defer_stage_build(const struct defer_row *row,
			     struct defer_stage *stage)
{
	int err;

	defer_row_to_scene(row, &stage->first);
	err = defer_stage_add(row->second, &stage->second, &stage->first) ?:
	      defer_stage_add(row->third, &stage->third, &stage->second) ?:
	      defer_scene_build(&stage->first);
	if (err)
		return err;

	stage->first.master = defer_master_add(stage->first.master_np, NULL);
	if (IS_ERR(stage->first.master)) {
		err = PTR_ERR(stage->first.master);
		stage->first.master = NULL;
	}

	return err;
}

/* Register what is there from the beginning. */
static int defer_second_setup(enum defer_second second,
			      struct defer_scene *scene)
{
	if (second != SECOND_READY && second != SECOND_OTHER_DRIVER)
		return 0;

	return defer_iommu_register(&scene->iommu);
}

/* Whether IOMMUs of different drivers are named */
bool defer_row_differs(const struct defer_row *row)
{
	return row->second == SECOND_OTHER_DRIVER ||
	       row->third == SECOND_OTHER_DRIVER;
}

static int defer_row_setup(const struct defer_row *row,
			   struct defer_stage *stage)
{
	int err = defer_stage_build(row, stage);

	if (err)
		return err;

	defer_fake_reset();
	defer_fake.has_xlate = !row->no_xlate;
	defer_fake.xlate_ret = row->xlate;
	defer_fake.xlate_good = row->xlate_good;
	defer_fake.add_ret = row->add;
	if (row->registered)
		err = defer_iommu_register(&stage->first.iommu);

	return err ?: defer_second_setup(row->second, &stage->second) ?:
		      defer_second_setup(row->third, &stage->third);
}

static void defer_row_try(struct defer_scene *scene, enum defer_result *result,
			  unsigned int *faults)
{
	*result = defer_configure(scene->master, scene->master_np);
	*faults |= defer_invariants(scene->master, *result);
}

/* The IOMMUs have come, and their driver has no objection to anybody. */
static int defer_row_make_ready(struct defer_stage *stage)
{
	int err;

	if (!defer_fake.has_xlate)
		defer_iommu_unregister(&stage->first.iommu);

	defer_fake_reset();
	err = defer_iommu_register(&stage->first.iommu);
	if (!err && stage->first.also)
		err = defer_iommu_register(&stage->second.iommu);
	if (!err && stage->second.also)
		err = defer_iommu_register(&stage->third.iommu);

	return err;
}

/**
 * defer_row_play() - put a row to the kernel
 * @row: the row
 * @out: what became of it
 *
 * Called by an initcall as well, hence no struct kunit, and the master has no
 * driver: of_iommu_configure() is all that ever touches it.
 */
void defer_row_play(const struct defer_row *row, struct defer_outcome *out)
{
	int groups = defer_fake.groups, domains = defer_fake.domains;
	struct defer_stage stage;
	struct defer_scene *scene = &stage.first;

	memset(out, 0, sizeof(*out));
	out->err = defer_row_setup(row, &stage);
	if (!out->err) {
		defer_row_try(scene, &out->first, &out->first_faults);
		out->asked = defer_fake.xlate_calls;
		out->err = defer_row_make_ready(&stage);
	}
	if (!out->err) {
		defer_row_try(scene, &out->next, &out->faults);
		out->xlate_calls = defer_fake.xlate_calls;
		defer_row_try(scene, &out->again, &out->faults);
	}

	out->faults |= defer_scene_destroy(scene);
	out->faults |= defer_scene_destroy(&stage.second);
	out->faults |= defer_scene_destroy(&stage.third) | defer_fake.faults;
	if (defer_fake.groups != groups)
		out->faults |= DEFER_FAULT_GROUP_LEAK;
	if (defer_fake.domains != domains)
		out->faults |= DEFER_FAULT_DOMAIN_LEAK;
	defer_fake_reset();
}
