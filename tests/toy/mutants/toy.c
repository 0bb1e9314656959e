// SPDX-License-Identifier: GPL-2.0
/* What tools/mutants has to find, and what it has to leave alone; see tests/mutants.py. */
#include "toy.h"

static int untouched(int a)
{
	if (a == 3 || a == 6)
		return 1;
	return 0;
}

/* From here on all is "added" */
static const int table[2] = { 1, 2 };
static int seen;

static void note(int value)
{
	seen = value;
}

static bool both(int a, int b)
{
	return a && b < 2;
}

static int *find(int a)
{
	static int found;

	dev_info("looking for %d\n", a);
	if (!a)
		return NULL;
	printk("found %d\n", a + 1);
	found = a;
	return &found;
}

int toy(int a, int b)
{
	char text[4];
	int i, n = 0, err;

	set_to(n, a);
	for_each(i, 2) {
		note(table[i] + a);
		n += seen;
	}
	text[0] = 'x';
	if (IS_ENABLED(CONFIG_TOY))
		missing();
	err = untouched(a);
	if (err)
		return -EPROBE_DEFER;
	switch (b) {
	case 7:
		return -ENODEV;
	default:
		break;
	}
	if (both(a, b) || find(a - 5) == NULL)
		return n ? 100 : text[0];
	return n + *find(a - 6);
}
