// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_KSELFTEST_TAP
#include "../kselftest.h"
#endif

#include "model.h"
#include "tap.h"

#ifndef HAVE_KSELFTEST_TAP
/* As in kselftest.h, for v4.12 and for a build outside of a kernel tree */
static struct {
	unsigned int ksft_pass, ksft_fail, ksft_xskip;
} ksft_cnt;

static unsigned int ksft_test_num(void)
{
	return ksft_cnt.ksft_pass + ksft_cnt.ksft_fail + ksft_cnt.ksft_xskip;
}

static void ksft_print_cnts(void)
{
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:%u error:0\n",
	       ksft_cnt.ksft_pass, ksft_cnt.ksft_fail, ksft_cnt.ksft_xskip);
}

#define ksft_print_header()	printf("TAP version 13\n")
#define ksft_set_plan(plan)	printf("1..%d\n", plan)
#define ksft_inc_xskip_cnt()	(ksft_cnt.ksft_xskip++)
#define ksft_print_msg(...)	printf("# " __VA_ARGS__)

#define ksft_test_result_pass(format, name) \
	printf("ok %u " format, (ksft_cnt.ksft_pass++, ksft_test_num()), name)
#define ksft_test_result_fail(format, name) \
	printf("not ok %u " format, (ksft_cnt.ksft_fail++, ksft_test_num()), name)
#endif

bool verbose;

/* Names, properties and messages can hold anything. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (!isprint((unsigned char)*text))
			*text = '?';
}

void tap_begin(void)
{
	memset(&ksft_cnt, 0, sizeof(ksft_cnt));
	ksft_print_header();
}

void tap_plan(int plan)
{
	ksft_set_plan(plan);
}

int tap_nothing(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return EXIT_SKIP;
}

void tap_note(const char *format, ...)
{
	char line[TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	make_printable(line);
	ksft_print_msg("%s\n", line);
}

void tap_result(enum result result, const char *name, const char *why)
{
	char shown[TEXT], reason[TEXT], *at;

	snprintf(shown, sizeof(shown), "%s", name);
	snprintf(reason, sizeof(reason), "%s", why);
	make_printable(shown);
	make_printable(reason);

	/* What follows a # is a directive. */
	while ((at = strchr(shown, '#')))
		*at = '_';

	if (result != SKIP)
		tap_note("%s: %s", name, why);

	if (result == PASS) {
		ksft_test_result_pass("%s\n", shown);
	} else if (result == FAIL) {
		ksft_test_result_fail("%s\n", shown);
	} else {
		/* ksft_test_result_skip() leaves no place for the name. */
		ksft_inc_xskip_cnt();
		printf("ok %u %s # SKIP %s\n", ksft_test_num(), shown, reason);
	}
}

int tap_end(void)
{
	ksft_print_cnts();
	if (ksft_cnt.ksft_fail)
		return EXIT_FAIL;

	return ksft_cnt.ksft_pass ? EXIT_PASS : EXIT_SKIP;
}
