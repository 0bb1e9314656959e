// SPDX-License-Identifier: GPL-2.0
/* what the toy base lacks */
