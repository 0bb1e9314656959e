// SPDX-License-Identifier: GPL-2.0
/*
 * What dmatest doesn't do on "make board": copies from scattered pages to
 * scattered pages, each mapped and unmapped for one transfer; and, behind an
 * IPMMU, transfers that must fail, because one page of them is not mapped, or
 * because their target is mapped for reading only.  With "pages" it also says
 * how long it takes to map and to unmap so many.
 *
 * The name of a DMA controller written to the parameter "run" tests one of its
 * channels.  The log says what came of it.
 */

#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/dmaengine.h>
#include <linux/iommu.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/version.h>

/* 64 KiB become one segment, whatever the controller says of its longest. */
#define PAGES	(SZ_64K / PAGE_SIZE)
#define SPOILED	(PAGES / 3)
#define POISON	0xa5

/* v4.12 has no SZ_4G */
#define BEYOND	(1ULL << 32)

/* Blocks of 2 MiB: 1 GiB of memory that the kernel may prefer to that beyond 4 GiB */
#define ORDER	9
#define BLOCKS	(IS_ENABLED(CONFIG_ARM64) ? 512 : 0)

static unsigned int transfers = 50;
module_param(transfers, uint, 0644);

/* Pages to map one by one, and then to unmap, to see how long it takes */
static unsigned int pages;
module_param(pages, uint, 0644);

/* Far below the addresses that the DMA API takes, from 4 GiB downwards */
#define FREE_IOVA	SZ_1G

struct buffer {
	struct page *page[PAGES];
	struct scatterlist sg[PAGES];
	enum dma_data_direction way;
	int nents;
};

struct test {
	struct dma_chan *chan;
	struct device *dev;
	struct buffer from, to;
	struct page *block;
};

/*
 * A block of pages beyond 4 GiB, if there is such memory: blocks below it are
 * kept until one is found.
 */
static struct page *get_block(void)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	struct page *block, **low;
	unsigned int count = 0;

	low = kcalloc(BLOCKS, sizeof(*low), GFP_KERNEL);
	block = alloc_pages(gfp, ORDER);
	while (low && block && page_to_phys(block) < BEYOND && count < BLOCKS) {
		low[count++] = block;
		block = alloc_pages(gfp, ORDER);
	}

	if (!block && count)
		block = low[--count];
	while (count)
		__free_pages(low[--count], ORDER);
	kfree(low);
	return block;
}

/* Every other page, from the last on: no two of a buffer are neighbours. */
static int get_pages(struct test *test)
{
	int i;

	test->block = get_block();
	if (!test->block)
		return -ENOMEM;

	for (i = 0; i < PAGES; i++) {
		test->from.page[i] = test->block + 2 * (PAGES - 1 - i);
		test->to.page[i] = test->from.page[i] + 1;
	}
	return 0;
}

static u8 pattern(unsigned int round, size_t at)
{
	return at * 7 + (at >> 8) + round * 31;
}

static void fill(struct test *test, unsigned int round)
{
	size_t page, i;

	for (page = 0; page < PAGES; page++) {
		u8 *to = page_address(test->from.page[page]);

		for (i = 0; i < PAGE_SIZE; i++)
			to[i] = pattern(round, page * PAGE_SIZE + i);
		memset(page_address(test->to.page[page]), POISON, PAGE_SIZE);
	}
}

/*
 * How many bytes of these pages are not as the pattern has them, and not poison
 * either where that may have stayed
 */
static size_t wrong(struct buffer *buffer, size_t first, size_t end,
		    bool poison, unsigned int round)
{
	size_t page, i, bad = 0;

	for (page = first; page < end; page++) {
		const u8 *is = page_address(buffer->page[page]);

		for (i = 0; i < PAGE_SIZE; i++)
			bad += is[i] != pattern(round, page * PAGE_SIZE + i) &&
			       !(poison && is[i] == POISON);
	}
	return bad;
}

/* How many bytes of these pages something has been written to */
static size_t touched(struct buffer *buffer, size_t first, size_t end)
{
	size_t page, i, bad = 0;

	for (page = first; page < end; page++) {
		const u8 *is = page_address(buffer->page[page]);

		for (i = 0; i < PAGE_SIZE; i++)
			bad += is[i] != POISON;
	}
	return bad;
}

static int map(struct test *test, struct buffer *buffer)
{
	int i;

	sg_init_table(buffer->sg, PAGES);
	for (i = 0; i < PAGES; i++)
		sg_set_page(&buffer->sg[i], buffer->page[i], PAGE_SIZE, 0);
	buffer->nents = dma_map_sg(test->dev, buffer->sg, PAGES, buffer->way);
	return buffer->nents ? 0 : -EIO;
}

static void unmap(struct test *test, struct buffer *buffer)
{
	if (buffer->nents)
		dma_unmap_sg(test->dev, buffer->sg, PAGES, buffer->way);
	buffer->nents = 0;
}

