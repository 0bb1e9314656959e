// SPDX-License-Identifier: GPL-2.0
/*
 * Subset of KUnit: messages, skipping, and what happens when a check fails.
 */
#include <kunit/test.h>

/* Print one message of a test, with or without a newline at its end. */
static void kunit_vprintk(int level, const char *name, const char *fmt, va_list *args)
{
	struct va_format message = { .fmt = fmt, .va = args };
	size_t len = strlen(fmt);

	printk_emit(0, level, NULL, 0, KUNIT_SUBTEST_INDENT "# %s: %pV%s", name, &message,
		    len && fmt[len - 1] == '\n' ? "" : "\n");
}

void __kunit_printk(int level, const char *name, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	kunit_vprintk(level, name, fmt, &args);
	va_end(args);
}

void __kunit_skip(struct kunit *test, bool abort, const char *fmt, ...)
{
	va_list args;

	WRITE_ONCE(test->status, KUNIT_SKIPPED);
	va_start(args, fmt);
	vscnprintf(test->status_comment, KUNIT_STATUS_COMMENT_SIZE, fmt, args);
	va_end(args);

	if (abort)
		kunit_abort(test);
}

static void kunit_fail_header(struct kunit *test, const struct kunit_check *check)
{
	WRITE_ONCE(test->status, KUNIT_FAILURE);
	kunit_err(test, "%s FAILED at %s:%d", check->fatal ? "ASSERTION" : "EXPECTATION",
		  check->file, check->line);
	if (check->left)
		pr_err(KUNIT_SUBTEST_INDENT "Expected %s %s %s, but\n",
		       check->left, check->op, check->right);
}

/* Print the author's message, and end the test if it was an assertion. */
static void kunit_fail_tail(struct kunit *test, const struct kunit_check *check,
			    const char *fmt, va_list *args)
{
	if (fmt)
		kunit_vprintk(LOGLEVEL_ERR, test->name, fmt, args);
	if (check->fatal)
		kunit_abort(test);
}

void __kunit_fail(struct kunit *test, const struct kunit_check *check, const char *fmt, ...)
{
	va_list args;

	kunit_fail_header(test, check);
	if (check->left)
		pr_err(KUNIT_SUBSUBTEST_INDENT "it is not\n");

	va_start(args, fmt);
	kunit_fail_tail(test, check, fmt, &args);
	va_end(args);
}

void __kunit_fail_int(struct kunit *test, const struct kunit_check *check,
		      long long left, long long right, const char *fmt, ...)
{
	va_list args;

	kunit_fail_header(test, check);
	pr_err(KUNIT_SUBSUBTEST_INDENT "%s == %lld\n", check->left, left);
	pr_err(KUNIT_SUBSUBTEST_INDENT "%s == %lld\n", check->right, right);

	va_start(args, fmt);
	kunit_fail_tail(test, check, fmt, &args);
	va_end(args);
}

void __kunit_fail_ptr(struct kunit *test, const struct kunit_check *check,
		      const void *left, const void *right, const char *fmt, ...)
{
	va_list args;

	kunit_fail_header(test, check);
	pr_err(KUNIT_SUBSUBTEST_INDENT "%s == %p\n", check->left, left);
	pr_err(KUNIT_SUBSUBTEST_INDENT "%s == %p\n", check->right, right);

	va_start(args, fmt);
	kunit_fail_tail(test, check, fmt, &args);
	va_end(args);
}

void __kunit_fail_str(struct kunit *test, const struct kunit_check *check,
		      const char *left, const char *right, const char *fmt, ...)
{
	va_list args;

	kunit_fail_header(test, check);
	pr_err(KUNIT_SUBSUBTEST_INDENT "%s == \"%s\"\n", check->left, left);
	pr_err(KUNIT_SUBSUBTEST_INDENT "%s == \"%s\"\n", check->right, right);

	va_start(args, fmt);
	kunit_fail_tail(test, check, fmt, &args);
	va_end(args);
}
