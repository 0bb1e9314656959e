/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The decision table of the IOMMU probe deferral tests: what becomes of a master,
 * given what each of its specifiers names and what the IOMMU driver answers.
 *
 * For suites to include.  C1, C2, ... are the rules of the contract; all those
 * about several specifiers follow from two: a master has all of its IOMMUs or
 * none, and all are looked at before any driver is asked.
 */
#ifndef _LIB_IOMMU_DEFER_TABLE_H
#define _LIB_IOMMU_DEFER_TABLE_H

#include <linux/errno.h>

#include "iommu_defer_case.h"

/* Results: Translated, Untranslated, Deferred, Fails */
#define T	TRANSLATED
#define U	UNTRANSLATED
#define D	DEFERRED
#define F	FAILS
#define B	AS_DRIVERLESS	/* U, or D where drivers are not declared */

/* What the IOMMU driver answers in the first attempt, if not success */
#define XLATE(err)	{ .xlate = (err) }
#define XLATE_2ND(err)	{ .xlate = (err), .xlate_ok = 1 }
#define ADD(err)	{ .add = (err) }
#define ONE_INSTANCE	{ .one_instance = true }

/*
 * First attempt before the end of init, after it, and after it where IOMMUs are
 * mandatory; next attempt; calls of of_xlate in the first attempt.
 */