/* Behind an IPMMU both are one segment, else each page is one. */
static bool is_one(struct test *test)
{
	return test->from.nents == 1 && test->to.nents == 1;
}

static void completed(void *done)
{
	complete(done);
}

/*
 * True: the transfer has come to its end.  Only the callback says so: asked for
 * the status of a transfer that it has given up, rcar-dmac says "complete".
 */
static bool copy_part(struct test *test, dma_addr_t to, dma_addr_t from,
		      size_t length)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct dma_async_tx_descriptor *tx;

	tx = dmaengine_prep_dma_memcpy(test->chan, to, from, length,
				       DMA_PREP_INTERRUPT | DMA_CTRL_ACK);
	if (!tx)
		return false;

	tx->callback = completed;
	tx->callback_param = &done;
	dmaengine_submit(tx);
	dma_async_issue_pending(test->chan);
	if (wait_for_completion_timeout(&done, HZ / 2))
		return true;

	dmaengine_terminate_sync(test->chan);
	return false;
}

static bool copy(struct test *test)
{
	int i;

	if (is_one(test))
		return copy_part(test, sg_dma_address(test->to.sg),
				 sg_dma_address(test->from.sg), SZ_64K);

	for (i = 0; i < PAGES; i++)
		if (!copy_part(test, sg_dma_address(&test->to.sg[i]),
			       sg_dma_address(&test->from.sg[i]), PAGE_SIZE))
			return false;
	return true;
}

static int map_both(struct test *test, unsigned int round)
{
	fill(test, round);
	return map(test, &test->from) ?: map(test, &test->to);
}

static void unmap_both(struct test *test)
{
	unmap(test, &test->to);
	unmap(test, &test->from);
}

/*
 * Returns how many of these transfers were bad.  In each round the pages of the
 * two buffers have changed places: whoever remembers where an address led in
 * the last one is wrong.
 */
static unsigned int scattered(struct test *test, unsigned int rounds)
{
	unsigned int round, i, bad = 0;
	bool done;

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < PAGES; i++)
			swap(test->from.page[i], test->to.page[i]);
		done = !map_both(test, round) && copy(test);
		unmap_both(test);
		bad += !done || wrong(&test->to, 0, PAGES, false, round) ||
		       wrong(&test->from, 0, PAGES, false, round);
	}
	return bad;
}

static int map_again(struct iommu_domain *domain, unsigned long iova,
		     phys_addr_t phys, int prot)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	return iommu_map(domain, iova, phys, PAGE_SIZE, prot, GFP_KERNEL);
#else
	return iommu_map(domain, iova, phys, PAGE_SIZE, prot);
#endif
}

/*
 * One page of this buffer isn't mapped: the transfer must stop there, and
 * nothing that is behind may be written to.  *at is where that is.
 */
static const char *spoiled(struct test *test, struct buffer *buffer,
			   struct iommu_domain *domain, dma_addr_t *at)
{
	int prot = buffer->way == DMA_TO_DEVICE ? IOMMU_READ : IOMMU_WRITE;
	const char *said = "as wanted";
	unsigned long iova;
	phys_addr_t phys;

	if (map_both(test, 0) || !is_one(test)) {
		unmap_both(test);
		return "not mapped as one segment";
	}

	iova = sg_dma_address(buffer->sg) + SPOILED * PAGE_SIZE;
	*at = iova;
	phys = page_to_phys(buffer->page[SPOILED]);
	if (iommu_iova_to_phys(domain, iova) != phys)
		said = "not where its page table says";
	else if (iommu_unmap(domain, iova, PAGE_SIZE) != PAGE_SIZE)
		said = "its page can't be unmapped";
	else {
		if (copy(test))
			said = "the transfer says that it is complete";
		if (map_again(domain, iova, phys, prot))
			said = "its page can't be mapped again";
	}
	unmap_both(test);

	if (wrong(&test->from, 0, PAGES, false, 0))
		return "its source is not what it was";
	if (touched(&test->to, SPOILED, PAGES))
		return "written to behind the page that is not mapped";
	if (wrong(&test->to, 0, SPOILED, true, 0))
		return "what was copied is wrong";
	return said;
}

/* What it took, and whether all went well */
static void say_time(const char *name, const char *what, unsigned int bad,
		     u64 mapped, u64 unmapped)
{
	pr_info("sgtest: %s: %s: %u pages, %u failures, mapped in %llu ns, unmapped in %llu ns\n",
		name, what, pages, bad, mapped, unmapped);
}

