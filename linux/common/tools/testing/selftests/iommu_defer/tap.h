/* SPDX-License-Identifier: GPL-2.0 */
/* Output in TAP.  All of it is made printable and kept on its line. */
#ifndef IOMMU_DEFER_TAP_H
#define IOMMU_DEFER_TAP_H

#include <stdbool.h>

/* As in kselftest.h of newer kernels */
#ifndef __printf
#define __printf(a, b) __attribute__((format(printf, a, b)))
#endif

enum result { PASS, FAIL, SKIP };

/* The exit codes of kselftest, and one for wrong options */
enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_USAGE = 2, EXIT_SKIP = 4 };

extern bool verbose;

void tap_begin(void);
void tap_plan(int plan);
int tap_nothing(const char *why);
void __printf(1, 2) tap_note(const char *format, ...);
void tap_result(enum result result, const char *name, const char *why);
int tap_end(void);

#endif
