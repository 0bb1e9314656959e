// SPDX-License-Identifier: GPL-2.0
/* one: broken */
int one;

int between;

int still_between;

int almost;

/* two: broken */
int two;