/* Pages one by one, without cache maintenance */
static void measure_dma_api(struct test *test, const char *name,
			    const char *what)
{
	const unsigned long attrs = DMA_ATTR_SKIP_CPU_SYNC;
	unsigned int i, bad = 0;
	u64 start, mapped, unmapped;
	dma_addr_t *addr;

	addr = kcalloc(pages, sizeof(*addr), GFP_KERNEL);
	if (!addr)
		return;

	start = ktime_get_ns();
	for (i = 0; i < pages; i++)
		addr[i] = dma_map_page_attrs(test->dev, test->block, 0,
					     PAGE_SIZE, DMA_TO_DEVICE, attrs);
	mapped = ktime_get_ns() - start;

	for (i = 0; i < pages; i++)
		bad += dma_mapping_error(test->dev, addr[i]) != 0;

	/* What is no address can't be unmapped; then the test has failed anyway */
	start = ktime_get_ns();
	for (i = 0; i < pages && !bad; i++)
		dma_unmap_page_attrs(test->dev, addr[i], PAGE_SIZE,
				     DMA_TO_DEVICE, attrs);
	unmapped = ktime_get_ns() - start;
	say_time(name, what, bad, mapped, unmapped);
	kfree(addr);
}

/* The same in the page tables alone, where nobody has an address */
static void measure_tables(struct test *test, const char *name,
			   struct iommu_domain *domain)
{
	phys_addr_t phys = page_to_phys(test->block);
	unsigned int i, bad = 0;
	u64 start, mapped, unmapped;

	start = ktime_get_ns();
	for (i = 0; i < pages; i++)
		bad += map_again(domain, FREE_IOVA + i * PAGE_SIZE, phys,
				 IOMMU_READ) != 0;
	mapped = ktime_get_ns() - start;

	start = ktime_get_ns();
	for (i = 0; i < pages; i++)
		bad += iommu_unmap(domain, FREE_IOVA + i * PAGE_SIZE,
				   PAGE_SIZE) != PAGE_SIZE;
	unmapped = ktime_get_ns() - start;
	say_time(name, "page tables", bad, mapped, unmapped);
}

static void measure(struct test *test, const char *name,
		    struct iommu_domain *domain)
{
	if (!pages)
		return;

	measure_dma_api(test, name, "DMA API, new addresses");
	measure_dma_api(test, name, "DMA API");
	measure_tables(test, name, domain);
}

/* The target is mapped for reading only: nothing of it may be written to */
static const char *read_only(struct test *test, dma_addr_t *at)
{
	const char *said = "as wanted";

	test->to.way = DMA_TO_DEVICE;
	if (map_both(test, 0) || !is_one(test))
		said = "not mapped as one segment";
	else {
		*at = sg_dma_address(test->to.sg);
		if (copy(test))
			said = "the transfer says that it is complete";
	}
	unmap_both(test);
	test->to.way = DMA_FROM_DEVICE;

	return touched(&test->to, 0, PAGES) ? "written to all the same" : said;
}

static void say_refused(const char *name, const char *what, const char *said,
			dma_addr_t at)
{
	pr_info("sgtest: %s: %s: %s, at %#llx\n", name, what, said,
		(unsigned long long)at);
}

static bool of_this_name(struct dma_chan *chan, void *name)
{
	return !strcmp(dev_name(chan->device->dev), name);
}

static int run(const char *value, const struct kernel_param *kp)
{
	struct iommu_domain *domain;
	struct test *test;
	dma_addr_t at = 0;
	dma_cap_mask_t mask;
	const char *said;
	char *name, *copied;

	copied = kstrdup(value, GFP_KERNEL);
	test = kzalloc(sizeof(*test), GFP_KERNEL);
	if (!copied || !test)
		goto out;

	name = strim(copied);
	dma_cap_zero(mask);
	dma_cap_set(DMA_MEMCPY, mask);
	test->chan = dma_request_channel(mask, of_this_name, name);
	if (!test->chan || get_pages(test)) {
		pr_err("sgtest: %s: no free channel, or no memory\n", name);
		goto out_free;
	}

	test->dev = test->chan->device->dev;
	test->from.way = DMA_TO_DEVICE;
	test->to.way = DMA_FROM_DEVICE;
	pr_info("sgtest: %s: scattered: %u transfers, %u failures, %s 4 GiB\n",
		name, transfers, scattered(test, transfers),
		page_to_phys(test->block) < BEYOND ? "below" : "beyond");

	domain = iommu_get_domain_for_dev(test->dev);
	if (domain) {
		said = spoiled(test, &test->from, domain, &at);
		say_refused(name, "source not mapped", said, at);
		said = spoiled(test, &test->to, domain, &at);
		say_refused(name, "target not mapped", said, at);
		said = read_only(test, &at);
		say_refused(name, "target read-only", said, at);
		pr_info("sgtest: %s: after faults: %u failures\n", name,
			scattered(test, 10));
		measure(test, name, domain);
	}

out_free:
	if (test->block)
		__free_pages(test->block, ORDER);
	if (test->chan)
		dma_release_channel(test->chan);
out:
	kfree(test);
	kfree(copied);
	return 0;
}

static const struct kernel_param_ops run_ops = { .set = run };
module_param_cb(run, &run_ops, NULL, 0200);

MODULE_DESCRIPTION("Scattered and failing transfers, for \"make board\"");
MODULE_LICENSE("GPL");
