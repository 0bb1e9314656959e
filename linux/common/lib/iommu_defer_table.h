/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The decision table of the IOMMU probe deferral tests, and how a row of it is
 * played.  Several suites put it to the kernel in different circumstances.
 */
#ifndef _LIB_IOMMU_DEFER_TABLE_H
#define _LIB_IOMMU_DEFER_TABLE_H

#include <linux/types.h>

#include "iommu_defer.h"

/* What is the matter with a specifier, or with the IOMMU that it names */
enum defer_second {
	SECOND_NONE,		/* there is one specifier only */
	SECOND_READY,
	SECOND_PENDING,
	SECOND_DISABLED,
	SECOND_DRIVERLESS,
	SECOND_OTHER_DRIVER,	/* ready, but of another driver */
	SECOND_DANGLING,
	SECOND_TOO_SHORT,
	SECOND_NO_CELLS,
};

/**
 * struct defer_row - one row of the decision table
 * @name: what the test is called: state of the IOMMU and of its driver
 * @status: of the IOMMU node; NULL: no such property
 * @driverless: nothing in the kernel drives an IOMMU of this kind
 * @registered: the IOMMU has probed and is known to the IOMMU core
 * @no_xlate: its driver has no of_xlate callback
 * @xlate: what of_xlate returns
 * @xlate_good: how many calls of of_xlate succeed before that
 * @add: what add_device returns
 * @bad: what is wrong with the master's specifier
 * @second: another IOMMU, that the master names after this one
 * @third: one more, that it names after both
 * @want: wanted of the first attempt
 * @before: wanted of it before the end of init, where that differs
 * @mandatory: wanted of it where IOMMUs are mandatory, if that differs
 * @asked: wanted number of calls of of_xlate by the first attempt
 * @next: wanted of the next attempt, when the IOMMU has come and works
 */
struct defer_row {
	const char *name;
	const char *status;
	bool driverless;
	bool registered;
	bool no_xlate;
	int xlate;
	unsigned int xlate_good;
	int add;
	enum { GOOD, NO_IOMMUS, DANGLING, TOO_SHORT, NO_CELLS } bad;
	enum defer_second second;
	enum defer_second third;
	enum defer_result want;
	enum defer_result before;
	enum defer_result mandatory;
	unsigned int asked;
	enum defer_result next;
};

/**
 * struct defer_outcome - what became of a row
 * @first: the first attempt, in the state that the row describes
 * @next: the next one, on the same master, with the IOMMU there and working
 * @again: a third one, nothing changed: a success must last
 * @asked: calls of of_xlate by the first attempt
 * @xlate_calls: calls of of_xlate by the second attempt
 * @first_faults: invariants broken after the first attempt
 * @faults: invariants broken later, cleaning up included
 * @err: the scene could not be set up, nothing was tried
 */
struct defer_outcome {
	enum defer_result first;
	enum defer_result next;
	enum defer_result again;
	unsigned int asked;
	unsigned int xlate_calls;
	unsigned int first_faults;
	unsigned int faults;
	int err;
};

#define DEFER_ROWS		46

extern const struct defer_row defer_rows[DEFER_ROWS];

void defer_row_play(const struct defer_row *row, struct defer_outcome *out);
bool defer_row_differs(const struct defer_row *row);

#endif /* _LIB_IOMMU_DEFER_TABLE_H */
