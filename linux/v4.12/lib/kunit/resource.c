// SPDX-License-Identifier: GPL-2.0
/*
 * Subset of KUnit: what a test allocates and KUnit releases.
 */
#include <kunit/test.h>

/**
 * kunit_alloc_resource() - let KUnit release something when the test ends
 * @test: the test.
 * @init: sets up the resource, most of all its data; NULL to take @context.
 * @free: releases it.
 * @gfp: how to allocate the resource itself.
 * @context: passed to @init.
 *
 * Return: the data of the resource, or NULL if it could not be set up.
 */
void *kunit_alloc_resource(struct kunit *test,
			   int (*init)(struct kunit_resource *res, void *context),
			   void (*free)(struct kunit_resource *res),
			   gfp_t gfp, void *context)
{
	struct kunit_resource *res = kzalloc(sizeof(*res), gfp);
	unsigned long flags;

	if (!res)
		return NULL;

	res->free = free;
	res->data = context;
	if (init && init(res, context)) {
		kfree(res);
		return NULL;
	}

	spin_lock_irqsave(&test->lock, flags);
	list_add_tail(&res->node, &test->resources);
	spin_unlock_irqrestore(&test->lock, flags);
	return res->data;
}

static struct kunit_resource *kunit_take_youngest(struct kunit *test)
{
	struct kunit_resource *res = NULL;
	unsigned long flags;

	spin_lock_irqsave(&test->lock, flags);
	if (!list_empty(&test->resources)) {
		res = list_last_entry(&test->resources, struct kunit_resource, node);
		list_del(&res->node);
	}
	spin_unlock_irqrestore(&test->lock, flags);
	return res;
}

/**
 * kunit_cleanup() - release all resources of a test
 * @test: the test.
 *
 * The youngest goes first, since it may depend on older ones.
 */
void kunit_cleanup(struct kunit *test)
{
	struct kunit_resource *res;

	while ((res = kunit_take_youngest(test))) {
		if (res->free)
			res->free(res);
		kfree(res);
	}
}

static void kunit_kfree_data(struct kunit_resource *res)
{
	kfree(res->data);
}

void *kunit_kmalloc_array(struct kunit *test, size_t n, size_t size, gfp_t gfp)
{
	void *data = kmalloc_array(n, size, gfp);

	if (!data)
		return NULL;

	if (!kunit_alloc_resource(test, NULL, kunit_kfree_data, gfp, data)) {
		kfree(data);
		return NULL;
	}
	return data;
}
