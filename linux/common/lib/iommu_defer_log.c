// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel log says about a master, for the IOMMU probe deferral tests.
 *
 * A console of our own gets all lines that are printed.  It counts those about
 * one device, so the tests need neither know the words nor look for them.
 */

#include <linux/console.h>
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "iommu_defer.h"

/* Protected by the console lock */
static struct {
	const char *device;
	unsigned int lines;
} watched;

/*
 * What the cores say of each device isn't about IOMMUs: that it is in a group now,
 * and that a supplier of any kind isn't waited for.
 */
static bool line_counts(const char *line, unsigned int length)
{
	return strnstr(line, watched.device, length) &&
	       !strnstr(line, "to iommu group", length) &&
	       !strnstr(line, "to group", length) &&
	       !strnstr(line, "ignoring dependency for device", length);
}

/* Called with one line or several of them */
static void test_log_write(struct console *console, const char *text,
			   unsigned int length)
{
	const char *end;
	unsigned int n;

	for (; watched.device && length; text += n, length -= n) {
		end = memchr(text, '\n', length);
		n = end ? end - text + 1 : length;
		if (line_counts(text, n))
			watched.lines++;
	}
}

static struct console test_log_console = {
	.name	= "defer",
	.write	= test_log_write,
	.flags	= CON_ENABLED | CON_ANYTIME,
	.index	= -1,
};

/* Has another thread that holds the lock print what it has left, first. */
static void test_log_set_device(const char *device)
{
	console_lock();
	console_unlock();
	console_lock();
	watched.device = device;
	console_unlock();
}

/**
 * test_log_watch() - count the lines of the log that name a device from now on
 * @dev: the device
 */
void test_log_watch(struct device *dev)
{
	static bool registered;

	if (!registered)
		register_console(&test_log_console);
	registered = true;

	test_log_set_device(NULL);
	watched.lines = 0;
	test_log_set_device(dev_name(dev));
}

/* Stop counting.  Returns the number of lines. */
unsigned int test_log_lines(void)
{
	test_log_set_device(NULL);
	return watched.lines;
}
