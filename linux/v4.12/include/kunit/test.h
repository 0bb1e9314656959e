/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small subset of KUnit, for kernels that came before it (v5.5).
 *
 * What is here has the name, the arguments and the behaviour that it has in
 * v6.1, so that one test file serves old kernels and new ones. What is not
 * here is left out on purpose: modules, debugfs, attributes, named resources.
 * lib/kunit_contract_kunit.c holds this subset to the real thing.
 */
#ifndef _KUNIT_TEST_H
#define _KUNIT_TEST_H

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>

#define KUNIT_PARAM_DESC_SIZE		128
#define KUNIT_STATUS_COMMENT_SIZE	256

/* Each level of KTAP is indented by this. */
#define KUNIT_SUBTEST_INDENT		"    "
#define KUNIT_SUBSUBTEST_INDENT		"        "

enum kunit_status {
	KUNIT_SUCCESS,
	KUNIT_FAILURE,
	KUNIT_SKIPPED,
};

/**
 * struct kunit - one run of one test case, or of one parameter of it
 * @priv: for the fixture, normally set by the suite's init().
 * @name: the name of the test case.
 * @param_value: the parameter of this run.
 * @param_index: the number of that parameter, from 0.
 * @status: the result so far.
 */
struct kunit {
	void *priv;
	const char *name;
	const void *param_value;
	int param_index;
	enum kunit_status status;

	/* private: */
	char status_comment[KUNIT_STATUS_COMMENT_SIZE];
	spinlock_t lock;		/* protects resources */
	struct list_head resources;	/* the youngest is the last */
	struct completion finished;
	bool aborted;			/* the test did not return */
	bool abandoned;			/* and nobody waits for it any more */
};

/**
 * struct kunit_case - one test; to be written with KUNIT_CASE() only
 * @run_case: the test.
 * @name: the name of that function.
 * @generate_params: gives the parameter that follows another one, or NULL.
 */
struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(const void *prev, char *desc);

	/* private: */
	enum kunit_status status;
};

/**
 * struct kunit_suite - tests that share a fixture
 * @name: the name of the suite.
 * @suite_init: called once, before all tests; an error fails the suite.
 * @suite_exit: called once, after all tests.
 * @init: called before each test and each parameter; an error fails the test.
 * @exit: called after each of them, also when init() failed.
 * @test_cases: the tests, ended by an empty one.
 */