static const struct defer_case defer_cases[] = {
	/* Not available: the device tree has decided, no driver is asked */
	{ U, U, U, U, 0, "C1 disabled", { DISABLED } },
	{ U, U, U, U, 0, "C1 disabled, driverless", { DISABLED_DRIVERLESS } },
	{ U, U, U, U, 0, "C1 disabled, registered", { DISABLED_REGISTERED } },
	{ U, U, U, U, 0, "C1 failed by firmware", { FAILED } },

	/* Available, and not registered: none will come, or one may */
	{ B, U, F, T, 0, "C2 driverless", { DRIVERLESS } },
	{ D, U, F, T, 0, "C3 pending", { PENDING } },
	{ D, U, F, T, 0, "C3 pending, status okay", { PENDING_OKAY } },

	/* Registered: the driver decides */
	{ U, U, F, T, 0, "C4 no of_xlate", { NO_XLATE } },
	{ T, T, T, T, 1, "C5 ready", { READY } },
	{ T, T, T, T, 1, "C5 ready, status okay", { READY_OKAY } },
	{ T, T, T, T, 2, "C5 two ids of one IOMMU", { READY, SAME_AGAIN } },
	{ D, D, D, T, 1, "C6 of_xlate defers", { READY }, XLATE(-EPROBE_DEFER) },
	{ D, D, D, T, 1, "C6 add_device defers", { READY }, ADD(-EPROBE_DEFER) },
	{ U, U, F, T, 1, "C7 of_xlate -ENODEV", { READY }, XLATE(-ENODEV) },
	{ U, U, F, T, 1, "C7 of_xlate -EINVAL", { READY }, XLATE(-EINVAL) },
	{ U, U, F, T, 1, "C7 of_xlate -ENOMEM", { READY }, XLATE(-ENOMEM) },
	{ U, U, F, T, 1, "C7 add_device -ENODEV", { READY }, ADD(-ENODEV) },
	{ U, U, F, T, 1, "C7 add_device -EINVAL", { READY }, ADD(-EINVAL) },
	{ U, U, F, T, 1, "C7 add_device -ENOMEM", { READY }, ADD(-ENOMEM) },
	{ U, U, F, U, 1, "C7 no cells", { ZERO_CELLS } },
	{ U, U, F, U, 1, "C7 too many cells", { WRONG_CELLS } },

	/* Not a reference to an IOMMU */
	{ U, U, F, U, 0, "C8 dangling phandle", { DANGLING } },
	{ U, U, F, U, 0, "C8 specifier too short", { TOO_SHORT } },
	{ U, U, F, U, 0, "C8 no iommu-cells", { NO_CELLS } },
	{ U, U, U, U, 0, "C9 no iommus", { NONE } },

	/* An empty entry counts for nothing, and doesn't end the list */
	{ U, U, U, U, 0, "C10 empty", { EMPTY_ENTRY } },
	{ T, T, T, T, 1, "C10 empty, ready", { EMPTY_ENTRY, READY } },
	{ D, U, F, T, 0, "C10 empty, pending", { EMPTY_ENTRY, PENDING } },
	{ U, U, U, U, 0, "C10 empty, disabled", { EMPTY_ENTRY, DISABLED } },
	{ T, T, T, T, 1, "C10 ready, empty", { READY, EMPTY_ENTRY } },
	{ T, T, T, T, 2, "C10 ready, empty, ready", { READY, EMPTY_ENTRY, READY } },
	{ D, U, F, T, 0, "C10 ready, empty, pending", { READY, EMPTY_ENTRY, PENDING } },
	{ U, U, U, U, 0, "C10 ready, empty, disabled", { READY, EMPTY_ENTRY, DISABLED } },
	{ U, U, F, U, 0, "C10 ready, empty, dangling", { READY, EMPTY_ENTRY, DANGLING } },

	/* All or none: one that isn't available outweighs all others */
	{ T, T, T, T, 2, "C11 ready, ready", { READY, READY } },
	{ U, U, U, U, 0, "C11 ready, disabled", { READY, DISABLED } },
	{ U, U, U, U, 0, "C11 pending, disabled", { PENDING, DISABLED } },
	{ U, U, U, U, 0, "C11 driverless, disabled", { DRIVERLESS, DISABLED } },
	{ U, U, U, U, 0, "C11 no of_xlate, disabled", { NO_XLATE, DISABLED } },
	{ U, U, U, U, 0, "C11 disabled, ready", { DISABLED, READY } },
	{ U, U, U, U, 0, "C11 disabled, pending", { DISABLED, PENDING } },
	{ U, U, U, U, 0, "C11 disabled, driverless", { DISABLED, DRIVERLESS } },
	{ U, U, U, U, 0, "C11 disabled, dangling", { DISABLED, DANGLING } },
	{ U, U, U, U, 0, "C11 disabled, disabled", { DISABLED, DISABLED } },
	{ U, U, U, U, 0, "C11 ready, ready, disabled", { READY, READY, DISABLED } },

	/* Else one that can never come settles it at once */
	{ B, U, F, T, 0, "C11 pending, driverless", { PENDING, DRIVERLESS } },
	{ B, U, F, T, 0, "C11 driverless, ready", { DRIVERLESS, READY } },
	{ U, U, F, T, 0, "C11 pending, no of_xlate", { PENDING, NO_XLATE } },
	{ U, U, F, U, 0, "C11 pending, dangling", { PENDING, DANGLING } },
	{ U, U, F, U, 0, "C11 dangling, ready", { DANGLING, READY } },
	{ U, U, F, U, 0, "C11 ready, dangling", { READY, DANGLING } },
	{ U, U, F, U, 0, "C11 ready, too short", { READY, TOO_SHORT } },
	{ U, U, F, U, 0, "C11 ready, no iommu-cells", { READY, NO_CELLS } },

	/* Else the master waits for what is missing */
	{ D, U, F, T, 0, "C12 ready, pending", { READY, PENDING } },
	{ D, U, F, T, 0, "C12 pending, ready", { PENDING, READY } },
	{ D, U, F, T, 0, "C12 pending, pending", { PENDING, PENDING } },

	/* Else the first error decides, and nobody is asked after it */
	{ D, D, D, T, 1, "C13 of_xlate defers first", { READY, READY }, XLATE(-EPROBE_DEFER) },
	{ D, D, D, T, 2, "C13 of_xlate defers second", { READY, READY }, XLATE_2ND(-EPROBE_DEFER) },
	{ D, D, D, T, 2, "C13 of_xlate defers second of three", { READY, READY, READY },
	  XLATE_2ND(-EPROBE_DEFER) },
	{ U, U, F, T, 1, "C13 of_xlate -EINVAL first", { READY, READY }, XLATE(-EINVAL) },
	{ U, U, F, T, 2, "C13 of_xlate -EINVAL second", { READY, READY }, XLATE_2ND(-EINVAL) },
	{ D, D, D, T, 2, "C13 add_device defers two", { READY, READY }, ADD(-EPROBE_DEFER) },
	{ U, U, F, U, 1, "C13 too many cells first", { WRONG_CELLS, READY } },
	{ U, U, F, U, 2, "C13 too many cells second", { READY, WRONG_CELLS } },

	/* Different drivers: it doesn't help to ask them, or to wait */
	{ U, U, F, U, 0, "C14 two drivers", { READY, READY_OTHER_DRIVER } },
	{ U, U, F, U, 0, "C14 two drivers, pending", { READY, READY_OTHER_DRIVER, PENDING } },
	{ U, U, F, U, 0, "C14 pending between drivers", { READY, PENDING, READY_OTHER_DRIVER } },
	{ U, U, U, U, 0, "C14 two drivers, disabled", { READY, READY_OTHER_DRIVER, DISABLED } },

	/* Two instances of one driver, which serves only one for each master */
	{ U, U, F, T, 2, "C15 another instance", { READY, READY }, ONE_INSTANCE },
	{ D, U, F, T, 0, "C15 another instance, pending", { READY, PENDING }, ONE_INSTANCE },
	{ T, T, T, T, 2, "C15 one instance twice", { READY, SAME_AGAIN }, ONE_INSTANCE },
};

#undef T
#undef U
#undef D
#undef F
#undef B
#undef XLATE
#undef XLATE_2ND
#undef ADD
#undef ONE_INSTANCE

#endif /* _LIB_IOMMU_DEFER_TABLE_H */
