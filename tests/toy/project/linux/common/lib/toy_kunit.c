// SPDX-License-Identifier: GPL-2.0
/* the tests of one and two */