struct kunit_suite {
	const char name[256];
	int (*suite_init)(struct kunit_suite *suite);
	void (*suite_exit)(struct kunit_suite *suite);
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(test_name) \
	{ .run_case = test_name, .name = #test_name }

#define KUNIT_CASE_PARAM(test_name, gen_params) \
	{ .run_case = test_name, .name = #test_name, .generate_params = gen_params }

static inline const void *__kunit_next_param(const void *array, size_t size,
					     size_t step, const void *prev)
{
	const void *next = prev ? prev + step : array;

	return next < array + size ? next : NULL;
}

/* Define name_gen_params(), which walks through an array. */
#define KUNIT_ARRAY_PARAM(name, array, get_desc)				\
	static const void *name##_gen_params(const void *prev, char *desc)	\
	{									\
		const void *__next = __kunit_next_param(array, sizeof(array),	\
							sizeof((array)[0]), prev); \
		void (*__describe)(typeof((array)[0]) *, char *) = get_desc;	\
										\
		if (__next && __describe)					\
			__describe((void *)__next, desc);			\
		return __next;							\
	}

/*
 * The name of the section is a C identifier, so the linker gives its bounds
 * as __start_kunit_test_suites and __stop_kunit_test_suites, whether or not a
 * linker script knows of it.
 */
#define kunit_test_suites(...)						\
	static struct kunit_suite *__UNIQUE_ID(kunit_suites)[]		\
		__used __aligned(sizeof(struct kunit_suite *))		\
		__section(kunit_test_suites) = { __VA_ARGS__ }

#define kunit_test_suite(suite)	kunit_test_suites(&(suite))

/* Where the linker puts them. */
extern struct kunit_suite *__start_kunit_test_suites[];
extern struct kunit_suite *__stop_kunit_test_suites[];

void kunit_init_test(struct kunit *test, const char *name, char *log);
void kunit_run_suite(struct kunit_suite *suite, size_t number);

/**
 * struct kunit_resource - something that is released when its test ends
 * @data: what it is.
 * @free: how to release it.
 */
struct kunit_resource {
	void *data;
	void (*free)(struct kunit_resource *res);

	/* private: */
	struct list_head node;
};

void *kunit_alloc_resource(struct kunit *test,
			   int (*init)(struct kunit_resource *res, void *context),
			   void (*free)(struct kunit_resource *res),
			   gfp_t gfp, void *context);
void kunit_cleanup(struct kunit *test);
void *kunit_kmalloc_array(struct kunit *test, size_t n, size_t size, gfp_t gfp);

static inline void *kunit_kmalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	return kunit_kmalloc_array(test, 1, size, gfp);
}

static inline void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	return kunit_kmalloc_array(test, 1, size, gfp | __GFP_ZERO);
}

static inline void *kunit_kcalloc(struct kunit *test, size_t n, size_t size, gfp_t gfp)
{
	return kunit_kmalloc_array(test, n, size, gfp | __GFP_ZERO);
}

/* Messages: the final newline may be left out. */
__printf(3, 4)
void __kunit_printk(int level, const char *name, const char *fmt, ...);

#define kunit_info(test, ...)	__kunit_printk(LOGLEVEL_INFO, (test)->name, __VA_ARGS__)
#define kunit_warn(test, ...)	__kunit_printk(LOGLEVEL_WARNING, (test)->name, __VA_ARGS__)
#define kunit_err(test, ...)	__kunit_printk(LOGLEVEL_ERR, (test)->name, __VA_ARGS__)

/* kunit_skip() ends the test at once, kunit_mark_skipped() does not. */
__printf(3, 4)
void __kunit_skip(struct kunit *test, bool abort, const char *fmt, ...);

#define kunit_mark_skipped(test, ...)	__kunit_skip(test, false, __VA_ARGS__)
#define kunit_skip(test, ...)		__kunit_skip(test, true, __VA_ARGS__)

/* An expectation or an assertion, as it stands in the source. */
struct kunit_check {
	const char *file;
	int line;
	bool fatal;		/* an assertion */
	const char *left;
	const char *op;
	const char *right;
};

void kunit_abort(struct kunit *test);

__printf(3, 4)
void __kunit_fail(struct kunit *test, const struct kunit_check *check, const char *fmt, ...);
__printf(5, 6)
void __kunit_fail_int(struct kunit *test, const struct kunit_check *check,
		      long long left, long long right, const char *fmt, ...);
__printf(5, 6)
void __kunit_fail_ptr(struct kunit *test, const struct kunit_check *check,
		      const void *left, const void *right, const char *fmt, ...);
__printf(5, 6)
void __kunit_fail_str(struct kunit *test, const struct kunit_check *check,
		      const char *left, const char *right, const char *fmt, ...);

#define __KUNIT_CHECK(fatal_, left_, op_, right_)			\
	static const struct kunit_check __check = {			\
		.file = __FILE__, .line = __LINE__, .fatal = fatal_,	\
		.left = left_, .op = op_, .right = right_,		\
	}

/* The ... of all that follow is a format, which may be NULL, and its arguments. */
#define __KUNIT_BOOL(test, fatal, condition, want, ...)			\
do {									\
	const bool __value = (condition);				\
	__KUNIT_CHECK(fatal, #condition, "is", #want);			\
									\
	if (__value != (want))						\
		__kunit_fail(test, &__check, __VA_ARGS__);		\
} while (0)

#define __KUNIT_BINARY(test, fatal, report, l, op, r, ...)		\
do {									\
	const typeof(l) __left = (l);					\
	const typeof(r) __right = (r);					\
	__KUNIT_CHECK(fatal, #l, #op, #r);				\
									\
	if (!(__left op __right))					\
		report(test, &__check, __left, __right, __VA_ARGS__);	\
} while (0)

#define __KUNIT_INT(test, fatal, l, op, r, ...) \
	__KUNIT_BINARY(test, fatal, __kunit_fail_int, l, op, r, __VA_ARGS__)

#define __KUNIT_PTR(test, fatal, l, op, r, ...) \
	__KUNIT_BINARY(test, fatal, __kunit_fail_ptr, l, op, r, __VA_ARGS__)

#define __KUNIT_STR(test, fatal, l, op, r, ...)				\
do {									\
	const char *__left = (l);					\
	const char *__right = (r);					\
	__KUNIT_CHECK(fatal, #l, #op, #r);				\
									\
	if (!(strcmp(__left, __right) op 0))				\
		__kunit_fail_str(test, &__check, __left, __right, __VA_ARGS__); \
} while (0)

#define __KUNIT_VALID(test, fatal, ptr, ...)				\
do {									\
	const void *__ptr = (ptr);					\
	__KUNIT_CHECK(fatal, #ptr, "is", "neither NULL nor an error");	\
									\
	if (IS_ERR_OR_NULL(__ptr))					\
		__kunit_fail_ptr(test, &__check, __ptr, NULL, __VA_ARGS__); \
} while (0)

#define KUNIT_SUCCEED(test)	((void)(test))

#define KUNIT_FAIL(test, ...)						\
do {									\
	__KUNIT_CHECK(false, NULL, NULL, NULL);				\
									\
	__kunit_fail(test, &__check, __VA_ARGS__);			\
} while (0)

#define KUNIT_EXPECT_TRUE(test, cond) __KUNIT_BOOL(test, false, cond, true, NULL)
#define KUNIT_EXPECT_FALSE(test, cond) __KUNIT_BOOL(test, false, cond, false, NULL)
#define KUNIT_EXPECT_EQ(test, l, r) __KUNIT_INT(test, false, l, ==, r, NULL)
#define KUNIT_EXPECT_NE(test, l, r) __KUNIT_INT(test, false, l, !=, r, NULL)
#define KUNIT_EXPECT_LT(test, l, r) __KUNIT_INT(test, false, l, <, r, NULL)
#define KUNIT_EXPECT_LE(test, l, r) __KUNIT_INT(test, false, l, <=, r, NULL)
#define KUNIT_EXPECT_GT(test, l, r) __KUNIT_INT(test, false, l, >, r, NULL)
#define KUNIT_EXPECT_GE(test, l, r) __KUNIT_INT(test, false, l, >=, r, NULL)
#define KUNIT_EXPECT_PTR_EQ(test, l, r) __KUNIT_PTR(test, false, l, ==, r, NULL)
#define KUNIT_EXPECT_PTR_NE(test, l, r) __KUNIT_PTR(test, false, l, !=, r, NULL)
#define KUNIT_EXPECT_STREQ(test, l, r) __KUNIT_STR(test, false, l, ==, r, NULL)
#define KUNIT_EXPECT_STRNEQ(test, l, r) __KUNIT_STR(test, false, l, !=, r, NULL)
#define KUNIT_EXPECT_NULL(test, ptr) __KUNIT_PTR(test, false, ptr, ==, NULL, NULL)
#define KUNIT_EXPECT_NOT_NULL(test, ptr) __KUNIT_PTR(test, false, ptr, !=, NULL, NULL)
#define KUNIT_EXPECT_NOT_ERR_OR_NULL(test, ptr) __KUNIT_VALID(test, false, ptr, NULL)

#define KUNIT_EXPECT_TRUE_MSG(test, cond, ...) __KUNIT_BOOL(test, false, cond, true, __VA_ARGS__)
#define KUNIT_EXPECT_FALSE_MSG(test, cond, ...) __KUNIT_BOOL(test, false, cond, false, __VA_ARGS__)
#define KUNIT_EXPECT_EQ_MSG(test, l, r, ...) __KUNIT_INT(test, false, l, ==, r, __VA_ARGS__)
#define KUNIT_EXPECT_NE_MSG(test, l, r, ...) __KUNIT_INT(test, false, l, !=, r, __VA_ARGS__)
#define KUNIT_EXPECT_LT_MSG(test, l, r, ...) __KUNIT_INT(test, false, l, <, r, __VA_ARGS__)
#define KUNIT_EXPECT_LE_MSG(test, l, r, ...) __KUNIT_INT(test, false, l, <=, r, __VA_ARGS__)
#define KUNIT_EXPECT_GT_MSG(test, l, r, ...) __KUNIT_INT(test, false, l, >, r, __VA_ARGS__)
#define KUNIT_EXPECT_GE_MSG(test, l, r, ...) __KUNIT_INT(test, false, l, >=, r, __VA_ARGS__)
#define KUNIT_EXPECT_PTR_EQ_MSG(test, l, r, ...) __KUNIT_PTR(test, false, l, ==, r, __VA_ARGS__)
#define KUNIT_EXPECT_PTR_NE_MSG(test, l, r, ...) __KUNIT_PTR(test, false, l, !=, r, __VA_ARGS__)
#define KUNIT_EXPECT_STREQ_MSG(test, l, r, ...) __KUNIT_STR(test, false, l, ==, r, __VA_ARGS__)
#define KUNIT_EXPECT_STRNEQ_MSG(test, l, r, ...) __KUNIT_STR(test, false, l, !=, r, __VA_ARGS__)
#define KUNIT_EXPECT_NULL_MSG(test, ptr, ...) __KUNIT_PTR(test, false, ptr, ==, NULL, __VA_ARGS__)
#define KUNIT_EXPECT_NOT_NULL_MSG(test, ptr, ...) \
	__KUNIT_PTR(test, false, ptr, !=, NULL, __VA_ARGS__)
#define KUNIT_EXPECT_NOT_ERR_OR_NULL_MSG(test, ptr, ...) \
	__KUNIT_VALID(test, false, ptr, __VA_ARGS__)

#define KUNIT_ASSERT_TRUE(test, cond) __KUNIT_BOOL(test, true, cond, true, NULL)
#define KUNIT_ASSERT_FALSE(test, cond) __KUNIT_BOOL(test, true, cond, false, NULL)
#define KUNIT_ASSERT_EQ(test, l, r) __KUNIT_INT(test, true, l, ==, r, NULL)
#define KUNIT_ASSERT_NE(test, l, r) __KUNIT_INT(test, true, l, !=, r, NULL)
#define KUNIT_ASSERT_LT(test, l, r) __KUNIT_INT(test, true, l, <, r, NULL)
#define KUNIT_ASSERT_LE(test, l, r) __KUNIT_INT(test, true, l, <=, r, NULL)
#define KUNIT_ASSERT_GT(test, l, r) __KUNIT_INT(test, true, l, >, r, NULL)
#define KUNIT_ASSERT_GE(test, l, r) __KUNIT_INT(test, true, l, >=, r, NULL)
#define KUNIT_ASSERT_PTR_EQ(test, l, r) __KUNIT_PTR(test, true, l, ==, r, NULL)
#define KUNIT_ASSERT_PTR_NE(test, l, r) __KUNIT_PTR(test, true, l, !=, r, NULL)
#define KUNIT_ASSERT_STREQ(test, l, r) __KUNIT_STR(test, true, l, ==, r, NULL)
#define KUNIT_ASSERT_STRNEQ(test, l, r) __KUNIT_STR(test, true, l, !=, r, NULL)
#define KUNIT_ASSERT_NULL(test, ptr) __KUNIT_PTR(test, true, ptr, ==, NULL, NULL)
#define KUNIT_ASSERT_NOT_NULL(test, ptr) __KUNIT_PTR(test, true, ptr, !=, NULL, NULL)
#define KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ptr) __KUNIT_VALID(test, true, ptr, NULL)

#define KUNIT_ASSERT_TRUE_MSG(test, cond, ...) __KUNIT_BOOL(test, true, cond, true, __VA_ARGS__)
#define KUNIT_ASSERT_FALSE_MSG(test, cond, ...) __KUNIT_BOOL(test, true, cond, false, __VA_ARGS__)
#define KUNIT_ASSERT_EQ_MSG(test, l, r, ...) __KUNIT_INT(test, true, l, ==, r, __VA_ARGS__)
#define KUNIT_ASSERT_NE_MSG(test, l, r, ...) __KUNIT_INT(test, true, l, !=, r, __VA_ARGS__)
#define KUNIT_ASSERT_LT_MSG(test, l, r, ...) __KUNIT_INT(test, true, l, <, r, __VA_ARGS__)
#define KUNIT_ASSERT_LE_MSG(test, l, r, ...) __KUNIT_INT(test, true, l, <=, r, __VA_ARGS__)
#define KUNIT_ASSERT_GT_MSG(test, l, r, ...) __KUNIT_INT(test, true, l, >, r, __VA_ARGS__)
#define KUNIT_ASSERT_GE_MSG(test, l, r, ...) __KUNIT_INT(test, true, l, >=, r, __VA_ARGS__)
#define KUNIT_ASSERT_PTR_EQ_MSG(test, l, r, ...) __KUNIT_PTR(test, true, l, ==, r, __VA_ARGS__)
#define KUNIT_ASSERT_PTR_NE_MSG(test, l, r, ...) __KUNIT_PTR(test, true, l, !=, r, __VA_ARGS__)
#define KUNIT_ASSERT_STREQ_MSG(test, l, r, ...) __KUNIT_STR(test, true, l, ==, r, __VA_ARGS__)
#define KUNIT_ASSERT_STRNEQ_MSG(test, l, r, ...) __KUNIT_STR(test, true, l, !=, r, __VA_ARGS__)
#define KUNIT_ASSERT_NULL_MSG(test, ptr, ...) __KUNIT_PTR(test, true, ptr, ==, NULL, __VA_ARGS__)
#define KUNIT_ASSERT_NOT_NULL_MSG(test, ptr, ...) \
	__KUNIT_PTR(test, true, ptr, !=, NULL, __VA_ARGS__)
#define KUNIT_ASSERT_NOT_ERR_OR_NULL_MSG(test, ptr, ...) __KUNIT_VALID(test, true, ptr, __VA_ARGS__)

#endif /* _KUNIT_TEST_H */
